//! Signals while a server has taken the connection and says nothing: the API server of the cluster, in the
//! survey and in a rollout, and the endpoint of a check.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::json;

use super::stage::{Terminal, cursor_is_shown};
use super::waits::{PATIENCE, finalizers, held, restarts, stop, waiting};
use crate::scenario::{NAMESPACE, Scenario};

#[test]
fn a_survey_of_a_silent_cluster_ends_at_once_and_nothing_was_changed() {
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 143)] {
        let (scenario, _) = held();
        let before = scenario.world().requests().len();
        scenario.world().hang(true);
        let terminal = Terminal::start(&scenario, &["component", "one", "--yes"]);
        let reached = |view: &rollback::sandbox::View| view.requests().len() > before;
        assert!(scenario.world().wait_until(PATIENCE, reached), "{name}: it asks the cluster");
        terminal.signal(name);
        let (text, ended) = terminal.end();
        scenario.world().hang(false);
        assert_eq!(ended, code, "{name}\n{text}");
        assert!(text.contains("nothing was changed"), "{name}\n{text}");
        assert!(cursor_is_shown(&text) && scenario.runs().is_empty(), "{name}\n{text}");
        assert_eq!(restarts(&scenario), 0, "{name}");
    }
}

#[test]
fn a_rollout_in_a_cluster_that_fell_silent_ends_and_a_resume_restarts_nothing() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let (scenario, pod) = held();
        let mut terminal = waiting(&scenario, &pod);
        scenario.world().hang(true);
        stop(&mut terminal, name);
        let (text, ended) = terminal.end();
        scenario.world().hang(false);
        assert_eq!(ended, code, "{name}\n{text}");
        assert!(cursor_is_shown(&text) && text.contains("rollback resume"), "{name}\n{text}");
        assert!(!text.contains("panicked"), "{name}\n{text}");
        // The lock could not be given back: it says whose it is, and its own run takes it up.
        assert_eq!(scenario.world().list("leases", NAMESPACE).len(), 1, "{name}\n{text}");
        finalizers(&scenario, &pod, &json!(null));
        scenario.run(&["runs", "show"]).exits(0);
        scenario.run(&["resume", "--yes"]).exits(5);
        assert!(scenario.path("witness").exists(), "{name}");
        assert_eq!(restarts(&scenario), 1, "{name}: restarted once");
        assert_eq!(scenario.world().list("leases", NAMESPACE).len(), 0, "{name}");
    }
}

#[test]
fn a_check_of_a_silent_endpoint_ends_and_the_run_can_be_resumed() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/health", listener.local_addr().expect("its address"));
        let scenario = Scenario::new();
        let witness = scenario.path("witness").display().to_string();
        let scenario = scenario.component(
            "one",
            &format!(
                "methods:\n  flag:\n    steps:\n      - name: Touch\n        command: [touch, \
                 \"{witness}\"]\n        idempotent: true\n      - name: Ask\n        http: {{ \
                 url: \"{url}\", attempt_timeout: 5m }}\n        timeout: 10m\n"
            ),
        );
        let mut terminal = Terminal::start(&scenario, &["component", "one", "--yes"]);
        listener.set_nonblocking(true).expect("a mode");
        // Those that look beforehand close their connection; the one of the step stays.
        let until = Instant::now() + PATIENCE;
        let asked = loop {
            terminal.look();
            assert!(Instant::now() < until, "{name}: it does not ask\n{}", terminal.text);
            std::thread::sleep(Duration::from_millis(5));
            if let Ok((stream, _)) = listener.accept()
                && scenario.path("witness").exists()
            {
                break stream;
            }
        };
        stop(&mut terminal, name);
        let (text, ended) = terminal.end();
        drop(asked);
        assert_eq!(ended, code, "{name}\n{text}");
        assert!(cursor_is_shown(&text) && text.contains("rollback resume"), "{name}\n{text}");
        assert!(!text.contains("panicked"), "{name}\n{text}");
        scenario.run(&["runs", "show"]).exits(0);
    }
}
