//! PURE: what a step changes in the cluster, so that the last look before a verdict asks each step
//! only for what no later step has changed since.

use serde_json::Value;

use super::workload::template;
use super::{FieldChange, Forecast, apply, restore_snapshot};
use crate::runbook::{Action, Workload};

/// Something that a step changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// A field, as [`template::differences`] names it: `data FLAG`, `app env MODE`.
    Field {
        /// `configmap/flags`.
        object: String,
        /// The field.
        field: String,
    },
    /// The whole pod template.
    Template(String),
    /// Only the marks of a restart.
    Marks(String),
}

/// What a step changes in the cluster, as its forecast knows it.
pub(crate) fn of(action: &Action, forecast: &Forecast) -> Vec<Claim> {
    match action {
        Action::SetFlags(spec) => match (&spec.configmap, &spec.workload) {
            (Some(name), _) => spec.flags.keys().map(|key| key_of(name, key)).collect(),
            (None, Some(workload)) => {
                let object = workload.to_string();
                let env = |key: &String| super::set_flags::env::field(workload, key, forecast);
                let keys = spec.flags.keys().filter_map(env);
                keys.map(|field| Claim::Field { object: object.clone(), field }).collect()
            }
            (None, None) => Vec::new(),
        },
        Action::Restart(spec) => {
            spec.workloads.iter().map(|workload| Claim::Marks(workload.to_string())).collect()
        }
        Action::RolloutUndo(spec) => vec![Claim::Template(spec.workload.to_string())],
        Action::Apply(_) => apply::claims(forecast),
        Action::RestoreSnapshot(_) => restore_snapshot::claims(forecast),
        Action::RevertCommits(_)
        | Action::RestoreFiles(_)
        | Action::RollbackBranch(_)
        | Action::Command(_)
        | Action::Http(_)
        | Action::Metric(_)
        | Action::Manual(_)
        | Action::Wait(_) => Vec::new(),
    }
}

/// A key of a ConfigMap.
pub(crate) fn key_of(configmap: &str, key: &str) -> Claim {
    Claim::Field { object: format!("configmap/{configmap}"), field: format!("data {key}") }
}

impl Claim {
    fn covers(&self, object: &str, field: &str) -> bool {
        match self {
            Claim::Field { object: its, field: one } => {
                let below = field.strip_prefix(one.as_str());
                its == object
                    && (one == apply::CREATED
                        || below.is_some_and(|below| below.is_empty() || below.starts_with(' ')))
            }
            Claim::Template(its) => its == object,
            Claim::Marks(_) => false,
        }
    }
}

/// Whether a later step has changed a field.
pub(crate) fn changed(later: &[Claim], object: &str, field: &str) -> bool {
    later.iter().any(|claim| claim.covers(object, field))
}

/// Whether a later step has changed a key of a ConfigMap.
pub(crate) fn changed_key(later: &[Claim], configmap: &str, key: &str) -> bool {
    changed(later, &format!("configmap/{configmap}"), &format!("data {key}"))
}

/// Whether a later step has given a workload other marks.
pub(crate) fn marked(later: &[Claim], workload: &Workload) -> bool {
    let name = workload.to_string();
    later.iter().any(|claim| match claim {
        Claim::Field { object: its, .. } | Claim::Template(its) | Claim::Marks(its) => *its == name,
    })
}

/// What a workload's template has that is not wanted, and that no later step has made so.
pub(crate) fn left(
    later: &[Claim],
    workload: &Workload,
    wanted: &Value,
    found: &Value,
) -> Vec<FieldChange> {
    if template::digest(found) == template::digest(wanted) {
        return Vec::new();
    }
    let name = workload.to_string();
    let differences = template::differences(&name, wanted, found);
    differences.into_iter().filter(|it| !changed(later, &it.object, &it.field)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(object: &str, field: &str) -> Claim {
        Claim::Field { object: object.to_owned(), field: field.to_owned() }
    }

    #[test]
    fn a_later_step_has_changed_its_own_fields_and_what_is_below_them_and_no_others() {
        let later = [field("deployment/web", "app env MODE"), key_of("flags", "ONE")];
        assert!(changed(&later, "deployment/web", "app env MODE"));
        assert!(changed(&later, "deployment/web", "app env MODE valueFrom fieldRef"));
        assert!(!changed(&later, "deployment/web", "app env MODEL"));
        assert!(!changed(&later, "deployment/other", "app env MODE"));
        assert!(changed_key(&later, "flags", "ONE"));
        assert!(!changed_key(&later, "flags", "TWO"));
    }

    #[test]
    fn a_restart_changes_no_field_and_another_template_changes_all_of_them() {
        let web = Workload::try_from("deployment/web".to_owned()).expect("a workload");
        let marks = [Claim::Marks(web.to_string())];
        assert!(marked(&marks, &web));
        assert!(!changed(&marks, "deployment/web", "app image"));
        let template = [Claim::Template(web.to_string())];
        assert!(marked(&template, &web) && changed(&template, "deployment/web", "app image"));
        let whole = [field("configmap/flags", apply::CREATED)];
        assert!(changed_key(&whole, "flags", "ONE"));
    }
}
