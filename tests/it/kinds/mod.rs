//! The kinds of steps beyond flags, restarts, git and commands, each from its plan to its look.

mod apply;
mod http;
mod metric;
mod not_ready;
mod present;
mod put_back;
mod restore_snapshot;
mod rollout_undo;
