//! The `trinco` binary.
fn main() {}
