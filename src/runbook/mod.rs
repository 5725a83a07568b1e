//! The YAML format: types, loading, errors with their place.

pub mod after;
pub mod bound;
pub mod catalog;
pub(crate) mod check;
pub mod duration;
pub mod find;
pub mod guard;
pub mod head;
mod keys;
pub mod lint;
mod lint_watching;
pub mod load;
pub mod model;
pub mod names;
pub mod parameters;
pub mod problem;
pub mod schema;
mod shape;
pub mod template;
pub mod tree;
mod trusted;
pub mod watching;

pub use after::{Phase, Tier};
pub use model::*;
