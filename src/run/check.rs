//! Asking a Check: HTTP until it passes N times in a row, time, a rollout, a person.

use std::io;
use std::time::{Duration, Instant};

use super::Run;
use crate::event::Outcome;
use crate::inbox::{Answer, Message, Stop, TICK};
use crate::runbook::{Action, Manual, Wait};
use crate::step::{Doing, Done, Effect, Outputs, kinds};

/// Between two passes in a row.
const BETWEEN: Duration = Duration::from_millis(50);
/// Between two looks at a number that is measured every few seconds.
const BETWEEN_SAMPLES: Duration = Duration::from_millis(500);
/// The widest wait between two failed attempts.
const WIDEST: Duration = Duration::from_secs(2);

impl Run {
    /// Asks until it passes, or `deadline`.
    pub(super) fn check(
        &mut self,
        id: &str,
        action: &Action,
        doing: &Doing,
        deadline: Instant,
    ) -> io::Result<Done> {
        match action {
            Action::Http(_) | Action::Metric(_) => {
                self.check_until(id, action, doing.limit, deadline)
            }
            Action::Manual(manual) => Ok(self.check_manual(id, manual)),
            Action::Wait(wait) => self.check_wait(action, wait, doing, deadline),
            _ => Ok(Done::badly("this is not a check", Vec::new())),
        }
    }

    /// Asks until it has passed so often in a row, and for so long.
    fn check_until(
        &mut self,
        id: &str,
        action: &Action,
        limit: Duration,
        deadline: Instant,
    ) -> io::Result<Done> {
        let headers = self.headers(action);
        let (consecutive, hold, between) = match action {
            Action::Http(http) => (http.consecutive, Duration::ZERO, BETWEEN),
            Action::Metric(metric) => (1, metric.hold, BETWEEN_SAMPLES),
            _ => (1, Duration::ZERO, BETWEEN),
        };
        let long_enough = if consecutive > 1 {
            format!("{consecutive} in a row")
        } else {
            format!("for {}", humantime::format_duration(hold))
        };
        let mut in_a_row = 0;
        let mut fallen_back = 0;
        let mut since = Instant::now();
        let mut pause = between;
        loop {
            let (passed, sentence) = self.probe(action, &headers);
            if passed {
                if in_a_row == 0 {
                    since = Instant::now();
                }
                in_a_row += 1;
                pause = between;
            } else {
                fallen_back += u32::from(in_a_row > 0);
                in_a_row = 0;
            }
            if in_a_row >= consecutive && since.elapsed() >= hold {
                let once = consecutive <= 1 && hold.is_zero();
                let times = if once { String::new() } else { format!(", {long_enough}") };
                return Ok(Done::well(format!("{sentence}{times}")));
            }
            let flaps = if fallen_back > 0 {
                format!("; it flaps: {fallen_back} times good, then bad again")
            } else {
                String::new()
            };
            let last = if passed { sentence.clone() } else { format!("{sentence}{flaps}") };
            if self.hands.inbox.stop() >= Stop::EndChild {
                return Ok(ended(Outcome::Interrupted, format!("cut short; last: {last}")));
            }
            if Instant::now() >= deadline {
                // A good answer that comes last would else read as a reason to fail.
                let limit = humantime::format_duration(limit);
                return Ok(ended(
                    Outcome::Failed,
                    if passed {
                        format!("{sentence}, but not {long_enough} within {limit}{flaps}")
                    } else {
                        last
                    },
                ));
            }
            let far = if hold.is_zero() {
                format!("{in_a_row} of {consecutive}")
            } else {
                let so_far = if in_a_row == 0 { 0 } else { since.elapsed().as_secs() };
                format!("{so_far}s of {}", humantime::format_duration(hold))
            };
            self.progress(id, &format!("{last} · {far}"));
            self.watch_budget()?;
            let until = (Instant::now() + pause).min(deadline);
            while Instant::now() < until && self.hands.inbox.stop() < Stop::EndChild {
                self.hands.wait_until(until.min(Instant::now() + TICK));
                self.hands.recorder.tick();
            }
            if !passed {
                pause = (pause * 2).min(WIDEST);
            }
        }
    }

