//! Waiting for somebody else to be done: for how long, what the holder is asked for, and what the
//! operator is asked where a flag has not said it.

use std::time::{Duration, Instant};

use super::{BY_FLAG, BY_PROMPT, Holder, Order, Seen, refusal};
use crate::error::{Error, Result};
use crate::inbox::{Answer, Inbox, Message};
use crate::run::ask;

/// How long a preempting run waits for the other's step, where nobody says otherwise.
const PREEMPT_WAIT: Duration = Duration::from_secs(600);

/// How often a lock that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Waiting for somebody else to be done.
pub(super) struct Queue<'a> {
    /// What is locked, by whom, on which terms.
    pub(super) order: &'a Order<'a>,
    /// Whether somebody else had it first.
    pub(super) waited: bool,
    begun: Instant,
    /// What was said last, so that only news are said.
    said: String,
    preempt: bool,
    /// How long it is waited for; none where nobody has said.
    limit: Option<Duration>,
}

impl<'a> Queue<'a> {
    pub(super) fn new(order: &'a Order<'a>) -> Queue<'a> {
        let terms = &order.terms;
        let limit = terms.wait.or(terms.preempt.then_some(PREEMPT_WAIT));
        Queue {
            order,
            waited: false,
            begun: Instant::now(),
            said: String::new(),
            preempt: terms.preempt,
            limit,
        }
    }

    /// Who asks the holder to stop.
    pub(super) fn wish(&self) -> String {
        let me = &self.order.me;
        format!("{} for {}", me.who(), me.target)
    }

    /// Whether the holder is to be asked to stop after its step.
    pub(super) fn preempts(&self) -> bool {
        self.preempt
    }

    /// Refuses to preempt an equal or higher level.
    pub(super) fn may_preempt(&self, holder: &Holder) -> Result<()> {
        if self.preempt && !refusal::outranks(&self.order.me, holder) {
            return Err(refusal::outranked(self.order, holder).into());
        }
        Ok(())
    }

    /// Asks the operator what to do about a holder, where no flag has said it: true when that was
    /// asked just now.
    pub(super) fn decide(&mut self, inbox: &mut Inbox, holder: &Holder) -> Result<bool> {
        if self.limit.is_some() || !self.order.terms.interactive {
            return Ok(false);
        }
        let mut keys = vec![('w', "wait".to_owned())];
        if refusal::outranks(&self.order.me, holder) {
            keys.push(('p', "preempt it after its step".to_owned()));
        }
        keys.push(('q', "quit".to_owned()));
        let held = refusal::held(self.order, holder, Duration::ZERO);
        (self.order.say)(&format!("{}.", held.message));
        match choose(inbox, &keys)? {
            Some('w') => self.limit = Some(Duration::MAX),
            Some('p') => (self.preempt, self.limit) = (true, Some(PREEMPT_WAIT)),
            _ => return Err(held.into()),
        }
        Ok(true)
    }

    /// Waits a little, or gives up.
    pub(super) fn wait(&mut self, inbox: &mut Inbox, holder: &Holder) -> Result<()> {
        let limit = self.limit.unwrap_or_default();
        if self.begun.elapsed() >= limit {
            return Err(refusal::held(self.order, holder, self.begun.elapsed()).into());
        }
        self.waited = true;
        let verb = if self.preempt { "asked to stop after its step" } else { "at work" };
        let words =
            format!("waiting for the lock of {}: {verb}: {}", self.order.environment, holder.who());
        let words = format!("{words}: {}", holder.what());
        if words != self.said {
            (self.order.say)(&words);
            self.said = words;
        }
        let until = Instant::now() + LOOK.min(limit);
        while Instant::now() < until {
            if let Some(Message::Signal(_)) = inbox.recv_until(until) {
                return Err(refusal::interrupted(inbox).into());
            }
        }
        Ok(())
    }

    /// The holder seems dead: only the operator may take over from it. None: it is waited for.
    pub(super) fn take_over(
        &mut self,
        inbox: &mut Inbox,
        seen: Box<Seen>,
    ) -> Result<Option<Box<Seen>>> {
        let suspect = refusal::suspect(self.order, &seen);
        if !self.order.terms.interactive {
            return Err(suspect.into());
        }
        (self.order.say)(&format!(
            "{}. Its machine may sleep, or may have lost the cluster; if it lives, it begins no \
             further step once the lock is taken over.",
            suspect.message
        ));
        let keys =
            [('t', "takeover".to_owned()), ('w', "wait".to_owned()), ('q', "quit".to_owned())];
        match choose(inbox, &keys)? {
            Some('t') => {
                // Somebody else was at work here: the world is surveyed anew.
                self.waited = true;
                Ok(Some(seen))
            }
            Some('w') => Ok(None),
            _ => Err(suspect.into()),
        }
    }

    /// The Lease cannot be had: the operator decides, or a bot's flag. Gives who did.
    pub(super) fn go_without(&self, inbox: &mut Inbox, why: &str) -> Result<&'static str> {
        if self.order.terms.without {
            return Ok(BY_FLAG);
        }
        let refusal: Error = refusal::trouble(self.order, why);
        if !self.order.terms.interactive {
            return Err(refusal.into());
        }
        (self.order.say)(&format!(
            "{}. Without it nothing keeps somebody else from rolling back the same environment at \
             the same time.",
            refusal.message
        ));
        match ask::confirm(inbox, "Go on without the lock?") {
            Answer::Yes => Ok(BY_PROMPT),
            Answer::Interrupted => Err(refusal::interrupted(inbox).into()),
            _ => Err(refusal.into()),
        }
    }
}

/// One of the keys; none where nobody chose. There is no default.
fn choose(inbox: &mut Inbox, keys: &[(char, String)]) -> Result<Option<char>> {
    match ask::menu(inbox, "", keys) {
        Answer::Key(key) => Ok(Some(key)),
        Answer::Interrupted => Err(refusal::interrupted(inbox).into()),
        _ => Ok(None),
    }
}
