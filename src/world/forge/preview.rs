//! Answers to questions: what a git step would find and change, read from a clone.

use crate::facts::{Known, Unread};
use crate::world::process::{Captured, Ending, capture};

use super::build::Undone;
use super::cache::Repo;
use super::git::{looks_broken, said};
use super::{
    At, BranchPreview, BranchQuestion, Built, Commit, Forge, GitFact, PathsQuestion, PushRight,
    Question, RestorePreview, RestoreQuestion, RevertPreview, RevertQuestion, operator, short, url,
};

impl Forge {
    /// Answers all questions to one repository with one look at its refs and one fetch at most.
    pub(super) fn ask(&self, repository: &str, questions: &[&Question]) -> Vec<Known<GitFact>> {
        let answered = self.with(repository, |repo| {
            repo.bring_for(questions)?;
            let probe = repo.push_probe(questions);
            let answers: Vec<Known<GitFact>> =
                questions.iter().map(|question| repo.answer(question)).collect();
            let right = match operator::working_tree(&repo.git) {
                Some(found) => PushRight::WorkingTree(found),
                None => probe.map_or(
                    PushRight::Unknown("nothing is known of the branch".to_owned()),
                    |probe| {
                        probe.join().unwrap_or(PushRight::Unknown("it was not asked".to_owned()))
                    },
                ),
            };
            match answers.iter().find_map(|answer| answer.as_ref().err()) {
                Some(why) if looks_broken(why) && !repo.is_fresh() => Err(why.clone()),
                _ => {
                    Ok(answers.into_iter().map(|answer| answer.map(|f| told(f, &right))).collect())
                }
            }
        });
        match answered {
            Ok(answers) => answers,
            Err(why) => questions.iter().map(|_| Err(why.clone())).collect(),
        }
    }
}

/// The same answer with what is known of pushing.
fn told(mut fact: GitFact, right: &PushRight) -> GitFact {
    match &mut fact {
        GitFact::Revert(preview) => preview.push.clone_from(right),
        GitFact::Restore(preview) => preview.push.clone_from(right),
        GitFact::Branch(preview) => preview.push.clone_from(right),
        GitFact::Files(_) | GitFact::Paths(_) => {}
    }
    fact
}

impl Repo {
    pub(super) fn bring_for(&mut self, questions: &[&Question]) -> Known<()> {
        let (mut branches, mut tags) = (Vec::new(), Vec::new());
        for question in questions {
            match question {
                Question::Revert(asked) => {
                    branches.push(asked.branch.as_str());
                    tags.extend(asked.commits.iter().map(String::as_str));
                }
                Question::Restore(asked) => {
                    branches.extend([asked.branch.as_str(), asked.from.as_str()]);
                    tags.push(asked.from.as_str());
                }
                Question::Files(asked) => {
                    branches.push(asked.at.as_str());
                    tags.push(asked.at.as_str());
                }
                Question::Branch(asked) => {
                    branches.extend([asked.on.as_str(), asked.branch.as_str()]);
                    if let At::Commit(text) = &asked.at {
                        tags.push(text.as_str());
                    }
                }
                Question::Paths(asked) => {
                    branches.push(asked.branch.as_str());
                    if let Some(At::Commit(text)) = &asked.at {
                        tags.push(text.as_str());
                    }
                }
            }
        }
        self.bring(branches, tags)
    }

    /// Asks the remote, without changing it, whether we may push at all; meanwhile we go on.
    fn push_probe(&self, questions: &[&Question]) -> Option<std::thread::JoinHandle<PushRight>> {
        if operator::working_tree_path(&self.git.address).is_some() {
            return None;
        }
        let (branch, tip) = questions.iter().find_map(|question| {
            let branch = match question {
                Question::Revert(asked) => &asked.branch,
                Question::Restore(asked) => &asked.branch,
                Question::Branch(asked) => &asked.on,
                Question::Files(_) | Question::Paths(_) => return None,
            };
            Some((branch, self.heads.get(branch)?))
        })?;
        let spec = format!("{tip}:refs/heads/{branch}");
        let git = self.git.clone();
        Some(std::thread::spawn(move || {
            let args = ["push", "--dry-run", "--porcelain", "--no-verify", "origin", &spec];
            let captured = capture(&git.remote(&args, git.limits.ask));
            push_right(&captured, &git.remote_failure(&captured), &git.address)
        }))
    }