    /// One attempt, on a helper thread, while signals and the display go on.
    fn probe(&mut self, action: &Action, headers: &[(String, String)]) -> (bool, String) {
        let (asked, headers) = (action.clone(), headers.to_vec());
        let limit = match action {
            Action::Http(http) => http.attempt_timeout,
            // A plain series is asked for its age as well.
            Action::Metric(metric) => metric.attempt_timeout * 2,
            _ => Duration::ZERO,
        };
        let ticket = self.hands.inbox.helper(move || {
            let (_, attempt) = kinds::ask_once(&asked, &headers);
            Message::Probed(attempt.passed, attempt.sentence)
        });
        let until = Instant::now() + limit + Duration::from_secs(5);
        while Instant::now() < until && self.hands.inbox.stop() < Stop::EndChild {
            match self.hands.inbox.recv_until(Instant::now() + TICK) {
                Some(Message::Probed(passed, sentence)) => return (passed, sentence),
                Some(Message::Signal(_)) => self.hands.say_stop(),
                Some(Message::Notice(text)) => self.hands.notice(text),
                _ => self.hands.recorder.tick(),
            }
        }
        self.hands.inbox.abandon(ticket);
        (false, "no answer".to_owned())
    }

    fn check_manual(&mut self, id: &str, manual: &Manual) -> Done {
        let verdict = |passed: bool, by: &str| {
            if passed {
                Done::well(format!("seen by {by}"))
            } else {
                Done::badly(format!("{by} said that it is not so"), Vec::new())
            }
        };
        if let Some(passed) = self.policy.answers.get(id) {
            return verdict(*passed, "--answer");
        }
        if !self.policy.interactive {
            return Done::badly(
                format!("it needs a person; answer it with --answer {id}=pass or {id}=fail"),
                vec![manual.instruction.clone()],
            );
        }
        match self.ask_confirm(&format!("{} Is it so?", manual.instruction)) {
            Answer::Yes => verdict(true, "the operator"),
            Answer::Interrupted => ended(Outcome::Interrupted, "not answered".to_owned()),
            _ => verdict(false, "the operator"),
        }
    }

    fn check_wait(
        &mut self,
        action: &Action,
        wait: &Wait,
        doing: &Doing,
        deadline: Instant,
    ) -> io::Result<Done> {
        if let Some(duration) = wait.duration {
            let until = Instant::now() + duration;
            while Instant::now() < until {
                let left = humantime::format_duration(Duration::from_secs(
                    until.saturating_duration_since(Instant::now()).as_secs() + 1,
                ));
                self.progress(&doing.mark.step_id, &format!("{left} left"));
                self.watch_budget()?;
                self.hands.wait_until(until.min(Instant::now() + TICK));
                self.hands.recorder.tick();
                if self.hands.inbox.stop() >= Stop::EndChild {
                    return Ok(ended(Outcome::Interrupted, "the wait was cut short".to_owned()));
                }
            }
            return Ok(Done::well(format!("waited {}", humantime::format_duration(duration))));
        }
        Ok(match self.await_effect(action, doing, deadline)? {
            Effect::Present(evidence, _) | Effect::Awaiting(evidence, _) => Done::well(evidence),
            Effect::Broken(why, detail) => Done::badly(why, detail),
            other if self.hands.inbox.stop() >= Stop::EndChild => {
                ended(Outcome::Interrupted, other.sentence().to_owned())
            }
            other => ended(
                Outcome::TimedOut,
                format!(
                    "not there within {}: {}",
                    humantime::format_duration(doing.limit),
                    other.sentence()
                ),
            ),
        })
    }
}

fn ended(outcome: Outcome, why: String) -> Done {
    Done { outcome, why, detail: Vec::new(), outputs: Outputs::new() }
}
