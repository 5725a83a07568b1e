//! One file per subcommand; `entry` calls them, `launch` carries out what rolls something back.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

mod after;
mod ahead;
mod approval;
mod beside;
mod completions;
mod confirm;
mod entry;
mod flags;
pub mod history;
mod launch;
pub mod lint;
pub mod list;
pub mod metrics;
mod ready;
mod rehearse;
mod resume;
mod runs;
pub mod schema;
mod screen;
pub mod show;
mod snapshot;
mod status;
mod triggers;
mod under_lock;
mod unlock;
mod watch;
mod whole;

pub use entry::main;

/// How a result is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Pretty JSON with a line end.
fn json(value: &impl serde::Serialize) -> crate::error::Result<String> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(text)
}

/// One of many, on a line of its own: what it is, and in which version of the format.
fn json_line(kind: &str, value: &impl serde::Serialize) -> crate::error::Result<String> {
    let mut line = serde_json::json!({ "v": crate::event::VERSION, "type": kind });
    if let (Some(line), serde_json::Value::Object(fields)) =
        (line.as_object_mut(), serde_json::to_value(value)?)
    {
        line.extend(fields);
    }
    Ok(line.to_string())
}

/// `STEP=pass|fail`, repeated.
fn answers(given: &[String]) -> Result<BTreeMap<String, bool>> {
    given
        .iter()
        .map(|text| match text.split_once('=') {
            Some((step, "pass" | "yes" | "applied")) => Ok((step.to_owned(), true)),
            Some((step, "fail" | "no" | "again")) => Ok((step.to_owned(), false)),
            _ => {
                Err(Error::usage(format!("`--answer {text}` is not STEP=pass or STEP=fail")).into())
            }
        })
        .collect()
}

/// Who runs this, as the system tells it: a name for the journal, not an identity.
fn operator() -> String {
    ["SUDO_USER", "USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}

/// The machine's name.
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Removes what killed runs left in the temporary directories, once there is nothing left to hurry
/// for, and names what still works there.
fn sweep(screen: &screen::Screen) {
    for text in crate::world::leftovers::sweep() {
        screen.say(&text);
    }
}
