//! Boots a Trinco in-process for tests: fake clock, seeded randomness.
