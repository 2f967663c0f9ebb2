//! End-user and API texts, one JSON file per language, compiled in.
