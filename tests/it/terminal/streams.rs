//! The live view as a log, JSON and JSON Lines, and streams whose readers went away.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use rollback::event::{
    EffectKind, Live, MetricAbout, MetricsSampled, Notified, Phase, Record, Sampled, SkipReason,
};
use rollback::output::json::{plan_json, run_json};
use rollback::output::jsonl::JsonLines;
use rollback::terminal::live::LiveView;
use rollback::terminal::style::Style;
use serde_json::Value;

use super::fixtures::{self, Story};

/// A writer that a test reads.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("UTF-8")
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A pipe whose reader goes away after so many bytes.
struct Closing(usize);

impl Write for Closing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = bytes.len().min(self.0);
        self.0 -= count;
        Ok(count)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn output(text: &str) -> Live {
    Live::Output {
        step: "restart-backend".to_owned(),
        stream: "stdout".to_owned(),
        text: text.to_owned(),
    }
}

fn progress(text: &str) -> Live {
    Live::Progress { step: "restart-backend".to_owned(), text: text.to_owned() }
}

fn watch(view: &mut LiveView, story: &Story) {
    for envelope in &story.records {
        view.record(envelope);
        if matches!(&envelope.record, Record::StepIntended { index: 2, .. }) {
            view.live(&output("deployment.apps/netra-backend patched"));
            view.live(&output("\u{1b}[2Jsneaky"));
        }
        view.tick();
    }
    view.finish();
}

#[test]
fn a_log_shows_each_event_once_with_its_time() {
    for (name, story) in [("recovered", fixtures::recovered()), ("failed", fixtures::failed())] {
        let out = Shared::default();
        let mut view =
            LiveView::on(Style::plain(), &fixtures::plan(), Instant::now(), Box::new(out.clone()));
        watch(&mut view, &story);
        let text = out.text();
        assert!(
            text.contains("\n  | deployment.apps/netra-backend patched\n  | sneaky\n"),
            "{text}"
        );
        insta::assert_snapshot!(format!("log_{name}"), text);
    }
}

#[test]
fn a_coloured_log_has_colour_only_for_state() {
    let out = Shared::default();
    let style = Style { color: true, ..Style::plain() };
    let mut view = LiveView::on(style, &fixtures::plan(), Instant::now(), Box::new(out.clone()));
    watch(&mut view, &fixtures::failed());
    insta::assert_snapshot!("log_failed_colour", out.text());
}

#[test]
fn the_same_progress_is_said_once_in_a_log() {
    let out = Shared::default();
    let mut view =
        LiveView::on(Style::plain(), &fixtures::plan(), Instant::now(), Box::new(out.clone()));
    for text in ["ready 1/3", "ready 1/3", "ready 2/3"] {
        view.live(&progress(text));
    }
    assert_eq!(out.text().matches("ready 1/3").count(), 1);
    assert_eq!(out.text().lines().count(), 2);
}

#[test]
fn no_line_of_a_log_is_wider_than_the_page() {
    let out = Shared::default();
    let plan = fixtures::hostile_plan();
    let mut view = LiveView::on(Style::plain(), &plan, Instant::now(), Box::new(out.clone()));
    watch(&mut view, &fixtures::hostile());
    view.live(&output(&"漢".repeat(500)));
    for line in out.text().lines() {
        assert!(rollback::terminal::layout::width(line) <= 80, "{line}");
    }
}

#[test]
fn what_comes_while_a_prompt_is_open_waits_for_its_answer() {
    let out = Shared::default();
    let mut view =
        LiveView::on(Style::plain(), &fixtures::plan(), Instant::now(), Box::new(out.clone()));
    let notice = Live::Notice { text: "login pending".to_owned() };
    view.hide();
    view.live(&notice);
    assert_eq!(out.text(), "");
    view.show();
    assert!(out.text().contains("login pending"));
    view.suspend(|| assert_eq!(out.text().lines().count(), 1));
}

