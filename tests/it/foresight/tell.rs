//! A row of the table, surveyed and then run anyway, and the words for what came of it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rollback::sandbox::Sandbox;
use rollback::state::StepState;
use rollback::step::Standing;

use super::row::{Known, Row};
use super::stage::{SNAPSHOTS, Stage};

/// What a row came to.
pub struct Told {
    pub known: Known,
    pub label: String,
    /// The first step that the survey named, and how.
    pub predicted: Option<(String, Standing)>,
    /// The first step that failed.
    pub failed: Option<String>,
    /// The survey's sentences about the step at fault.
    pub sentences: Vec<String>,
    /// Why the step failed in fact.
    pub why: String,
    pub took: Duration,
}

/// Surveys a row's steps in its spoilt world, then runs them anyway.
pub fn tell(row: &Row) -> Told {
    let begun = Instant::now();
    let stage = Stage::new(row.steps);
    (row.spoil)(&stage);
    stage.settle();
    let draft = stage.draft(row.steps);
    let before = stage.digest();
    let (plan, reader) = stage.survey(&draft);
    assert_eq!(before, stage.digest(), "{}: the survey changed something", row.name);
    let wrong = |standing| matches!(standing, Standing::Blocked | Standing::CannotBeChecked);
    let named = plan.steps.iter().find(|step| wrong(step.standing));
    let at_fault = plan.step("fault").or(named);
    let place = stage.dir.path().display().to_string();
    let remote = stage
        .remote
        .as_ref()
        .map_or_else(|| "no remote".to_owned(), |remote| remote.dir.path().display().to_string());
    let name = stage.snapshot_name();
    let snapshots = SNAPSHOTS.path().display().to_string();
    let sentences = at_fault.iter().flat_map(|step| {
        step.forecast.obstacles.iter().map(|obstacle| {
            let hint = obstacle.hint.as_ref().map(|hint| format!(" [{hint}]")).unwrap_or_default();
            let places =
                [(&place, "@DIR"), (&remote, "@GIT"), (&snapshots, "@SNAPSHOTS"), (&name, "@SNAP")];
            normal(&format!("{}{hint}", obstacle.why), &places)
        })
    });
    let mut sentences: Vec<String> = sentences.collect();
    if row.known == Known::Warned {
        let fault = plan.step("fault").expect("the step");
        // What a person sees is known to nobody beforehand.
        let only_then = fault
            .forecast
            .evidence
            .iter()
            .filter(|it| it.contains("only on the push") || it.contains("Is the shop"));
        sentences.extend(fault.forecast.warnings.iter().chain(only_then).cloned());
    }
    let predicted = named.map(|step| (step.step.id.clone(), step.standing));
    let run = stage.run(&plan, &reader);
    reader.cluster.close();
    let failed = run.steps.iter().find(|step| matches!(step.state, StepState::Failed { .. }));
    assert!(run.finish.is_some(), "{}: it did not come to an end: {:?}", row.name, run.paused);
    let unimplemented = stage.sandbox.as_ref().map(Sandbox::unimplemented).unwrap_or_default();
    assert_eq!(unimplemented, Vec::<String>::new(), "{}", row.name);
    Told {
        known: row.known,
        label: format!("{:<16} {}", row.kind, row.name),
        predicted,
        failed: failed.map(|step| step.id.clone()),
        sentences,
        why: failed.map(|step| step.why.clone()).unwrap_or_default(),
        took: begun.elapsed(),
    }
}

/// A sentence without what differs from run to run.
fn normal(text: &str, places: &[(&String, &str)]) -> String {
    let text =
        places.iter().fold(text.to_owned(), |text, (place, name)| text.replace(*place, name));
    let text = without_suffix(text);
    // Which other snapshots there are depends on the other rows.
    let text = text.split_once(" [there are: ").map_or(text.clone(), |(text, _)| text.to_owned());
    let text = text.split_once(" [take it ").map_or(text.clone(), |(text, _)| text.to_owned());
    let mut out = String::new();
    let mut hex = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_digit() || ('a'..='f').contains(&c) {
            hex.push(c);
            continue;
        }
        let id = hex.len() >= 7 && hex.chars().any(|c| c.is_ascii_digit());
        out.push_str(if id { "@ID" } else { &hex });
        hex.clear();
        if c != '\0' {
            out.push(c);
        }
    }
    out
}

/// A pod's name without what the API server makes up.
fn without_suffix(text: String) -> String {
    let Some((before, (name, after))) =
        text.split_once("pods \"").and_then(|(before, rest)| Some((before, rest.split_once('"')?)))
    else {
        return text;
    };
    let owner = name.rsplit_once('-').map_or(name, |(owner, _)| owner);
    format!("{before}pods \"{owner}-@\"{after}")
}

/// All rows, on a few threads, in order.
pub fn tell_all(rows: &[Row]) -> Vec<Told> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let told = std::sync::Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    let Some(row) = rows.get(index) else { break };
                    let one = tell(row);
                    told.lock().expect("lock").insert(index, one);
                }
            });
        }
    });
    told.into_inner().expect("lock").into_values().collect()
}
