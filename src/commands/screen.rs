//! What a command shows where: results to stdout, everything else to stderr, in the form asked for.

use std::io::{ErrorKind, Write as _};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::cli::{Color, Global, Output};
use crate::error::Error;
use crate::event::Live;
use crate::output::json;
use crate::output::jsonl::JsonLines;
use crate::output::recorder::View;
use crate::plan::Plan;
use crate::state::RunState;
use crate::terminal::layout::Page;
use crate::terminal::live::LiveView;
use crate::terminal::plan_view::Before;
use crate::terminal::style::{ColorChoice, Paint, Stream, Style};
use crate::terminal::{plan_view, verdict};

use super::approval::Foreseen;

/// Where and how a command shows things.
#[derive(Debug, Clone)]
pub struct Screen {
    /// The form asked for.
    pub output: Output,
    /// stdout.
    pub out: Style,
    /// stderr.
    pub err: Style,
    /// Why a result could not be written; a pipe that is closed is no reason.
    pub(super) lost: Arc<OnceLock<String>>,
}

impl Screen {
    /// As the command line and the terminal say.
    pub fn new(global: &Global) -> Screen {
        let choice = match global.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Screen {
            output: global.output,
            out: Style::of(Stream::Stdout, choice),
            err: Style::of(Stream::Stderr, choice),
            lost: Arc::default(),
        }
    }

    /// A result. A closed pipe is somebody who has read enough.
    pub fn result(&self, text: &str) {
        self.is_read(text);
    }

    /// A result of many; whether anybody still reads them.
    pub fn is_read(&self, text: &str) -> bool {
        let inert = (self.output != Output::Text).then(|| json::inert(text));
        let text = inert.as_deref().unwrap_or(text);
        let mut stdout = std::io::stdout().lock();
        let written = stdout
            .write_all(text.as_bytes())
            .and_then(|()| if text.ends_with('\n') { Ok(()) } else { stdout.write_all(b"\n") })
            .and_then(|()| stdout.flush());
        if let Err(error) = &written
            && error.kind() != ErrorKind::BrokenPipe
        {
            let _ = self.lost.set(error.to_string());
        }
        written.is_ok()
    }

    /// Why a result could not be written, where one could not.
    pub fn lost(&self) -> Option<&str> {
        self.lost.get().map(String::as_str)
    }

    /// A word beside the result.
    #[allow(clippy::unused_self, reason = "what is shown goes through the screen")]
    pub fn say(&self, text: &str) {
        let mut stderr = std::io::stderr().lock();
        let _ = stderr
            .write_all(text.as_bytes())
            .and_then(|()| if text.ends_with('\n') { Ok(()) } else { stderr.write_all(b"\n") });
    }

    /// A word about a run that has not begun.
    pub fn notice(&self, run_id: &str, text: &str) {
        if self.output == Output::Jsonl {
            JsonLines::stdout(run_id).live(&Live::Notice { text: text.to_owned() });
        } else {
            let mut page = Page::new(&self.err);
            page.text("", Paint::Plain, text);
            self.say(&page.finish());
        }
    }

    /// The plan, before the question of a run.
    pub fn plan(&self, plan: &Plan) {
        if self.output == Output::Text || crate::terminal::prompt::can_prompt() {
            self.say(&plan_view::plan_text(plan, &self.err));
        }
    }

    /// The plan as the result of a dry-run, with what would keep a run of it from going on.
    pub fn dry_run(
        &self,
        plan: &Plan,
        before: &Before,
        approval: Option<&Foreseen>,
        refusal: Option<&Error>,
    ) {
        if self.output == Output::Text {
            self.result(&plan_view::plan_text(plan, &self.out));
            if let Some(Foreseen { by, word: "required" }) = approval {
                self.result(&format!(
                    "a run needs the approval of {by}: without it, it is suspended (exit 8)\n\
                     the digest to approve: {}",
                    plan.digest
                ));
            }
        } else {
            let mut value = json::plan_json(plan);
            value["approval"] = json!(approval.map(|it| json!({"state": it.word, "by": it.by})));
            value["refused"] =
                json!(refusal.map(|it| json!({"message": it.message, "hints": it.hints})));
            if refusal.is_some() {
                value["ready"] = json!(false);
            }
            let text = if self.output == Output::Json {
                serde_json::to_string_pretty(&value)
            } else {
                serde_json::to_string(&value)
            };
            self.result(&text.unwrap_or_default());
        }
        self.blocked(plan, before);
        if let Some(refusal) = refusal {
            self.say(&format!("a run would be refused: {}", refusal.message));
            for hint in &refusal.hints {
                self.say(&format!("  {hint}"));
            }
        }
    }

    /// Why nothing was run, and what to do.
    pub fn blocked(&self, plan: &Plan, before: &Before) {
        if plan.blocked().next().is_some() || plan.unlockable().is_some() {
            self.say(&plan_view::blocked_text(plan, before, &self.err));
        }
    }

    /// That the lock of a run could not be freed.
    pub fn lock_stays(&self, why: Option<String>, run_id: &str) {
        let Some(why) = why else { return };
        self.notice(
            run_id,
            &format!(
                "the lock could not be freed: {why}. Others find it held until: rollback unlock {run_id}"
            ),
        );
    }

    /// The renderers of a run that has already taken this long.
    pub fn views(&self, plan: &Plan, run_id: &str, spent: Duration) -> Vec<View> {
        match self.output {
            Output::Text => {
                let now = Instant::now();
                let view = LiveView::new(self.err, plan, now.checked_sub(spent).unwrap_or(now));
                vec![View::Human(Box::new(view))]
            }
            Output::Json => Vec::new(),
            Output::Jsonl => vec![View::Lines(JsonLines::stdout(run_id))],
        }
    }

    /// How a run ended, or that it can go on.
    pub fn end(&self, state: &RunState) {
        match self.output {
            Output::Text if state.finish.is_some() => {
                self.result(&verdict::verdict_text(state, &self.out));
            }
            Output::Text => self.result(&verdict::paused_text(state, &self.out)),
            Output::Json => {
                let value = json::run_json(state);
                self.result(&serde_json::to_string_pretty(&value).unwrap_or_default());
            }
            Output::Jsonl => {}
        }
    }
}
