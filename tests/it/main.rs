//! Everything that is tested from outside, in one binary.
#![allow(missing_docs)]

mod forge;
mod loader;
mod sandbox;
mod terminal;
