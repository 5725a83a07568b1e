//! Where records and live events go: the journal first, then the renderers. A renderer that has
//! died (a closed pipe, a lost terminal) is quiet and stops nothing.

use std::io;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use crate::event::{Envelope, Live, Notified, Record, RunStarted};
use crate::journal::{Journal, Permit};
use crate::lock::Guard;
use crate::output::jsonl::JsonLines;
use crate::output::notify::{Notifier, Pending};
use crate::terminal::live::LiveView;
use crate::terminal::redact::Redactor;

/// How long what goes on beside a run is waited for before what came is recorded.
const SLICE: Duration = Duration::from_millis(50);

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
    redactor: Redactor,
    guard: Guard,
    beside: Option<Receiver<Record>>,
    over: bool,
}

impl Recorder {
    /// Records into `journal` and shows in `views`. It permits no effect until it is [`guarded`].
    ///
    /// [`guarded`]: Recorder::guarded
    pub fn new(journal: Journal, views: Vec<View>) -> Recorder {
        Recorder {
            journal,
            views,
            last: None,
            redactor: Redactor::new(Vec::new()),
            guard: Guard::default(),
            beside: None,
            over: false,
        }
    }

    /// Takes in what goes on beside the run, as it comes: what others send here is journaled.
    #[must_use]
    pub fn beside(mut self, records: Receiver<Record>) -> Recorder {
        self.beside = Some(records);
        self
    }

    /// From now on these secrets are kept out of what is said in words.
    pub fn redact(&mut self, redactor: Redactor) {
        self.redactor = redactor;
    }

    /// The same, under a lock.
    #[must_use]
    pub fn guarded(mut self, guard: Guard) -> Recorder {
        self.guard = guard;
        self
    }

    /// The lock that effects are permitted under.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// The journal.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Records without waiting for the disk; durable with the next record that is.
    pub fn append(&mut self, record: Record) -> io::Result<Envelope> {
        let envelope = self.journal.append(self.clean(record))?;
        self.show(&envelope);
        Ok(envelope)
    }

    /// Records durably, then shows.
    pub fn commit(&mut self, record: Record) -> io::Result<Envelope> {
        let envelope = self.journal.append(self.clean(record))?;
        self.journal.sync()?;
        self.show(&envelope);
        Ok(envelope)
    }

    /// Records a step's intent durably and gives the permit for its effect.
    pub fn intend(&mut self, step: &str, intent: Record) -> io::Result<Permit> {
        let (envelope, permit) = self.journal.intend(step, intent, &self.guard)?;
        self.show(&envelope);
        Ok(permit)
    }

    /// The record that was written or shown last.
    pub fn last(&self) -> Option<Envelope> {
        self.last.clone()
    }

    /// Journals what was sent from beside the run; durable with the next record that is. A stream
    /// ends with the run: what comes later stands in the journal only. Gives who could not be told.
    fn take_in(&mut self) -> Vec<Notified> {
        let mut untold = Vec::new();
        while let Some(record) = self.beside.as_ref().and_then(|it| it.try_recv().ok()) {
            if let Record::Notified(told) = &record
                && !told.delivered
            {
                untold.push(told.clone());
            }
            let Ok(envelope) = self.journal.append(self.clean(record)) else { break };
            if !self.over {
                self.render(&envelope);
            }
        }
        untold
    }

    /// Shows records that were written before, without writing them again.
    pub fn show(&mut self, envelope: &Envelope) {
        self.last = Some(envelope.clone());
        self.over =
            matches!(envelope.record, Record::RunFinished { .. } | Record::RunPaused { .. });
        self.render(envelope);
    }

    fn render(&mut self, envelope: &Envelope) {
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
        let clean = self.clean_live(live);
        let live = clean.as_ref().unwrap_or(live);
        for view in &mut self.views {
            match view {
                View::Human(view) => view.live(live),
                View::Lines(lines) => lines.live(live),
                View::Told(_) => {}
            }
        }
    }

    /// What a record says in words may quote anybody: programs, servers, commits, operators. Plans and
    /// arguments stay as they are, since a resume runs them; whoever makes a plan keeps secrets out.
    fn clean(&self, mut record: Record) -> Record {
        if self.redactor.is_empty() {
            return record;
        }
        let texts: Vec<&mut String> = match &mut record {
            Record::StepEnded { why, detail, outputs, .. } => {
                std::iter::once(why).chain(detail).chain(outputs.values_mut()).collect()
            }
            Record::StepSkipped { detail: why, outputs, .. }
            | Record::DoubtResolved { why, outputs, .. } => {
                std::iter::once(why).chain(outputs.values_mut()).collect()
            }
            Record::CriterionJudged { why, .. }
            | Record::LockWaived { why, .. }
            | Record::EscalationOffered { why, .. }
            | Record::RunPaused { why, .. }
            | Record::RunFinished { why, .. }
            | Record::ItemJudged { why, .. }
            | Record::RunClosed { why, .. } => vec![why],
            Record::Notified(told) => vec![&mut told.why],
            Record::RunStarted(start) => {
                let RunStarted { incident, reason, trigger, approval, .. } = &mut **start;
                let approval = approval.iter_mut().flat_map(|it| [&mut it.by, &mut it.break_glass]);
                [incident, reason, trigger].into_iter().chain(approval).flatten().collect()
            }
            Record::Confirmed { decided_by, .. } => decided_by.iter_mut().collect(),
            Record::MetricsSampled(_)
            | Record::SnapshotTaken { .. }
            | Record::StepIntended { .. }
            | Record::ChildStarted { .. }
            | Record::Decision { .. }
            | Record::CriterionAsked { .. }
            | Record::LockTakenOver(_)
            | Record::BudgetExceeded { .. }
            | Record::Resumed { .. }
            | Record::ValidationStarted { .. }
            | Record::TierClosed { .. }
            | Record::RecoveryTicked { .. }
            | Record::CriterionTicked { .. }
            | Record::ForwardStarted { .. } => Vec::new(),
        };
        for text in texts {
            *text = self.redactor.redact(text);
        }
        record
    }

    fn clean_live(&self, live: &Live) -> Option<Live> {
        if self.redactor.is_empty() {
            return None;
        }
        let mut live = live.clone();
        match &mut live {
            Live::Output { text, .. } | Live::Progress { text, .. } | Live::Notice { text } => {
                *text = self.redactor.redact(text);
            }
        }
        Some(live)
    }

    /// Draws what moves.
    pub fn tick(&mut self) {
        self.take_in();
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

    /// After the end: what goes on beside gets a moment to end and is journaled. Gives who could not
    /// be told since.
    pub fn settle(&mut self, pending: &Pending, limit: Duration) -> Vec<Notified> {
        let until = Instant::now() + limit;
        let mut untold = Vec::new();
        // In slices, so that what comes is recorded when it comes.
        let late = loop {
            let late = pending.wait(SLICE);
            untold.extend(self.take_in());
            if late.is_empty() || Instant::now() >= until {
                break late;
            }
        };
        for (name, occasion) in late.into_iter().flatten() {
            let why = "no answer before this process ended".to_owned();
            let told = Notified { name, occasion, delivered: false, attempts: 0, why };
            let _ = self.journal.append(Record::Notified(told.clone()));
            untold.push(told);
        }
        // The run is over; that this could not be written is no news about it.
        let _ = self.journal.sync();
        untold
    }
}
