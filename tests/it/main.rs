//! Everything that is tested from outside, in one binary.
#![allow(missing_docs)]
#![allow(
    clippy::disallowed_methods,
    reason = "a test is a user: it starts programs and asks servers"
)]
#![allow(clippy::disallowed_macros, reason = "figures are printed; nobody closes a test's stderr")]
#![allow(
    clippy::format_collect,
    clippy::format_push_string,
    clippy::similar_names,
    clippy::too_many_lines
)]

mod after;
mod any_cluster;
mod approvals;
mod around;
mod bots;
mod coming_back;
mod commands;
mod crash;
mod foresight;
mod forge;
mod hostile_run;
mod kinds;
mod loader;
mod locks;
mod monitor;
mod offers;
mod prometheus;
mod rehearsal;
mod rollouts;
mod run;
mod sandbox;
#[allow(dead_code, reason = "a tool box: not every test needs every tool")]
mod scenario;
mod signals;
mod terminal;
mod triggers;
mod truth;
mod watch;
