//! How the monitor acts: what it asks the world just before, the run that it starts, and the runs
//! that an earlier monitor started and nobody finished.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::commands::launch::reader;
use crate::draft::Draft;
use crate::error::Result;
use crate::inbox::Stop;
use crate::journal::{self, read};
use crate::plan;
use crate::runbook::parameters::Parameters;
use crate::runbook::watching::Trigger;
use crate::runbook::{Action, Level, Workload};
use crate::state::RunState;
use crate::terminal::sanitize::line;
use crate::watch::decide::{Fired, Gate};
use crate::watch::evaluate::Evaluation;
use crate::world::process::{Invocation, spawn};

use super::Watcher;

/// How long a rollback may take before the monitor stops waiting for it.
const RUN_LIMIT: Duration = Duration::from_secs(3600);
/// What the reason of each run that the monitor starts begins with.
const REASON: &str = "rollback watch: ";
/// How many of the newest runs are looked at for one that was not finished.
const NEWEST: usize = 64;

impl Watcher<'_> {
    /// The switch and the revision, read now; what cannot be read says so.
    pub(super) fn gate(&self, trigger: &Trigger) -> Gate {
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
    pub(super) fn roll_back(
        &mut self,
        one: &Evaluation,
        trigger: &Trigger,
        method: &str,
    ) -> Result<()> {
        let mut argv = vec![std::env::current_exe()?.display().to_string()];
        argv.extend(["--runbooks".to_owned(), self.catalog.dir().display().to_string()]);
        argv.extend(["--output".to_owned(), "jsonl".to_owned()]);
        argv.extend(trigger.rollback.split_whitespace().map(str::to_owned));
        argv.extend(["--method", method, "--yes", "--no-input"].map(str::to_owned));
        if let Some(target) = trigger.target().filter(|target| target.level == Level::Service) {
            argv.extend(["--confirm".to_owned(), target.name]);
        }
        let reason = line(&format!("{REASON}{}: {}", one.title, one.why));
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
        let verdict = last["verdict"].as_str().map_or_else(
            // It never began, or stopped on the way: the last line says why, and how to go on.
            || {
                let said = ["why", "message"].iter().find_map(|key| last[*key].as_str());
                said.map_or_else(|| ending.phrase(), str::to_owned)
            },
            str::to_owned,
        );
        let mut details = json!({ "run_id": last["run_id"], "verdict": last["verdict"], "exit_code": last["exit_code"] });
        let verdict = match last["resume"].as_array() {
            Some(words) => {
                details["resume"] = last["resume"].clone();
                let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
                format!("{verdict}; go on with: {}", words.join(" "))
            }
            None => verdict,
        };
        self.event("rolled_back", &one.name, &verdict, details);
        Ok(())
    }
}

/// The runs that a monitor started and that are not over: their trigger, their id, and a sentence.
pub(super) fn unfinished(state: &Path, fired: &[Fired]) -> Vec<(String, String, String)> {
    let causes: BTreeSet<&str> = fired.iter().map(|it| it.trigger.as_str()).collect();
    if causes.is_empty() {
        return Vec::new();
    }
    let ids = read::run_ids(state).unwrap_or_default();
    let folded = ids.iter().rev().take(NEWEST).filter_map(|id| {
        let read = read::read(&journal::run_dir(state, id).join(journal::FILE)).ok()?;
        RunState::fold(&read.records)
    });
    let ours = folded.filter_map(|run| {
        let trigger = run.start.trigger.clone().filter(|it| causes.contains(it.as_str()))?;
        let began = run.start.reason.as_deref().is_some_and(|it| it.starts_with(REASON));
        (began && run.finish.is_none()).then_some((trigger, run.run_id))
    });
    ours.map(|(trigger, id)| {
        // Whoever has its journal is at work on it.
        let file = File::open(journal::run_dir(state, &id).join(journal::FILE));
        let at_work = file.is_ok_and(|file| file.try_lock_shared().is_err());
        let why = if at_work {
            format!("run {id}, which it started before, is still going on: rollback runs show {id}")
        } else {
            format!("run {id}, which it started before, is not over: rollback resume {id}")
        };
        (trigger, id, why)
    })
    .collect()
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
