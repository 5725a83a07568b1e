//! `rollback`: carries out rollback runbooks.

pub mod error;
pub mod runbook;
