//! Owns the tests of the sandbox.

mod client;
mod conformance;
mod kubectl;
mod normal;
mod scenarios;
