//! The `promote-bot` program.

fn main() {}
