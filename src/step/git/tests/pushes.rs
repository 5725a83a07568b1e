//! A push that was cut off, that lost a race, that was refused, or that was taken back.

use super::*;

#[test]
fn a_push_whose_end_was_not_recorded_is_found_after_the_crash() {
    for restores in [true, false] {
        let bench = Bench::new(Remote::new());
        let culprit = bench.remote.tip(BRANCH);
        let kind = if restores {
            Kind::Restore(restore(&[FILE]))
        } else {
            Kind::Revert(revert(&[&culprit]))
        };
        let forecast = bench.forecast(&kind);
        let done = bench.perform(&kind, &forecast);
        // Another process, another machine: nothing is known but the plan and the mark.
        bench.remote.elsewhere(BRANCH, "README.md", "more\n", "docs: more");
        let other = Bench { forge: Forge::new(bench.remote.dir.path().join("other")), ..bench };
        let Effect::Present(_, found) = other.look(&kind, &forecast) else { panic!("not found") };
        assert_eq!(found["sha"], done.outputs["sha"]);
        let refs = other.remote.refs();
        let again = other.perform(&kind, &forecast);
        assert_eq!(again.outputs, done.outputs);
        assert_eq!(other.remote.refs(), refs, "performing again changed the remote");
    }
}

#[test]
fn the_same_commit_is_made_by_any_process_so_pushing_it_twice_is_harmless() {
    let bench = Bench::new(Remote::new());
    let kind = Kind::Restore(restore(&[FILE]));
    let forecast = bench.forecast(&kind);
    let before = bench.remote.tip(BRANCH);
    let first = bench.perform(&kind, &forecast).outputs["sha"].clone();
    bench.remote.bare(&["update-ref", &format!("refs/heads/{BRANCH}"), &before]);
    let other = Bench { forge: Forge::new(bench.remote.dir.path().join("other")), ..bench };
    assert_eq!(other.perform(&kind, &forecast).outputs["sha"], first);
}

#[test]
fn a_branch_that_moved_gets_the_commit_on_its_new_tip() {
    let bench = Bench::new(Remote::new());
    let kind = Kind::Restore(restore(&[FILE]));
    let forecast = bench.forecast(&kind);
    let other = bench.remote.elsewhere(BRANCH, "README.md", "more\n", "docs: more");
    assert_eq!(bench.perform(&kind, &forecast).outcome, Outcome::Done);
    assert_eq!(bench.remote.bare(&["rev-parse", &format!("{BRANCH}^")]), other);
    assert_eq!(bench.remote.show(BRANCH, "README.md"), "more");
}

#[test]
fn a_push_that_loses_the_race_is_made_again_once() {
    let bench = Bench::new(Remote::new());
    let kind = Kind::Restore(restore(&[FILE]));
    let forecast = bench.forecast(&kind);
    // Somebody else's push lands after ours was made and before it is taken.
    let onto = bench.remote.tip(BRANCH);
    let tree = bench.remote.bare(&["rev-parse", &format!("{onto}^{{tree}}")]);
    let racing = bench.remote.bare(&["commit-tree", &tree, "-p", &onto, "-m", "docs: racing"]);
    bench.remote.hook(
        "pre-receive",
        &format!(
            "if [ ! -e raced ]; then touch raced; unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY \
             GIT_ALTERNATE_OBJECT_DIRECTORIES; git update-ref refs/heads/{BRANCH} {racing}; fi"
        ),
    );
    let done = bench.perform(&kind, &forecast);
    assert_eq!(done.outcome, Outcome::Done, "{done:?}");
    assert_eq!(bench.remote.bare(&["rev-parse", &format!("{BRANCH}^")]), racing, "{done:?}");
}

#[test]
fn a_protected_branch_leaves_the_commit_waiting_to_be_merged() {
    let bench = Bench::new(Remote::new());
    bench.remote.protect(BRANCH);
    let kind = Kind::Restore(restore(&[FILE]));
    let forecast = bench.forecast(&kind);
    let done = bench.perform(&kind, &forecast);
    assert_eq!(done.outcome, Outcome::Done, "{done:?}");
    assert!(done.why.contains("GH006: Protected branch update failed"), "{}", done.why);
    assert_eq!(done.outputs["branch"], "rollback/01jdbw7/undo");
    assert_eq!(bench.remote.tip("rollback/01jdbw7/undo"), done.outputs["sha"]);
    let effect = bench.look(&kind, &forecast);
    assert_eq!(effect.kind(), EffectKind::Awaiting, "{effect:?}");
    let refs = bench.remote.refs();
    assert_eq!(bench.perform(&kind, &forecast).outputs, done.outputs);
    assert_eq!(bench.remote.refs(), refs);
    // Somebody merges it.
    bench.remote.unhook("pre-receive");
    bench.remote.git(&["fetch", "-q", "origin"]);
    bench.remote.git(&[
        "push",
        "-q",
        "origin",
        &format!("{}:refs/heads/{BRANCH}", done.outputs["sha"]),
    ]);
    assert_eq!(bench.look(&kind, &forecast).kind(), EffectKind::Present);
}

#[test]
fn a_commit_of_ours_that_was_taken_back_is_told() {
    let bench = Bench::new(Remote::new());
    let kind = Kind::Restore(restore(&[FILE]));
    let forecast = bench.forecast(&kind);
    bench.perform(&kind, &forecast);
    bench.remote.at(1_800_000_000);
    bench.remote.elsewhere(BRANCH, FILE, BROKEN, "Revert the rollback");
    let effect = bench.look(&kind, &forecast);
    assert_eq!(effect.kind(), EffectKind::Broken, "{effect:?}");
}

#[test]
fn a_step_whose_name_begins_with_another_s_is_not_mistaken_for_it() {
    let mut bench = Bench::new(Remote::new());
    bench.mark.step_id = "undo-2".to_owned();
    let kind = Kind::Restore(restore(&[FILE]));
    let forecast = bench.forecast(&kind);
    let longer = bench.perform(&kind, &forecast).outputs["sha"].clone();
    bench.remote.at(1_800_000_000);
    bench.remote.elsewhere(BRANCH, FILE, BROKEN, "broken again");
    bench.mark.step_id = "undo".to_owned();
    let done = bench.perform(&kind, &forecast);
    assert_eq!(done.outcome, Outcome::Done);
    assert_ne!(done.outputs["sha"], longer);
}

#[test]
fn a_commit_can_wait_beside_a_branch_that_is_called_rollback() {
    let remote = Remote::new();
    remote.git(&["push", "-q", "origin", "origin/develop:refs/heads/rollback"]);
    let bench = Bench::new(remote);
    bench.remote.protect(BRANCH);
    let kind = Kind::Restore(restore(&[FILE]));
    let forecast = bench.forecast(&kind);
    let done = bench.perform(&kind, &forecast);
    assert_eq!(done.outcome, Outcome::Done, "{done:?}");
    assert_eq!(done.outputs["branch"], "rollback-01jdbw7/undo");
    assert_eq!(bench.remote.tip("rollback-01jdbw7/undo"), done.outputs["sha"]);
    assert_eq!(bench.look(&kind, &forecast).kind(), EffectKind::Awaiting);
}
