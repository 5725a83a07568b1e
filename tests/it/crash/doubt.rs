//! Steps of every kind, killed before the spawn, while their command runs, and after the effect
//! before its end is recorded. A resume asks the world; what the world cannot answer, the operator.

use std::time::{Duration, Instant};

use super::trace::{can_trace, journal_calls, lines, tamper};
use crate::forge::remote::{BROKEN, FILE, GOOD, Remote};
use crate::scenario::{Ended, Endpoint, NAMESPACE, Scenario};

/// A component of one step, of which `step` is the YAML after `- `.
pub(super) fn one(scenario: Scenario, step: &str) -> Scenario {
    let step = step.replace('\n', "\n        ");
    let body = format!("methods:\n  flag:\n    steps:\n      - id: it\n        {step}\n");
    scenario.component("one", &body)
}

/// Resumes; while an orphaned command still runs that is refused, and tried again.
pub(super) fn resume(scenario: &Scenario, more: &[&str]) -> Ended {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let ended = scenario.run(&[&["resume", "--yes"], more].concat());
        let busy = ended.code == Some(10) && ended.stderr.contains("still runs");
        if !busy || Instant::now() > until {
            return ended;
        }
    }
}

/// Kills a run of a fresh world at every point, resumes it, and lets `check` look at the world.
pub(super) fn at_every_point<W>(
    make: impl Fn() -> W,
    scenario: impl Fn(&W) -> &Scenario,
    arguments: &[&str],
    check: impl Fn(&W, &Ended, &str),
) -> usize {
    if !can_trace() {
        return 0;
    }
    let run = [&["component", "one", "--yes", "--output", "json"], arguments].concat();
    let mut hit = 0;
    // From the intent on; before it there is nothing to doubt.
    for (syscall, when) in journal_calls(scenario(&make()), &run).into_iter().skip(3) {
        let world = make();
        let it = scenario(&world);
        let killed = tamper(it, &syscall, "signal=KILL", when, &run);
        if !killed.hit {
            continue;
        }
        hit += 1;
        let ended = resume(it, arguments);
        let over = ended.code == Some(2) && ended.stderr.contains("is over");
        let place = format!("{syscall} {when}");
        if !over {
            assert!(matches!(ended.code, Some(0 | 5 | 10)), "{place}: {ended:?}");
        }
        check(&world, &ended, &place);
    }
    assert!(hit >= 4, "only {hit} points were hit");
    hit
}

#[test]
fn flags_are_set_once_wherever_the_run_is_killed() {
    let make = || {
        let scenario = Scenario::new().cluster().configmap("flags", &[("NEW_CODE", "true")]);
        one(scenario, "name: Off\nset_flags: { configmap: flags, flags: { NEW_CODE: \"false\" } }")
    };
    let hit = at_every_point(
        make,
        |it| it,
        &[],
        |it, _, place| {
            let flags = it.world().get("configmaps", NAMESPACE, "flags").expect("there");
            assert_eq!(flags["data"]["NEW_CODE"], "false", "{place}");
            assert_eq!(it.changes().len(), 1, "{place}: {:?}", it.changes());
        },
    );
    eprintln!("set_flags killed at {hit} points: patched once each time");
}

#[test]
fn workloads_are_restarted_once_wherever_the_run_is_killed() {
    let make = || {
        let scenario = Scenario::new()
            .cluster()
            .configmap("flags", &[("NEW_CODE", "true")])
            .deployment("backend", "flags");
        one(scenario, "name: Restart\nrestart: [deployment/backend]")
    };
    let hit = at_every_point(
        make,
        |it| it,
        &[],
        |it, _, place| {
            let deployment = it.world().get("deployments", NAMESPACE, "backend").expect("there");
            assert_eq!(deployment["metadata"]["generation"], 2, "{place}: rolled out once");
        },
    );
    eprintln!("restart killed at {hit} points: one rollout each time");
}

/// A step on a git remote, run against a world of its own.
fn git_step(step: &str) -> (Scenario, Remote) {
    let remote = Remote::new();
    let settings = format!("apiVersion: rollback/v1\nrepository: {}\n", remote.url());
    let commit = remote.git(&["rev-parse", "feat/migration"]);
    let step = step.replace("COMMIT", &commit);
    (one(Scenario::new().settings(&settings), &step), remote)
}

