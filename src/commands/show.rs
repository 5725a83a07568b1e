//! `rollback show`: a runbook as it would be run, without looking at the world.

use std::fmt::Write as _;

use serde_json::json;

use super::Format;
use crate::draft::{Draft, known};
use crate::error::{Error, Result};
use crate::runbook::catalog::Catalog;
use crate::runbook::parameters::{Origin, Parameters, Resolved, describe};
use crate::runbook::problem::printable;
use crate::runbook::{
    Action, Command, CommandForm, Criterion, Http, Parameter, Runbook, Settings, Step, Target,
    duration,
};
use crate::script;

/// What is to be shown.
#[derive(Debug, Clone)]
pub struct Show<'a> {
    /// The runbook.
    pub target: &'a Target,
    /// One method; all of them where none is named (a script is of the first).
    pub method: Option<&'a str>,
    /// What the operator gave.
    pub parameters: &'a Parameters,
    /// The method as a bash script.
    pub script: bool,
}

/// A runbook, or one method of it as a script. A parameter that is still to be given is shown as
/// such; a script needs all of them.
pub fn show(catalog: &Catalog, show: &Show<'_>, format: Format) -> Result<String> {
    let (runbook, settings) = catalog.runbook(show.target)?;
    if show.script {
        let draft = Draft::new(&runbook, &settings, show.method, show.parameters)?;
        let script = script::script(&draft);
        return match format {
            Format::Text => Ok(script),
            Format::Json => super::json(&json!({ "v": 1, "draft": draft, "script": script })),
        };
    }
    let names: Vec<&str> = match show.method {
        Some(name) => vec![name],
        None => runbook.methods.iter().map(|method| method.name.as_str()).collect(),
    };
    let mut drafts = Vec::new();
    for name in names {
        drafts.push(lenient(&runbook, &settings, name, show.parameters)?);
    }
    match format {
        Format::Json => super::json(&json!({
            "v": 1,
            "runbook": runbook,
            "drafts": drafts.iter().map(|shown| &shown.draft).collect::<Vec<_>>(),
            "parameters": drafts.iter().map(parameters_json).collect::<Vec<_>>(),
            "missing": drafts.iter().map(|shown| &shown.missing).collect::<Vec<_>>(),
        })),
        Format::Text => Ok(text(&runbook, &settings, &drafts)),
    }
}

/// A draft, and the parameters that nobody gave yet.
struct Shown {
    draft: Draft,
    resolved: Resolved,
    missing: Vec<String>,
}

/// The draft, with `<name>` for what is still to be given.
fn lenient(
    runbook: &Runbook,
    settings: &Settings,
    method: &str,
    parameters: &Parameters,
) -> Result<Shown> {
    let mut missing = Vec::new();
    let first = Draft::explained(runbook, settings, Some(method), parameters);
    let error = match first {
        Ok((draft, resolved)) => return Ok(Shown { draft, resolved, missing }),
        Err(error) => error,
    };
    // Only a value that is missing is forgiven: given ones must be right.
    let (mut runbook, mut settings) = (runbook.clone(), settings.clone());
    for map in [&mut settings.parameters, &mut runbook.parameters] {
        for (name, parameter) in map.iter_mut() {
            let required = parameter.default.is_none() && parameter.secret.is_none();
            if required && !parameters.is_given(name) {
                parameter.default = Some(format!("<{name}>"));
                parameter.shape = Some("text".to_owned());
                parameter.choices.clear();
                missing.push(name.clone());
            }
        }
    }
    let (draft, resolved) =
        Draft::explained(&runbook, &settings, Some(method), parameters).map_err(|_| error)?;
    missing.retain(|name| resolved.values.contains_key(name));
    missing.sort();
    missing.dedup();
    Ok(Shown { draft, resolved, missing })
}

