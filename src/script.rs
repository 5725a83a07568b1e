//! PURE: a draft as a bash script that an operator can read and run on the day this program is
//! the problem. It does what the steps do, in order, and stops at the first that fails.

mod kinds;
mod quote;

pub use quote::shell_quote;

use std::fmt::Write as _;
use std::time::Duration;

use crate::draft::Draft;
use crate::runbook::problem::printable;
use crate::runbook::template::{self, Part};
use crate::runbook::{
    Action, Command, CommandForm, Confirm, Criterion, Http, OnFailure, SecretSource, SetFlags, Step,
};

const PRELUDE: &str = include_str!("script/prelude.bash");
const GIT: &str = include_str!("script/git.bash");

/// The script of a draft.
pub fn script(draft: &Draft) -> String {
    let mut script = Script { draft, out: String::new() };
    script.head();
    if let Some(why) = &draft.not_ready {
        let why = format!("the method {} cannot be run yet: {}", draft.method, why.trim());
        script.line(format!("\nfail {}", shell_quote(&printable(&why))));
        return script.out;
    }
    let context = draft.context.as_deref().unwrap_or_default();
    let question = format!("Roll back {} in {context} / {}?", draft.target, draft.namespace);
    script.line(format!("\nconfirm {}", shell_quote(&printable(&question))));
    for (index, step) in draft.steps.iter().enumerate() {
        script.step(index + 1, step);
    }
    script.verdict();
    script.out
}

struct Script<'d> {
    draft: &'d Draft,
    out: String,
}

