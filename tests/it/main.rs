//! Everything that is tested from outside, in one binary.
#![allow(missing_docs)]

mod crash;
mod forge;
mod loader;
mod prometheus;
mod rehearsal;
mod run;
mod sandbox;
#[allow(dead_code, reason = "a tool box: not every test needs every tool")]
mod scenario;
mod terminal;
mod triggers;
mod watch;
