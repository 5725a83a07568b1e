//! PURE: names that values have turned into something else.

use super::Draft;
use crate::error::{Error, Result};
use crate::runbook::Action;
use crate::runbook::check::{is_name, is_object_name};

/// A namespace is part of the address of what is read: anything else than a name leads elsewhere.
pub fn refuse_namespace(namespace: &str) -> Result<()> {
    if is_name(namespace) {
        return Ok(());
    }
    let shown = crate::runbook::problem::printable(namespace);
    Err(Error::usage(format!("`{shown}` is not the name of a namespace"))
        .hint("small letters, digits and `-`, at most 63 of them")
        .into())
}

/// What a value may have turned into: an option or a path where a name is due.
pub(super) fn refuse_names(draft: &Draft) -> Result<()> {
    refuse_namespace(&draft.namespace)?;
    for step in &draft.steps {
        let words: Vec<&str> = match &step.action {
            Action::RevertCommits(a) => {
                a.commits.iter().chain([&a.branch]).map(String::as_str).collect()
            }
            Action::RestoreFiles(a) => {
                a.paths.iter().chain([&a.branch, &a.from]).map(String::as_str).collect()
            }
            Action::Apply(a) => a.paths.iter().chain([&a.at]).map(String::as_str).collect(),
            Action::RestoreSnapshot(a) => vec![a.name.as_str()],
            Action::RollbackBranch(a) => [&a.branch, &a.on].map(String::as_str).to_vec(),
            _ => Vec::new(),
        };
        let objects: Vec<&str> = match &step.action {
            Action::SetFlags(a) => {
                let workload = a.workload.iter().map(|workload| workload.name.as_str());
                a.configmap.iter().map(String::as_str).chain(workload).collect()
            }
            Action::Restart(a) => a.workloads.iter().map(|it| it.name.as_str()).collect(),
            Action::RolloutUndo(a) => vec![a.workload.name.as_str()],
            Action::Wait(a) => a.rollout.iter().map(|it| it.name.as_str()).collect(),
            _ => Vec::new(),
        };
        let option = words.into_iter().find(|word| word.is_empty() || word.starts_with('-'));
        if let Some(word) = option.or_else(|| objects.into_iter().find(|it| !is_object_name(it))) {
            let message = format!("step `{}`: `{word}` cannot be used as a name here", step.id);
            let hint = format!("correct the parameter, or the runbook at {}", step.place);
            return Err(Error::usage(message).hint(hint).into());
        }
    }
    Ok(())
}
