//! Everything that can interrupt a wait: signals, children, watches, probes, answers, time. The
//! main thread blocks in [`Inbox::recv_until`] and nowhere else; each blocking resource has a
//! helper thread with a sender, and helpers are abandoned, never joined.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::facts::Facts;
use crate::lock::Attempt;
use crate::step::Effect;
use crate::world::process::Ending;

/// How often the display is drawn and output is tailed.
pub const TICK: Duration = Duration::from_millis(100);

/// Something that happened while we waited.
#[derive(Debug)]
pub enum Message {
    /// A signal; [`Inbox::stop`] has counted it already.
    Signal(i32),
    /// The child with this number ended.
    ChildEnded(usize, Ending),
    /// Something that is watched changed: look again.
    Woken,
    /// A look's answer.
    Looked(Effect),
    /// A check's attempt: whether it passed, and the sentence.
    Probed(bool, String),
    /// The survey is in.
    Surveyed(Box<Facts>),
    /// Work on a helper thread that somebody else keeps the result of is done.
    Finished,
    /// What a helper sends, with the number of its work; [`Inbox::recv_until`] unwraps it.
    From(Ticket, Box<Message>),
    /// What came of trying to take the environment's Lease.
    Lease(Box<Attempt>),
    /// A word that the operator should see, such as that the lock was lost.
    Notice(String),
}

/// The number of a helper's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// What the operator answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Yes, or the right name.
    Yes,
    /// No, EOF, or the wrong name.
    No,
    /// A text.
    Text(String),
    /// A key of a menu.
    Key(char),
    /// Ctrl-C at the prompt.
    Interrupted,
}

/// How urgently we are asked to stop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Not at all.
    #[default]
    No,
    /// After the running step (first Ctrl-C, SIGHUP).
    AfterStep,
    /// End the running child with TERM (second Ctrl-C, SIGTERM).
    EndChild,
    /// Kill it (third Ctrl-C).
    KillChild,
}

/// The one place where the main thread waits.
#[derive(Debug)]
pub struct Inbox {
    sender: Sender<Message>,
    receiver: Receiver<Message>,
    stop: Stop,
    terminated: bool,
    hung_up: bool,
    /// The work that was begun last.
    last: u64,
    /// Work that nobody waits for any more: its answer must not be taken for another's.
    abandoned: BTreeSet<Ticket>,
    woken: bool,
}

impl Default for Inbox {
    fn default() -> Inbox {
        Inbox::new()
    }
}

impl Inbox {
    /// An inbox that hears nothing yet.
    pub fn new() -> Inbox {
        let (sender, receiver) = channel();
        Inbox {
            sender,
            receiver,
            stop: Stop::No,
            terminated: false,
            hung_up: false,
            last: 0,
            abandoned: BTreeSet::new(),
            woken: false,
        }
    }

    /// Starts to hear SIGINT, SIGTERM and SIGHUP instead of dying of them.
    pub fn hear_signals(&self) -> std::io::Result<()> {
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let sender = self.sender.clone();
        std::thread::spawn(move || {
            for signal in signals.forever() {
                if sender.send(Message::Signal(signal)).is_err() {
                    return;
                }
            }
        });
        Ok(())
    }

    /// For helper threads.
    pub fn sender(&self) -> Sender<Message> {
        self.sender.clone()
    }

    /// Runs `work` on a helper thread; its message arrives here, unless it is abandoned.
    pub fn helper(&mut self, work: impl FnOnce() -> Message + Send + 'static) -> Ticket {
        self.last += 1;
        let ticket = Ticket(self.last);
        let sender = self.sender.clone();
        std::thread::spawn(move || {
            // Whoever waits for a message must not wait for one that a bug has eaten.
            let message = catch_unwind(AssertUnwindSafe(work)).unwrap_or(Message::Finished);
            let _ = sender.send(Message::From(ticket, Box::new(message)));
        });
        ticket
    }

    /// Nobody waits for this work any more: its answer, should it still come, is dropped.
    pub fn abandon(&mut self, ticket: Ticket) {
        self.abandoned.insert(ticket);
    }

    /// Whether something that is watched moved since this was asked last. Waits that are about
    /// something else take such a message in passing; it must not be lost with them.
    pub fn was_woken(&mut self) -> bool {
        std::mem::take(&mut self.woken)
    }

