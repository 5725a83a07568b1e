//! `rollback watch`: evaluates the triggers again and again; tells, asks or acts. The decisions are
//! in `watch::decide`. It acts by starting this program again, as an operator would by hand: the
//! same lock, journal, verdict and report, and a crash of one does not end the other.

mod act;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::cli::{Act, Output, WatchArgs};
use crate::error::{Error, Exit, Result};
use crate::event::Record;
use crate::inbox::{Answer, Inbox, Stop};
use crate::journal;
use crate::output::notify::{Message, Notifier, Pending};
use crate::run::ask;
use crate::runbook::Settings;
use crate::runbook::catalog::{Catalog, TRIGGERS};
use crate::runbook::watching::{Trigger, Watching};
use crate::terminal::prompt;
use crate::watch::allowed;
use crate::watch::decide::{Change, Fired, Monitor, Rule};
use crate::watch::evaluate::{self, Evaluation, State};
use crate::watch::memory::Memory;
use crate::world::clock;

use super::approval;
use super::screen::Screen;

/// The time between two evaluations where nobody says.
const EVERY: Duration = Duration::from_secs(15);
/// How long those who are told may take to hear of the last trigger.
const TELL: Duration = Duration::from_secs(3);
/// The file of who was told of triggers; there is no run yet, and so no journal.
const TOLD: &str = "told.jsonl";

/// Watches until a signal, or for so many rounds.
pub fn watch(catalog: &Catalog, screen: &Screen, args: &WatchArgs) -> Result<Exit> {
    let (settings, watching) = super::triggers::load(catalog, &args.params)?;
    if watching.triggers.is_empty() {
        let message = format!("{} has no triggers", catalog.dir().join(TRIGGERS).display());
        return Err(Error::invalid(message)
            .hint("docs/triggers.md shows how they are written")
            .into());
    }
    if args.act == Act::Ask && !prompt::can_prompt() {
        let error = Error::usage("`--act ask` needs a terminal to ask on");
        return Err(error.hint("use --act notify or --act auto").into());
    }
    let state = journal::state_dir()?;
    let environment = format!("{}/{}", catalog_name(catalog), settings_name(&settings));
    let (memory, fired) = Memory::open(&state, &environment).map_err(|error| {
        if error.kind() == std::io::ErrorKind::WouldBlock {
            return Error::new(Exit::LockHeld, "another `rollback watch` watches this catalog")
                .hint("two monitors would do everything twice: end the other one first");
        }
        Error::blocked(format!("what the monitor did before cannot be read: {error}"))
            .hint("without it nothing may be done automatically; repair or move its file away")
            .hint(format!("it is in {}", state.join("watch").display()))
    })?;
    let hourly = watching.watch.hourly.unwrap_or(2) as usize;
    let before = act::unfinished(&state, &fired);
    let (sender, told) = channel();
    let pending = Pending::default();
    let mut watcher = Watcher {
        monitor: Monitor::new(rules(&watching), hourly, fired),
        notifier: Notifier::new(&watching, &sender, &pending),
        told,
        held: BTreeMap::new(),
        states: BTreeMap::new(),
        inbox: Inbox::new(),
        log: state.join("watch"),
        catalog,
        watching,
        screen,
        args,
        memory,
    };
    watcher.inbox.hear_signals()?;
    for (trigger, run_id, why) in before {
        let details = json!({ "run_id": run_id, "resume": ["rollback", "resume", run_id] });
        watcher.event("unfinished", &trigger, &why, details);
    }
    let exit = watcher.go()?;
    pending.wait(TELL);
    watcher.told();
    watcher.notifier.commands().end();
    Ok(exit)
}

fn catalog_name(catalog: &Catalog) -> String {
    catalog.dir().canonicalize().unwrap_or_else(|_| catalog.dir().to_owned()).display().to_string()
}

fn settings_name(settings: &Settings) -> String {
    let word = |text: &Option<String>| text.clone().unwrap_or_default();
    format!("{}/{}", word(&settings.context), word(&settings.namespace))
}

