//! What the operator sees and is asked.
#![allow(clippy::needless_pass_by_value)]

#[path = "terminal/fixtures.rs"]
mod fixtures;
#[path = "terminal/pty.rs"]
mod pty;
#[path = "terminal/screens.rs"]
mod screens;
#[path = "terminal/stage.rs"]
mod stage;
#[path = "terminal/streams.rs"]
mod streams;
