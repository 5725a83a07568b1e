//! `rollback`: carries out rollback runbooks.

pub mod error;
pub mod event;
pub mod facts;
pub mod journal;
pub mod runbook;
pub mod sandbox;
pub mod step;
pub mod world;
