//! Approvals as a program sees them: foreseen by a dry-run, asked for with a command that is whole.

use crate::scenario::{NAMESPACE, Scenario};

fn guarded() -> Scenario {
    Scenario::new()
        .settings("apiVersion: rollback/v1\ncontext: test\nnamespace: shop\napprovals:\n  - { level: component, methods: [flag], by: the lead }\n")
        .cluster()
        .configmap("flags", &[("NEW_CODE", "true")])
        .component(
            "dispatcher",
            "methods:\n  flag:\n    steps:\n      - name: Turn the flag off\n        set_flags: { configmap: flags, flags: { NEW_CODE: \"false\" } }\n  code:\n    steps:\n      - name: Nothing\n        command: [\"true\"]\n",
        )
}

const DRY: [&str; 3] = ["component", "dispatcher", "--dry-run"];

#[test]
fn a_dry_run_says_that_a_run_would_be_suspended_and_for_whose_approval() {
    let scenario = guarded();
    let json =
        |more: &[&str]| scenario.run(&[&DRY[..], &["-o", "json"], more].concat()).exits(0).json();
    let plan = json(&[]);
    let digest = plan["digest"].as_str().expect("a digest").to_owned();
    assert_eq!(plan["approval"], serde_json::json!({"state": "required", "by": "the lead"}));
    assert_eq!(json(&["--method", "code"])["approval"], serde_json::Value::Null);
    let approved = json(&["--approve", &digest, "--approved-by", "Ada"]);
    assert_eq!(approved["approval"]["state"], "given");
    assert_eq!(json(&["--break-glass", "fire"])["approval"]["state"], "break_glass");
    scenario.run(&DRY).exits(0).says("the approval of the lead").says("exit 8").says(&digest);
    let other = ["--approve", "0123456789ab", "--approved-by", "Ada", "-o", "json"];
    let refused = scenario.run(&[&DRY[..], &other].concat()).exits(9).json();
    assert_eq!(refused["type"], "error");
}

#[test]
fn the_command_of_a_suspended_run_says_all_that_was_said() {
    let scenario = guarded();
    let given = ["--yes", "--incident", "INC-7", "--reason", "tools fail", "-o", "json"];
    let error = scenario.run(&[&["component", "dispatcher"][..], &given].concat()).exits(8).json();
    let mut hints = error["hints"].as_array().expect("hints").iter();
    let approved = |hint: &'_ serde_json::Value| -> Option<String> {
        hint.as_str()?.strip_prefix("once approved: rollback ").map(str::to_owned)
    };
    let once = hints.find_map(approved);
    let once =
        once.expect("the command").replace("NAME", "Ada").replace("'tools fail'", "tools-fail");
    assert!(once.contains("--incident INC-7") && once.contains("--yes"), "{once}");
    let words: Vec<&str> = once.split(' ').collect();
    scenario.run(&words).exits(5);
    assert_eq!(scenario.records()[0]["incident"], "INC-7");
    assert_eq!(scenario.records()[0]["reason"], "tools-fail");
    let run = scenario.run(&["runs", "show", "-o", "json"]).json();
    assert_eq!(run["approval"]["by"], "Ada");
}

#[test]
fn a_stale_plan_names_the_fields_that_differ_and_nothing_else() {
    let scenario = guarded();
    let run = ["component", "dispatcher", "--yes", "-o", "json"];
    scenario.run(&run).exits(8);
    let digest = scenario.run(&[&DRY[..], &["-o", "json"]].concat()).json()["digest"].clone();
    let patch = serde_json::json!({"data": {"NEW_CODE": "maybe"}});
    scenario.world().patch_merge("configmaps", NAMESPACE, "flags", &patch).expect("patched");
    let scenario = scenario.component(
        "dispatcher",
        "methods:\n  flag:\n    steps:\n      - name: Turn the flag off\n        timeout: 90s\n        set_flags: { configmap: flags, flags: { NEW_CODE: \"false\" } }\n",
    );
    let approve = ["--approve", digest.as_str().expect("a digest"), "--approved-by", "Ada"];
    let error = scenario.run(&[&run[..], &approve].concat()).exits(9).json();
    let hints: Vec<&str> =
        error["hints"].as_array().expect("hints").iter().filter_map(|it| it.as_str()).collect();
    assert_eq!(hints.len(), 3, "two fields and the digest: {hints:#?}");
    assert!(hints.iter().any(|hint| hint.contains("timeout") && hint.contains("90")), "{hints:#?}");
    assert!(hints.iter().any(|hint| hint.ends_with("was true, is maybe")), "{hints:#?}");
    assert!(hints.iter().all(|hint| !hint.contains('{')), "{hints:#?}");
}
