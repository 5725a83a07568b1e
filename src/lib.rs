//! `rollback`: carries out rollback runbooks.

pub mod commands;
pub mod draft;
pub mod error;
pub mod runbook;
pub mod script;
