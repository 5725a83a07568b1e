//! What stands in the way of a git step: the plan names it, and doing it all the same fails there.

use super::*;

#[test]
fn a_subject_that_no_commit_or_several_have_is_blocked_with_the_candidates() {
    let remote = Remote::new();
    remote.git(&["checkout", "-q", "--detach", "origin/develop"]);
    remote.commit("fix: twice");
    remote.commit("fix: twice");
    remote.commit("Revert \"fix: once\"");
    remote.push("develop");
    let bench = Bench::new(remote);
    let why = blocked(&bench.forecast(&branch_at_subject("fix: twice")));
    assert!(why.contains("2 commits of develop have the subject \"fix: twice\""), "{why}");
    assert_eq!(why.matches("\"fix: twice\" (").count(), 2, "{why}");
    let why = blocked(&bench.forecast(&branch_at_subject("fix: once")));
    assert!(why.contains("must match exactly") && why.contains("Revert \"fix: once\""), "{why}");
    let why = blocked(&bench.forecast(&branch_at_subject("fix: twixe")));
    assert!(why.contains("did you mean") && why.contains("fix: twice"), "{why}");
    let why = blocked(&bench.forecast(&branch_at_subject("--all")));
    assert!(why.contains("exactly the subject \"--all\""), "{why}");
}

#[test]
fn a_rollback_branch_that_points_elsewhere_is_blocked_and_left_alone() {
    let remote = Remote::new();
    remote.git(&[
        "push",
        "-q",
        "origin",
        &format!("origin/{BRANCH}:refs/heads/migration-rollback-1"),
    ]);
    let bench = Bench::new(remote);
    let kind = branch_at_subject("Start");
    let forecast = bench.forecast(&kind);
    let why = blocked(&forecast);
    assert!(why.contains("exists already and points at"), "{why}");
    // It holds the commit, and more on top of it: whose work that is, the branch does not say.
    let effect = bench.look(&kind, &forecast);
    assert!(matches!(&effect, Effect::Unanswerable(why) if why.contains("and more")), "{effect:?}");
    let refs = bench.remote.refs();
    assert_eq!(bench.perform(&kind, &forecast).outcome, Outcome::Failed);
    assert_eq!(bench.remote.refs(), refs);
}

#[test]
fn a_commit_outside_the_branch_is_blocked() {
    let bench = Bench::new(Remote::new());
    let foreign = bench.remote.tip(BRANCH);
    let mut spec = revert(&[&foreign]);
    spec.branch = "develop".to_owned();
    // The commit is known once its branch has been asked about.
    bench.forecast(&Kind::Revert(revert(&[&foreign])));
    let why = blocked(&bench.forecast(&Kind::Revert(spec)));
    assert!(why.contains("is not in the history of develop"), "{why}");
    let why = blocked(&bench.forecast(&Kind::Revert(revert(&["0badc0de"]))));
    assert!(why.contains("there is no commit 0badc0de in feat/migration of"), "{why}");
    let why = blocked(&bench.forecast(&Kind::Revert(revert(&["--exec=x"]))));
    assert!(why.contains("there is no commit --exec=x"), "{why}");
}

#[test]
fn a_branch_or_path_that_is_not_there_names_the_nearest_that_is() {
    let bench = Bench::new(Remote::new());
    let mut spec = restore(&[FILE]);
    spec.branch = "feat/migratoin".to_owned();
    let why = blocked(&bench.forecast(&Kind::Restore(spec.clone())));
    assert!(
        why.contains("no branch feat/migratoin") && why.contains("mean feat/migration?"),
        "{why}"
    );
    spec.branch = BRANCH.to_owned();
    spec.from = "develp".to_owned();
    let why = blocked(&bench.forecast(&Kind::Restore(spec)));
    assert!(why.contains("did you mean develop?"), "{why}");
    let why = blocked(&bench.forecast(&Kind::Restore(restore(&["app/dispatchr.py"]))));
    assert!(why.contains("app/dispatchr.py is not in develop"), "{why}");
    assert!(why.contains("did you mean app/dispatcher.py?"), "{why}");
    for path in ["../etc", "/etc/passwd", "", "a//b", ".git/config"] {
        let why = blocked(&bench.forecast(&Kind::Restore(restore(&[path]))));
        assert!(why.contains("is not a path inside"), "{why}");
    }
}

#[test]
fn a_good_branch_that_is_just_as_broken_is_blocked_and_not_already_there() {
    let remote = Remote::new();
    // The migration was merged to develop as well.
    remote.git(&["push", "-q", "origin", &format!("origin/{BRANCH}:refs/heads/develop")]);
    let bench = Bench::new(remote);
    let kind = Kind::Restore(restore(&[FILE]));
    let forecast = bench.forecast(&kind);
    let why = blocked(&forecast);
    assert!(why.contains("develop has the same content as feat/migration"), "{why}");
    assert!(why.contains("feat: migrate the dispatcher"), "{why}");
    assert_eq!(bench.perform(&kind, &forecast).outcome, Outcome::Failed);
    assert!(matches!(bench.look(&kind, &forecast), Effect::Missing(_)));
}

