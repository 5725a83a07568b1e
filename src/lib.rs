//! `rollback`: carries out rollback runbooks.

pub mod commands;
pub mod draft;
pub mod error;
pub mod event;
pub mod facts;
pub mod inbox;
pub mod journal;
pub mod output;
pub mod plan;
pub mod runbook;
pub mod sandbox;
pub mod script;
pub mod state;
pub mod step;
pub mod terminal;
pub mod world;