#[test]
fn a_log_whose_reader_went_away_goes_quiet() {
    for bytes in [0, 1, 100, 700] {
        let mut view = LiveView::on(
            Style::plain(),
            &fixtures::plan(),
            Instant::now(),
            Box::new(Closing(bytes)),
        );
        watch(&mut view, &fixtures::recovered());
        assert!(view.is_dead());
    }
}

#[test]
fn json_lines_whose_reader_went_away_go_quiet() {
    for bytes in [0, 1, 100, 700] {
        let mut lines = JsonLines::on(fixtures::RUN_ID, Box::new(Closing(bytes)));
        for envelope in &fixtures::recovered().records {
            lines.record(envelope);
            lines.live(&progress("ready 2/3"));
        }
        assert!(lines.is_dead());
    }
}

#[test]
fn a_live_line_says_after_which_record_it_came() {
    let out = Shared::default();
    let mut lines = JsonLines::on(fixtures::RUN_ID, Box::new(out.clone()))
        .with_clock(|| SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_400_045_120));
    let story = fixtures::recovered();
    lines.record(&story.records[0]);
    lines.record(&story.records[1]);
    lines.live(&output("two\nlines"));
    let text = out.text();
    let last = text.lines().nth(2).expect("three lines");
    assert_eq!(
        last,
        format!(
            r#"{{"v":1,"after":2,"ts":"2026-11-23T02:14:05.120Z","run_id":"{}","type":"output","step":"restart-backend","stream":"stdout","text":"two\nlines"}}"#,
            fixtures::RUN_ID
        )
    );
    let first: Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
    assert_eq!((first["v"].as_u64(), first["seq"].as_u64()), (Some(1), Some(1)));
    assert_eq!(first["type"], "run_started");
}

#[test]
fn the_json_of_a_plan_has_its_documented_shape() {
    let plan = fixtures::plan();
    let value = plan_json(&plan);
    assert_eq!((value["ready"].as_bool(), value["changes"].as_u64()), (Some(true), Some(2)));
    assert_eq!(plan_json(&fixtures::blocked_plan())["ready"], false);
    insta::assert_snapshot!("plan_json", serde_json::to_string_pretty(&value).expect("JSON"));
}

#[test]
fn the_json_of_a_run_has_its_documented_shape() {
    let value = run_json(&fixtures::failed().state());
    assert_eq!((value["verdict"].as_str(), value["exit_code"].as_u64()), (Some("failed"), Some(1)));
    insta::assert_snapshot!("run_json", serde_json::to_string_pretty(&value).expect("JSON"));
    let paused = run_json(&fixtures::paused().state());
    assert_eq!((paused["state"].as_str(), &paused["verdict"]), (Some("paused"), &Value::Null));
}