fn parameters_json(shown: &Shown) -> serde_json::Value {
    let values = shown.resolved.values.iter().filter(|(name, _)| !shown.missing.contains(name));
    values
        .map(|(name, (value, origin))| (name.clone(), json!({ "value": value, "origin": origin })))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn text(runbook: &Runbook, settings: &Settings, drafts: &[Shown]) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{} · {}", runbook.target, printable(&runbook.title));
    for line in runbook.description.iter().flat_map(|text| text.lines()) {
        let _ = writeln!(out, "  {}", printable(line));
    }
    let mut facts = vec![format!("from {}", runbook.place.file.display())];
    facts.extend(runbook.owner.iter().map(|owner| format!("kept by {}", printable(owner))));
    facts.extend(runbook.service.iter().map(|service| format!("escalates to service {service}")));
    let _ = writeln!(out, "  {}", facts.join(" · "));
    for shown in drafts {
        method(&mut out, &shown.draft);
    }
    if !runbook.recovered_when.is_empty() {
        out.push_str("\nrecovered when\n");
        let criteria = drafts.first().map(|shown| shown.draft.recovered_when.as_slice());
        for criterion in criteria.unwrap_or(&runbook.recovered_when) {
            criterion_line(&mut out, criterion);
        }
    }
    if !runbook.validation.is_empty() {
        out.push_str("\nafterwards (rollback validate)\n");
        for criterion in &runbook.validation {
            let tier = criterion.tier.as_deref().map(|tier| format!("{tier}: "));
            let name = printable(&criterion.name);
            let _ = writeln!(out, "  {}{name}", printable(&tier.unwrap_or_default()));
        }
    }
    parameters(&mut out, &known(runbook, settings), drafts);
    out
}

fn method(out: &mut String, draft: &Draft) {
    let budget = draft.budget.map(|budget| format!("  budget {}", duration::format(budget)));
    let _ = writeln!(out, "\n{}{}", draft.method, budget.unwrap_or_default());
    for (index, step) in draft.steps.iter().enumerate() {
        let timeout = duration::format(step.timeout);
        let _ =
            writeln!(out, "  {:>2}  {:<58}  at most {timeout}", index + 1, printable(&step.name));
        for line in details(step) {
            let _ = writeln!(out, "      {}", printable(&line).replace('\n', "\n      "));
        }
    }
}

/// What a step does, line by line.
fn details(step: &Step) -> Vec<String> {
    match &step.action {
        Action::SetFlags(action) => {
            let workload = action.workload.as_ref().map(ToString::to_string);
            let configmap = action.configmap.as_ref().map(|name| format!("configmap/{name}"));
            let object = configmap.or(workload).unwrap_or_default();
            let flags = action.flags.iter();
            flags.map(|(key, value)| format!("{object}  {key} = {value}")).collect()
        }
        Action::Restart(action) => {
            vec![format!("restart {}", join(action.workloads.iter().map(ToString::to_string)))]
        }
        Action::RolloutUndo(action) => {
            let to = crate::step::workload::rollout_undo::wanted(&action.to);
            vec![format!("{} back to {to}", action.workload)]
        }
        Action::Apply(action) => {
            vec![format!("apply {} as at {}", action.paths.join(", "), action.at)]
        }
        Action::RestoreSnapshot(action) => vec![format!("as in snapshot {}", action.name)],
        Action::Metric(metric) => vec![crate::step::metric::words(metric)],
        Action::RevertCommits(action) => {
            vec![format!("revert {} on {}", action.commits.join(", "), action.branch)]
        }
        Action::RestoreFiles(action) => {
            let mut lines = vec![format!("on {} from {}", action.branch, action.from)];
            lines.extend(action.paths.iter().cloned());
            lines
        }
        Action::RollbackBranch(action) => vec![
            format!("new branch {} on {}", action.branch, action.on),
            match (&action.commit, &action.subject) {
                (Some(commit), _) => format!("at {commit}"),
                (None, subject) => format!("at \"{}\"", subject.as_deref().unwrap_or_default()),
            },
        ],
        Action::Command(command) => command_lines(command),
        Action::Http(http) => vec![http_line(http)],
        Action::Manual(manual) => vec![manual.instruction.clone()],
        Action::Wait(wait) => vec![match wait.duration {
            Some(duration) => format!("wait {}", duration::format(duration)),
            None => format!("rollout of {}", join(wait.rollout.iter().map(ToString::to_string))),
        }],
    }
}

