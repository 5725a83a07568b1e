//! The `rollback` command.

fn main() {}
