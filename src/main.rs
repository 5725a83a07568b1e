//! The `rollback` program.

fn main() {}
