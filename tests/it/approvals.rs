//! What was approved is what runs, and nobody is locked out.

use super::scenario::{NAMESPACE, Scenario};

fn guarded() -> Scenario {
    Scenario::new()
        .settings("apiVersion: rollback/v1\ncontext: test\nnamespace: shop\napprovals:\n  - { level: component, methods: [flag], by: the lead }\n")
        .cluster()
        .configmap("flags", &[("NEW_CODE", "true")])
        .component(
            "dispatcher",
            "methods:\n  flag:\n    steps:\n      - name: Turn the flag off\n        set_flags: { configmap: flags, flags: { NEW_CODE: \"false\" } }\n  code:\n    steps:\n      - name: Nothing\n        command: [\"true\"]\n        idempotent: true\n",
        )
}

/// The digest that a dry-run shows.
fn digest(scenario: &Scenario) -> String {
    let plan = scenario.run(&["component", "dispatcher", "--dry-run", "--output", "json"]).json();
    plan["digest"].as_str().expect("a digest").to_owned()
}

#[test]
fn a_run_that_needs_approval_is_suspended_with_its_digest() {
    let scenario = guarded();
    let digest = digest(&scenario);
    scenario.run(&["component", "dispatcher", "--yes"]).exits(8).says(&digest).says("the lead");
    assert_eq!(scenario.changes(), Vec::<String>::new());
    scenario.run(&["component", "dispatcher", "--method", "code", "--yes"]).exits(5);
}

#[test]
fn an_approved_digest_runs_and_who_approved_is_in_the_journal() {
    let scenario = guarded();
    let digest = digest(&scenario);
    scenario.run(&["component", "dispatcher", "--yes", "--approve", &digest]).exits(2);
    let short = &digest[..23];
    let approved = ["--approve", short, "--approved-by", "Ada"];
    scenario.run(&[&["component", "dispatcher", "--yes"][..], &approved].concat()).exits(5);
    assert_eq!(scenario.records()[0]["approval"]["by"], "Ada");
    assert_eq!(scenario.records()[0]["approval"]["digest"], digest.as_str());
}

#[test]
fn what_changed_after_the_approval_is_refused_and_named() {
    let scenario = guarded();
    let approve = |scenario: &Scenario, digest: &str| {
        scenario.run(&[
            "component",
            "dispatcher",
            "--yes",
            "--approve",
            digest,
            "--approved-by",
            "Ada",
        ])
    };
    let digest = digest(&scenario);
    scenario.run(&["component", "dispatcher", "--yes"]).exits(8);
    let patch = serde_json::json!({"data": {"NEW_CODE": "maybe"}});
    scenario.world().patch_merge("configmaps", NAMESPACE, "flags", &patch).expect("patched");
    approve(&scenario, &digest).exits(9).says("was true, is maybe");
    assert_eq!(scenario.changes(), Vec::<String>::new());
}

#[test]
fn what_drifts_by_itself_makes_nothing_stale() {
    let scenario = guarded();
    let before = digest(&scenario);
    let patch =
        serde_json::json!({"metadata": {"labels": {"drift": "yes"}}, "data": {"OTHER": "x"}});
    scenario.world().patch_merge("configmaps", NAMESPACE, "flags", &patch).expect("patched");
    assert_eq!(digest(&scenario), before);
}

#[test]
fn a_lone_engineer_breaks_the_glass_and_says_why() {
    let scenario = guarded();
    scenario
        .run(&["component", "dispatcher", "--yes", "--break-glass", "nobody answers"])
        .exits(5)
        .says("break glass");
    assert_eq!(scenario.records()[0]["approval"]["break_glass"], "nobody answers");
}
