//! The monitor and the metrics as an engineer has them before the eyes, and a monitor that was
//! killed: what it began is named, and nothing begins twice.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Child;

use rexpect::session::{PtySession, spawn_command};
use serde_json::Value;

use super::prometheus::{Prometheus, eventually};
use super::scenario::{Endpoint, Scenario};
use super::watch::{heals, watched};

const AUTO: [&str; 7] = ["watch", "--act", "auto", "--every", "100ms", "--output", "jsonl"];

fn typed(scenario: &Scenario, terminal: &str, arguments: &[&str]) -> PtySession {
    let hermetic = scenario.command(arguments);
    let mut command = std::process::Command::new(hermetic.get_program());
    command.args(hermetic.get_args()).env_clear().env("TERM", terminal);
    command.current_dir(scenario.path("."));
    command.envs(hermetic.get_envs().filter_map(|(name, value)| Some((name, value?))));
    spawn_command(command, Some(30_000)).expect("a terminal")
}

/// A server that always says that half of all requests fail.
fn red() -> Endpoint {
    Endpoint::new(|path| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = now.expect("after 1970").as_secs();
        // How old the number is, is asked as well.
        let number = if path.contains("timestamp") { now.to_string() } else { "0.5".to_owned() };
        let value = format!("{{\"metric\":{{}},\"value\":[{now},\"{number}\"]}}");
        let data = format!("{{\"resultType\":\"vector\",\"result\":[{value}]}}");
        (200, format!("{{\"status\":\"success\",\"data\":{data}}}"))
    })
}

fn kill(mut child: Child) {
    child.kill().expect("killed");
    child.wait().expect("waited for");
}

/// The first line of the stream with this type.
fn line(child: &mut Child, kind: &str) -> Value {
    let reader = BufReader::new(child.stdout.take().expect("a stream"));
    for line in reader.lines() {
        let value: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        if value["type"] == kind {
            return value;
        }
    }
    panic!("the stream ended without {kind}");
}

#[test]
fn the_monitor_asks_in_a_terminal_and_acts_on_yes_only() {
    let (server, endpoint) = (red(), heals());
    let scenario = watched(&server.url(""), &endpoint, "true", "");
    let order = ["watch", "--act", "ask", "--every", "100ms"];
    let mut screen = typed(&scenario, "dumb", &order);
    screen.exp_string("roll back component dispatcher").expect("the question");
    screen.exp_string("[y/N]").expect("the question");
    screen.send_line("n").expect("typed");
    screen.exp_string("the operator said no").expect("heard");
    screen.send_control('c').expect("typed");
    screen.exp_string("stopped: Ctrl-C").expect("the end");
    screen.exp_eof().expect("the end");
    assert!(scenario.runs().is_empty(), "no is no");
    let mut screen = typed(&scenario, "dumb", &order);
    screen.exp_string("[y/N]").expect("the question");
    screen.send_line("y").expect("typed");
    screen.exp_string("rolling back errors").expect("it begins");
    screen.exp_string("rolled back errors: recovered").expect("the verdict");
    screen.send_control('c').expect("typed");
    screen.exp_eof().expect("the end");
    assert_eq!(scenario.runs().len(), 1);
    assert_eq!(scenario.carried("backend", "NEW_CODE"), ["false", "false", "false"]);
    scenario.run(&["watch", "--act", "ask"]).exits(2).says("needs a terminal");
}

#[test]
fn a_monitor_that_was_killed_fires_nothing_twice_and_names_the_run_to_resume() {
    let (server, endpoint) = (red(), heals());
    let scenario = watched(&server.url(""), &endpoint, "true", "");
    // The rollback hangs in its first command, so that both can be killed in the middle of it.
    let pid = scenario.path("stuck.pid");
    let stuck = "#!/bin/sh\ncase \"$*\" in *patch*) echo $$ > 'PID'; exec sleep 600;; esac\nPATH=${PATH#*:} \
         exec kubectl \"$@\"\n";
    let scenario = scenario.program("kubectl", &stuck.replace("PID", &pid.display().to_string()));
    let mut monitor = scenario.start(&AUTO);
    line(&mut monitor, "rolling_back");
    let stuck = eventually("the step begins", || {
        std::fs::read_to_string(&pid).ok().filter(|text| text.ends_with('\n'))
    });
    let run = scenario.runs().pop().expect("a run");
    kill(monitor);
    // While the run goes on by itself, the next monitor says so.
    let mut again = scenario.start(&AUTO);
    let told = line(&mut again, "unfinished");
    assert_eq!(told["run_id"], run.as_str());
    assert!(told["why"].as_str().expect("why").contains("still going on"), "{told}");
    kill(again);
    // The process of the run, and then its command.
    let start = scenario.records()[0]["pid"].to_string();
    for pid in [start.as_str(), stuck.trim()] {
        let killed = std::process::Command::new("kill").args(["-9", pid]).status();
        assert!(killed.expect("kill runs").success());
    }
    let told = eventually("nobody has the journal", || {
        let rounds = ["watch", "--act", "auto", "--every", "10ms", "--rounds", "5", "-o", "jsonl"];
        let lines = scenario.run(&rounds).exits(0).lines();
        assert!(!lines.iter().any(|it| it["type"] == "rolling_back"), "never twice: {lines:#?}");
        let told = lines.into_iter().find(|it| it["type"] == "unfinished").expect("it is named");
        told["why"].as_str().is_some_and(|why| why.contains("is not over")).then_some(told)
    });
    assert_eq!(told["resume"][2], run.as_str(), "{told}");
    assert_eq!(scenario.runs().len(), 1);
    std::fs::remove_file(scenario.path("bin/kubectl")).expect("removed");
    scenario.run(&["resume", &run, "--yes", "--no-input"]).exits(0).says("recovered");
    assert_eq!(scenario.carried("backend", "NEW_CODE"), ["false", "false", "false"]);
}

