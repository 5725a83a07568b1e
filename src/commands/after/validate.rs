//! `rollback validate`: the soak. Automatic items are asked and watched for their tier's time,
//! manual ones are answered here, in another terminal or by a bot. The journal is only held while a
//! record is added, so that both can happen at once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::after::{After, ItemPlan, TierPlan};
use crate::cli::{Output, ValidateArgs};
use crate::commands::{answers, beside, operator};
use crate::error::{Error, Exit, Result};
use crate::event::{Phase, Record};
use crate::inbox::Inbox;
use crate::output::samples;
use crate::plan::Rung;
use crate::run::millis;
use crate::runbook::watching::Watching;
use crate::secrets;
use crate::terminal::redact::Redactor;
use crate::terminal::{prompt, sanitize, soak_view};
use crate::world::clock;

use super::judge;
use super::{Past, unknown};
use crate::commands::screen::Screen;

mod questions;

/// Tiers longer than this are watched by repeated calls.
const LONGEST_WATCH: Duration = Duration::from_secs(3600);

/// Goes on with the validation of a run.
pub fn validate(screen: &Screen, args: &ValidateArgs) -> Result<Exit> {
    let past = Past::finished(args.run.as_deref())?;
    let after = past.plan.after.as_ref().clone();
    if after.tiers.is_empty() {
        return Err(Error::usage("this run has no validation: its catalog named none")
            .hint("add `validation:` to rollback.yaml or to the runbook")
            .into());
    }
    let mut soak = Soak {
        screen,
        past,
        by: args.by.clone().unwrap_or_else(operator),
        interactive: prompt::can_prompt() && !args.no_input,
        once: args.once,
        inbox: Inbox::new(),
        secrets: BTreeMap::new(),
        offered: false,
        stopped: false,
        prompting: false,
        measured: Measured::Not,
    };
    let tier = tier_of(&after, args.tier.as_deref())?;
    if args.status {
        // Nothing is asked.
    } else if args.answers.is_empty() {
        let next = soak.past.state.after.open_tiers(&after).next().cloned();
        match tier.cloned().or(next) {
            Some(tier) => soak.tier(&after, &tier)?,
            None => screen.say("All tiers are closed; nothing is left to validate."),
        }
    } else {
        soak.answer(&after, &answers(&args.answers)?, args.note.as_deref())?;
    }
    soak.past.refresh()?;
    let exit = soak.exit(&after, tier);
    let state = &soak.past.state;
    match screen.output {
        Output::Text => screen.result(&soak_view::soak_text(state, &after, &screen.out)),
        Output::Json => {
            let value = soak_view::soak_json(state, &after, exit.code());
            screen.result(&serde_json::to_string_pretty(&value)?);
        }
        Output::Jsonl => {}
    }
    Ok(exit)
}

fn tier_of<'a>(after: &'a After, name: Option<&str>) -> Result<Option<&'a TierPlan>> {
    let Some(name) = name else { return Ok(None) };
    let found = after.tiers.iter().find(|tier| tier.name == name);
    let names = after.tiers.iter().map(|tier| tier.name.as_str());
    Ok(Some(found.ok_or_else(|| unknown("tier", name, names))?))
}

/// One call.
#[expect(clippy::struct_excessive_bools, reason = "each is its own switch")]
struct Soak<'a> {
    screen: &'a Screen,
    past: Past,
    by: String,
    interactive: bool,
    once: bool,
    inbox: Inbox,
    secrets: BTreeMap<String, String>,
    offered: bool,
    stopped: bool,
    /// A prompt stands on the last line of the terminal.
    prompting: bool,
    measured: Measured,
}

/// What is measured while a tier is watched.
enum Measured {
    /// Nothing: there are no metrics, or nobody answers.
    Not,
    /// These, asked last at a time; none where they were not asked yet.
    These(Box<Watching>, Option<Instant>),
}

/// The time between two samples.
const SAMPLED: Duration = Duration::from_secs(10);

/// How often a tier's automatic items are asked.
fn pace(tier: &TierPlan) -> Duration {
    (tier.takes / 10).clamp(PACE.0, PACE.1)
}