#[test]
#[ignore = "nightly: a loop over every point"]
fn commits_are_pushed_once_wherever_the_run_is_killed() {
    let file = format!(
        "name: Restore\nrestore_files: {{ branch: feat/migration, from: develop, paths: [{FILE}], message: back }}"
    );
    for step in [
        file.as_str(),
        "name: Revert\nrevert_commits: { branch: feat/migration, commits: [COMMIT], message: back }",
    ] {
        let hit = at_every_point(
            || git_step(step),
            |it| &it.0,
            &[],
            |(_, remote), _, place| {
                assert_eq!(remote.show("feat/migration", FILE) + "\n", GOOD, "{place}");
                let commits = remote.bare(&["rev-list", "--count", "feat/migration"]);
                assert_eq!(commits, "3", "{place}: one commit was added");
            },
        );
        let name = step.lines().next().unwrap_or_default();
        eprintln!("git step ({name}) killed at {hit} points: one commit each time");
    }
    assert_ne!(GOOD, BROKEN);
}

#[test]
fn a_rollback_branch_is_made_once_wherever_the_run_is_killed() {
    let step = "name: Branch\nrollback_branch: { branch: \"back-${run.stamp}\", on: feat/migration, commit: COMMIT }";
    let hit = at_every_point(
        || git_step(step),
        |it| &it.0,
        &[],
        |(_, remote), _, place| {
            let branches =
                remote.bare(&["for-each-ref", "--format=%(refname:short)", "refs/heads/back-*"]);
            assert_eq!(branches.lines().count(), 1, "{place}: {branches}");
        },
    );
    eprintln!("rollback_branch killed at {hit} points: one branch each time");
}

fn writes(step: &str) -> Scenario {
    let scenario = Scenario::new();
    let witness = scenario.path("witness").display().to_string();
    one(scenario, &step.replace("WITNESS", &witness))
}

#[test]
fn a_command_with_a_probe_is_run_once_wherever_the_run_is_killed() {
    let step = "name: Do\ncommand: [sh, -c, \"echo did >> WITNESS\"]\nprobe: [test, -e, WITNESS]";
    let hit = at_every_point(
        || writes(step),
        |it| it,
        &[],
        |it, _, place| {
            assert_eq!(lines(&it.path("witness")), ["did"], "{place}");
        },
    );
    eprintln!("command with a probe killed at {hit} points: run once each time");
}

#[test]
fn a_command_that_nothing_can_show_is_asked_about_and_never_fired_twice() {
    let step = "name: Fire\ncommand: [sh, -c, \"echo fired >> WITNESS\"]";
    for answer in ["it=pass", "it=fail"] {
        let hit = at_every_point(
            || writes(step),
            |it| it,
            &[],
            |it, ended, place| {
                let before = lines(&it.path("witness")).len();
                assert!(before <= 1, "{place}: fired {before} times");
                if ended.code == Some(10) {
                    assert!(ended.stdout.contains("--answer it=pass"), "{place}: {ended:?}");
                    let ended = it.run(&["resume", "--yes", "--answer", answer]).exits(5);
                    let fired = lines(&it.path("witness")).len() - before;
                    assert_eq!(fired, usize::from(answer == "it=fail"), "{place}: {ended:?}");
                } else {
                    assert_eq!(before, 1, "{place}: it is over");
                }
            },
        );
        eprintln!("fire killed at {hit} points, answered {answer}: never fired unasked");
    }
}

#[test]
fn an_idempotent_command_is_run_again_unasked_and_a_check_is_asked_again() {
    let step = "name: Fire\ncommand: [sh, -c, \"echo fired >> WITNESS\"]\nidempotent: true";
    at_every_point(
        || writes(step),
        |it| it,
        &[],
        |it, ended, place| {
            assert_ne!(ended.code, Some(10), "{place}");
            assert!((1..=2).contains(&lines(&it.path("witness")).len()), "{place}");
        },
    );
    let endpoint = Endpoint::status(200);
    for step in [
        format!("name: Ask\nhttp: {{ url: \"{}\" }}", endpoint.url("/")),
        "name: Wait\nwait: 10ms".to_owned(),
        "name: Look\nmanual: Is it so?".to_owned(),
    ] {
        let answer: &[&str] = if step.contains("manual") { &["--answer", "it=pass"] } else { &[] };
        at_every_point(
            || writes(&step),
            |it| it,
            answer,
            |_, ended, place| {
                assert_ne!(ended.code, Some(10), "{step} {place}");
            },
        );
    }
}
