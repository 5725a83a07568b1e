//! Runs that are killed, or whose disk fails, at every write and sync: nothing is lost, nothing is
//! done twice, nothing is done without its intent.

mod doubt;
mod doubt_templates;
mod each_write;
mod leftovers;
mod outlived;
mod trace;
