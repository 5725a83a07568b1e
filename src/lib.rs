//! `rollback`: carries out rollback runbooks.
//!
//! Data flows one way: argv -> draft (pure) -> facts (all reads, at once) -> plan (pure, with its
//! digest) -> confirm -> lock -> run loop -> records -> journal, terminal, JSON Lines -> state (a
//! pure fold) -> resume and history. The modules below are in that order; `docs/architecture.md`
//! tells why.

pub mod cli;
pub mod commands;
pub mod error;

pub mod after;
pub mod draft;
pub mod runbook;
pub mod script;

pub mod facts;
pub mod flags;
pub mod plan;
pub mod step;

pub mod watch;

pub mod late;
pub mod lock;
pub mod run;
pub mod secrets;

pub mod event;
pub mod followed;
pub mod journal;
pub mod measured;
pub mod snapshot;
pub mod state;

pub mod output;
pub mod report;
pub mod terminal;

mod at_once;
mod hex;
pub mod inbox;
pub mod world;
mod yaml;

pub mod rehearsal;
pub mod sandbox;
