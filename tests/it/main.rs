//! Everything that is tested from outside, in one binary.
#![allow(missing_docs)]

mod approvals;
mod crash;
mod foresight;
mod forge;
mod loader;
mod locks;
mod prometheus;
mod rehearsal;
mod run;
mod sandbox;
#[allow(dead_code, reason = "a tool box: not every test needs every tool")]
mod scenario;
mod signals;
mod terminal;
mod triggers;
mod truth;
mod watch;
