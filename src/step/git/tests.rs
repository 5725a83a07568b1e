//! The git steps against real git with a real remote: foreseen, done, looked at, and asked about
//! after a crash.

#[path = "../../../tests/forge/remote.rs"]
mod remote;

use remote::{BROKEN, FILE, GOOD, Remote};

use super::{restore_files, revert_commits, rollback_branch};
use crate::event::{EffectKind, Outcome};
use crate::facts::{Facts, Read};
use crate::journal::Permit;
use crate::runbook::{RestoreFiles, RevertCommits, RollbackBranch};
use crate::step::{Done, Effect, Forecast, Mark, Nature, Setting, Standing};
use crate::world::forge::Forge;
use crate::world::hands::Hands;

const BRANCH: &str = "feat/migration";

/// The three kinds behind one face.
enum Kind {
    Revert(RevertCommits),
    Restore(RestoreFiles),
    Branch(RollbackBranch),
}

struct Bench {
    remote: Remote,
    forge: Forge,
    setting: Setting,
    mark: Mark,
}

impl Bench {
    fn new(remote: Remote) -> Bench {
        let setting = Setting { repository: Some(remote.url()), ..Setting::default() };
        let mark = Mark {
            run_id: "01jdbw7".to_owned(),
            step_id: "undo".to_owned(),
            started_at: "2026-11-23T02:14:05Z".to_owned(),
        };
        Bench { forge: Forge::new(remote.cache()), remote, setting, mark }
    }

    fn survey(&self, kinds: &[&Kind]) -> Facts {
        let mut facts = Facts::default();
        for kind in kinds {
            let reads = match kind {
                Kind::Revert(spec) => revert_commits::reads(spec, &self.setting),
                Kind::Restore(spec) => restore_files::reads(spec, &self.setting),
                Kind::Branch(spec) => rollback_branch::reads(spec, &self.setting),
            };
            for read in reads {
                let Read::Git(read) = read else { panic!("not a git read") };
                let answer = self.forge.read(std::slice::from_ref(&read)).remove(0);
                facts.git.insert(read, answer);
            }
        }
        facts
    }

    fn forecast_with(&self, kind: &Kind, facts: &mut Facts) -> Forecast {
        match kind {
            Kind::Revert(spec) => revert_commits::forecast(spec, &self.setting, facts),
            Kind::Restore(spec) => restore_files::forecast(spec, &self.setting, facts),
            Kind::Branch(spec) => rollback_branch::forecast(spec, &self.setting, facts),
        }
    }

    fn forecast(&self, kind: &Kind) -> Forecast {
        let before = self.remote.refs();
        let forecast = self.forecast_with(kind, &mut self.survey(&[kind]));
        assert_eq!(before, self.remote.refs(), "a survey changed the remote");
        forecast
    }

    fn perform(&self, kind: &Kind, forecast: &Forecast) -> Done {
        let (permit, mut hands) = (Permit::for_a_test(), Hands::for_a_test());
        let (setting, forge, mark) = (&self.setting, &self.forge, &self.mark);
        let hands = &mut hands;
        match kind {
            Kind::Revert(s) => {
                revert_commits::perform(s, setting, forge, hands, &permit, mark, forecast)
            }
            Kind::Restore(s) => {
                restore_files::perform(s, setting, forge, hands, &permit, mark, forecast)
            }
            Kind::Branch(s) => {
                rollback_branch::perform(s, setting, forge, hands, &permit, mark, forecast)
            }
        }
    }

    fn look(&self, kind: &Kind, forecast: &Forecast) -> Effect {
        let before = self.remote.refs();
        let (setting, forge, mark) = (&self.setting, &self.forge, &self.mark);
        let effect = match kind {
            Kind::Revert(spec) => revert_commits::look(spec, setting, forge, mark, forecast),
            Kind::Restore(spec) => restore_files::look(spec, setting, forge, mark, forecast),
            Kind::Branch(spec) => rollback_branch::look(spec, setting, forge, mark, forecast),
        };
        assert_eq!(before, self.remote.refs(), "a look changed the remote");
        effect
    }

    /// Foresees, does, and expects it to go well.
    fn done(&self, kind: &Kind) -> Done {
        let forecast = self.forecast(kind);
        assert_eq!(forecast.standing(Nature::Change), Standing::WillChange, "{forecast:?}");
        let done = self.perform(kind, &forecast);
        assert_eq!(done.outcome, Outcome::Done, "{done:?}");
        done
    }
}

fn revert(commits: &[&str]) -> RevertCommits {
    RevertCommits {
        branch: BRANCH.to_owned(),
        commits: commits.iter().map(|c| (*c).to_owned()).collect(),
        mainline: None,
        message: None,
        repository: None,
    }
}

fn restore(paths: &[&str]) -> RestoreFiles {
    RestoreFiles {
        branch: BRANCH.to_owned(),
        from: "develop".to_owned(),
        paths: paths.iter().map(|p| (*p).to_owned()).collect(),
        message: "rollback: Revert tool dispatcher migration".to_owned(),
        repository: None,
    }
}

