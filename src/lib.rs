//! rollback

pub mod sandbox;
