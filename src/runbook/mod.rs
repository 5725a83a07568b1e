//! The YAML format: types, loading, errors with their place.

pub mod model;

pub use model::*;
