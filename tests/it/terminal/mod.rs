//! What the operator sees and is asked.
#![allow(clippy::needless_pass_by_value)]

mod fixtures;
mod pty;
mod screens;
mod stage;
mod streams;
