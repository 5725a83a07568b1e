//! One attempt at a step: the intent on the disk, the effect, the look until it is there, broken or
//! out of time, and the record of its end.

use std::io;
use std::time::{Duration, Instant};

use super::{Run, millis};
use crate::event::{Live, Outcome, Record};
use crate::inbox::{Message, Stop, TICK};
use crate::plan::PlannedStep;
use crate::runbook::Action;
use crate::step::{Doing, Done, Effect, Nature, Obstacle, Outputs, kinds};

/// How long a change may stay unseen after it was done before it is said not to have stuck.
const STICKS: Duration = Duration::from_secs(10);
/// The same for what the API server itself has said to be done: it shows that at once.
const STICKS_IN_CLUSTER: Duration = Duration::from_secs(1);
/// How long an object that somebody else is known to own is looked at before it counts as changed.
const CONTESTED: Duration = Duration::from_secs(1);
/// How long the cluster's controllers are left alone with a change of a workload before the first
/// look: none is quicker, and a look would only see what is under way and take time from them.
const HEAD_START: Duration = Duration::from_millis(10);
/// How long one look may take.
const LOOK: Duration = Duration::from_secs(30);
/// How long it may still take after we were asked to end the step.
const LAST_LOOK: Duration = Duration::from_secs(2);

impl Run {
    /// Does a step once and records how it went.
    pub(super) fn attempt(
        &mut self,
        index: usize,
        planned: &PlannedStep,
        attempt: u32,
    ) -> io::Result<Done> {
        let step = &planned.step;
        let begun = Instant::now();
        let deadline = begun + step.timeout;
        let (action, resolved) = match self.late().resolve(&step.action) {
            Ok(resolved) => resolved,
            Err(why) => return Err(io::Error::other(why)),
        };
        let anew = self.foresee_anew(index, planned, &action);
        let blocked = anew
            .as_ref()
            .and_then(|anew| {
                anew.forecast.obstacles.iter().find(|obstacle| obstacle.certain).cloned()
            })
            .or_else(|| without_value(&action));
        let planned = anew.as_ref().unwrap_or(planned);
        let mut doing = self.doing(planned);
        let commands = kinds::commands(&action, &self.plan.setting, &doing.mark, &planned.forecast);
        let intent = Record::StepIntended {
            step: step.id.clone(),
            index: index + 1,
            of: self.plan.steps.len(),
            name: step.name.clone(),
            kind: action.kind().to_owned(),
            attempt,
            commands,
            resolved,
        };
        self.hands.take_up(&step.id, deadline);
        let (done, effect) = match planned.nature {
            Nature::Change | Nature::Fire => {
                let permit = self.hands.recorder.intend(&step.id, intent)?;
                self.catch_up();
                self.hands.recorder.guard().at_step(index + 1, self.plan.steps.len(), &step.name);
                doing.timeout = deadline.saturating_duration_since(Instant::now());
                let done = match blocked {
                    Some(obstacle) => {
                        Done::badly(obstacle.why, obstacle.hint.into_iter().collect())
                    }
                    None => kinds::perform(&action, &doing, &mut self.hands, &permit),
                };
                self.follow(planned.nature, &action, &doing, done, deadline)?
            }
            Nature::Check => {
                let permit = self.hands.recorder.intend(&step.id, intent)?;
                self.catch_up();
                self.hands.recorder.guard().at_step(index + 1, self.plan.steps.len(), &step.name);
                let done = match (blocked, &action) {
                    (Some(obstacle), _) => {
                        Done::badly(obstacle.why, obstacle.hint.into_iter().collect())
                    }
                    (None, Action::Command(_)) => {
                        kinds::perform(&action, &doing, &mut self.hands, &permit)
                    }
                    (None, _) => self.check(&step.id, &action, &doing, deadline)?,
                };
                let effect = if done.outcome == Outcome::Done {
                    Effect::Present(done.why.clone(), Outputs::new())
                } else {
                    Effect::Missing(done.why.clone())
                };
                (done, effect)
            }
        };
        for envelope in std::mem::take(&mut self.hands.begun) {
            self.state.apply(&envelope);
        }
        // Durable before it is shown: what the operator saw done is done for every resume.
        self.commit(Record::StepEnded {
            step: step.id.clone(),
            attempt,
            outcome: done.outcome,
            effect: effect.kind(),
            why: done.why.clone(),
            detail: done.detail.clone(),
            elapsed_ms: millis(begun.elapsed()),
            outputs: done.outputs.clone(),
        })?;
        self.watch_budget()?;
        Ok(done)
    }

    /// The intent was recorded by the journal, not by us: the state has to hear of it as well.
    fn catch_up(&mut self) {
        if let Some(envelope) = self.hands.recorder.last() {
            self.state.apply(&envelope);
        }
    }