fn branch_at_subject(subject: &str) -> Kind {
    Kind::Branch(RollbackBranch {
        branch: "migration-rollback-1".to_owned(),
        on: "develop".to_owned(),
        commit: None,
        subject: Some(subject.to_owned()),
        repository: None,
    })
}

fn blocked(forecast: &Forecast) -> String {
    assert_eq!(forecast.standing(Nature::Change), Standing::Blocked, "{forecast:?}");
    let obstacle = &forecast.obstacles[0];
    format!("{} | {}", obstacle.why, obstacle.hint.as_deref().unwrap_or_default())
}

#[test]
fn files_are_restored_by_a_commit_that_is_found_again() {
    let bench = Bench::new(Remote::new());
    let kind = Kind::Restore(restore(&[FILE]));
    let forecast = bench.forecast(&kind);
    assert!(matches!(bench.look(&kind, &forecast), Effect::Missing(_)));
    let before = bench.remote.tip(BRANCH);
    let done = bench.perform(&kind, &forecast);
    let tip = bench.remote.tip(BRANCH);
    assert_eq!(done.outputs["sha"], tip);
    assert_eq!(done.outputs["branch"], BRANCH);
    assert_eq!(bench.remote.bare(&["rev-parse", &format!("{tip}^")]), before);
    assert_eq!(bench.remote.show(&tip, FILE), GOOD.trim_end());
    let message =
        bench.remote.bare(&["log", "-1", "--date=format:%FT%TZ", "--format=%B%an %cn %cd", &tip]);
    assert_eq!(
        message,
        "rollback: Revert tool dispatcher migration\n\nRollback-Run: 01jdbw7/undo\n\
         rollback rollback 2026-11-23T02:14:05Z"
    );
    let Effect::Present(_, outputs) = bench.look(&kind, &forecast) else { panic!("not there") };
    assert_eq!(outputs, done.outputs);
    let again = bench.forecast(&kind);
    assert_eq!(again.standing(Nature::Change), Standing::AlreadyThere, "{again:?}");
}

#[test]
fn a_commit_is_reverted_and_reverting_it_again_is_harmless() {
    let bench = Bench::new(Remote::new());
    let sha = bench.remote.tip(BRANCH);
    let kind = Kind::Revert(revert(&[&sha[..8]]));
    let forecast = bench.forecast(&kind);
    assert_eq!(forecast.evidence[2], format!("M {FILE} +1 -1"));
    let first = bench.perform(&kind, &forecast);
    let refs = bench.remote.refs();
    let second = bench.perform(&kind, &forecast);
    assert_eq!(bench.remote.refs(), refs);
    assert_eq!((first.outcome, second.outcome), (Outcome::Done, Outcome::Done));
    assert_eq!(first.outputs, second.outputs);
    assert_eq!(bench.remote.show(BRANCH, FILE), GOOD.trim_end());
    let message = bench.remote.bare(&["log", "-1", "--format=%B", BRANCH]);
    assert!(message.starts_with("Revert \"feat: migrate the dispatcher\"\n\nThis reverts commit"));
    let again = bench.forecast(&kind);
    assert_eq!(again.standing(Nature::Change), Standing::AlreadyThere, "{again:?}");
}

#[test]
fn several_commits_are_undone_newest_first_in_whatever_order_they_are_named() {
    let remote = Remote::new();
    let first = remote.tip(BRANCH);
    remote.write(FILE, "def dispatch():\n    return 'worse'\n");
    let second = remote.commit("feat: worse");
    remote.push(BRANCH);
    let bench = Bench::new(remote);
    bench.done(&Kind::Revert(revert(&[&first, &second])));
    assert_eq!(bench.remote.show(BRANCH, FILE), GOOD.trim_end());
    assert_eq!(bench.remote.bare(&["rev-parse", &format!("{BRANCH}^")]), second);
}

