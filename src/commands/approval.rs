//! What needs somebody else's approval: suspended with the plan's digest, not refused and not hung.
//! Whoever approves hands the digest back; a plan that has changed since is refused as stale. Who
//! approved is a claim that is recorded, not an identity that is proven.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::RunArgs;
use crate::error::{Error, Exit, Result};
use crate::event::Approval;
use crate::journal::{own_file, private_dir};
use crate::plan::Plan;
use crate::runbook::{ApprovalRule, Settings, Target};
use crate::terminal::shell;

/// Fewer hexadecimal digits than this do not name a plan.
const SHORTEST: usize = 12;

/// An approval that a run of a plan will need.
#[derive(Debug, Clone)]
pub struct Foreseen {
    /// Whose.
    pub by: String,
    /// `required`, `given` or `break_glass`.
    pub word: &'static str,
}

/// What permits this plan, as far as approvals go: nothing needed, an approval, or broken glass.
pub fn check(
    plan: &Plan,
    settings: &Settings,
    args: &RunArgs,
    state: &Path,
) -> Result<Option<Approval>> {
    if let Some(given) = &args.approve {
        let by = args.approved_by.clone().ok_or_else(|| {
            Error::usage("--approve needs --approved-by NAME: who approved is recorded")
        })?;
        return approved(plan, given, by, state).map(Some);
    }
    if args.approved_by.is_some() {
        return Err(Error::usage("--approved-by goes with --approve DIGEST").into());
    }
    let Some(who) = needed(settings, &plan.target, &plan.method) else { return Ok(None) };
    if let Some(reason) = &args.break_glass {
        return Ok(Some(Approval { break_glass: Some(reason.clone()), ..Approval::default() }));
    }
    remember(plan, state);
    let mut command = plan.command();
    command.extend(given_again(args));
    command.extend(["--approve", &short(&plan.digest), "--approved-by", "NAME"].map(str::to_owned));
    Err(Error::new(
        Exit::ApprovalRequired,
        format!(
            "{} · {} needs the approval of {who}; nothing was changed",
            plan.target, plan.method
        ),
    )
    .hint(format!("the plan's digest: {}", plan.digest))
    .hint(format!("once approved: {}", shell::command_line(&command)))
    .hint("alone, and it cannot wait: --break-glass REASON (it runs, and everybody is told)")
    .into())
}

/// What was said on the command line of this run and counts for the approved one as well.
fn given_again(args: &RunArgs) -> Vec<String> {
    let one = |flag: &str, value: &Option<String>| {
        value.iter().flat_map(|it| [flag.to_owned(), it.clone()]).collect::<Vec<_>>()
    };
    let many = |flag: &str, values: &[String]| {
        values.iter().flat_map(|it| [flag.to_owned(), it.clone()]).collect::<Vec<_>>()
    };
    let bare = |flag: &str, given: bool| given.then(|| flag.to_owned()).into_iter().collect();
    let given: [Vec<String>; 9] = [
        bare("--yes", args.yes),
        one("--confirm", &args.confirm),
        one("--decided-by", &args.decided_by),
        one("--incident", &args.incident),
        one("--reason", &args.reason),
        one("--trigger", &args.trigger),
        many("--skip-blocked", &args.skip_blocked),
        many("--answer", &args.answers),
        one("--escalated-from", &args.escalated_from),
    ];
    given.concat()
}

/// What a dry-run says of an approval: whose is needed, and whether this command line has it. An
/// approval of another plan is refused here as well.
pub fn foresee(
    plan: &Plan,
    settings: &Settings,
    args: &RunArgs,
    state: &Path,
) -> Result<Option<Foreseen>> {
    if args.approve.is_some() || args.approved_by.is_some() {
        check(plan, settings, args, state)?;
    }
    let word = match (&args.approve, &args.break_glass) {
        (Some(_), _) => "given",
        (None, Some(_)) => "break_glass",
        (None, None) => "required",
    };
    Ok(needed(settings, &plan.target, &plan.method).map(|by| Foreseen { by, word }))
}

/// Whose approval a method needs; none where it needs none.
pub fn needed(settings: &Settings, target: &Target, method: &str) -> Option<String> {
    let rule = rule_for(settings, target, method)?;
    Some(rule.by.clone().unwrap_or_else(|| "somebody else".to_owned()))
}

