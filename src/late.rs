//! Names that only have a value while a run is going on: its id, its start, the outputs of earlier
//! steps, secrets. They stay symbolic in the plan and its digest. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::runbook::template::{self, Part};
use crate::step::Outputs;
use crate::world::clock;

/// The values of late names in one run.
#[derive(Debug, Clone, Default)]
pub struct Late {
    /// The run.
    pub run_id: String,
    /// When it started, RFC 3339.
    pub started: String,
    /// What earlier steps left behind, by step.
    pub outputs: BTreeMap<String, Outputs>,
}

impl Late {
    /// The value of a late name; none for secrets and for outputs that are not there.
    pub fn value(&self, name: &str) -> Option<String> {
        match name {
            "run.id" => Some(self.run_id.clone()),
            "run.stamp" => Some(clock::stamp(&self.started)),
            _ => {
                let (step, output) = name.strip_prefix("steps.")?.rsplit_once('.')?;
                self.outputs.get(step)?.get(output).cloned()
            }
        }
    }

    /// The same thing with its late names resolved, and which they were. Secrets stay as they are,
    /// and the text of a `shell` is never touched.
    pub fn resolve<T: Serialize + DeserializeOwned>(
        &self,
        thing: &T,
    ) -> Result<(T, BTreeMap<String, String>), String> {
        let mut used = BTreeMap::new();
        let mut value = serde_json::to_value(thing).map_err(|error| error.to_string())?;
        walk(&mut value, &mut |text| {
            replace(text, |name| {
                let value = self.value(name)?;
                used.insert(name.to_owned(), value.clone());
                Some(value)
            })
        });
        Ok((serde_json::from_value(value).map_err(|error| error.to_string())?, used))
    }
}

/// The outputs of steps that a thing still names once it was resolved: no step left them behind.
pub fn missing<T: Serialize>(thing: &T) -> Vec<String> {
    let mut missing = Vec::new();
    if let Ok(mut value) = serde_json::to_value(thing) {
        walk(&mut value, &mut |text| {
            missing.extend(names(text).into_iter().filter(|name| name.starts_with("steps.")));
            text.to_owned()
        });
    }
    missing
}

/// The text with each `${name}` that `lookup` knows replaced; others stay.
pub fn replace(text: &str, mut lookup: impl FnMut(&str) -> Option<String>) -> String {
    let mut result = String::with_capacity(text.len());
    for part in template::parts(text, |_| true) {
        match part {
            Part::Text(text) => result.push_str(text),
            Part::Late(name) => {
                let value = lookup(name);
                result.push_str(&value.unwrap_or_else(|| format!("${{{name}}}")));
            }
        }
    }
    result
}

/// The names in all texts of a thing but the text of a `shell`.
pub fn names_in<T: Serialize>(thing: &T) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(mut value) = serde_json::to_value(thing) {
        walk(&mut value, &mut |text| {
            found.extend(names(text));
            text.to_owned()
        });
    }
    found
}

/// The names in a text.
pub fn names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    replace(text, |name| {
        names.push(name.to_owned());
        None
    });
    names
}

fn walk(value: &mut Value, change: &mut impl FnMut(&str) -> String) {
    match value {
        Value::String(text) if text.contains("${") => *text = change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, change)),
        Value::Object(map) => {
            for (key, item) in map.iter_mut() {
                if key != "shell" {
                    walk(item, change);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::{Action, RollbackBranch};

    #[test]
    fn late_names_are_resolved_and_secrets_stay() {
        let late = Late {
            run_id: "r1".into(),
            started: "2026-11-23T02:14:05.120Z".into(),
            outputs: BTreeMap::from([(
                "restore".to_owned(),
                Outputs::from([("sha".to_owned(), "abc".to_owned())]),
            )]),
        };
        let action = Action::RollbackBranch(RollbackBranch {
            branch: "back-${run.stamp}".into(),
            on: "${steps.restore.sha} ${token}".into(),
            commit: None,
            subject: None,
            repository: None,
        });
        let (resolved, used) = late.resolve(&action).expect("resolved");
        let Action::RollbackBranch(spec) = resolved else { panic!("another kind") };
        assert_eq!(spec.branch, "back-20261123-021405");
        assert_eq!(spec.on, "abc ${token}");
        assert_eq!(used.len(), 2);
    }
}
