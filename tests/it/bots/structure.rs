//! The JSON Schemas that editors get: every file of ours is valid by them, by a validator that knows
//! the keywords that they use and no other.

use std::collections::BTreeSet;
use std::path::Path;

use rollback::commands::schema::{Part, schema};
use rollback::runbook::schema::OBJECTS;
use serde_json::{Value, json};

/// What is wrong with a value; nothing where it is valid.
fn problems(root: &Value, rule: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Value::Object(rule) = rule else { return };
    for (keyword, wanted) in rule {
        let holds = |it: &Value| {
            let mut inner = Vec::new();
            problems(root, it, value, at, &mut inner);
            inner.is_empty()
        };
        let all = || wanted.as_array().expect("a list").iter();
        let fine = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "pattern" | "patternProperties"
            | "propertyNames" | "format" => true,
            "$ref" => {
                let path = wanted.as_str().expect("text").trim_start_matches('#');
                problems(root, root.pointer(path).expect("defined"), value, at, found);
                true
            }
            "type" => {
                let is = |name: &Value| match name.as_str().expect("text") {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "number" => value.is_number(),
                    "null" => value.is_null(),
                    other => panic!("type {other}"),
                };
                wanted.as_array().map_or_else(|| is(wanted), |names| names.iter().any(is))
            }
            "enum" => all().any(|it| it == value),
            "const" => wanted == value,
            "minimum" => value.as_f64().is_none_or(|it| it >= wanted.as_f64().expect("a number")),
            "maximum" => value.as_f64().is_none_or(|it| it <= wanted.as_f64().expect("a number")),
            "minItems" => {
                value.as_array().is_none_or(|it| it.len() as u64 >= wanted.as_u64().expect("n"))
            }
            "minProperties" => {
                value.as_object().is_none_or(|it| it.len() as u64 >= wanted.as_u64().expect("n"))
            }
            "required" => value
                .as_object()
                .is_none_or(|it| all().all(|name| it.contains_key(name.as_str().expect("text")))),
            "oneOf" => all().filter(|it| holds(it)).count() == 1,
            "anyOf" => all().any(holds),
            "allOf" => all().all(holds),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    problems(root, wanted, item, &format!("{at}/{index}"), found);
                }
                true
            }
            "properties" => {
                for (name, rule) in wanted.as_object().expect("a map") {
                    if let Some(inner) = value.get(name) {
                        problems(root, rule, inner, &format!("{at}/{name}"), found);
                    }
                }
                true
            }
            "additionalProperties" => {
                let known =
                    |name: &str| rule.get("properties").is_some_and(|it| it.get(name).is_some());
                for (name, inner) in value.as_object().into_iter().flatten() {
                    match wanted {
                        Value::Bool(false) if !known(name) => {
                            found.push(format!("{at}: no {name}"));
                        }
                        Value::Object(_) if !known(name) => {
                            problems(root, wanted, inner, &format!("{at}/{name}"), found);
                        }
                        _ => {}
                    }
                }
                true
            }
            "dependentSchemas" => {
                for (name, rule) in wanted.as_object().expect("a map") {
                    if value.get(name).is_some() {
                        problems(root, rule, value, at, found);
                    }
                }
                true
            }
            other => panic!("the validator does not know {other}"),
        };
        if !fine {
            found.push(format!("{at}: {keyword}"));
        }
    }
}

fn check(part: Part, text: &str, name: &str) {
    let rule: Value = serde_json::from_str(&schema(part).expect("a schema")).expect("JSON");
    let value: Value = serde_yaml::from_str(text).expect("YAML");
    let mut found = Vec::new();
    problems(&rule, &rule, &value, "", &mut found);
    assert_eq!(found, Vec::<String>::new(), "{name}");
}

fn files(dir: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|it| it == "yaml") {
            found.push(path);
        }
    }
}

#[test]
fn no_two_tables_of_the_format_share_a_name() {
    let names: BTreeSet<&str> = OBJECTS.iter().map(|object| object.name).collect();
    assert_eq!(names.len(), OBJECTS.len());
}

#[test]
fn every_file_of_the_shipped_catalog_is_valid_by_its_schema() {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks"), &mut found);
    assert!(found.len() > 5, "{found:?}");
    for path in found {
        let text = std::fs::read_to_string(&path).expect("read");
        let part = match path.file_name().and_then(|name| name.to_str()) {
            Some("rollback.yaml") => Part::Settings,
            Some("triggers.yaml") => Part::Triggers,
            _ => Part::Runbook,
        };
        check(part, &text, &path.display().to_string());
    }
}

#[test]
fn a_metric_check_is_valid_in_a_step_and_in_a_criterion() {
    let metric = json!({ "query": "sum(errors)", "below": 0.5, "for": "10s" });
    let runbook = json!({
        "apiVersion": "rollback/v1", "level": "component", "name": "one", "title": "One",
        "methods": { "flag": { "steps": [{ "name": "Look", "metric": metric }] } },
        "recovered_when": [{ "metric": metric }],
    });
    check(Part::Runbook, &runbook.to_string(), "a metric check");
}