    /// Looks after the effect of what was done, and says how the step went in the end.
    fn follow(
        &mut self,
        nature: Nature,
        action: &Action,
        doing: &Doing,
        done: Done,
        deadline: Instant,
    ) -> io::Result<(Done, Effect)> {
        if nature == Nature::Fire {
            let effect = Effect::Unanswerable("nothing can show the effect".to_owned());
            return Ok((done, effect));
        }
        if done.outcome != Outcome::Done {
            // What the command says of itself is not the last word: the world is asked once.
            let effect = self.look_once(action, doing);
            return Ok(match &effect {
                Effect::Present(evidence, outputs) | Effect::Awaiting(evidence, outputs) => {
                    let mut well = Done::well(format!("{evidence} (although {})", done.why));
                    well.outputs.clone_from(outputs);
                    (well, effect)
                }
                _ => (done, effect),
            });
        }
        let effect = self.await_effect(action, doing, deadline)?;
        let done = match &effect {
            Effect::Present(evidence, outputs) | Effect::Awaiting(evidence, outputs) => {
                let mut all = done.outputs;
                all.extend(outputs.clone());
                Done {
                    outcome: Outcome::Done,
                    why: evidence.clone(),
                    detail: done.detail,
                    outputs: all,
                }
            }
            Effect::Broken(why, detail) => Done::badly(why.clone(), detail.clone()),
            Effect::Missing(found) | Effect::Partly(found) => {
                Done::badly(format!("it did not stick: {found}"), Vec::new())
            }
            Effect::Underway(_) | Effect::Unanswerable(_)
                if self.hands.inbox.stop() >= Stop::EndChild =>
            {
                Done {
                    outcome: Outcome::Interrupted,
                    why: format!("the wait was cut short: {}", effect.sentence()),
                    detail: Vec::new(),
                    outputs: done.outputs,
                }
            }
            Effect::Underway(progress) => Done {
                outcome: Outcome::TimedOut,
                why: format!(
                    "not there within {}: {progress}",
                    humantime::format_duration(doing.limit)
                ),
                detail: Vec::new(),
                outputs: done.outputs,
            },
            Effect::Unanswerable(why) | Effect::Forbidden(why) => {
                Done::badly(format!("done, but its effect cannot be seen: {why}"), Vec::new())
            }
        };
        Ok((done, effect))
    }

