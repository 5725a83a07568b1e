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
    let command = shell::command_lines(&plan.command(), 0, usize::from(u16::MAX), true).concat();
    Err(Error::new(
        Exit::ApprovalRequired,
        format!(
            "{} · {} needs the approval of {who}; nothing was changed",
            plan.target, plan.method
        ),
    )
    .hint(format!("the plan's digest: {}", plan.digest))
    .hint(format!("once approved: {command} --approve {} --approved-by NAME", short(&plan.digest)))
    .hint("alone, and it cannot wait: --break-glass REASON (it runs, and everybody is told)")
    .into())
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

/// What differs between two plans, a line each.
pub fn changes(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Vec<String> {
    let word = |value: Option<&Value>| match value {
        None => "nothing".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    before
        .keys()
        .chain(after.keys().filter(|key| !before.contains_key(*key)))
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|key| format!("{key}: was {}, is {}", word(before.get(key)), word(after.get(key))))
        .collect()
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
