//! Where records and live events go: the journal first, then the renderers. A renderer that has
//! died (a closed pipe, a lost terminal) is quiet and stops nothing.

use std::io;
use std::time::Duration;

use crate::event::{Envelope, Live, Record};
use crate::journal::{Journal, Permit};
use crate::output::jsonl::JsonLines;
use crate::output::notify::Notifier;
use crate::terminal::live::LiveView;

/// A renderer.
pub enum View {
    /// For people, on stderr.
    Human(Box<LiveView>),
    /// For programs, on stdout.
    Lines(JsonLines),
    /// For those who are told.
    Told(Notifier),
}

/// The journal of the run and the renderers of this process.
pub struct Recorder {
    journal: Journal,
    views: Vec<View>,
    last: Option<Envelope>,
}

impl Recorder {
    /// Records into `journal` and shows in `views`.
    pub fn new(journal: Journal, views: Vec<View>) -> Recorder {
        Recorder { journal, views, last: None }
    }

    /// The journal.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Records without waiting for the disk; durable with the next record that is.
    pub fn append(&mut self, record: Record) -> io::Result<Envelope> {
        let envelope = self.journal.append(record)?;
        self.show(&envelope);
        Ok(envelope)
    }

    /// Records durably, then shows.
    pub fn commit(&mut self, record: Record) -> io::Result<Envelope> {
        let envelope = self.journal.append(record)?;
        self.journal.sync()?;
        self.show(&envelope);
        Ok(envelope)
    }

    /// Records a step's intent durably and gives the permit for its effect.
    pub fn intend(&mut self, step: &str, intent: Record) -> io::Result<Permit> {
        let (envelope, permit) = self.journal.intend(step, intent)?;
        self.show(&envelope);
        Ok(permit)
    }

    /// Makes what was appended durable.
    pub fn sync(&mut self) -> io::Result<()> {
        self.journal.sync()
    }

    /// The record that was written or shown last.
    pub fn last(&self) -> Option<Envelope> {
        self.last.clone()
    }

    /// Shows records that were written before, without writing them again.
    pub fn show(&mut self, envelope: &Envelope) {
        self.last = Some(envelope.clone());
        for view in &mut self.views {
            match view {
                View::Human(view) => view.record(envelope),
                View::Lines(lines) => lines.record(envelope),
                View::Told(notifier) => notifier.record(envelope),
            }
        }
    }

    /// Shows a live event; it is neither numbered nor journaled.
    pub fn live(&mut self, live: &Live) {
        for view in &mut self.views {
            match view {
                View::Human(view) => view.live(live),
                View::Lines(lines) => lines.live(live),
                View::Told(_) => {}
            }
        }
    }

    /// Draws what moves.
    pub fn tick(&mut self) {
        for view in &mut self.views {
            match view {
                View::Human(view) => view.tick(),
                View::Lines(_) | View::Told(_) => {}
            }
        }
    }

    /// The live view gives the terminal to a prompt.
    pub fn hide(&mut self) {
        for view in &mut self.views {
            match view {
                View::Human(view) => view.hide(),
                View::Lines(_) | View::Told(_) => {}
            }
        }
    }

    /// The live view takes the terminal back.
    pub fn reveal(&mut self) {
        for view in &mut self.views {
            match view {
                View::Human(view) => view.show(),
                View::Lines(_) | View::Told(_) => {}
            }
        }
    }

    /// The live view gives the terminal back for good.
    pub fn finish(&mut self) {
        for view in &mut self.views {
            match view {
                View::Human(view) => view.finish(),
                View::Lines(_) | View::Told(_) => {}
            }
        }
    }

    /// After the end: those who are told get a moment to hear of it.
    pub fn told(&self, limit: Duration) {
        for view in &self.views {
            if let View::Told(notifier) = view {
                notifier.wait(limit);
            }
        }
    }
}
