//! The `rollback` command: parse, call, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    rollback::commands::main()
}