fn join(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

fn command_lines(command: &Command) -> Vec<String> {
    let mut lines = vec![match &command.form {
        CommandForm::Argv(argv) => {
            let words: Vec<String> = argv.iter().map(|word| script::shell_quote(word)).collect();
            format!("$ {}", words.join(" "))
        }
        CommandForm::Shell(script) => format!("$ bash -c …\n{}", script.trim_end()),
    }];
    if let Some(step) = &command.checkout {
        lines.push(format!("in a fresh checkout of what step {step} pushed"));
    }
    lines
}

fn http_line(http: &Http) -> String {
    let statuses: Vec<String> = http.status.iter().map(u16::to_string).collect();
    let times = match http.consecutive {
        1 => String::new(),
        times => format!(", {times} times in a row"),
    };
    format!("{} is {}{times}", http.url, statuses.join(" or "))
}

fn criterion_line(out: &mut String, criterion: &Criterion) {
    let within = duration::format(criterion.within);
    let text = match &criterion.action {
        Action::Http(http) => http_line(http),
        Action::Metric(metric) => crate::step::metric::words(metric),
        _ => criterion.name.clone(),
    };
    let _ = writeln!(out, "  {}  (within {within})", printable(&text));
}

fn parameters(
    out: &mut String,
    known: &std::collections::BTreeMap<String, Parameter>,
    drafts: &[Shown],
) {
    let find = |name: &str| drafts.iter().find_map(|shown| shown.resolved.values.get(name));
    let secret = |name: &str| drafts.iter().any(|shown| shown.resolved.secrets.contains_key(name));
    let missing = |name: &String| drafts.iter().any(|shown| shown.missing.contains(name));
    let used: Vec<&String> =
        known.keys().filter(|name| find(name).is_some() || secret(name)).collect();
    if used.is_empty() {
        return;
    }
    out.push_str("\nparameters\n");
    let width = used.iter().map(|name| name.len()).max().unwrap_or(0);
    for name in used {
        let value = if let Some(source) = &known[name].secret {
            format!("secret, from {}", describe(source))
        } else if missing(name) {
            format!("required: --param {name}=VALUE")
        } else {
            find(name).map_or_else(String::new, |(value, origin)| match origin {
                Origin::Default => value.clone(),
                origin => format!("{value}  (from {origin})"),
            })
        };
        let _ = writeln!(out, "  {name:<width$}  {}", printable(&value));
    }
}

/// A target from its two words; `system` needs no name.
pub fn target(level: &str, name: Option<&str>) -> Result<Target> {
    use crate::runbook::Level;
    let found = Level::ALL.into_iter().find(|known| known.as_str() == level);
    let Some(found) = found else {
        let shown = printable(level);
        let mut error = Error::usage(format!("`{shown}` is not a level"));
        if let Some(near) = crate::error::nearest(level, Level::ALL.map(Level::as_str)) {
            error = error.hint(format!("did you mean `{near}`?"));
        }
        return Err(error.hint("the levels are: component, service, system").into());
    };
    match (found, name) {
        (Level::System, None | Some("system")) => {
            Ok(Target { level: found, name: "system".to_owned() })
        }
        (Level::System, Some(_)) => {
            Err(Error::usage("the system has no other name").hint("write `system`").into())
        }
        (_, Some(name)) => Ok(Target { level: found, name: name.to_owned() }),
        (_, None) => {
            let message = format!("which {level}?");
            Err(Error::usage(message).hint("`rollback list` shows all targets").into())
        }
    }
}