fn rule_for<'s>(settings: &'s Settings, target: &Target, method: &str) -> Option<&'s ApprovalRule> {
    settings.approvals.iter().find(|rule| {
        let methods = &rule.methods;
        rule.level == target.level
            && (methods.is_empty() || methods.iter().any(|known| known == method))
    })
}

fn approved(plan: &Plan, given: &str, by: String, state: &Path) -> Result<Approval> {
    let hex = given.strip_prefix("sha256:").unwrap_or(given);
    if hex.len() < SHORTEST || !hex.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(Error::usage(format!("`--approve {given}` is not a plan's digest"))
            .hint(format!("give at least {SHORTEST} of its hexadecimal digits"))
            .into());
    }
    if plan.digest.trim_start_matches("sha256:").starts_with(&hex.to_lowercase()) {
        return Ok(Approval { digest: Some(plan.digest.clone()), by: Some(by), break_glass: None });
    }
    let mut error = Error::new(
        Exit::PlanStale,
        "what was approved is not what would run now; nothing was changed",
    );
    match recall(hex, state) {
        Some(then) => {
            for line in changes(&then, &plan.digested()) {
                error = error.hint(line);
            }
        }
        None => error = error.hint("the approved plan is not on this machine to compare with"),
    }
    Err(error.hint(format!("the plan's digest now: {}", plan.digest)).into())
}

/// What differs between two plans, a line each: only the fields that do, by their path.
pub fn changes(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Vec<String> {
    let mut lines = Vec::new();
    for key in before.keys().chain(after.keys().filter(|key| !before.contains_key(*key))) {
        differ(key, before.get(key), after.get(key), &mut lines);
    }
    lines
}

fn differ(path: &str, before: Option<&Value>, after: Option<&Value>, lines: &mut Vec<String>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            for key in one.keys().chain(other.keys().filter(|key| !one.contains_key(*key))) {
                differ(&format!("{path}.{key}"), one.get(key), other.get(key), lines);
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            for index in 0..one.len().max(other.len()) {
                let path = format!("{path}[{index}]");
                differ(&path, one.get(index), other.get(index), lines);
            }
        }
        _ => lines.push(format!("{path}: was {}, is {}", word(before), word(after))),
    }
}

fn word(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "nothing".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

/// The first digits of a digest: enough to name it, short enough to read out.
fn short(digest: &str) -> String {
    digest.chars().take("sha256:".len() + 16).collect()
}

fn file_of(state: &Path) -> PathBuf {
    state.join("approvals")
}

/// Keeps what a digest stands for, so that a stale approval can say what changed. Best effort: an
/// approval does not depend on it.
fn remember(plan: &Plan, state: &Path) {
    let dir = file_of(state);
    let write = || -> std::io::Result<()> {
        private_dir(state)?;
        private_dir(&dir)?;
        let path = dir.join(plan.digest.trim_start_matches("sha256:"));
        let mut options = std::fs::OpenOptions::new();
        let mut file = own_file(options.write(true).create(true).truncate(true), &path)?;
        file.write_all(serde_json::to_string(&plan.digested())?.as_bytes())
    };
    let _ = write();
}

fn recall(hex: &str, state: &Path) -> Option<BTreeMap<String, Value>> {
    let entries = std::fs::read_dir(file_of(state)).ok()?;
    let entry = entries
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().starts_with(&hex.to_lowercase()))?;
    serde_json::from_str(&std::fs::read_to_string(entry.path()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_fields_that_differ_are_named_each_by_its_path() {
        let map = |value: Value| serde_json::from_value(value).expect("a map");
        let step = |replicas: u32, extra: Value| {
            map(json!({"step restart": {"action": {"restart": {"workloads": ["a", "b"],
                "replicas": replicas}}, "timeout": "60s"}, "now b": extra}))
        };
        assert_eq!(
            changes(&step(2, json!({"x": [1, 2]})), &step(3, json!({"x": [1], "y": "new"}))),
            [
                "now b.x[1]: was 2, is nothing",
                "now b.y: was nothing, is new",
                "step restart.action.restart.replicas: was 2, is 3",
            ]
        );
    }
}