#[test]
fn where_an_approval_is_needed_the_monitor_tells_and_does_not_act() {
    let (server, endpoint) = (red(), heals());
    let scenario = watched(&server.url(""), &endpoint, "true", "");
    let settings = std::fs::read_to_string(scenario.path("runbooks/rollback.yaml")).expect("there");
    let approvals = "approvals:\n  - { level: component, methods: [flag], by: Duty manager }\n";
    let scenario = scenario.file("runbooks/rollback.yaml", &(settings + approvals));
    let rounds = ["watch", "--act", "auto", "--every", "10ms", "--rounds", "6"];
    let ended = scenario.run(&rounds).exits(0).says("trigger raised errors");
    let flat = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("needs the approval of Duty manager; by hand: rollback component"),
        "{flat}"
    );
    assert!(scenario.runs().is_empty() && scenario.changes().is_empty());
    // Its cause is not used up: once nobody needs to approve, it acts.
    let settings = std::fs::read_to_string(scenario.path("runbooks/rollback.yaml")).expect("there");
    let scenario = scenario.file("runbooks/rollback.yaml", &settings.replace(approvals, ""));
    scenario.run(&rounds).exits(0);
    assert_eq!(scenario.runs().len(), 1);
}

#[test]
fn a_run_that_is_taken_up_again_tells_and_measures_as_it_did() {
    let prometheus = Prometheus::start();
    prometheus.exporter.set("errors", 0.5);
    let (chat, endpoint) = (Endpoint::status(200), heals());
    let more = format!(
        "metrics:\n  error_rate: {{ title: Errors, query: errors, target: \"< 1%\", alert: \"> 5%\" \
         }}\nnotifications:\n  - {{ name: chat, webhook: \"{}\" }}\n",
        chat.url("/hook")
    );
    let scenario = watched(&prometheus.url, &endpoint, "true", &more);
    let scenario = scenario.program(
        "kubectl",
        "#!/bin/sh\ncase \"$*\" in *patch*) echo no >&2; exit 1;; esac\nPATH=${PATH#*:} exec kubectl \
         \"$@\"\n",
    );
    // The failure is not answered: the run pauses.
    let mut screen = typed(&scenario, "dumb", &["component", "dispatcher", "--yes"]);
    screen.exp_string("[r]etry").expect("the menu");
    screen.send_control('c').expect("typed");
    screen.exp_eof().expect("the end");
    std::fs::remove_file(scenario.path("bin/kubectl")).expect("removed");
    let before = scenario.records().len();
    scenario.run(&["resume", "--yes", "--no-input"]).exits_one_of(&[0, 5]);
    let records = scenario.records();
    let since = &records[before..];
    let told: Vec<&str> = since
        .iter()
        .filter(|it| it["type"] == "notified")
        .filter_map(|it| it["occasion"].as_str())
        .collect();
    assert!(told.contains(&"start") && told.contains(&"verdict"), "{told:?}");
    assert!(since.iter().any(|it| it["type"] == "metrics_sampled" && it["phase"] == "during"));
    let paused = records[..before].iter().any(|it| it["occasion"] == "failure");
    assert!(paused, "that it stopped was told as well: {records:#?}");
}

#[test]
fn metrics_that_are_followed_are_redrawn_and_end_with_ctrl_c_or_with_their_reader() {
    let prometheus = Prometheus::start();
    prometheus.exporter.set("errors", 0.5);
    let endpoint = heals();
    let more = "metrics:\n  error_rate: { title: Errors, query: errors, target: \"< 1%\", alert: \"> 5%\" }\n";
    let scenario = watched(&prometheus.url, &endpoint, "true", more);
    let mut screen = typed(&scenario, "xterm", &["metrics", "--follow"]);
    screen.exp_string("\u{1b}[H\u{1b}[J").expect("drawn at the top");
    screen.exp_string("50%").expect("the number");
    screen.exp_string("Ctrl-C ends").expect("how to end it");
    prometheus.exporter.set("errors", 0.001);
    screen.exp_string("\u{1b}[H\u{1b}[J").expect("drawn again at the top");
    screen.exp_string("0.1%").expect("the new number");
    screen.send_control('c').expect("typed");
    let rest = screen.exp_eof().expect("the end");
    assert!(!rest.contains("\u{1b}[?25l"), "the cursor was not hidden: {rest:?}");
    let status = screen.process.wait().expect("an end");
    assert!(format!("{status:?}").contains("130"), "{status:?}");
    // Without a terminal: a log with times, that ends when nobody reads it any more.
    let mut followed = scenario.start(&["metrics", "--follow"]);
    let mut out = followed.stdout.take().expect("a stream");
    let mut begin = [0; 24];
    out.read_exact(&mut begin).expect("a time");
    assert!(begin.starts_with(b"20") && !begin.contains(&0x1b), "{begin:?}");
    drop(out);
    assert_eq!(followed.wait().expect("it ends").code(), Some(0));
}