#[test]
fn a_squashed_copy_of_the_fault_on_the_good_branch_is_no_restore() {
    let remote = Remote::new();
    remote.elsewhere("develop", FILE, BROKEN, "feat: migrate the dispatcher (#12)");
    let bench = Bench::new(remote);
    blocked(&bench.forecast(&Kind::Restore(restore(&[FILE]))));
}

#[test]
fn a_fault_that_landed_again_and_is_on_the_good_branch_too_is_no_restore() {
    // As a squash, and as a merge of the first landing; reverted by git, by hand, and by us.
    for (merged, how) in [(false, "git"), (true, "git"), (false, "hand"), (true, "hand")] {
        let remote = Remote::new();
        let fault = remote.tip(BRANCH);
        if merged {
            remote.git(&["push", "-q", "origin", &format!("{fault}:refs/heads/develop")]);
        } else {
            remote.elsewhere("develop", FILE, BROKEN, "feat: migrate the dispatcher (#12)");
        }
        remote.git(&["checkout", "-q", "--detach", &format!("origin/{BRANCH}")]);
        let again = if how == "git" {
            remote.git(&["revert", "--no-edit", "HEAD"]);
            remote.git(&["revert", "--no-edit", "HEAD"]);
            remote.push(BRANCH);
            "Reapply \"feat: migrate the dispatcher\""
        } else {
            remote.elsewhere(BRANCH, FILE, GOOD, "back to the old dispatcher");
            remote.elsewhere(BRANCH, FILE, BROKEN, "the new dispatcher, once more");
            "the new dispatcher, once more"
        };
        let bench = Bench::new(remote);
        let why = blocked(&bench.forecast(&Kind::Restore(restore(&[FILE]))));
        assert!(why.contains(again) && why.contains("--skip-blocked"), "{why}");
    }
}

#[test]
fn our_own_way_forward_is_no_restore() {
    let remote = Remote::new();
    let bench = Bench::new(remote);
    let restored = bench.done(&Kind::Restore(restore(&[FILE])));
    let bench = Bench { mark: Mark { run_id: "01zzzz".to_owned(), ..bench.mark.clone() }, ..bench };
    bench.done(&Kind::Revert(revert(&[&restored.outputs["sha"]])));
    bench.remote.elsewhere("develop", FILE, BROKEN, "feat: migrate the dispatcher (#12)");
    let why = blocked(&bench.forecast(&Kind::Restore(restore(&[FILE]))));
    assert!(why.contains("develop has the same content"), "{why}");
}

#[test]
fn a_restore_made_by_hand_is_seen_as_already_there() {
    let by_return = Remote::new();
    by_return.elsewhere(BRANCH, FILE, GOOD, "put it back");
    let newer = "def dispatch():\n    return 'newer'\n";
    let by_subject = Remote::new();
    by_subject.elsewhere("develop", FILE, newer, "fix: newer");
    by_subject.elsewhere(BRANCH, FILE, newer, "rollback: Revert tool dispatcher migration");
    for remote in [by_return, by_subject] {
        let bench = Bench::new(remote);
        let forecast = bench.forecast(&Kind::Restore(restore(&[FILE])));
        assert_eq!(forecast.standing(Nature::Change), Standing::AlreadyThere, "{forecast:?}");
    }
}

#[test]
fn a_conflict_is_foreseen_with_its_files_and_does_fail() {
    let remote = Remote::new();
    let culprit = remote.tip(BRANCH);
    remote.elsewhere(BRANCH, FILE, "def dispatch():\n    return 'other'\n", "feat: more");
    let bench = Bench::new(remote);
    let kind = Kind::Revert(revert(&[&culprit]));
    let forecast = bench.forecast(&kind);
    let why = blocked(&forecast);
    assert!(why.contains("conflicts in app/dispatcher.py"), "{why}");
    let refs = bench.remote.refs();
    let done = bench.perform(&kind, &forecast);
    assert_eq!(done.outcome, Outcome::Failed);
    assert!(done.why.contains("conflicts in app/dispatcher.py"), "{}", done.why);
    assert_eq!(bench.remote.refs(), refs);
}

#[test]
fn a_merge_wants_its_mainline_and_is_reverted_with_it() {
    let remote = Remote::new();
    remote.git(&["checkout", "-q", "-b", "dev2", "origin/develop"]);
    remote.git(&[
        "merge",
        "-q",
        "--no-ff",
        "-m",
        "Merge the migration",
        &format!("origin/{BRANCH}"),
    ]);
    let merge = remote.git(&["rev-parse", "HEAD"]);
    remote.push("develop");
    let bench = Bench::new(remote);
    let mut spec = revert(&[&merge]);
    spec.branch = "develop".to_owned();
    let why = blocked(&bench.forecast(&Kind::Revert(spec.clone())));
    assert!(why.contains("is a merge") && why.contains("mainline: 1 keeps"), "{why}");
    spec.mainline = Some(3);
    let why = blocked(&bench.forecast(&Kind::Revert(spec.clone())));
    assert!(why.contains("has 2 parents: `mainline: 3` is none of them"), "{why}");
    spec.mainline = Some(1);
    let kind = Kind::Revert(spec);
    let forecast = bench.forecast(&kind);
    assert!(forecast.warnings[0].contains("again later"), "{forecast:?}");
    bench.done(&kind);
    assert_eq!(bench.remote.show("develop", FILE), GOOD.trim_end());
}

