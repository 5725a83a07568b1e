//! Commands that run in the commit of a git step, by the whole program: which commit that is, and
//! what is said where there is none.

use super::remote::{BROKEN, FILE, Remote};
use crate::scenario::{Endpoint, Scenario};

const RESTORE: &str = "restore_files: { branch: feat/migration, from: develop, paths: [app], \
     message: Back }";
const REVERT: &str = "revert_commits: { branch: feat/migration, commits: [COMMIT] }";
const BRANCH: &str = "rollback_branch: { branch: good-again, on: develop, subject: Start }";

/// A run of one git step, `restore`, and of a deploy in its commit, which writes down what it sees.
fn scenario(remote: &Remote, step: &str, deploy: &str) -> Scenario {
    let repository = remote.url();
    Scenario::new().settings(&format!("apiVersion: rollback/v1\nrepository: {repository}\n")).component(
        "web",
        &format!(
            "methods:\n  code:\n    steps:\n      - {{ id: restore, name: Restore, {step} }}\n      \
             - {{ id: deploy, name: Deploy, checkout: restore, {deploy} }}\n"
        ),
    )
}

fn deploy(text: &str) -> String {
    format!("shell: \"git rev-parse HEAD >> $HOME/deployed; {text}\"")
}

fn deployed(scenario: &Scenario) -> Vec<String> {
    let text = std::fs::read_to_string(scenario.path("home/deployed")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_failed_deploy_is_made_up_for_by_running_it_all_again() {
    for (step, branch) in
        [(RESTORE, "feat/migration"), (REVERT, "feat/migration"), (BRANCH, "good-again")]
    {
        let remote = Remote::new();
        let step = step.replace("COMMIT", &format!("\"{}\"", remote.tip("feat/migration")));
        let scenario = scenario(&remote, &step, &deploy("test -e $HOME/mended"));
        scenario.run(&["component", "web", "--yes"]).exits(1);
        let scenario = scenario.file("home/mended", "");
        scenario
            .run(&["component", "web", "--dry-run"])
            .exits(0)
            .says(&format!("step `restore` pushes nothing: {branch} is at"));
        scenario.run(&["component", "web", "--yes"]).exits(5);
        let tip = remote.tip(branch);
        assert_eq!(deployed(&scenario), [tip.clone(), tip.clone()], "{step}");
        let skipped = scenario.records().into_iter().find(|it| it["type"] == "step_skipped");
        assert_eq!(skipped.expect("skipped")["outputs"]["sha"], tip.as_str(), "{step}");
    }
}

#[test]
fn a_deploy_whose_commit_is_left_out_is_blocked_before_anything_is_done() {
    let remote = Remote::new();
    let step = REVERT.replace("COMMIT", "\"0badc0de\"");
    let onward = "      - { name: Tell, command: [\"true\"] }\n";
    scenario(&remote, &step, &format!("{} }}\n{onward}      #", deploy("true")))
        .run(&["component", "web"])
        .exits(4)
        .says("--skip-blocked deploy");
    for deploy in [deploy("true"), "command: [echo, \"${steps.restore.sha}\"]".to_owned()] {
        let scenario = scenario(&remote, &step, &deploy);
        let left_out = ["component", "web", "--yes", "--skip-blocked", "restore"];
        scenario
            .run(&left_out)
            .exits(4)
            .says("it needs the commit of step `restore`, which is left out")
            .says("--skip-blocked deploy");
        assert!(scenario.runs().is_empty() && deployed(&scenario).is_empty());
    }
}

#[test]
fn a_deploy_without_the_restore_that_was_known_to_be_good_deploys_what_is_there() {
    let remote = Remote::new();
    // The good branch is just as broken, as far as anybody can tell.
    remote.git(&["push", "-q", "origin", "origin/feat/migration:refs/heads/develop"]);
    let scenario = scenario(&remote, RESTORE, &deploy("true"));
    scenario.run(&["component", "web", "--yes"]).exits(4);
    scenario.run(&["component", "web", "--yes", "--skip-blocked", "restore"]).exits(5);
    assert_eq!(deployed(&scenario), [remote.tip("feat/migration")]);
}

#[test]
fn a_checkout_comes_from_the_repository_of_the_step_whose_commit_it_is() {
    let (remote, other) = (Remote::new(), Remote::new());
    other.elsewhere("feat/migration", "scripts/deploy.sh", "cat app/dispatcher.py", "Add it");
    let step = RESTORE.replace("{ branch", &format!("{{ repository: {}, branch", other.url()));
    let scenario = scenario(&remote, &step, "command: [sh, scripts/deploy.sh]");
    let before = remote.refs();
    scenario.run(&["component", "web", "--yes"]).exits(5);
    assert_eq!(remote.refs(), before);
    assert_ne!(format!("{}\n", other.show("feat/migration", FILE)), BROKEN);
}

#[test]
fn a_new_branch_at_a_commit_without_the_script_is_no_place_to_deploy_from() {
    let remote = Remote::new();
    let elder = remote.tip("develop");
    remote.elsewhere("develop", "scripts/deploy.sh", "exit 0\n", "Add it");
    let command = "command: [sh, scripts/deploy.sh]";
    scenario(&remote, BRANCH, command)
        .run(&["component", "web", "--dry-run"])
        .exits(4)
        .says("scripts/deploy.sh will not be in the checkout: develop at \"Start\" has");
    let by_commit = BRANCH.replace("subject: Start", &format!("commit: \"{elder}\""));
    scenario(&remote, &by_commit, command).run(&["component", "web", "--dry-run"]).exits(4);
    let later = BRANCH.replace("Start", "Add it");
    let scenario = scenario(&remote, &later, command);
    scenario.run(&["component", "web", "--dry-run"]).exits(0);
    scenario.run(&["component", "web", "--yes"]).exits(5);
}

#[test]
fn the_password_of_an_address_is_in_no_plan_and_is_warned_of() {
    let remote = Remote::new();
    let server = Endpoint::status(401);
    let address = server.url("/x.git").replace("http://", "http://bob:s3cr3t@");
    let scenario = scenario(&remote, RESTORE, &deploy("true")).settings(&format!(
        "apiVersion: rollback/v1\nrepository: ${{repository}}\nparameters:\n  repository:\n    \
         description: Where the code is\n    default: {address}\n"
    ));
    for output in ["text", "json"] {
        let plan = scenario
            .run(&["component", "web", "--dry-run", "--output", output])
            .exits(4)
            .says("holds a password");
        let said = format!("{}{}", plan.stdout, plan.stderr);
        assert!(!said.contains("s3cr3t"), "{said}");
        assert!(said.contains("***@127.0.0.1"), "{said}");
    }
}
