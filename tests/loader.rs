//! The loader: files to drafts, and what is said about files that are wrong.

#[path = "loader/mod.rs"]
mod loader;
