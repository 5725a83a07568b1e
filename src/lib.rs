//! `rollback`: carries out rollback runbooks.

pub mod error;
pub mod event;
pub mod facts;
pub mod journal;
pub mod output;
pub mod plan;
pub mod runbook;
pub mod state;
pub mod step;
pub mod terminal;
pub mod world;
