//! Owns the tests of the sandbox.

mod api;
mod apply;
pub mod client;
mod conformance;
mod faults;
mod kubectl;
mod normal;
mod rollouts;
mod world;