impl Script<'_> {
    fn line(&mut self, line: impl AsRef<str>) {
        self.out.push_str(line.as_ref());
        self.out.push('\n');
    }

    fn head(&mut self) {
        let draft = self.draft;
        let title = format!("{} · {}: {}", draft.target, draft.method, draft.title);
        self.line("#!/usr/bin/env bash");
        self.line(format!("# {}", comment(&title)));
        self.line(format!(
            "# Made by `rollback show --script` from {}.",
            draft.place.file.display()
        ));
        self.line("# It stops at the first step that fails. Running it again is safe where a step");
        self.line(
            "# says nothing else. Needs kubectl, curl, and where it says so git 2.40 and jq.",
        );
        self.line("set -euo pipefail\n");
        let context = draft.context.as_deref().unwrap_or_default();
        self.line(format!("context={}", self.word(context)));
        self.line(format!("namespace={}", self.word(&draft.namespace)));
        for (name, source) in &draft.secrets {
            let value = match source {
                SecretSource::Env(variable) => format!("${{{variable}:?the secret {name}}}"),
                SecretSource::File(path) => {
                    format!("$(cat -- {})", shell_quote(&path.to_string_lossy()))
                }
                SecretSource::Command(argv) => {
                    let words: Vec<String> = argv.iter().map(|word| shell_quote(word)).collect();
                    format!("$({})", words.join(" "))
                }
            };
            self.line(format!("secret_{name}={value}"));
        }
        self.out.push_str(PRELUDE);
        let applies = |step: &Step| matches!(step.action, Action::Apply(_));
        if draft.uses_git() || draft.steps.iter().any(applies) {
            self.out.push_str(GIT);
        }
        self.kinds_head();
    }

    fn step(&mut self, number: usize, step: &Step) {
        let title = format!("{number}. {}", step.name);
        self.line(format!("\n# {}", comment(&title)));
        self.line(format!("say {}", self.word(&printable(&title))));
        match step.confirm {
            Confirm::None => {}
            Confirm::Yes => self.line("confirm 'Carry out this step?'"),
            Confirm::Name => {
                let name = shell_quote(&self.draft.target.name);
                self.line(format!("confirm_name 'Carry out this step?' {name}"));
            }
        }
        let git = matches!(
            step.action,
            Action::RevertCommits(_) | Action::RestoreFiles(_) | Action::RollbackBranch(_)
        );
        let goes_on = step.on_failure == OnFailure::Continue;
        let tries = step.retry.attempts;
        if git || (tries <= 1 && !goes_on) {
            return self.action(step);
        }
        // `set -e` sleeps inside of conditions, so the status is taken by hand.
        self.line(format!("for attempt in $(seq {tries}); do"));
        self.line("set +e\n(\nset -e");
        self.action(step);
        self.line(")\nstatus=$?\nset -e");
        self.line("[ \"$status\" -ne 0 ] || break");
        let backoff = seconds(step.retry.backoff);
        self.line(format!("note \"attempt $attempt failed ($status)\"\n[ \"$attempt\" -eq {tries} ] || sleep {backoff}"));
        self.line("done");
        if goes_on {
            self.line(
                "[ \"$status\" -eq 0 ] || note 'this step failed; going on as the runbook says'",
            );
        } else {
            self.line("[ \"$status\" -eq 0 ] || fail 'this step failed'");
        }
    }

    fn action(&mut self, step: &Step) {
        let id = step.id.replace('-', "_");
        let timeout = seconds(step.timeout);
        match &step.action {
            Action::SetFlags(action) => self.set_flags(action),
            Action::Restart(action) => {
                let workloads: Vec<String> =
                    action.workloads.iter().map(|w| self.word(&w.to_string())).collect();
                self.line(format!("kube rollout restart {}", workloads.join(" ")));
                self.line(format!("rolled_out {timeout} {}", workloads.join(" ")));
            }
            Action::Apply(action) => self.apply(action, &timeout),
            Action::RestoreSnapshot(action) => self.restore_snapshot(action),
            Action::RolloutUndo(action) => self.rollout_undo(action, &timeout),
            Action::Metric(metric) => {
                let check = self.metric(metric, step.timeout);
                self.line(format!("{check} ||\n  fail 'the number did not come within its bound'"));
            }
            Action::RevertCommits(action) => {
                self.repository(action.repository.as_deref());
                let commits: Vec<String> = action.commits.iter().map(|c| self.word(c)).collect();
                let message = action
                    .message
                    .clone()
                    .unwrap_or_else(|| format!("Revert {}", action.commits.join(", ")));
                self.line(format!("branch_{id}={}", self.word(&action.branch)));
                self.line(format!(
                    "revert_commits \"$branch_{id}\" {} {} {} {}\nsha_{id}=$sha",
                    action.mainline.unwrap_or(0),
                    self.word(&message),
                    step.id,
                    commits.join(" ")
                ));
            }
            Action::RestoreFiles(action) => {
                self.repository(action.repository.as_deref());
                let paths: Vec<String> = action.paths.iter().map(|path| self.word(path)).collect();
                self.line(format!("branch_{id}={}", self.word(&action.branch)));
                self.line(format!(
                    "restore_files \"$branch_{id}\" {} {} {} {}\nsha_{id}=$sha",
                    self.word(&action.from),
                    self.word(&action.message),
                    step.id,
                    paths.join(" ")
                ));
            }
            Action::RollbackBranch(action) => {
                self.repository(action.repository.as_deref());
                let on = self.word(&action.on);
                self.line(format!("branch_{id}={}", self.word(&action.branch)));
                let commit = match (&action.commit, &action.subject) {
                    (Some(commit), _) => format!("commit_of {}", self.word(commit)),
                    (None, subject) => {
                        let subject = self.word(subject.as_deref().unwrap_or_default());
                        format!("commit_with_subject {on} {subject}")
                    }
                };
                self.line(format!("sha_{id}=$({commit})"));
                self.line(format!("rollback_branch \"$branch_{id}\" {on} \"$sha_{id}\""));
            }
            Action::Command(command) => {
                let run = self.command(command, &timeout);
                match &command.probe {
                    Some(probe) => {
                        let probe: Vec<String> = probe.iter().map(|word| self.word(word)).collect();
                        self.line(format!("if limit {timeout} {}; then", probe.join(" ")));
                        self.line("note 'already there'\nelse");
                        self.line(run);
                        self.line("fi");
                    }
                    None => self.line(run),
                }
            }
            Action::Http(http) => {
                let check = self.http(http, step.timeout);
                self.line(format!("{check} ||\n  fail 'the answer did not come true'"));
            }
            Action::Manual(manual) => {
                self.line(format!("confirm {}", self.word(&printable(&manual.instruction))));
            }
            Action::Wait(wait) => {
                if let Some(duration) = wait.duration {
                    self.line(format!("sleep {}", seconds(duration)));
                } else {
                    let workloads: Vec<String> =
                        wait.rollout.iter().map(|w| self.word(&w.to_string())).collect();
                    self.line(format!("rolled_out {timeout} {}", workloads.join(" ")));
                }
            }
        }
    }

    fn repository(&mut self, own: Option<&str>) {
        let repository = own.or(self.draft.repository.as_deref()).unwrap_or_default();
        self.line(format!("open_repository {}", self.word(repository)));
    }

    fn set_flags(&mut self, action: &SetFlags) {
        if let Some(configmap) = &action.configmap {
            let configmap = self.word(configmap);
            if !action.create {
                for key in action.flags.keys() {
                    self.line(format!("require_key {configmap} {}", shell_quote(key)));
                }
            }
            let patch = serde_json::json!({ "data": action.flags }).to_string();
            let patch = self.word(&patch);
            self.line(format!("kube patch configmap {configmap} --type=merge -p {patch}"));
        } else if let Some(workload) = &action.workload {
            let workload = self.word(&workload.to_string());
            let container = action.container.as_deref().unwrap_or_default();
            let name = self.word(container);
            for key in action.flags.keys() {
                let key = if action.create { "''" } else { &shell_quote(key) };
                self.line(format!("require_env {workload} {name} {key}"));
            }
            let pairs: Vec<String> = action
                .flags
                .iter()
                .map(|(key, value)| self.word(&format!("{key}={value}")))
                .collect();
            let only = if container.is_empty() { String::new() } else { format!("-c {name} ") };
            self.line(format!("kube set env {workload} {only}{}", pairs.join(" ")));
        }
    }

    /// A command in a subshell, which ends with its status.
    fn command(&self, command: &Command, timeout: &str) -> String {
        let mut text = "(\n".to_owned();
        if let Some(id) = &command.checkout {
            let sha = id.replace('-', "_");
            let _ =
                writeln!(text, "  dir=$(checkout \"$sha_{sha}\" {id}) && cd -- \"$dir\" || exit");
        }
        if let Some(cwd) = &command.cwd {
            let _ = writeln!(text, "  cd -- {} || exit", self.word(cwd));
        }
        for (key, value) in &command.env {
            let _ = writeln!(text, "  export {key}={}", self.word(value));
        }
        let argv = match &command.form {
            CommandForm::Argv(argv) => {
                argv.iter().map(|word| self.word(word)).collect::<Vec<_>>().join(" ")
            }
            CommandForm::Shell(script) => format!("bash -c {}", shell_quote(script)),
        };
        let _ = write!(text, "  limit {timeout} {argv}\n)");
        text
    }

    fn http(&self, http: &Http, within: Duration) -> String {
        let statuses: Vec<String> = http.status.iter().map(u16::to_string).collect();
        let mut text = String::new();
        let mut headers = String::new();
        for (name, value) in &http.headers {
            let _ = write!(headers, " {}", self.word(&format!("{name}: {value}")));
        }
        // From a file, because everybody on the machine can read a command line.
        if !headers.is_empty() {
            let _ = write!(text, "printf '%s\\n'{headers} >\"$work/headers\" &&\n  ");
            headers = String::from(" -H \"@$work/headers\"");
        }
        let jq: Vec<String> = http.json.iter().map(|(pointer, value)| jq(pointer, value)).collect();
        let _ = write!(
            text,
            "answers {} {} {} {} {} {}",
            seconds(within),
            http.consecutive,
            seconds(http.attempt_timeout),
            shell_quote(&statuses.join(" ")),
            self.word(http.contains.as_deref().unwrap_or_default()),
            self.word(&jq.join(" and ")),
        );
        let proxy = if http.proxy { "" } else { " --noproxy '*'" };
        let method = match http.method.as_str() {
            "HEAD" => "--head".to_owned(),
            method => format!("-X {method}"),
        };
        let _ = write!(text, " \\\n  {method}{proxy}{headers} {}", self.word(&http.url));
        text
    }

    fn verdict(&mut self) {
        if self.draft.recovered_when.is_empty() {
            return self
                .line("\nsay 'applied; nothing here can show whether the system recovered'");
        }
        self.line("\n# What shows that the system recovered.");
        for criterion in &self.draft.recovered_when {
            let title = self.word(&printable(&format!("recovered when: {}", criterion.name)));
            self.line(format!("say {title}"));
            self.criterion(criterion);
        }
        self.line("say 'every check holds; one that held before as well proves nothing'");
    }

    fn criterion(&mut self, criterion: &Criterion) {
        let within = seconds(criterion.within);
        match &criterion.action {
            Action::Http(http) => {
                let check = self.http(http, criterion.within);
                self.line(format!("{check} ||\n  fail 'applied, but recovery was not seen'"));
            }
            Action::Metric(metric) => {
                let check = self.metric(metric, criterion.within);
                self.line(format!("{check} ||\n  fail 'applied, but recovery was not seen'"));
            }
            Action::Command(command) => {
                let run = self.command(command, &within);
                self.line(format!("end=$((SECONDS + {within}))\nuntil {run}; do"));
                self.line(
                    "[ \"$SECONDS\" -lt \"$end\" ] || fail 'applied, but recovery was not seen'",
                );
                self.line("sleep 1\ndone");
            }
            Action::Manual(manual) => {
                self.line(format!("confirm {}", self.word(&printable(&manual.instruction))));
            }
            _ => {}
        }
    }

    /// A text as one word; what comes late is one of the script's variables.
    fn word(&self, text: &str) -> String {
        let late = |name: &str| template::is_late(name) || self.draft.secrets.contains_key(name);
        let mut word = String::new();
        for part in template::parts(text, late) {
            match part {
                Part::Text(text) => word.push_str(&shell_quote(text)),
                Part::Late(name) => {
                    let _ = write!(word, "\"${}\"", Self::variable(name));
                }
            }
        }
        if word.is_empty() { "''".to_owned() } else { word }
    }

    /// The script's variable for a late name.
    fn variable(name: &str) -> String {
        if let Some(rest) = name.strip_prefix("steps.") {
            let (id, output) = rest.rsplit_once('.').unwrap_or((rest, "sha"));
            return format!("{output}_{}", id.replace('-', "_"));
        }
        match name {
            "run.id" => "run_id".to_owned(),
            "run.stamp" => "run_stamp".to_owned(),
            secret => format!("secret_{secret}"),
        }
    }
}

/// One line of a comment.
fn comment(text: &str) -> String {
    printable(&text.replace(['\n', '\r'], " ")).into_owned()
}

/// Whole seconds, rounded up: what `timeout`, `sleep` and `SECONDS` all understand.
fn seconds(duration: Duration) -> String {
    duration.as_millis().div_ceil(1000).to_string()
}

/// A JSON pointer and the value there, as a filter for jq.
fn jq(pointer: &str, value: &serde_json::Value) -> String {
    let mut path = String::new();
    for key in pointer.split('/').skip(1) {
        let key = key.replace("~1", "/").replace("~0", "~");
        let _ = write!(path, " | at({})", serde_json::Value::String(key));
    }
    let at = "def at(key): if type == \"array\" then .[key | tonumber] else .[key] end;";
    format!("({at} .{path} | . == {value})")
}
