//! The only owner of the terminal.

pub mod live;
pub mod redact;
pub mod sanitize;
