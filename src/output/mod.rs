//! Everything that is written for machines: JSON, JSON Lines.

pub mod jsonl;
pub mod recorder;
