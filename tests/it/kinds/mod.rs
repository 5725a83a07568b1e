//! The kinds of steps beyond flags, restarts, git and commands, each from its plan to its look.

mod metric;
mod not_ready;
mod rollout_undo;