    fn answer(&mut self, question: &Question) -> Known<GitFact> {
        match question {
            Question::Revert(asked) => self.preview_revert(asked).map(GitFact::Revert),
            Question::Restore(asked) => {
                self.preview_restore(asked).map(Box::new).map(GitFact::Restore)
            }
            Question::Branch(asked) => self.preview_branch(asked).map(GitFact::Branch),
            Question::Files(asked) => self.files_at(asked).map(GitFact::Files),
            Question::Paths(asked) => self.missing_paths(asked).map(GitFact::Paths),
        }
    }

    fn missing_paths(&mut self, asked: &PathsQuestion) -> Known<Vec<(String, Option<String>)>> {
        let tip = self.tip(&asked.branch)?;
        let sha = match &asked.at {
            Some(at) => self.named(&tip, &asked.branch, at)?.sha,
            None => tip,
        };
        let entries = self.entries(&sha, &asked.paths)?;
        let missing = asked.paths.iter().filter(|path| !entries.contains_key(*path));
        missing.map(|path| Ok((path.clone(), self.near_path(&sha, path)?))).collect()
    }

    /// The commit of a branch's history that is meant.
    fn named(&mut self, tip: &str, branch: &str, at: &At) -> Known<Commit> {
        match at {
            At::Subject(subject) => self.by_subject(tip, branch, subject),
            At::Commit(text) => {
                let place = self.place(branch);
                let sha = self.resolve(text, &place)?;
                self.commit(&sha)
            }
        }
    }

    pub(super) fn preview_revert(&mut self, asked: &RevertQuestion) -> Known<RevertPreview> {
        let tip = self.tip_of(&asked.branch)?;
        let place = self.place(&asked.branch);
        let mut shas = Vec::new();
        for text in &asked.commits {
            let sha = self.resolve(text, &place)?;
            if !shas.contains(&sha) {
                shas.push(sha);
            }
        }
        let sorted = self.newest_first(&tip.sha, &shas)?;
        let commits = self.commits(&sorted.iter().map(String::as_str).collect::<Vec<_>>())?;
        let preview = |built| RevertPreview {
            tip: tip.clone(),
            commits: commits.clone(),
            built,
            push: PushRight::Unknown(String::new()),
        };
        for commit in &commits {
            if !self.contains(&tip.sha, &commit.sha)? {
                return Ok(preview(Built::NotContained(commit.clone())));
            }
        }
        let built = match self.undo(&tip, &commits, asked.mainline)? {
            Undone::Not(why) => why,
            Undone::Tree(tree) => self.built(&tip, &tree)?,
        };
        if built == Built::Nothing && self.change_nothing(&commits, asked.mainline)? {
            return Ok(preview(Built::Empty(commits.clone())));
        }
        Ok(preview(built))
    }

    /// Whether there never was anything to undo.
    fn change_nothing(&self, commits: &[Commit], mainline: Option<u32>) -> Known<bool> {
        let mut trees = Vec::new();
        for commit in commits {
            let kept = if commit.parents.len() > 1 { mainline.unwrap_or(1) } else { 1 };
            trees.push(format!("{}^{{tree}}", commit.sha));
            trees.push(format!("{}^{kept}^{{tree}}", commit.sha));
        }
        let mut args = vec!["rev-parse".to_owned()];
        args.extend(trees);
        let ids = self.git.line(&args)?;
        let ids: Vec<&str> = ids.lines().collect();
        Ok(ids.chunks(2).all(|pair| pair.first() == pair.last()))
    }

    fn built(&self, tip: &Commit, tree: &str) -> Known<Built> {
        Ok(self.change(&tip.sha, tree)?.map_or(Built::Nothing, Built::Change))
    }

