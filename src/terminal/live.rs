//! The live view.

use crate::event::{Envelope, Live};

/// The live view.
#[derive(Debug, Default)]
pub struct LiveView {}

impl LiveView {
    /// A record.
    pub fn record(&mut self, _envelope: &Envelope) {}
    /// A live event.
    pub fn live(&mut self, _live: &Live) {}
    /// Draws.
    pub fn tick(&mut self) {}
    /// Ends.
    pub fn finish(&mut self) {}
}
