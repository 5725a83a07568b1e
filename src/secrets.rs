//! Where the values of secret parameters come from. They live in memory only: never in a plan, an
//! argv, a journal or on a screen.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::runbook::SecretSource;
use crate::world::process::{Invocation, capture};

/// How long a secret's command may take.
const LIMIT: Duration = Duration::from_secs(20);

/// Fetches the values; one that cannot be had blocks the run before anything is changed.
pub fn fetch(sources: &BTreeMap<String, SecretSource>) -> Result<BTreeMap<String, String>> {
    sources
        .iter()
        .map(|(name, source)| {
            let value = value(source).map_err(|why| {
                Error::blocked(format!("the secret parameter `{name}` cannot be had: {why}"))
                    .hint("nothing was changed")
            })?;
            Ok((name.clone(), value))
        })
        .collect()
}

/// What is said of a secret that is too short to be looked for in what is shown.
pub fn unhidden(name: &str) -> String {
    format!(
        "the secret `{name}` has fewer than four characters: it is not hidden where it is printed"
    )
}

fn value(source: &SecretSource) -> std::result::Result<String, String> {
    let text = match source {
        SecretSource::Env(name) => {
            std::env::var(name).map_err(|_| format!("${name} is not set in the environment"))?
        }
        SecretSource::File(path) => std::fs::read_to_string(path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))?,
        SecretSource::Command(argv) => {
            let captured = capture(&Invocation::new(argv.clone(), LIMIT));
            if !captured.ending.success() {
                let program = argv.first().map_or("", String::as_str);
                return Err(format!("`{program}`: {}", captured.ending.phrase()));
            }
            String::from_utf8(captured.stdout).map_err(|_| "it is not UTF-8".to_owned())?
        }
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text).to_owned();
    if text.is_empty() { Err("it is empty".to_owned()) } else { Ok(text) }
}
