//! The git steps against real git with a real remote: foreseen, done, looked at, and asked about
//! after a crash.

#[allow(clippy::disallowed_methods, reason = "a person at another machine uses git as it is")]
#[path = "../../../../tests/it/forge/remote.rs"]
mod remote;

mod obstacles;
mod order;
mod pushes;

use std::time::Duration;

use remote::{BROKEN, FILE, GOOD, Remote};

use super::{restore_files, revert_commits, rollback_branch};
use crate::event::{EffectKind, Outcome};
use crate::facts::{Facts, Read};
use crate::journal::Permit;
use crate::runbook::{RestoreFiles, RevertCommits, RollbackBranch};
use crate::step::{Doing, Done, Effect, Forecast, Mark, Nature, Setting, Standing};
use crate::world::Reader;
use crate::world::cluster::Cluster;
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

    fn doing(&self, forecast: &Forecast) -> Doing {
        let cluster = Cluster::open(&self.setting, Duration::from_secs(5));
        let reader = Reader { cluster, forge: self.forge.clone() };
        Doing::for_a_test(&self.setting, &self.mark, forecast, reader)
    }

    fn perform(&self, kind: &Kind, forecast: &Forecast) -> Done {
        let (permit, mut hands) = (Permit::for_a_test(), Hands::for_a_test());
        let (doing, hands) = (self.doing(forecast), &mut hands);
        match kind {
            Kind::Revert(spec) => revert_commits::perform(spec, &doing, hands, &permit),
            Kind::Restore(spec) => restore_files::perform(spec, &doing, hands, &permit),
            Kind::Branch(spec) => rollback_branch::perform(spec, &doing, hands, &permit),
        }
    }

    fn look(&self, kind: &Kind, forecast: &Forecast) -> Effect {
        let before = self.remote.refs();
        let doing = self.doing(forecast);
        let effect = match kind {
            Kind::Revert(spec) => revert_commits::look(spec, &doing),
            Kind::Restore(spec) => restore_files::look(spec, &doing),
            Kind::Branch(spec) => rollback_branch::look(spec, &doing),
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
