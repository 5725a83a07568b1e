//! The sandbox against the recorded answers of a real API server, against kubectl, and in its own scenarios.

#[path = "sandbox/mod.rs"]
mod suite;
