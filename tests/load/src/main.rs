//! Load generators for `scripts/bench`.
fn main() {}
