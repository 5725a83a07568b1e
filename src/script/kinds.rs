//! The step kinds of a script that need functions of their own.

use std::fmt::Write as _;
use std::time::Duration;

use super::{Script, seconds, shell_quote};
use crate::runbook::{Action, Apply, Metric, RestoreSnapshot, RolloutUndo};

const KINDS: &str = include_str!("kinds.bash");

impl Script<'_> {
    /// The functions, where a step or a criterion needs one.
    pub(super) fn kinds_head(&mut self) {
        let needed = |action: &Action| {
            matches!(
                action,
                Action::RolloutUndo(_)
                    | Action::Metric(_)
                    | Action::Apply(_)
                    | Action::RestoreSnapshot(_)
            )
        };
        let draft = self.draft;
        if draft.steps.iter().any(|step| needed(&step.action))
            || draft.recovered_when.iter().any(|criterion| needed(&criterion.action))
        {
            self.out.push_str(KINDS);
        }
    }

    pub(super) fn rollout_undo(&mut self, undo: &RolloutUndo, timeout: &str) {
        let workload = self.word(&undo.workload.to_string());
        let revision = undo.to.revision.map(|number| number.to_string()).unwrap_or_default();
        let image = self.word(undo.to.image.as_deref().unwrap_or_default());
        self.line(format!("undo {workload} {} {image}", shell_quote(&revision)));
        self.line(format!("rolled_out {timeout} {workload}"));
    }

    pub(super) fn apply(&mut self, apply: &Apply, timeout: &str) {
        self.repository(apply.repository.as_deref());
        let paths: Vec<String> = apply.paths.iter().map(|path| self.word(path)).collect();
        self.line(format!("apply_from {} {timeout} {}", self.word(&apply.at), paths.join(" ")));
    }

    /// A snapshot is a file of this program; without it the script has its values from nowhere.
    pub(super) fn restore_snapshot(&mut self, restore: &RestoreSnapshot) {
        self.line(format!("restore_snapshot {}", self.word(&restore.name)));
    }

    pub(super) fn metric(&self, metric: &Metric, within: Duration) -> String {
        let bounds = [
            (">", metric.above),
            ("<", metric.below),
            (">=", metric.at_least),
            ("<=", metric.at_most),
        ];
        let conditions: Vec<String> = bounds
            .into_iter()
            .filter_map(|(sign, bound)| Some(format!(". {sign} {}", bound?)))
            .collect();
        let mut text = String::new();
        let mut headers = String::new();
        for (name, value) in &metric.headers {
            let _ = write!(headers, " {}", self.word(&format!("{name}: {value}")));
        }
        // From a file, because everybody on the machine can read a command line.
        if !headers.is_empty() {
            let _ = write!(text, "printf '%s\\n'{headers} >\"$work/headers\" &&\n  ");
            headers = String::from(" -H \"@$work/headers\"");
        }
        let _ = write!(
            text,
            "measures {} {} {} {} {} {} --noproxy '*'{headers}",
            seconds(within),
            seconds(metric.hold),
            seconds(metric.attempt_timeout),
            shell_quote(&conditions.join(" and ")),
            self.word(metric.url.as_deref().unwrap_or_default()),
            self.word(&metric.query),
        );
        text
    }
}