    pub(super) fn preview_restore(&mut self, asked: &RestoreQuestion) -> Known<RestorePreview> {
        let tip = self.tip(&asked.branch)?;
        let from = match self.heads.get(&asked.from).cloned() {
            Some(sha) => sha,
            None => self.source(&asked.from)?,
        };
        let mut ends = self.commits(&[&tip, &from])?;
        let (from, tip) = (ends.remove(1), ends.remove(0));
        let content = self.entries(&from.sha, &asked.paths)?;
        if let Some(path) = asked.paths.iter().find(|path| !content.contains_key(*path)) {
            let near = self.near_path(&from.sha, path)?;
            return Err(Unread::Missing(
                format!("{path} is not in {} ({})", asked.from, short(&from.sha)),
                near.map(|near| format!("did you mean {near}?")),
            ));
        }
        let now = self.entries(&tip.sha, &asked.paths)?;
        let same: Vec<String> =
            content.keys().filter(|path| now.get(*path) == content.get(*path)).cloned().collect();
        let (mut last, mut earlier) = (None, None);
        let built = if same.len() == content.len() {
            let history = self.history(&tip.sha, &asked.paths)?;
            (last, earlier) = self.bringer(&history, &from.sha, &asked.subject)?;
            Built::Nothing
        } else {
            let tree = self.restore(&tip.sha, &from.sha, &now, &content)?;
            self.built(&tip, &tree)?
        };
        Ok(RestorePreview {
            tip,
            from,
            content,
            same,
            built,
            earlier,
            last,
            push: PushRight::Unknown(String::new()),
        })
    }

    /// A tag or a commit that good content is taken from.
    pub(super) fn source(&mut self, from: &str) -> Known<String> {
        let place = url::shown(&self.git.address);
        let hex = from.len() >= 4 && from.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !hex && !self.tags.contains_key(from) {
            // Not a commit's name: then a branch was meant, and that says which are there.
            return self.tip(from);
        }
        match self.resolve(from, &place) {
            Err(Unread::Missing(..)) if from.len() >= 40 && self.bring_object(from).is_ok() => {
                Ok(from.to_owned())
            }
            Err(Unread::Missing(..)) => {
                self.bring_everything()?;
                self.resolve(from, &place)
            }
            answer => answer,
        }
    }

    pub(super) fn preview_branch(&mut self, asked: &BranchQuestion) -> Known<BranchPreview> {
        if !url::is_branch_name(&asked.branch) {
            return Err(Unread::Missing(
                format!("`{}` cannot be a branch's name", asked.branch),
                None,
            ));
        }
        let tip = self.tip(&asked.on)?;
        let commit = self.named(&tip, &asked.on, &asked.at)?;
        let contained = self.contains(&tip, &commit.sha)?;
        let existing = self.heads.get(&asked.branch).cloned();
        let ahead = match &existing {
            Some(sha) if *sha != commit.sha => self.contains(sha, &commit.sha)?,
            _ => false,
        };
        Ok(BranchPreview {
            commit,
            contained,
            existing,
            ahead,
            in_the_way: self.in_the_way(&asked.branch),
            push: PushRight::Unknown(String::new()),
        })
    }
}

fn push_right(captured: &Captured, why: &Unread, address: &str) -> PushRight {
    if captured.ending.success() || captured.text().lines().any(|line| line.starts_with("!\t")) {
        // A `!` of a dry-run is git's own judgement of the branch, which moved; the remote answered.
        return PushRight::Open;
    }
    match (why, &captured.ending) {
        (Unread::Forbidden(text), _) => PushRight::Refused(text.clone()),
        (_, Ending::Exit(_)) => {
            let complaint = captured.complaint();
            let all = complaint.join("\n").to_lowercase();
            let line = url::scrubbed(&said(&complaint, &captured.ending), address);
            if all.contains("archived") || all.contains("denied") {
                PushRight::Refused(line)
            } else {
                PushRight::Unknown(line)
            }
        }
        _ => PushRight::Unknown(why.sentence().to_owned()),
    }
}
