//! Owns the tests of the sandbox.

mod api;
mod apply;
mod client;
mod conformance;
mod faults;
mod kubectl;
mod normal;
mod rollouts;
mod world;
