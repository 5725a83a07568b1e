//! Signals, and terminals and pipes that go away, while a run asks, waits and works.

mod echo;
mod git;
mod instants;
mod lost;
mod meanings;
mod silent;
pub mod stage;
mod waits;
