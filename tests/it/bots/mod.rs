//! What a program that calls ours can rely on: the time of a run, one JSON document whatever happens,
//! errors that say what to do, approvals that were given by somebody.

mod approvals;
mod calls;
mod questions;
mod spent;
mod structure;
mod told;
