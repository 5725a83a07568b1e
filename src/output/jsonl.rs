//! JSON Lines on stdout.

use crate::event::{Envelope, Live};

/// The sink.
#[derive(Debug, Default)]
pub struct JsonLines {}

impl JsonLines {
    /// A record.
    pub fn record(&mut self, _envelope: &Envelope) {}
    /// A live event.
    pub fn live(&mut self, _live: &Live) {}
}