#[test]
fn the_reference_names_every_event_and_every_field_of_it() {
    let reference = include_str!("../../../docs/events.md");
    let mut story = fixtures::failed();
    story.add(Record::StepSkipped {
        step: "x".to_owned(),
        why: SkipReason::AlreadyThere,
        detail: String::new(),
        outputs: BTreeMap::new(),
    });
    let mut values: Vec<Value> =
        [fixtures::recovered(), story, fixtures::unknown(), fixtures::paused()]
            .iter()
            .flat_map(|story| &story.records)
            .map(|envelope| serde_json::to_value(envelope).expect("JSON"))
            .collect();
    for record in [
        Record::ChildStarted {
            step: "x".to_owned(),
            group: 1,
            started: "1".to_owned(),
            program: "kubectl".to_owned(),
        },
        Record::CriterionAsked { name: "x".to_owned() },
        Record::LockWaived {
            why: "x".to_owned(),
            by: "prompt".to_owned(),
            operator: "a".to_owned(),
        },
        Record::LockTakenOver(rollback::event::TakenOver {
            held_ms: Some(1),
            ..Default::default()
        }),
        Record::Resumed { operator: "a".to_owned(), host: "b".to_owned(), pid: 1 },
        Record::ValidationStarted {
            tier: "x".to_owned(),
            items: Vec::new(),
            takes_ms: 1,
            by: "a".to_owned(),
        },
        Record::ItemJudged {
            item: "x".to_owned(),
            tier: "x".to_owned(),
            holds: true,
            how: "check".to_owned(),
            by: "a".to_owned(),
            why: String::new(),
        },
        Record::TierClosed {
            tier: "x".to_owned(),
            passed: true,
            failed: Vec::new(),
            elapsed_ms: 1,
        },
        Record::Notified(Notified {
            name: "x".to_owned(),
            occasion: "start".to_owned(),
            delivered: true,
            attempts: 1,
            why: "200".to_owned(),
        }),
        Record::MetricsSampled(Box::new(MetricsSampled {
            phase: Phase::Before,
            metrics: BTreeMap::from([(
                "x".to_owned(),
                MetricAbout { title: "X".into(), target: "< 1".into(), alert: "> 2".into() },
            )]),
            points: BTreeMap::from([(
                "x".to_owned(),
                vec![Sampled { at: "2026-11-23T02:14:05Z".into(), value: Some(1.0) }],
            )]),
        })),
        Record::RecoveryTicked {
            item: "x".to_owned(),
            done: true,
            by: "a".to_owned(),
            note: Some(String::new()),
        },
        Record::CriterionTicked {
            criterion: "x".to_owned(),
            done: true,
            by: "a".to_owned(),
            note: Some(String::new()),
        },
        Record::ForwardStarted {
            run: "x".to_owned(),
            target: "x".to_owned(),
            by: "a".to_owned(),
            open: Vec::new(),
            overridden_by: Some(String::new()),
            reason: Some(String::new()),
        },
        Record::RunClosed { by: "a".to_owned(), why: String::new() },
        Record::DoubtResolved {
            outputs: [("sha".to_owned(), "x".to_owned())].into(),
            step: "x".to_owned(),
            effect: EffectKind::Present,
            by: "world".to_owned(),
            why: String::new(),
        },
    ] {
        values.push(serde_json::to_value(record).expect("JSON"));
    }
    for live in [output("x"), progress("x"), Live::Notice { text: "x".to_owned() }] {
        values.push(serde_json::to_value(live).expect("JSON"));
    }
    for value in &values {
        let object = value.as_object().expect("an object");
        let kind = object["type"].as_str().expect("a type");
        let section = reference
            .split("\n### ")
            .find(|section| section.starts_with(&format!("`{kind}`")))
            .unwrap_or_else(|| panic!("docs/events.md has no section for {kind}"));
        for field in object
            .keys()
            .filter(|field| !["v", "seq", "ts", "run_id", "type"].contains(&field.as_str()))
        {
            assert!(section.contains(&format!("`{field}`")), "{kind} has `{field}`:\n{section}");
        }
    }
    // Those that the sources declare, so that a new variant cannot be forgotten above.
    let source = include_str!("../../../src/event.rs");
    let mut seen = std::collections::BTreeSet::new();
    for name in ["pub enum Record {", "pub enum Live {"] {
        let body =
            source.split(name).nth(1).and_then(|rest| rest.split("\n}\n").next()).expect(name);
        for line in
            body.lines().filter(|line| line.starts_with("    ") && !line.starts_with("     "))
        {
            let word: String =
                line.trim().chars().take_while(char::is_ascii_alphanumeric).collect();
            if word.is_empty() {
                continue;
            }
            let snake: String = word.char_indices().fold(String::new(), |mut out, (at, c)| {
                if c.is_ascii_uppercase() && at > 0 {
                    out.push('_');
                }
                out.push(c.to_ascii_lowercase());
                out
            });
            assert!(reference.contains(&format!("\n### `{snake}`")), "{snake}");
            assert!(
                values.iter().any(|value| value["type"] == snake.as_str()),
                "{snake}: no example"
            );
            seen.insert(snake);
        }
    }
    assert_eq!(seen.len(), 30, "{seen:?}");
}
