//! A rollback from its first word to its verdict: what the operator sees and what the world saw.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;

use super::scenario::{Endpoint, NAMESPACE, Scenario};

/// The steps of a flag method.
const FLAG_STEPS: &str = "      - name: Turn the flag off
        set_flags: { configmap: flags, flags: { NEW_CODE: \"false\" } }
      - name: Restart the backend
        restart: [deployment/backend]
";

/// A component whose flag is wrong, whose backend reads it, and which is judged by `endpoint`.
pub fn flagged(endpoint: &Endpoint) -> Scenario {
    Scenario::new()
        .cluster()
        .configmap("flags", &[("NEW_CODE", "true"), ("OTHER", "true")])
        .deployment("backend", "flags")
        .component(
            "dispatcher",
            &format!(
                "methods:\n  flag:\n    budget: 30s\n    steps:\n{FLAG_STEPS}{}",
                when(endpoint)
            ),
        )
}

fn when(endpoint: &Endpoint) -> String {
    format!(
        "recovered_when:\n  - http: {{ url: \"{}\", consecutive: 3 }}\n    within: 1s\n",
        endpoint.url("/health")
    )
}

/// A server that is broken when the survey asks and works afterwards.
fn healing() -> Endpoint {
    let asked = AtomicU32::new(0);
    Endpoint::new(move |_| {
        (if asked.fetch_add(1, Ordering::SeqCst) == 0 { 503 } else { 200 }, String::new())
    })
}

/// A component that only runs commands.
fn commands(steps: &str) -> Scenario {
    Scenario::new().component("job", &format!("methods:\n  flag:\n    steps:\n{steps}"))
}

#[test]
fn a_flag_rollback_changes_one_key_renews_the_pods_and_recovers() {
    let scenario = flagged(&healing());
    scenario.run(&["component", "dispatcher", "--yes"]).exits(0).says("recovered");
    let data =
        scenario.world().get("configmaps", NAMESPACE, "flags").expect("there")["data"].clone();
    assert_eq!(data, json!({"NEW_CODE": "false", "OTHER": "true"}));
    assert_eq!(scenario.carried("backend", "NEW_CODE"), ["false", "false", "false"]);
    assert_eq!(
        scenario.changes(),
        [
            "PATCH /api/v1/namespaces/shop/configmaps/flags",
            "PATCH /apis/apps/v1/namespaces/shop/deployments/backend"
        ]
        .map(str::to_owned)
    );
    assert!(scenario.world().unimplemented().is_empty());
}

#[test]
fn a_second_run_finds_everything_there_and_restarts_no_pod() {
    let scenario = flagged(&healing());
    scenario.run(&["component", "dispatcher", "--yes"]).exits(0);
    let pods = |scenario: &Scenario| -> Vec<serde_json::Value> {
        let pods = scenario.world().list("pods", NAMESPACE);
        pods.iter().map(|pod| pod["metadata"]["uid"].clone()).collect()
    };
    let (before, changes) = (pods(&scenario), scenario.changes());
    scenario.run(&["component", "dispatcher"]).exits(0).says("already there");
    assert_eq!(pods(&scenario), before);
    assert_eq!(scenario.changes(), changes);
}

#[test]
fn checks_that_were_green_before_show_no_recovery() {
    let scenario = flagged(&Endpoint::status(200));
    let ended = scenario.run(&["component", "dispatcher", "--yes", "--output", "jsonl"]).exits(5);
    let last = ended.lines().pop().expect("a last event");
    assert_eq!((&last["type"], &last["verdict"]), (&json!("run_finished"), &json!("applied")));
    assert!(last["why"].as_str().expect("why").contains("green before as well"), "{last}");
}

#[test]
fn a_check_that_stays_red_is_applied_and_the_next_rung_is_offered_with_its_command() {
    let endpoint = Endpoint::status(503);
    let scenario = flagged(&endpoint).component(
        "dispatcher",
        &format!(
            "methods:\n  flag:\n    steps:\n{FLAG_STEPS}  code:\n    steps:\n      - name: Deploy\n        command: [\"true\"]\n{}",
            when(&endpoint)
        ),
    );
    let ended = scenario.run(&["component", "dispatcher", "--yes", "--output", "jsonl"]).exits(5);
    let offered = ended
        .lines()
        .into_iter()
        .find(|line| line["type"] == "escalation_offered")
        .expect("an offer");
    let command: Vec<&str> =
        offered["command"].as_array().expect("argv").iter().filter_map(|it| it.as_str()).collect();
    assert_eq!(command[..5], ["rollback", "component", "dispatcher", "--method", "code"]);
    assert_eq!(command[5], "--escalated-from");
    assert_eq!(offered["ready"], true, "it was surveyed while the first rung ran");
}

#[test]
fn the_command_of_the_next_rung_carries_what_was_given_and_does_as_it_says() {
    let endpoint = Endpoint::status(503);
    let scenario = flagged(&endpoint).component(
        "dispatcher",
        &format!(
            "parameters:\n  base_url: {{}}\n  told: {{ default: nobody }}\nmethods:\n  flag:\n    \
             steps:\n{FLAG_STEPS}  code:\n    steps:\n      - name: Deploy\n        command: [touch, \"${{told}}\"]\n\
             recovered_when:\n  - http: {{ url: \"${{base_url}}/health\" }}\n    within: 1s\n"
        ),
    );
    let base = format!("base_url={}", endpoint.url(""));
    let rest = ["--incident", "INC-7", "--reason", "tools fail", "--output", "jsonl"];
    let given = ["--param", &base, "--param", "told=the bridge", "--yes"];
    let first =
        ["component", "dispatcher"].iter().chain(&given).chain(&rest).copied().collect::<Vec<_>>();
    let ended = scenario.run(&first).exits(5);
    let lines = ended.lines();
    let offered = lines.iter().find(|line| line["type"] == "escalation_offered").expect("an offer");
    let command: Vec<&str> =
        offered["command"].as_array().expect("argv").iter().filter_map(|it| it.as_str()).collect();
    let run = &scenario.runs()[0];
    assert_eq!(command[..5], ["rollback", "component", "dispatcher", "--method", "code"]);
    for pair in [
        ["--param", base.as_str()],
        ["--param", "told=the bridge"],
        ["--incident", "INC-7"],
        ["--reason", "tools fail"],
        ["--escalated-from", run.as_str()],
    ] {
        assert!(command.windows(2).any(|words| words == pair), "{pair:?} in {command:?}");
    }
    // A bot runs what it was given, word by word.
    let next: Vec<&str> = command[1..].iter().copied().chain(["--yes"]).collect();
    scenario.run(&next).exits(5);
    assert!(scenario.path("the bridge").exists(), "the value given first is the value used");
}

#[test]
fn a_dry_run_shows_the_live_values_and_changes_nothing() {
    let scenario = flagged(&Endpoint::status(503));
    let before = scenario.world().full_digest();
    let ended =
        scenario.run(&["component", "dispatcher", "--dry-run", "--output", "json"]).exits(0);
    let plan = ended.json();
    assert_eq!(plan["changes"], 2);
    assert_eq!(plan["ready"], true);
    assert_eq!(plan["steps"][0]["changes"][0]["from"], "true");
    assert_eq!(plan["steps"][0]["changes"][0]["to"], "false");
    assert_eq!(scenario.world().full_digest(), before);
    assert_eq!(scenario.changes(), Vec::<String>::new());
    assert!(!scenario.state().exists(), "a dry-run leaves no state");
}

#[test]
fn without_a_terminal_and_without_yes_nothing_is_changed() {
    let scenario = flagged(&Endpoint::status(503));
    scenario.run(&["component", "dispatcher"]).exits(6).says("--yes");
    assert_eq!(scenario.changes(), Vec::<String>::new());
    assert_eq!(scenario.runs(), Vec::<String>::new());
}

#[test]
fn a_service_wants_its_name_and_the_system_who_decided() {
    let steps = "title: x\nmethods:\n  flag:\n    steps:\n      - name: Do it\n        command: [touch, done]\n        cwd: .\n        idempotent: true\n";
    let scenario = Scenario::new()
        .file(
            "runbooks/services/web.yaml",
            &format!("apiVersion: rollback/v1\nlevel: service\nname: web\n{steps}"),
        )
        .file(
            "runbooks/system.yaml",
            &format!("apiVersion: rollback/v1\nlevel: system\nname: system\n{steps}"),
        );
    scenario.run(&["service", "web", "--yes"]).exits(6).says("--confirm web");
    scenario.run(&["service", "web", "--confirm", "wep"]).exits(6).says("--confirm web");
    scenario.run(&["system", "--confirm", "system"]).exits(6).says("--decided-by");
    assert!(!scenario.path("done").exists());
    scenario.run(&["service", "web", "--confirm", "web"]).exits(5);
    assert!(scenario.path("done").exists());
    scenario.run(&["system", "--confirm", "system", "--decided-by", "CTO"]).exits(5);
    let records = scenario.records();
    assert_eq!(records[1]["decided_by"], "CTO");
}

#[test]
fn what_is_blocked_stops_the_run_before_anything_is_touched() {
    let scenario = flagged(&Endpoint::status(503)).component(
        "dispatcher",
        "methods:\n  flag:\n    steps:\n      - name: Turn the flag off\n        set_flags: { configmap: flags, flags: { NEW_CODE: \"false\" } }\n      - name: Restart it\n        restart: [deployment/backends]\n",
    );
    scenario
        .run(&["component", "dispatcher", "--yes"])
        .exits(4)
        .says("deployment/backends not found")
        .says("did you mean deployment/backend?")
        .says("runbooks/components/dispatcher.yaml:");
    assert_eq!(scenario.changes(), Vec::<String>::new());
    scenario.run(&["component", "dispatcher", "--yes", "--skip-blocked", "restart-it"]).exits(5);
    assert_eq!(scenario.changes(), ["PATCH /api/v1/namespaces/shop/configmaps/flags"]);
}

#[test]
fn a_failed_command_shows_its_own_words_and_stops_the_run() {
    let scenario = commands(
        "      - name: Break\n        shell: |\n          echo out\n          echo \"cannot reach the registry\" >&2\n          exit 3\n      - name: Never\n        command: [touch, never]\n        cwd: .\n",
    );
    scenario
        .run(&["component", "job", "--yes"])
        .exits(1)
        .says("exit 3")
        .says("cannot reach the registry");
    assert!(!scenario.path("never").exists());
}

#[test]
fn a_step_is_tried_again_as_often_as_its_runbook_says() {
    let scenario = commands(
        "      - name: Third time lucky\n        shell: |\n          echo x >> tries\n          test $(wc -l < tries) -ge 3\n        cwd: .\n        idempotent: true\n        retry: { attempts: 3, backoff: 10ms }\n",
    );
    scenario.run(&["component", "job", "--yes"]).exits(5);
    let tries = std::fs::read_to_string(scenario.path("tries")).expect("tries");
    assert_eq!(tries.lines().count(), 3);
}

#[test]
fn a_step_without_a_probe_is_not_tried_twice_unless_it_is_idempotent() {
    let scenario = commands(
        "      - name: Fire\n        shell: |\n          echo x >> tries\n          false\n        cwd: .\n        retry: { attempts: 3, backoff: 10ms }\n",
    );
    scenario.run(&["component", "job", "--yes"]).exits(1);
    assert_eq!(std::fs::read_to_string(scenario.path("tries")).expect("tries"), "x\n");
}

#[test]
fn a_failure_that_may_be_passed_over_is_passed_over() {
    let scenario = commands(
        "      - name: Optional\n        command: [\"false\"]\n        on_failure: continue\n      - name: Next\n        command: [touch, next]\n        cwd: .\n",
    );
    scenario.run(&["component", "job", "--yes"]).exits(5);
    assert!(scenario.path("next").exists());
}

#[test]
fn a_command_whose_probe_passes_is_not_run() {
    let scenario = commands(
        "      - name: Make it\n        shell: echo x >> made\n        probe: [test, -f, made]\n",
    );
    let made = scenario.path("made");
    scenario.run(&["component", "job", "--yes"]).exits(5);
    scenario.run(&["component", "job", "--yes"]).says("already there");
    assert_eq!(std::fs::read_to_string(made).expect("made"), "x\n");
}

#[test]
fn a_manual_step_needs_an_answer_before_anything_is_changed() {
    let scenario = commands(
        "      - name: Touch\n        command: [touch, touched]\n        cwd: .\n      - name: Look\n        manual: Look at the chat\n",
    );
    scenario.run(&["component", "job", "--yes"]).exits(6).says("--answer look=pass");
    assert!(!scenario.path("touched").exists());
    scenario.run(&["component", "job", "--yes", "--answer", "look=fail"]).exits(1);
    scenario.run(&["component", "job", "--yes", "--answer", "look=pass"]).exits(5);
}

#[test]
fn the_operators_environment_does_not_reach_the_commands() {
    let scenario = commands("      - name: Env\n        shell: env > seen\n        cwd: .\n        env: { GIVEN: \"yes\" }\n")
        .env("MY_PRIVATE_TOKEN", "hush");
    scenario.run(&["component", "job", "--yes"]).exits(5);
    let seen = std::fs::read_to_string(scenario.path("seen")).expect("seen");
    assert!(seen.contains("GIVEN=yes") && seen.contains("ROLLBACK_RUN_ID="), "{seen}");
    assert!(!seen.contains("hush"), "{seen}");
}

#[test]
fn a_value_that_changed_since_the_plan_is_not_overwritten() {
    let scenario = flagged(&Endpoint::status(503));
    let world = scenario.world();
    // Somebody else is quicker: the flag changes when our patch is on its way.
    let kept = world.keep(
        "somebody",
        "configmaps",
        NAMESPACE,
        "flags",
        json!({"data": {"NEW_CODE": "true"}}),
        std::time::Duration::ZERO,
    );
    assert!(kept.is_ok());
    let ended = scenario.run(&["component", "dispatcher", "--yes"]);
    assert_ne!(ended.code, Some(0), "{}", ended.stdout);
}

#[test]
fn jsonl_is_one_object_a_line_numbered_without_gaps_and_ends_with_the_verdict() {
    let scenario = flagged(&healing());
    let ended = scenario.run(&["component", "dispatcher", "--yes", "--output", "jsonl"]).exits(0);
    let lines = ended.lines();
    let numbers: Vec<u64> = lines.iter().filter_map(|line| line["seq"].as_u64()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    assert_eq!(lines[0]["type"], "run_started");
    let last = lines.last().expect("a last line");
    assert_eq!((&last["verdict"], &last["exit_code"]), (&json!("recovered"), &json!(0)));
    assert!(ended.stderr.is_empty(), "{}", ended.stderr);
}

#[test]
fn the_story_of_a_run_can_be_read_afterwards_without_the_cluster() {
    let scenario = flagged(&healing());
    scenario.run(&["component", "dispatcher", "--yes"]).exits(0);
    scenario.world().set_unavailable(true);
    scenario.run(&["runs"]).exits(0).says("component dispatcher").says("recovered");
    scenario.run(&["runs", "show"]).exits(0).says("Turn the flag off").says("503 -> 200");
    let run = scenario.run(&["runs", "show", "--output", "json"]).exits(0).json();
    assert_eq!(run["verdict"], "recovered");
}

#[test]
fn a_run_is_refused_while_another_has_the_environment() {
    let scenario = commands(
        "      - name: Wait\n        shell: |\n          touch begun\n          while [ ! -e go ]; do sleep 0.02; done\n        cwd: .\n",
    );
    let mut first = scenario.start(&["component", "job", "--yes"]);
    while !scenario.path("begun").exists() {
        std::thread::yield_now();
    }
    scenario.run(&["component", "job", "--yes"]).exits(7).says("component job");
    std::fs::write(scenario.path("go"), "").expect("go");
    assert_eq!(first.wait().expect("ended").code(), Some(5));
}

#[test]
fn an_overrun_is_said_and_offers_the_next_rung_with_its_command_before_the_end() {
    let scenario = Scenario::new().component(
        "slow",
        "methods:\n  flag:\n    budget: 1ms\n    steps:\n      - name: First\n        command: \
         [sleep, \"0.1\"]\n      - name: Second\n        command: [\"true\"]\n  code:\n    steps:\n      \
         - name: Deploy\n        command: [\"true\"]\n",
    );
    let ended = scenario.run(&["component", "slow", "--yes", "--output", "jsonl"]).exits(5);
    let lines = ended.lines();
    let place = |kind: &str| lines.iter().position(|line| line["type"] == kind).expect("there");
    let (said, offered) = (place("budget_exceeded"), place("escalation_offered"));
    assert_eq!(offered, said + 1);
    assert!(offered < lines.len() - 2, "before the end");
    let why = lines[offered]["why"].as_str().expect("why");
    assert!(why.starts_with("the budget of 1ms is used up; this run goes on"), "{why}");
    assert_eq!(lines[offered]["command"][4], "code");
}