#[test]
fn a_commit_that_changes_nothing_is_not_told_as_reverted_already() {
    let remote = Remote::new();
    remote.git(&["checkout", "-q", "--detach", &format!("origin/{BRANCH}")]);
    let empty = remote.commit("ci: build again");
    remote.push(BRANCH);
    let bench = Bench::new(remote);
    let kind = Kind::Revert(revert(&[&empty]));
    let forecast = bench.forecast(&kind);
    let why = blocked(&forecast);
    assert!(why.contains("\"ci: build again\"") && why.contains("changes no file"), "{why}");
    assert_eq!(bench.perform(&kind, &forecast).outcome, Outcome::Failed);
}

#[test]
fn a_subject_that_the_runbook_wraps_is_the_same_subject() {
    let bench = Bench::new(Remote::new());
    let Kind::Branch(mut spec) = branch_at_subject("feat: migrate the\n  dispatcher\n") else {
        panic!("another kind")
    };
    spec.on = BRANCH.to_owned();
    let done = bench.done(&Kind::Branch(spec));
    assert_eq!(done.outputs["sha"], bench.remote.tip(BRANCH));
}

#[test]
fn a_name_that_cannot_be_beside_another_branch_is_blocked_and_names_that_branch() {
    for (there, wanted) in [("migration-rollback-1/a", "migration-rollback-1"), ("a", "a/b/c")] {
        let remote = Remote::new();
        remote.git(&["push", "-q", "origin", &format!("origin/develop:refs/heads/{there}")]);
        let bench = Bench::new(remote);
        let Kind::Branch(mut spec) = branch_at_subject("Start") else { panic!("another kind") };
        wanted.clone_into(&mut spec.branch);
        let kind = Kind::Branch(spec);
        let forecast = bench.forecast(&kind);
        let why = blocked(&forecast);
        assert!(why.contains(&format!("beside the branch {there}")), "{why}");
        let refs = bench.remote.refs();
        assert_eq!(bench.perform(&kind, &forecast).outcome, Outcome::Failed);
        assert_eq!(bench.remote.refs(), refs);
    }
}

#[test]
fn a_change_that_is_no_longer_the_planned_one_is_refused() {
    let bench = Bench::new(Remote::new());
    let kind = Kind::Restore(restore(&[FILE]));
    let forecast = bench.forecast(&kind);
    bench.remote.elsewhere(BRANCH, FILE, "def dispatch():\n    return 'a fix'\n", "fix: it");
    let refs = bench.remote.refs();
    let done = bench.perform(&kind, &forecast);
    assert_eq!(done.outcome, Outcome::Failed);
    assert!(done.why.contains("plan again"), "{}", done.why);
    let forecast = bench.forecast(&kind);
    bench.remote.elsewhere("develop", FILE, "def dispatch():\n    return 2\n", "fix: it there");
    let done = bench.perform(&kind, &forecast);
    assert!(done.why.contains("has changed at its source"), "{}", done.why);
    assert_eq!(
        refs.lines().find(|line| line.contains(BRANCH)),
        bench.remote.refs().lines().find(|line| line.contains(BRANCH))
    );
}

#[test]
fn a_setting_without_repository_is_blocked() {
    let mut bench = Bench::new(Remote::new());
    bench.setting.repository = None;
    let why = blocked(&bench.forecast(&Kind::Restore(restore(&[FILE]))));
    assert!(why.contains("no git repository is named"), "{why}");
}

#[test]
fn nothing_is_pushed_into_somebody_s_working_tree() {
    let mut bench = Bench::new(Remote::new());
    let tree = bench.remote.work();
    bench.remote.git(&["checkout", "-q", BRANCH]);
    bench.remote.git(&["config", "receive.denyCurrentBranch", "updateInstead"]);
    let ran = bench.remote.dir.path().join("ran");
    remote::executable(&tree.join(".git/hooks/pre-receive"), &format!("touch {}", ran.display()));
    let kinds = [Kind::Restore(restore(&[FILE])), branch_at_subject("Start")];
    for address in [tree.display().to_string(), format!("file://{}/.git", tree.display())] {
        bench.setting.repository = Some(address);
        for kind in &kinds {
            let forecast = bench.forecast(kind);
            let why = blocked(&forecast);
            assert!(why.contains("is somebody's working tree"), "{why}");
            assert!(why.contains(&format!("repository: {}", bench.remote.url())), "{why}");
            let done = bench.perform(kind, &forecast);
            assert_eq!(done.outcome, Outcome::Failed, "{done:?}");
        }
    }
    assert!(!ran.exists(), "a hook ran");
    assert_eq!(bench.remote.git(&["status", "--porcelain"]), "");
    assert_eq!(
        bench.remote.git(&["log", "-1", "--format=%s", BRANCH]),
        "feat: migrate the dispatcher"
    );
}
