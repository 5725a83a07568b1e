//! What the tests share: small catalogs in a temporary directory, and errors as text.

use std::fs;
use std::path::{Path, PathBuf};

use rollback::error::Error;
use rollback::runbook::catalog::Catalog;
use rollback::runbook::load::{self, Loaded};
use rollback::runbook::names::Known;
use rollback::runbook::{Level, Runbook, Settings, Target};

/// A `rollback.yaml` with a plain and a secret parameter.
pub const SETTINGS: &str = "\
apiVersion: rollback/v1
context: staging
repository: ${repository}
parameters:
  base_url: { default: \"https://staging\", shape: url }
  repository: { description: where the code is }
  project: { default: netra }
  token: { secret: { env: API_TOKEN } }
";

/// The head of every runbook of the tests; methods follow.
pub const HEAD: &str = "\
apiVersion: rollback/v1
level: component
name: tool-dispatcher
title: Tool Dispatcher
";

/// A directory with these files, readable by everybody and writable by its owner.
pub fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(dir.path(), name, text.as_bytes());
    }
    dir
}

/// One more file of a directory.
pub fn write(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

/// A runbook with one method `flag` of these steps (indented by six).
pub fn with_steps(steps: &str) -> String {
    format!("{HEAD}methods:\n  flag:\n    steps:\n{steps}")
}

pub fn settings() -> Settings {
    load::settings(Path::new("rollback.yaml"), SETTINGS.as_bytes()).into_result(false).unwrap()
}

pub fn load(text: &[u8]) -> Loaded<Runbook> {
    load::runbook(Path::new("components/tool.yaml"), text, &Known::of(&settings()))
}

pub fn runbook(text: &str) -> Runbook {
    load(text.as_bytes()).into_result(false).unwrap_or_else(|error| panic!("{error}"))
}

/// Everything that is said about a runbook, as it is printed.
pub fn said(text: impl AsRef<[u8]>) -> String {
    let loaded = load(text.as_ref());
    assert!(loaded.value.is_none(), "this runbook was accepted");
    let shown: Vec<String> = loaded.problems.iter().map(|problem| problem.render(false)).collect();
    shown.join("\n\n")
}

/// What is said about each of several mistakes, under its name.
pub fn said_of(cases: &[(&str, String)]) -> String {
    let shown = cases.iter().map(|(name, text)| format!("# {name}\n{}\n", said(text)));
    shown.collect::<Vec<_>>().join("\n")
}

pub fn component(name: &str) -> Target {
    Target { level: Level::Component, name: name.to_owned() }
}

/// The error of a result, with its hints, as it is printed.
pub fn failure<T>(result: anyhow::Result<T>) -> (u8, String) {
    let error = result.err().expect("this should have failed").downcast::<Error>().unwrap();
    let mut text = error.message.clone();
    for hint in &error.hints {
        text.push_str("\n  ");
        text.push_str(hint);
    }
    (error.exit.code(), text)
}

/// The catalog of this repository.
pub fn own() -> Catalog {
    Catalog::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks")).unwrap()
}