    /// Does blocking work on a helper thread while signals are heard; none when a signal came first
    /// (the work is abandoned).
    pub fn attend<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = channel();
        let ticket = self.helper(move || {
            let _ = sender.send(work());
            Message::Finished
        });
        loop {
            match self.recv_until(Instant::now() + TICK) {
                Some(Message::Finished) => return receiver.recv().ok(),
                Some(Message::Signal(_)) => {
                    self.abandon(ticket);
                    return None;
                }
                _ => {}
            }
        }
    }

    /// The next message, or none when `deadline` passes first.
    pub fn recv_until(&mut self, deadline: Instant) -> Option<Message> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = match self.receiver.recv_timeout(left) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            };
            match message {
                Message::From(ticket, _) if self.abandoned.remove(&ticket) => {}
                Message::From(_, message) => return Some(*message),
                Message::Signal(signal) => {
                    self.count(signal);
                    return Some(message);
                }
                Message::Woken => {
                    self.woken = true;
                    return Some(message);
                }
                _ => return Some(message),
            }
        }
    }

    /// Counts the signals that have arrived and drops stale wake-ups; for between two steps.
    pub fn drain(&mut self) {
        while self.recv_until(Instant::now()).is_some() {}
    }

    fn count(&mut self, signal: i32) {
        match signal {
            SIGINT => {
                self.stop = match self.stop {
                    Stop::No => Stop::AfterStep,
                    Stop::AfterStep => Stop::EndChild,
                    Stop::EndChild | Stop::KillChild => Stop::KillChild,
                }
            }
            SIGHUP => {
                self.hung_up = true;
                self.stop = self.stop.max(Stop::AfterStep);
            }
            _ => {
                self.terminated = true;
                self.stop = self.stop.max(Stop::EndChild);
            }
        }
    }

    /// How urgently we are asked to stop.
    pub fn stop(&self) -> Stop {
        self.stop
    }

    /// Ctrl-C at a prompt counts as a first Ctrl-C.
    pub fn interrupted_at_prompt(&mut self) {
        self.count(SIGINT);
    }

    /// Whether SIGTERM or SIGHUP asked (exit 143), and not only Ctrl-C (exit 130).
    pub fn terminated(&self) -> bool {
        self.terminated || self.hung_up
    }

    /// Why we stop, in words.
    pub fn reason(&self) -> &'static str {
        if self.terminated {
            "SIGTERM"
        } else if self.hung_up {
            "the connection was lost"
        } else {
            "Ctrl-C"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_further_ctrl_c_is_more_urgent() {
        let mut inbox = Inbox::new();
        let mut seen = Vec::new();
        for _ in 0..4 {
            inbox.sender().send(Message::Signal(SIGINT)).expect("open");
            inbox.recv_until(Instant::now());
            seen.push(inbox.stop());
        }
        assert_eq!(seen, [Stop::AfterStep, Stop::EndChild, Stop::KillChild, Stop::KillChild]);
        assert!(!inbox.terminated());
    }

    #[test]
    fn an_answer_that_came_too_late_is_not_taken_for_another_s() {
        let mut inbox = Inbox::new();
        let late = inbox.helper(|| Message::Probed(true, "late".to_owned()));
        inbox.abandon(late);
        inbox.helper(|| Message::Probed(false, "in time".to_owned()));
        let until = Instant::now() + Duration::from_secs(5);
        let Some(Message::Probed(passed, sentence)) = inbox.recv_until(until) else {
            panic!("no answer")
        };
        assert_eq!((passed, sentence.as_str()), (false, "in time"));
    }

    #[test]
    fn an_event_that_another_wait_took_is_remembered_once() {
        let mut inbox = Inbox::new();
        inbox.sender().send(Message::Woken).expect("open");
        inbox.recv_until(Instant::now());
        assert!(inbox.was_woken());
        assert!(!inbox.was_woken());
    }

    #[test]
    fn a_lost_connection_finishes_the_step_and_a_term_ends_the_child() {
        let mut inbox = Inbox::new();
        inbox.sender().send(Message::Signal(SIGHUP)).expect("open");
        inbox.drain();
        assert_eq!((inbox.stop(), inbox.reason()), (Stop::AfterStep, "the connection was lost"));
        inbox.sender().send(Message::Signal(SIGTERM)).expect("open");
        inbox.drain();
        assert_eq!((inbox.stop(), inbox.reason()), (Stop::EndChild, "SIGTERM"));
    }
}
