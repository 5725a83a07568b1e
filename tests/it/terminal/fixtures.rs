//! Plans and runs to look at, made in one place.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use rollback::event::{
    Choice, EffectKind, Envelope, Outcome, Record, RunStarted, SkipReason, VERSION, Verdict,
};
use rollback::plan::{ClusterName, Plan, PlannedCriterion, PlannedStep, Rung, SurveyNote};
use rollback::runbook::{
    Action, Confirm, Criterion, Http, Level, OnFailure, Place, Restart, Retry, SetFlags, Step,
    Target, Workload, WorkloadKind,
};
use rollback::state::RunState;
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
            },
            Rung {
                target: Target { level: Level::Service, name: "netra-backend".to_owned() },
                method: "flag".to_owned(),
                budget: Some(Duration::from_secs(60)),
                steps: strings(&["Turn every flag off"]),
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

/// Records of a run, one second apart from 02:14:05 on.
pub struct Story {
    pub records: Vec<Envelope>,
}

impl Story {
    /// Confirmed, with its values recorded.
    pub fn begin(plan: &Plan) -> Story {
        let mut story = Story { records: Vec::new() };
        story.add(Record::RunStarted(Box::new(RunStarted {
            target: plan.target.to_string(),
            method: plan.method.clone(),
            digest: plan.digest.clone(),
            context: plan.setting.context.clone().unwrap_or_default(),
            namespace: plan.setting.namespace.clone(),
            cluster: plan.cluster.uid.clone(),
            operator: "alice".to_owned(),
            host: "ops-1".to_owned(),
            pid: 4242,
            version: "0.1.0".to_owned(),
            incident: Some("INC-482".to_owned()),
            reason: None,
            trigger: None,
            escalated_from: None,
            budget_ms: Some(30_000),
            simulated: plan.simulated,
            catalog: "runbooks".to_owned(),
            plan: serde_json::to_value(plan).expect("a plan is JSON"),
            ..RunStarted::default()
        })));
        story.add(Record::Confirmed { how: "prompt".to_owned(), yes: true, decided_by: None });
        let values = BTreeMap::from([(
            "flag: configmap/migration-flags ENABLE_TOOL_DISPATCHER_MIGRATION".to_owned(),
            json!("true"),
        )]);
        story.add(Record::SnapshotTaken { values });
        story
    }

    pub fn add(&mut self, record: Record) -> &mut Story {
        let seq = self.records.len() as u64 + 1;
        self.records.push(Envelope {
            v: VERSION,
            seq,
            ts: format!("2026-11-23T02:14:{:02}.120Z", 4 + seq),
            run_id: RUN_ID.to_owned(),
            record,
        });
        self
    }

    pub fn intend(&mut self, index: usize, attempt: u32) -> &mut Story {
        let plan = self.state().plan().expect("the plan");
        let planned = &plan.steps[index - 1];
        self.add(Record::StepIntended {
            step: planned.step.id.clone(),
            index,
            of: plan.steps.len(),
            name: planned.step.name.clone(),
            kind: planned.step.action.kind().to_owned(),
            attempt,
            commands: planned.commands.clone(),
            resolved: BTreeMap::new(),
        })
    }

    pub fn end(
        &mut self,
        step: &str,
        outcome: Outcome,
        effect: EffectKind,
        why: &str,
        detail: &[&str],
        elapsed_ms: u64,
    ) -> &mut Story {
        self.add(Record::StepEnded {
            step: step.to_owned(),
            attempt: 1,
            outcome,
            effect,
            why: why.to_owned(),
            detail: strings(detail),
            elapsed_ms,
            outputs: BTreeMap::new(),
        })
    }

    pub fn flag_done(&mut self) -> &mut Story {
        self.intend(1, 1).end(
            "flag",
            Outcome::Done,
            EffectKind::Present,
            "ENABLE_TOOL_DISPATCHER_MIGRATION is false",
            &[],
            112,
        )
    }

    pub fn restart_done(&mut self) -> &mut Story {
        let why = "3 of 3 pods of deployment/netra-backend carry false";
        self.intend(2, 1).end(
            "restart-backend",
            Outcome::Done,
            EffectKind::Present,
            why,
            &[],
            7_240,
        )
    }

    pub fn restart_failed(&mut self) -> &mut Story {
        self.intend(2, 1).end(
            "restart-backend",
            Outcome::Failed,
            EffectKind::Broken,
            "the new pods crash: netra-backend-7d9f-x2k1 CrashLoopBackOff, exit 1; old pods still \
             serve (3/3)",
            &[
                "Traceback (most recent call last):",
                "ImportError: cannot import name 'DeepAgentState'",
            ],
            3_100,
        )
    }

    pub fn health_done(&mut self) -> &mut Story {
        self.intend(3, 1).end("health", Outcome::Done, EffectKind::Present, "200", &[], 40)
    }

    pub fn judged(&mut self, before: bool, holds: bool, why: &str) -> &mut Story {
        self.add(Record::CriterionJudged {
            name: "/health/agents".to_owned(),
            before: Some(before),
            holds,
            why: why.to_owned(),
        })
    }

    pub fn offer(&mut self, ready: Option<bool>) -> &mut Story {
        self.add(Record::EscalationOffered {
            target: "component tool-dispatcher".to_owned(),
            method: "code".to_owned(),
            command: strings(&["rollback", "component", "tool-dispatcher", "--method", "code"]),
            ready,
            why: "budget 5m".to_owned(),
        })
    }

    pub fn finish(
        &mut self,
        verdict: Verdict,
        exit_code: u8,
        why: &str,
        elapsed_ms: u64,
    ) -> &mut Story {
        self.add(Record::RunFinished { verdict, exit_code, why: why.to_owned(), elapsed_ms })
    }

    pub fn state(&self) -> RunState {
        RunState::fold(&self.records).expect("a run begins with its start")
    }
}

pub fn recovered() -> Story {
    let mut story = Story::begin(&plan());
    story.flag_done().restart_done().health_done().judged(false, true, "503 -> 200, 3 in a row");
    story.finish(Verdict::Recovered, 0, "", 9_000);
    story
}

pub fn applied() -> Story {
    let mut story = Story::begin(&plan());
    story.flag_done().restart_done().health_done().judged(true, true, "200, 3 in a row");
    story.offer(Some(true)).finish(Verdict::Applied, 5, "", 14_000);
    story
}

pub fn failed() -> Story {
    let mut story = Story::begin(&plan());
    story.flag_done().restart_failed();
    story.add(Record::Decision {
        step: "restart-backend".to_owned(),
        choice: Choice::Abort,
        by: "policy".to_owned(),
    });
    story.add(Record::BudgetExceeded { budget_ms: 30_000 }).offer(None);
    story.finish(Verdict::Failed, 1, "step 2, Restart the backend, failed", 42_000);
    story
}

pub fn aborted() -> Story {
    let mut story = Story::begin(&plan());
    story.flag_done();
    story.add(Record::StepSkipped {
        step: "restart-backend".to_owned(),
        why: SkipReason::Operator,
        detail: String::new(),
    });
    story.finish(Verdict::Aborted, 1, "the operator stopped the run", 12_300);
    story
}

pub fn declined() -> Story {
    let mut story = Story { records: Story::begin(&plan()).records[..1].to_vec() };
    story.add(Record::Confirmed { how: "prompt".to_owned(), yes: false, decided_by: None });
    story.finish(Verdict::Aborted, 6, "the operator said no", 0);
    story
}

pub fn unknown() -> Story {
    let mut story = Story::begin(&plan());
    story.flag_done().intend(2, 1).add(Record::DoubtResolved {
        outputs: std::collections::BTreeMap::default(),
        step: "restart-backend".to_owned(),
        effect: EffectKind::Unanswerable,
        by: "world".to_owned(),
        why: "the API server does not answer (connection refused)".to_owned(),
    });
    story.finish(Verdict::Unknown, 10, "step 2 is in doubt", 65_000);
    story
}

pub fn paused() -> Story {
    let mut story = Story::begin(&plan());
    story.flag_done().restart_done().add(Record::RunPaused {
        why: "interrupted (Ctrl-C)".to_owned(),
        exit_code: 130,
        resume: strings(&["rollback", "resume", RUN_ID]),
    });
    story
}

/// Killed in step 2; the world says that it is done.
pub fn coming_back() -> Story {
    let mut story = Story::begin(&plan());
    story.flag_done().intend(2, 1).add(Record::DoubtResolved {
        outputs: std::collections::BTreeMap::default(),
        step: "restart-backend".to_owned(),
        effect: EffectKind::Present,
        by: "world".to_owned(),
        why: "found applied: 3 of 3 pods are new".to_owned(),
    });
    story
}

/// One whose every name wants to break the page.
pub fn hostile() -> Story {
    let plan = hostile_plan();
    let evil = plan.steps[0].step.name.clone();
    let mut story = Story::begin(&plan);
    story.intend(1, 2).end("flag", Outcome::Done, EffectKind::Awaiting, &evil, &[&evil], 1);
    story.intend(2, 1).end(
        "restart-backend",
        Outcome::TimedOut,
        EffectKind::Partly,
        &evil,
        &[&evil, &evil],
        99_999_999,
    );
    story.add(Record::EscalationOffered {
        target: evil.clone(),
        method: evil.clone(),
        command: vec![evil.clone(), "y".repeat(500)],
        ready: Some(false),
        why: evil.clone(),
    });
    story.judged(true, true, &evil).intend(3, 1);
    story.finish(Verdict::Unknown, 10, &evil, 4_000_000);
    story
}
