//! `rollback completions` and `rollback man`: what shells and `man` are given.

use std::path::Path;

use clap::{CommandFactory as _, ValueEnum as _};
use clap_complete::Shell;

use crate::cli::{Cli, CompletionsArgs};
use crate::error::{Error, Exit, Result};

use super::screen::Screen;

/// Prints a shell's script, or writes those of all shells.
pub fn completions(screen: &Screen, args: &CompletionsArgs) -> Result<Exit> {
    if let Some(dir) = &args.dir {
        std::fs::create_dir_all(dir).map_err(|error| cannot_write(dir, &error))?;
        for shell in Shell::value_variants() {
            clap_complete::generate_to(*shell, &mut Cli::command(), "rollback", dir)
                .map_err(|error| cannot_write(dir, &error))?;
        }
        return Ok(Exit::Success);
    }
    let shell = args
        .shell
        .ok_or_else(|| Error::usage("which shell? bash, zsh, fish, powershell, elvish"))?;
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "rollback", &mut script);
    screen.result(&String::from_utf8_lossy(&script));
    Ok(Exit::Success)
}

/// Writes the man pages.
pub fn man(dir: &Path) -> Result<Exit> {
    std::fs::create_dir_all(dir).map_err(|error| cannot_write(dir, &error))?;
    clap_mangen::generate_to(Cli::command(), dir).map_err(|error| cannot_write(dir, &error))?;
    // What follows the help of the whole program are its exit codes.
    let page = dir.join("rollback.1");
    std::fs::read_to_string(&page)
        .map(|text| text.replace(".SH EXTRA\n", ".SH \"EXIT STATUS\"\n"))
        .and_then(|text| std::fs::write(&page, text))
        .map_err(|error| cannot_write(&page, &error))?;
    Ok(Exit::Success)
}

fn cannot_write(dir: &Path, error: &std::io::Error) -> Error {
    Error::usage(format!("cannot write to {}: {error}", dir.display()))
}