fn rules(watching: &Watching) -> BTreeMap<String, Rule> {
    let rule = |trigger: &Trigger| {
        let automatic = trigger.automatic.unwrap_or_default();
        let hits = automatic.hits.unwrap_or(3) as usize;
        Rule {
            hits,
            of: (automatic.of.unwrap_or(5) as usize).max(hits),
            cooldown: automatic.cooldown.unwrap_or(Duration::from_secs(1800)),
            automatic: trigger.automatic.is_some(),
        }
    };
    let told = |trigger: &&Trigger| trigger.reported.is_none();
    let named = watching.triggers.iter().filter(|(_, trigger)| told(trigger));
    named.map(|(name, trigger)| (name.clone(), rule(trigger))).collect()
}

struct Watcher<'a> {
    monitor: Monitor,
    notifier: Notifier,
    told: Receiver<Record>,
    /// Why a trigger is not acted on, said once for each reason.
    held: BTreeMap<String, String>,
    states: BTreeMap<String, State>,
    inbox: Inbox,
    log: PathBuf,
    catalog: &'a Catalog,
    watching: Watching,
    screen: &'a Screen,
    args: &'a WatchArgs,
    memory: Memory,
}

impl Watcher<'_> {
    fn go(&mut self) -> Result<Exit> {
        let pace = self.args.every.or(self.watching.watch.every).unwrap_or(EVERY);
        let count = self.watching.triggers.len();
        let triggers = if count == 1 { "trigger" } else { "triggers" };
        let leave = self.watching.triggers.values().filter(|it| it.automatic.is_some()).count();
        let act = match self.args.act {
            Act::Notify => "it only tells".to_owned(),
            Act::Ask => format!("it asks before it acts, on {leave} of them"),
            Act::Auto => format!("it acts by itself, on {leave} of them"),
        };
        let every = humantime::format_duration(pace);
        self.event("watching", "", &format!("{count} {triggers}, every {every}; {act}"), json!({}));
        let mut round = 0;
        loop {
            let begun = Instant::now();
            self.round()?;
            self.told();
            round += 1;
            if self.args.rounds.is_some_and(|rounds| round >= rounds) {
                return Ok(Exit::Success);
            }
            loop {
                if self.inbox.stop() != Stop::No {
                    self.event("stopped", "", self.inbox.reason(), json!({}));
                    let terminated = self.inbox.terminated();
                    return Ok(if terminated { Exit::Terminated } else { Exit::Interrupted });
                }
                if begun.elapsed() >= pace {
                    break;
                }
                let _ = self.inbox.recv_until(begun + pace);
            }
        }
    }

    fn round(&mut self) -> Result<()> {
        for one in evaluate::all(&self.watching) {
            let change = self.monitor.see(&one.name, one.seen);
            let before = self.states.insert(one.name.clone(), one.state);
            let worth = before.is_some() || !matches!(one.state, State::False | State::Reported);
            if before != Some(one.state) && worth {
                let details = json!({ "state": one.state, "value": one.value });
                self.event("trigger_state", &one.name, &one.why, details);
            }
            match change {
                Change::None => {}
                Change::Raised => self.raised(&one),
                Change::Cleared => {
                    self.held.remove(&one.name);
                    self.event("trigger_cleared", &one.name, "it is well again", json!({}));
                }
            }
            if self.args.act != Act::Notify && self.monitor.would_act(&one.name) {
                self.consider(&one)?;
            }
        }
        Ok(())
    }

    /// Writes down who was told, and says who could not be.
    fn told(&mut self) {
        while let Ok(record) = self.told.try_recv() {
            let mut file = OpenOptions::new();
            let file = file.create(true).append(true).open(self.log.join(TOLD));
            let mut value = json!(record);
            value["v"] = 1.into();
            value["ts"] = clock::now().into();
            let _ = file.and_then(|mut file| file.write_all(format!("{value}\n").as_bytes()));
            if let Record::Notified(told) = &record
                && !told.delivered
            {
                let why = format!("{} could not be told: {}", told.name, told.why);
                self.event("untold", "", &why, json!({ "name": told.name }));
            }
        }
    }

    fn raised(&mut self, one: &Evaluation) {
        let details =
            json!({ "severity": one.severity, "command": one.command, "value": one.value });
        self.event("trigger_raised", &one.name, &one.why, details);
        self.notifier.tell(&Message {
            occasion: "trigger".to_owned(),
            text: format!(
                "{} ({}): {}. To roll back: {}",
                one.title,
                one.severity.as_str(),
                one.why,
                one.command.join(" ")
            ),
            target: self.watching.triggers[&one.name].rollback.clone(),
            trigger: Some(one.name.clone()),
            ..Message::default()
        });
    }

    /// Acts, where everything allows it; says once why not.
    fn consider(&mut self, one: &Evaluation) -> Result<()> {
        let trigger = self.watching.triggers[&one.name].clone();
        let gate = self.gate(&trigger);
        let now = millis();
        let permit = self.monitor.permit(&one.name, now, &gate).and_then(|revision| {
            let target = trigger.target().ok_or("it names no target")?;
            let (runbook, settings) =
                self.catalog.runbook(&target).map_err(|error| error.to_string())?;
            let method = allowed(&runbook, trigger.method.as_deref())?;
            match approval::needed(&settings, &target, &method) {
                Some(by) => Err(format!(
                    "{target} · {method} needs the approval of {by}; by hand: {}",
                    one.command.join(" ")
                )),
                None => Ok((revision, method)),
            }
        });
        let (revision, method) = match permit {
            Ok(permit) => permit,
            Err(why) => {
                if self.held.get(&one.name) != Some(&why) {
                    self.event("held", &one.name, &why, json!({}));
                    self.held.insert(one.name.clone(), why);
                }
                return Ok(());
            }
        };
        let fired = Fired { trigger: one.name.clone(), revision, at: now };
        if self.args.act == Act::Ask {
            let question = format!("{}: roll back {} · {method}?", one.title, trigger.rollback);
            if ask::confirm(&mut self.inbox, &question) != Answer::Yes {
                self.event("declined", &one.name, "the operator said no", json!({}));
                self.monitor.acted(fired);
                return Ok(());
            }
        }
        // Durable before the rollback begins: a crash in between loses a rollback, never doubles it.
        self.memory.remember(&fired).map_err(|error| {
            Error::blocked(format!("the monitor's memory cannot be written: {error}"))
                .hint("nothing was rolled back; make room or make it writable")
        })?;
        self.monitor.acted(fired);
        self.roll_back(one, &trigger, &method)
    }

    /// A line for people, or an object for programs.
    fn event(&self, kind: &str, trigger: &str, why: &str, details: Value) {
        let ts = clock::now();
        if self.screen.output == Output::Text {
            let time = ts.get(11..19).unwrap_or_default();
            let words = kind.replace('_', " ");
            let gap = if trigger.is_empty() { "" } else { " " };
            let why = crate::terminal::sanitize::line(&told(kind, why, &details));
            let line = format!("{time} {words}{gap}{trigger}: {why}");
            let lines = crate::terminal::layout::wrap(&line, 80, 71);
            self.screen.result(&lines.join("\n         "));
            return;
        }
        let mut value = json!({ "v": 1, "ts": ts, "type": kind, "why": why });
        if !trigger.is_empty() {
            value["trigger"] = trigger.into();
        }
        if let (Some(value), Value::Object(details)) = (value.as_object_mut(), details) {
            value.extend(details);
        }
        self.screen.result(&value.to_string());
    }
}

/// What a line for people says: beside the reason what it is about, and what to do.
fn told(kind: &str, why: &str, details: &Value) -> String {
    let text = |key: &str| details[key].as_str().unwrap_or_default();
    match kind {
        "trigger_state" => match text("state") {
            "true" => format!("beyond its bound, {why}"),
            "false" => format!("within its bound, {why}"),
            state => format!("{state}, {why}"),
        },
        "trigger_raised" => {
            let words = details["command"].as_array().into_iter().flatten();
            let words: Vec<&str> = words.filter_map(Value::as_str).collect();
            format!("{}, {why}; to roll back: {}", text("severity"), words.join(" "))
        }
        "rolled_back" if !text("run_id").is_empty() => {
            let shown = if text("verdict") == "applied" && details["exit_code"] != 0 {
                ", recovery not shown"
            } else {
                ""
            };
            format!("{why}{shown}; rollback runs show {}", text("run_id"))
        }
        _ => why.to_owned(),
    }
}

fn millis() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