    /// Looks again whenever something moves, until the effect is there, broken, or out of time.
    pub(super) fn await_effect(
        &mut self,
        action: &Action,
        doing: &Doing,
        deadline: Instant,
    ) -> io::Result<Effect> {
        let watched = kinds::watched(action);
        let mut guard = None;
        let begun = Instant::now();
        let mut pause = Duration::from_millis(20);
        let in_cluster = kinds::is_in_cluster(action);
        let sticks = if in_cluster { STICKS_IN_CLUSTER } else { STICKS };
        let contested = in_cluster && !doing.forecast.owner.is_empty();
        if !watched.is_empty() {
            self.wait_for_news(begun + HEAD_START);
        }
        loop {
            let effect = self.look_once(action, doing);
            match &effect {
                Effect::Present(text, _) if contested && begun.elapsed() < CONTESTED => {
                    let owner = &doing.forecast.owner;
                    self.progress(&doing.mark.step_id, &format!("{text} · does {owner} mind?"));
                }
                Effect::Present(..) | Effect::Awaiting(..) | Effect::Broken(..) => {
                    return Ok(effect);
                }
                Effect::Underway(text) => self.progress(&doing.mark.step_id, text),
                Effect::Missing(_) | Effect::Partly(_) => {
                    if begun.elapsed() > sticks {
                        return Ok(effect);
                    }
                }
                // A right that was given just now may take a moment to hold.
                Effect::Forbidden(_) if begun.elapsed() > STICKS_IN_CLUSTER => return Ok(effect),
                Effect::Unanswerable(why) | Effect::Forbidden(why) => {
                    self.progress(&doing.mark.step_id, &format!("cannot be seen: {why}"));
                }
            }
            self.watch_budget()?;
            if Instant::now() >= deadline || self.hands.inbox.stop() >= Stop::EndChild {
                return Ok(effect);
            }
            // Only what is not there yet is watched. What moved since that look wakes it at once.
            if guard.is_none() && !watched.is_empty() {
                let sender = self.hands.inbox.sender();
                guard = Some(doing.reader.cluster.watch(&watched, move || {
                    let _ = sender.send(Message::Woken);
                }));
            }
            self.wait_for_news(deadline.min(Instant::now() + pause));
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// Waits until something that is watched moved, or `until`.
    fn wait_for_news(&mut self, until: Instant) {
        // Something moved while the last look was under way: it may not have seen that.
        if self.hands.inbox.was_woken() {
            return;
        }
        while Instant::now() < until {
            match self.hands.inbox.recv_until(until.min(Instant::now() + TICK)) {
                Some(Message::Woken) => {
                    // Events come in bursts: one look answers for all that are here already.
                    self.hands.inbox.was_woken();
                    return;
                }
                Some(Message::Signal(_)) => {
                    self.hands.say_stop();
                    if self.hands.inbox.stop() >= Stop::EndChild {
                        return;
                    }
                }
                Some(Message::Notice(text)) => self.hands.notice(text),
                _ => self.hands.recorder.tick(),
            }
        }
    }

    /// One look, on a helper thread, while signals and the display go on.
    pub(super) fn look_once(&mut self, action: &Action, doing: &Doing) -> Effect {
        let (asked, known) = (action.clone(), doing.clone());
        let step_id = known.mark.step_id.clone();
        self.hands.inbox.was_woken();
        let ticket = self.hands.inbox.helper(move || Message::Looked(kinds::look(&asked, &known)));
        let mut until = Instant::now() + LOOK;
        let mut hurried = false;
        while Instant::now() < until && self.hands.inbox.stop() < Stop::KillChild {
            if self.hands.inbox.stop() >= Stop::EndChild && !hurried {
                hurried = true;
                until = until.min(Instant::now() + LAST_LOOK);
            }
            match self.hands.inbox.recv_until(Instant::now() + TICK) {
                Some(Message::Looked(effect)) => {
                    self.looked.insert(step_id, Instant::now());
                    return effect;
                }
                Some(Message::Finished) => {
                    let why = "the look ended in a bug of this program".to_owned();
                    return Effect::Unanswerable(why);
                }
                Some(Message::Signal(_)) => self.hands.say_stop(),
                Some(Message::Notice(text)) => self.hands.notice(text),
                _ => self.hands.recorder.tick(),
            }
        }
        self.hands.inbox.abandon(ticket);
        Effect::Unanswerable(if hurried || self.hands.inbox.stop() == Stop::KillChild {
            "it was not waited for".to_owned()
        } else {
            format!("no answer within {}", humantime::format_duration(LOOK))
        })
    }

    /// Says how far a step is; the same words are not said twice.
    pub(super) fn progress(&mut self, step: &str, text: &str) {
        if self.said == text {
            return;
        }
        text.clone_into(&mut self.said);
        self.hands.recorder.live(&Live::Progress { step: step.to_owned(), text: text.to_owned() });
    }

    /// Lets time pass; true when we were asked to stop.
    pub(super) fn idle(&mut self, until: Instant) -> bool {
        while Instant::now() < until && self.hands.inbox.stop() == Stop::No {
            self.hands.wait_until(until.min(Instant::now() + TICK));
            self.hands.recorder.tick();
        }
        self.hands.inbox.stop() != Stop::No
    }

    /// The secrets that an action names, with their values.
    pub(super) fn secrets_of(&self, action: &Action) -> std::collections::BTreeMap<String, String> {
        let texts: Vec<&String> = match action {
            Action::Command(spec) => spec.env.values().collect(),
            Action::Http(spec) => spec.headers.values().collect(),
            Action::Metric(spec) => spec.headers.values().collect(),
            _ => Vec::new(),
        };
        let names: Vec<String> =
            texts.into_iter().flat_map(|text| crate::late::names(text)).collect();
        self.policy
            .secrets
            .iter()
            .filter(|(name, _)| names.contains(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// A check's headers with secrets filled in.
    pub(super) fn headers(&self, action: &Action) -> Vec<(String, String)> {
        headers(action, &self.policy.secrets)
    }
}

/// What nothing has a value for is never passed on as it is written.
fn without_value(action: &Action) -> Option<Obstacle> {
    let name = crate::late::missing(action).into_iter().next()?;
    let step = name.split('.').nth(1).unwrap_or_default();
    let why = format!("${{{name}}} has no value: step `{step}` left none behind in this run");
    Some(Obstacle { why, hint: None, certain: true })
}

/// A check's headers with secrets filled in.
pub fn headers(
    action: &Action,
    secrets: &std::collections::BTreeMap<String, String>,
) -> Vec<(String, String)> {
    let headers = match action {
        Action::Http(spec) => &spec.headers,
        Action::Metric(spec) => &spec.headers,
        _ => return Vec::new(),
    };
    headers
        .iter()
        .map(|(name, value)| {
            (name.clone(), crate::late::replace(value, |secret| secrets.get(secret).cloned()))
        })
        .collect()
}