impl Soak<'_> {
    /// Answers that came with the command line.
    fn answer(
        &mut self,
        after: &After,
        answers: &BTreeMap<String, bool>,
        note: Option<&str>,
    ) -> Result<()> {
        for id in answers.keys() {
            if !after.items().any(|(_, item)| item.id == *id) {
                let ids = after.items().map(|(_, item)| item.id.as_str());
                return Err(unknown("item", id, ids).into());
            }
        }
        for (id, holds) in answers {
            let found = after.items().find(|(_, item)| item.id == *id);
            let Some((tier, item)) = found else { continue };
            self.started(tier)?;
            self.judged(tier, item, *holds, "--answer", note.unwrap_or_default())?;
            self.close(after, tier)?;
        }
        Ok(())
    }

    /// One tier: its automatic items, its questions, its time.
    fn tier(&mut self, after: &After, tier: &TierPlan) -> Result<()> {
        let (asked, manual): (Vec<&ItemPlan>, Vec<&ItemPlan>) =
            tier.items.iter().partition(|item| item.instruction().is_none());
        if self.past.state.start.simulated && !asked.is_empty() {
            return Err(Error::usage("this run was a rehearsal; its sandbox is gone")
                .hint("what a person saw can still be said: --answer ITEM=pass")
                .into());
        }
        self.inbox.hear_signals()?;
        if !asked.is_empty() {
            self.secrets = secrets::fetch(&after.secrets)?;
        }
        self.started(tier)?;
        self.say(&soak_view::tier_head(&self.past.state, tier, &self.screen.err));
        if let Some(watching) = beside::watching(&self.past.state).filter(|_| !asked.is_empty()) {
            self.measured = Measured::These(Box::new(watching), None);
        }
        let mut good = self.pass(tier, &asked)?;
        self.sample()?;
        if self.interactive && good {
            good = self.questions(tier, &manual, &asked)?;
        }
        let watched = !asked.is_empty() && tier.takes <= LONGEST_WATCH && !self.once;
        if watched && good && self.left(tier) > Duration::ZERO {
            let left = humantime::format_duration(Duration::from_secs(self.left(tier).as_secs()));
            self.say(&format!("  watched for another {left}; Ctrl-C stops, calling again goes on"));
            while good && self.left(tier) > Duration::ZERO {
                let rest = pace(tier).min(self.left(tier));
                if judge::wait(&mut self.inbox, rest).is_none() {
                    self.stopped = true;
                    break;
                }
                good = self.pass(tier, &asked)?;
                self.sample()?;
            }
        }
        if !self.stopped {
            self.close(after, tier)?;
        }
        Ok(())
    }

    /// Measures, where it is time to; a server that answers nothing is not asked again.
    fn sample(&mut self) -> Result<()> {
        let Measured::These(watching, last) = &self.measured else { return Ok(()) };
        if self.stopped || last.is_some_and(|last| last.elapsed() < SAMPLED) {
            return Ok(());
        }
        let first = last.is_none();
        let asked = watching.clone();
        let Some(mut sampled) = self.inbox.attend(move || samples::now(&asked, Phase::After))
        else {
            self.stopped = true;
            return Ok(());
        };
        if !samples::answers(&sampled) {
            self.measured = Measured::Not;
            return Ok(());
        }
        if let Measured::These(watching, last) = &mut self.measured {
            *last = Some(Instant::now());
            if first {
                sampled.metrics = samples::about(watching);
            }
        }
        self.past.add(self.screen, Record::MetricsSampled(Box::new(sampled)))
    }

    /// What is left of a tier's time since its first look.
    fn left(&self, tier: &TierPlan) -> Duration {
        let since = self.past.state.after.tiers.get(&tier.name);
        since.map_or(tier.takes, |seen| tier.takes.saturating_sub(clock::since(&seen.started)))
    }

    /// Asks every automatic item once; false where one does not hold or we are stopped.
    fn pass(&mut self, tier: &TierPlan, items: &[&ItemPlan]) -> Result<bool> {
        let mut good = true;
        for item in items {
            let asked = judge::ask(&mut self.inbox, &self.past.state, item, &self.secrets);
            let Some((holds, why)) = asked else {
                self.stopped = true;
                return Ok(false);
            };
            let why = self.telling(&why);
            let known = self.past.state.after.items.get(&item.id);
            if known.is_none_or(|seen| {
                seen.holds != holds || seen.how != "check" || (!holds && seen.why != why)
            }) {
                self.judged(tier, item, holds, "check", &why)?;
            }
            good &= holds;
        }
        Ok(good)
    }

    fn started(&mut self, tier: &TierPlan) -> Result<()> {
        if self.past.state.after.tiers.contains_key(&tier.name) {
            return Ok(());
        }
        let record = Record::ValidationStarted {
            tier: tier.name.clone(),
            items: tier.items.iter().map(|item| item.id.clone()).collect(),
            takes_ms: millis(tier.takes),
            by: self.by.clone(),
        };
        self.past.add(self.screen, record)
    }

    fn judged(
        &mut self,
        tier: &TierPlan,
        item: &ItemPlan,
        holds: bool,
        how: &str,
        why: &str,
    ) -> Result<()> {
        let why = &self.telling(why);
        let record = Record::ItemJudged {
            item: item.id.clone(),
            tier: tier.name.clone(),
            holds,
            how: how.to_owned(),
            by: self.by.clone(),
            why: why.clone(),
        };
        self.past.add(self.screen, record)?;
        self.say(&soak_view::judged(item, holds, why, &self.screen.err));
        if holds || self.offered {
            return Ok(());
        }
        self.offered = true;
        let held = self.past.state.after.items.get(&item.id).is_some_and(|seen| seen.regressed);
        let more = if held { " any more" } else { "" };
        // What the run itself offered was found to be open, as far as it could be known.
        let last = self.past.state.offer.as_ref();
        let was = |it: &&Rung| {
            last.is_some_and(|last| {
                last.target == it.target.to_string() && last.method == it.method
            })
        };
        let ladder = &self.past.plan.ladder;
        let Some(rung) = ladder.iter().find(was).or(ladder.first()).cloned() else { return Ok(()) };
        let mut command = rung.command();
        command.extend(self.past.state.start.inherited(&self.past.state.run_id));
        self.past.add(
            self.screen,
            Record::EscalationOffered {
                target: rung.target.to_string(),
                method: rung.method.clone(),
                command,
                ready: None,
                why: format!("{} does not hold{more}", item.check.name),
            },
        )
    }

    /// A reason as it may be shown and kept.
    fn telling(&self, why: &str) -> String {
        let redactor = Redactor::new(self.secrets.values().cloned().collect());
        sanitize::line(&redactor.redact(why))
    }

    /// Closes a tier whose items are all judged and whose time is over, and then the run.
    fn close(&mut self, after: &After, tier: &TierPlan) -> Result<()> {
        self.past.refresh()?;
        let followed = &self.past.state.after;
        let failed: Vec<String> = followed.failing(tier).map(|item| item.id.clone()).collect();
        let passed = failed.is_empty();
        let watched = tier.items.iter().any(|item| item.instruction().is_none());
        let early = watched && self.left(tier) > Duration::ZERO;
        if followed.unjudged(tier).next().is_some() || (passed && early) {
            return Ok(());
        }
        let seen = followed.tiers.get(&tier.name);
        if seen.is_some_and(|seen| seen.closed.as_ref().is_some_and(|(was, _)| *was == passed)) {
            return Ok(());
        }
        let elapsed_ms = seen.map_or(0, |seen| millis(clock::since(&seen.started)));
        let tier = tier.name.clone();
        self.past.add(self.screen, Record::TierClosed { tier, passed, failed, elapsed_ms })?;
        if self.past.state.after.open_tiers(after).next().is_none()
            && self.past.state.after.closed.is_none()
        {
            let why = format!("all {} tiers hold", after.tiers.len());
            self.past.add(self.screen, Record::RunClosed { by: self.by.clone(), why })?;
        }
        Ok(())
    }

    /// 0 where the tier (or all of it) holds, 1 where something does not, 5 while items are open.
    fn exit(&self, after: &After, tier: Option<&TierPlan>) -> Exit {
        let followed = &self.past.state.after;
        if self.stopped {
            return if self.inbox.terminated() { Exit::Terminated } else { Exit::Interrupted };
        }
        let tiers: Vec<&TierPlan> =
            tier.map_or_else(|| after.tiers.iter().collect(), |tier| vec![tier]);
        if tiers.iter().any(|tier| followed.failing(tier).next().is_some()) {
            Exit::StepFailed
        } else if tiers.iter().all(|tier| followed.holds(&tier.name)) {
            Exit::Success
        } else {
            Exit::Applied
        }
    }

    fn say(&mut self, text: &str) {
        if self.screen.output == Output::Text || self.interactive {
            if std::mem::take(&mut self.prompting) {
                self.screen.say("");
            }
            self.screen.say(text);
        }
    }
}

/// The shortest and the longest time between two looks.
const PACE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
