//! Plans to look at, made in one place, and the runs of them.

mod story;

pub use story::*;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use rollback::plan::{ClusterName, Plan, PlannedCriterion, PlannedStep, Rung, SurveyNote};
use rollback::runbook::{
    Action, Confirm, Criterion, Http, Level, OnFailure, Place, Restart, Retry, SetFlags, Step,
    Target, Workload, WorkloadKind,
};
use rollback::step::{FieldChange, Forecast, Nature, Setting, Standing};
use serde_json::json;

pub const RUN_ID: &str = "019311d2-7c40-7a31-9c55-3f1b2a66d0e4";
const URL: &str = "https://staging.netra.ai/health/agents";

pub fn target() -> Target {
    Target { level: Level::Component, name: "tool-dispatcher".to_owned() }
}

fn place(line: usize) -> Place {
    let file = PathBuf::from("runbooks/components/tool-dispatcher.yaml");
    Place { file, line, column: 9 }
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn step(id: &str, name: &str, line: usize, action: Action) -> Step {
    Step {
        id: id.to_owned(),
        name: name.to_owned(),
        timeout: Duration::from_secs(120),
        retry: Retry::default(),
        confirm: Confirm::None,
        on_failure: OnFailure::Stop,
        action,
        place: place(line),
    }
}

fn backend() -> Workload {
    Workload { kind: WorkloadKind::Deployment, name: "netra-backend".to_owned() }
}

fn http() -> Http {
    serde_json::from_value(json!({"url": URL, "consecutive": 3})).expect("an http check")
}

fn flags() -> PlannedStep {
    let flags =
        BTreeMap::from([("ENABLE_TOOL_DISPATCHER_MIGRATION".to_owned(), "false".to_owned())]);
    let action = Action::SetFlags(SetFlags {
        configmap: Some("migration-flags".to_owned()),
        workload: None,
        container: None,
        flags,
        create: false,
    });
    let mut forecast = Forecast::default();
    forecast.changes.push(FieldChange {
        object: "configmap/migration-flags".to_owned(),
        field: "ENABLE_TOOL_DISPATCHER_MIGRATION".to_owned(),
        from: Some("true".to_owned()),
        to: "false".to_owned(),
    });
    let patch = r#"[{"op":"test","path":"/data/ENABLE_TOOL_DISPATCHER_MIGRATION","value":"true"},{"op":"replace","path":"/data/ENABLE_TOOL_DISPATCHER_MIGRATION","value":"false"}]"#;
    PlannedStep {
        step: step("flag", "Turn the migration flag off", 14, action),
        nature: Nature::Change,
        standing: Standing::WillChange,
        forecast,
        commands: vec![strings(&[
            "kubectl",
            "--context",
            "netra-staging",
            "-n",
            "default",
            "patch",
            "configmap/migration-flags",
            "--type=json",
            "-p",
            patch,
        ])],
        left_out: false,
    }
}

fn restart() -> PlannedStep {
    let action = Action::Restart(Restart { workloads: vec![backend()] });
    let forecast = Forecast {
        evidence: strings(&["deployment/netra-backend  3 pods carry true (image netra:4f1c)"]),
        warnings: strings(&["no PodDisruptionBudget: all 3 pods may be replaced at once"]),
        ..Forecast::default()
    };
    let patch = r#"{"spec":{"template":{"metadata":{"annotations":{"rollback/run":"<run>/restart-backend"}}}}}"#;
    PlannedStep {
        step: step("restart-backend", "Restart the backend", 19, action),
        nature: Nature::Change,
        standing: Standing::WillChange,
        forecast,
        commands: vec![strings(&[
            "kubectl",
            "--context",
            "netra-staging",
            "-n",
            "default",
            "patch",
            "deployment/netra-backend",
            "--type=merge",
            "-p",
            patch,
        ])],
        left_out: false,
    }
}

fn health() -> PlannedStep {
    PlannedStep {
        step: step("health", "Check the health", 22, Action::Http(http())),
        nature: Nature::Check,
        standing: Standing::WillRun,
        forecast: Forecast::default(),
        commands: Vec::new(),
        left_out: false,
    }
}

/// The plan of the flag method: two changes and a check.
pub fn plan() -> Plan {
    let mut plan = Plan {
        lock: Vec::new(),
        target: target(),
        title: "Tool Dispatcher".to_owned(),
        method: "flag".to_owned(),
        not_ready: None,
        found: BTreeMap::new(),
        budget: Some(Duration::from_secs(30)),
        setting: Setting {
            kubeconfig: None,
            context: Some("netra-staging".to_owned()),
            namespace: "default".to_owned(),
            repository: None,
        },
        cluster: ClusterName {
            uid: "8dc0ea30-11f2-4c5e-a2b1-77a0c2b9d9a1".to_owned(),
            server: "https://10.1.2.3".to_owned(),
            user: "alice".to_owned(),
            problem: String::new(),
        },
        parameters: BTreeMap::from([(
            "base_url".to_owned(),
            "https://staging.netra.ai".to_owned(),
        )]),
        secrets: BTreeMap::new(),
        given: Vec::new(),
        steps: vec![flags(), restart(), health()],
        criteria: vec![PlannedCriterion {
            criterion: Criterion {
                tier: None,
                name: format!("{URL} is 200, 3 times"),
                within: Duration::from_secs(60),
                action: Action::Http(http()),
                place: place(30),
            },
            before: Some(false),
            now: "503".to_owned(),
            warning: String::new(),
        }],
        ladder: vec![
            Rung {
                target: target(),
                method: "code".to_owned(),
                budget: Some(Duration::from_secs(300)),
                steps: strings(&[
                    "Restore the dispatcher from the stable branch",
                    "Deploy the restored code",
                ]),
                given: Vec::new(),
                rehearsed: false,
            },
            Rung {
                target: Target { level: Level::Service, name: "netra-backend".to_owned() },
                method: "flag".to_owned(),
                budget: Some(Duration::from_secs(60)),
                steps: strings(&["Turn every flag off"]),
                given: Vec::new(),
                rehearsed: false,
            },
        ],
        survey: SurveyNote {
            elapsed_ms: 312,
            unanswered: Vec::new(),
            at: "2026-11-23T02:14:05.120Z".to_owned(),
        },
        digest: String::new(),
        simulated: false,
        place: place(1),
        after: Box::default(),
        forward_of: None,
    };
    plan.seal();
    plan
}

/// The same, in an environment where two of the three steps stand badly.
pub fn blocked_plan() -> Plan {
    let mut plan = plan();
    let restart = &mut plan.steps[1];
    restart.standing = Standing::Blocked;
    restart.forecast = Forecast::default();
    restart.forecast.block(
        "deployment/netra-backend not found in default",
        Some("did you mean deployment/netra-backends (3 pods)?".to_owned()),
    );
    let health = &mut plan.steps[2];
    health.standing = Standing::CannotBeChecked;
    health.forecast.uncheckable("no permission to list pods as bot@ci; needs: list pods", None);
    plan.survey.unanswered = strings(&["pods of deployment/netra-backend (5s)"]);
    plan.criteria[0].before = None;
    "connection refused".clone_into(&mut plan.criteria[0].now);
    plan.seal();
    plan
}

/// The plan with names that want to break the page.
pub fn hostile_plan() -> Plan {
    let long = "a-name-that-goes-on-and-on-".repeat(9);
    let evil =
        format!("{long}\u{1b}[31m\u{202e}\r\n\u{9b}2J漢字漢字漢字漢字漢字{}", "x".repeat(300));
    let mut plan = blocked_plan();
    plan.target.name.clone_from(&long);
    plan.setting.context = Some(format!("gke_{long}"));
    plan.setting.namespace.clone_from(&long);
    plan.cluster.server = format!("https://{long}.example.com:6443");
    plan.cluster.user.clone_from(&evil);
    plan.parameters.insert("evil".to_owned(), evil.clone());
    plan.survey.unanswered = vec![evil.clone(), long.clone()];
    plan.place.file = PathBuf::from(format!("runbooks/{long}/{long}.yaml"));
    for planned in &mut plan.steps {
        planned.step.name.clone_from(&evil);
        planned.step.place.file = PathBuf::from(&long);
        planned.forecast.warnings = vec![evil.clone()];
        planned.forecast.evidence = vec![evil.clone()];
        planned.forecast.changes.push(FieldChange {
            object: long.clone(),
            field: evil.clone(),
            from: Some(evil.clone()),
            to: "y".repeat(1000),
        });
        planned.commands =
            vec![vec!["kubectl".to_owned(), evil.clone(), "q'uo".repeat(60), String::new()]];
    }
    plan.steps[1].forecast.block(evil.clone(), Some(evil.clone()));
    plan.criteria[0].criterion.name.clone_from(&evil);
    plan.criteria[0].now.clone_from(&evil);
    plan.ladder[0].steps = vec![evil];
    plan.seal();
    plan
}