#[test]
fn a_branch_is_made_at_the_commit_with_exactly_that_subject() {
    let remote = Remote::new();
    remote.git(&["checkout", "-q", "--detach", "origin/develop"]);
    remote.write("README.md", "x\n");
    let wanted = remote.commit("feat(agents): enhance it");
    remote.write("README.md", "y\n");
    remote.commit("Revert \"feat(agents): enhance it\"");
    remote.push("develop");
    let bench = Bench::new(remote);
    let kind = branch_at_subject("feat(agents): enhance it");
    let forecast = bench.forecast(&kind);
    assert!(matches!(bench.look(&kind, &forecast), Effect::Missing(_)));
    let done = bench.done(&kind);
    assert_eq!(done.outputs["sha"], wanted);
    assert_eq!(bench.remote.tip("migration-rollback-1"), wanted);
    assert!(matches!(bench.look(&kind, &forecast), Effect::Present(..)));
    assert_eq!(bench.perform(&kind, &forecast).outcome, Outcome::Done);
    let again = bench.forecast(&kind);
    assert_eq!(again.standing(Nature::Change), Standing::AlreadyThere, "{again:?}");
}

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
    blocked(&bench.forecast(&Kind::Revert(spec.clone())));
    spec.mainline = Some(1);
    let kind = Kind::Revert(spec);
    let forecast = bench.forecast(&kind);
    assert!(forecast.warnings[0].contains("again later"), "{forecast:?}");
    bench.done(&kind);
    assert_eq!(bench.remote.show("develop", FILE), GOOD.trim_end());
}

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
    assert_eq!(bench.remote.bare(&["rev-parse", &format!("{BRANCH}^")]), racing);
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
fn an_earlier_step_on_the_same_branch_is_taken_into_account() {
    let bench = Bench::new(Remote::new());
    let culprit = bench.remote.tip(BRANCH);
    bench.remote.elsewhere(BRANCH, "app/other.py", "other = 2\n", "feat: other");
    let kinds = [Kind::Revert(revert(&[&culprit])), Kind::Restore(restore(&["app/other.py"]))];
    let mut facts = bench.survey(&[&kinds[0], &kinds[1]]);
    let first = bench.forecast_with(&kinds[0], &mut facts);
    let second = bench.forecast_with(&kinds[1], &mut facts);
    assert!(second.warnings[0].contains("an earlier step changes"), "{second:?}");
    assert_eq!(bench.perform(&kinds[0], &first).outcome, Outcome::Done);
    let bench = Bench { mark: Mark { step_id: "two".to_owned(), ..bench.mark.clone() }, ..bench };
    assert_eq!(bench.perform(&kinds[1], &second).outcome, Outcome::Done);
    assert_eq!(bench.remote.show(BRANCH, FILE), GOOD.trim_end());
    assert_eq!(bench.remote.show(BRANCH, "app/other.py"), "other = 1");
}

#[test]
fn a_directory_becomes_what_it_was_and_odd_names_are_no_obstacle() {
    use std::os::unix::ffi::OsStrExt as _;
    let remote = Remote::empty();
    let odd = [" lead", "-dash", "a\nb", "q\"uo'te", "*.py", "é", "tab\there", "$(x)", ":(glob)"];
    for name in odd {
        remote.write(&format!("odd/{name}"), "good\n");
    }
    let bytes = std::ffi::OsStr::from_bytes(b"odd/\xff\xfe");
    std::fs::write(remote.work().join(bytes), "good\n").expect("a file");
    remote.write("plain.py", "good\n");
    remote.commit("Start");
    remote.push("develop");
    for name in odd {
        remote.write(&format!("odd/{name}"), "broken\n");
    }
    std::fs::write(remote.work().join(bytes), "broken\n").expect("a file");
    remote.write("odd/new", "broken\n");
    remote.write("plain.py", "broken\n");
    remote.commit("break");
    remote.push(BRANCH);
    let bench = Bench::new(remote);
    bench.done(&Kind::Restore(restore(&["odd/*.py", "odd/-dash", "odd/:(glob)"])));
    assert_eq!(bench.remote.show(BRANCH, "plain.py"), "broken");
    assert_eq!(bench.remote.show(BRANCH, "odd/é"), "broken");
    assert_eq!(bench.remote.show(BRANCH, "odd/*.py"), "good");
    let bench = Bench { mark: Mark { step_id: "all".to_owned(), ..bench.mark.clone() }, ..bench };
    bench.done(&Kind::Restore(restore(&["./odd/", "odd/é"])));
    let tree = |rev: &str| bench.remote.bare(&["rev-parse", &format!("{rev}:odd")]);
    assert_eq!(tree(BRANCH), tree("develop"));
    assert_eq!(bench.remote.show(BRANCH, "plain.py"), "broken");
}

#[test]
fn branches_that_begin_with_a_dash_are_branches() {
    let remote = Remote::new();
    remote.git(&["push", "-q", "origin", &format!("origin/{BRANCH}:refs/heads/--force")]);
    let bench = Bench::new(remote);
    let mut spec = restore(&[FILE]);
    spec.branch = "--force".to_owned();
    bench.done(&Kind::Restore(spec));
    assert_eq!(bench.remote.show("refs/heads/--force", FILE), GOOD.trim_end());
}

#[test]
fn what_is_shown_is_what_is_run() {
    let bench = Bench::new(Remote::new());
    let spec = restore(&[FILE]);
    let forecast = bench.forecast(&Kind::Restore(spec.clone()));
    let shown = restore_files::commands(&spec, &bench.setting, &bench.mark, &forecast);
    let sha = bench.perform(&Kind::Restore(spec), &forecast).outputs["sha"].clone();
    let run = bench.forge.push(&bench.remote.url(), &sha, BRANCH).expect("a push").argv;
    let last: Vec<String> =
        shown.last().expect("a push").iter().map(|part| part.replace("<commit>", &sha)).collect();
    assert_eq!(last, run);
}

#[test]
fn a_setting_without_repository_is_blocked() {
    let mut bench = Bench::new(Remote::new());
    bench.setting.repository = None;
    let why = blocked(&bench.forecast(&Kind::Restore(restore(&[FILE]))));
    assert!(why.contains("no git repository is named"), "{why}");
}
