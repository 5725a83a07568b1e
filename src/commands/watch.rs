//! `rollback watch`: evaluates the triggers again and again; tells, asks or acts. The decisions are
//! in `watch::decide`. It acts by starting this program again, as an operator would by hand: the
//! same lock, journal, verdict and report, and a crash of one does not end the other.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::cli::{Act, Output, WatchArgs};
use crate::draft::Draft;
use crate::error::{Error, Exit, Result};
use crate::inbox::{Answer, Inbox, Stop};
use crate::journal;
use crate::output::notify::{Message, Notifier};
use crate::plan;
use crate::run::ask;
use crate::runbook::catalog::{Catalog, TRIGGERS};
use crate::runbook::parameters::Parameters;
use crate::runbook::watching::{Trigger, Watching};
use crate::runbook::{Action, Level, Settings, Workload};
use crate::terminal::prompt;
use crate::watch::allowed;
use crate::watch::decide::{Change, Fired, Gate, Monitor, Rule};
use crate::watch::evaluate::{self, Evaluation, State};
use crate::watch::memory::Memory;
use crate::world::clock;
use crate::world::process::{Invocation, spawn};

use super::launch::reader;
use super::screen::Screen;

/// The time between two evaluations where nobody says.
const EVERY: Duration = Duration::from_secs(15);
/// How long a rollback may take before the monitor stops waiting for it.
const RUN_LIMIT: Duration = Duration::from_secs(3600);

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
    let mut watcher = Watcher {
        monitor: Monitor::new(rules(&watching), hourly, fired),
        notifier: Notifier::new(&watching, &state.join("watch")),
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
    let exit = watcher.go()?;
    watcher.notifier.wait(Duration::from_secs(3));
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
        let every = self.args.every.or(self.watching.watch.every).unwrap_or(EVERY);
        let count = self.watching.triggers.len();
        self.event(
            "watching",
            "",
            &format!("{count} triggers, every {}", humantime::format_duration(every)),
            json!({}),
        );
        let mut round = 0;
        loop {
            let begun = Instant::now();
            self.round()?;
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
                if begun.elapsed() >= every {
                    break;
                }
                let _ = self.inbox.recv_until(begun + every);
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
            let (runbook, _) = self.catalog.runbook(&target).map_err(|error| error.to_string())?;
            let method = allowed(&runbook, trigger.method.as_deref())?;
            Ok((revision, method))
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

    /// The switch and the revision, read now; what cannot be read says so.
    fn gate(&self, trigger: &Trigger) -> Gate {
        let Some(switch) = &self.watching.watch.switch else {
            let why = "triggers.yaml names no `watch.switch`".to_owned();
            return Gate { switch: Err(why.clone()), revision: Err(why) };
        };
        let drafted = self.draft(trigger);
        let draft = match drafted {
            Ok(draft) => draft,
            Err(why) => return Gate { switch: Err(why.clone()), revision: Err(why) },
        };
        let opened = reader(&plan::setting(&draft), true).map_err(|error| error.to_string());
        let reader = match opened {
            Ok(reader) => reader,
            Err(why) => return Gate { switch: Err(why.clone()), revision: Err(why) },
        };
        let on = reader
            .cluster
            .configmap(&switch.configmap)
            .map(|map| map["data"][&switch.key] == "true")
            .map_err(|why| why.sentence().to_owned());
        let revision = revision(&reader.cluster, &draft);
        reader.cluster.close();
        Gate { switch: on, revision }
    }

    fn draft(&self, trigger: &Trigger) -> std::result::Result<Draft, String> {
        let target = trigger.target().ok_or("it names no target")?;
        let read = || -> Result<Draft> {
            let (runbook, settings) = self.catalog.runbook(&target)?;
            let given = Parameters::parse(&self.args.params)?.with_environment();
            Draft::new(&runbook, &settings, trigger.method.as_deref(), &given)
        };
        read().map_err(|error| error.to_string())
    }

    /// Starts this program, as by hand, and waits for its end.
    fn roll_back(&mut self, one: &Evaluation, trigger: &Trigger, method: &str) -> Result<()> {
        let mut argv = vec![std::env::current_exe()?.display().to_string()];
        argv.extend(["--runbooks".to_owned(), self.catalog.dir().display().to_string()]);
        argv.extend(["--output".to_owned(), "jsonl".to_owned()]);
        argv.extend(trigger.rollback.split_whitespace().map(str::to_owned));
        argv.extend(["--method", method, "--yes", "--no-input"].map(str::to_owned));
        if let Some(target) = trigger.target().filter(|target| target.level == Level::Service) {
            argv.extend(["--confirm".to_owned(), target.name]);
        }
        let reason = format!("rollback watch: {}: {}", one.title, one.why);
        argv.extend(["--trigger", &one.name, "--reason", &reason].map(str::to_owned));
        for param in &self.args.params {
            argv.extend(["--param".to_owned(), param.clone()]);
        }
        let details = json!({ "command": &argv[1..] });
        self.event("rolling_back", &one.name, &format!("{} · {method}", trigger.rollback), details);
        let mut invocation = Invocation::new(argv, RUN_LIMIT);
        invocation.env = std::env::vars().collect();
        invocation.cwd = std::env::current_dir().ok();
        let stream = self.log.join("last-run.jsonl");
        let (out, err) = (File::create(&stream)?, File::create(self.log.join("last-run.stderr"))?);
        let running = match spawn(&invocation, &out, &err) {
            Ok(running) => running,
            Err(error) => {
                self.event(
                    "rolled_back",
                    &one.name,
                    &format!("it could not be started: {error}"),
                    json!({}),
                );
                return Ok(());
            }
        };
        let mut told = false;
        let ending = loop {
            if let Some(ending) = running.wait(Duration::from_millis(200)) {
                break ending;
            }
            self.inbox.drain();
            if self.inbox.stop() != Stop::No && !told {
                // The run stops after its step and can be resumed.
                running.terminate();
                told = true;
            }
        };
        let text = std::fs::read_to_string(&stream).unwrap_or_default();
        let last: Value =
            text.lines().last().and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
        let verdict = last["verdict"].as_str().map_or_else(|| ending.phrase(), str::to_owned);
        let details = json!({ "run_id": last["run_id"], "verdict": last["verdict"], "exit_code": last["exit_code"] });
        self.event("rolled_back", &one.name, &verdict, details);
        Ok(())
    }

    /// A line for people, or an object for programs.
    fn event(&self, kind: &str, trigger: &str, why: &str, details: Value) {
        let ts = clock::now();
        if self.screen.output == Output::Text {
            let time = ts.get(11..19).unwrap_or_default();
            let words = kind.replace('_', " ");
            let gap = if trigger.is_empty() { "" } else { " " };
            let why = crate::terminal::sanitize::line(why);
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

fn millis() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// What is deployed: the images of the workloads that the method restarts. A rollback by flags does
/// not change it, a new deployment does.
fn revision(
    cluster: &crate::world::cluster::Cluster,
    draft: &Draft,
) -> std::result::Result<String, String> {
    let mut workloads: Vec<&Workload> = draft
        .steps
        .iter()
        .flat_map(|step| match &step.action {
            Action::Restart(restart) => restart.workloads.iter().collect::<Vec<_>>(),
            Action::SetFlags(flags) => flags.workload.iter().collect(),
            _ => Vec::new(),
        })
        .collect();
    workloads.sort();
    workloads.dedup();
    if workloads.is_empty() {
        return Err("its method restarts nothing".to_owned());
    }
    let mut words = Vec::new();
    for workload in workloads {
        let object = cluster.workload_object(workload).map_err(|why| why.sentence().to_owned())?;
        let containers = object["spec"]["template"]["spec"]["containers"].as_array();
        let images: Vec<&str> =
            containers.into_iter().flatten().filter_map(|it| it["image"].as_str()).collect();
        if images.is_empty() {
            return Err(format!("{workload} has no image"));
        }
        words.push(format!("{workload}={}", images.join("+")));
    }
    Ok(words.join(","))
}
