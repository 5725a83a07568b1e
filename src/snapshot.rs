//! Snapshots: ConfigMaps, pod templates and branches as they were at a moment, in a file of this
//! machine that only its owner can read. Taken by `rollback snapshot NAME` before a migration,
//! restored by `restore_snapshot`; and what a run notes by itself before it changes anything.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::draft::Draft;
use crate::error::{Error, Result, nearest};
use crate::facts::{Facts, Known, Read, Unread};
use crate::hex;
use crate::journal;
use crate::step::workload::template;
use crate::step::{Nature, Setting, kinds};
use crate::world::forge::GitFact;

/// The version of the file's format.
const VERSION: u32 = 1;

/// What was there at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The version of the format.
    pub v: u32,
    /// Its name.
    pub name: String,
    /// When it was taken, RFC 3339.
    pub taken: String,
    /// Who took it.
    pub by: String,
    /// The kubectl context; empty for the current one.
    pub context: String,
    /// The namespace.
    pub namespace: String,
    /// uid of the cluster; empty where it may not be read.
    pub cluster: String,
    /// ConfigMaps: name -> key -> value.
    pub configmaps: BTreeMap<String, BTreeMap<String, String>>,
    /// Pod templates by workload, without the marks of restarts.
    pub workloads: BTreeMap<String, Value>,
    /// Repositories: address -> branch -> commit.
    pub branches: BTreeMap<String, BTreeMap<String, String>>,
}

impl Snapshot {
    /// How much it holds.
    pub fn phrase(&self) -> String {
        let branches: usize = self.branches.values().map(BTreeMap::len).sum();
        format!(
            "{} ConfigMaps, {} workloads, {branches} branches of {} / {}, taken {} by {}",
            self.configmaps.len(),
            self.workloads.len(),
            if self.context.is_empty() { "the current context" } else { &self.context },
            self.namespace,
            self.taken,
            self.by
        )
    }
}

/// The file: the snapshot and the checksum of its text.
#[derive(Debug, Serialize, Deserialize)]
struct Sealed {
    sha256: String,
    snapshot: Value,
}

fn directory(state: &Path) -> PathBuf {
    state.join("snapshots")
}

fn path(state: &Path, name: &str) -> PathBuf {
    directory(state).join(format!("{name}.json"))
}

/// Whether a text can be a snapshot's name, which is a file's name as well.
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 100
        && !name.starts_with(['-', '.'])
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// Writes a snapshot whole or not at all; one of the same name stays unless it is to be replaced.
pub fn save(state: &Path, snapshot: &Snapshot, replace: bool) -> Result<PathBuf> {
    let path = path(state, &snapshot.name);
    let failed = |error: std::io::Error| {
        Error::blocked(format!("the snapshot cannot be written: {}: {error}", path.display()))
    };
    if !replace && path.exists() {
        return Err(Error::blocked(format!("there is a snapshot {} already", snapshot.name))
            .hint("give it another name, or say --replace")
            .into());
    }
    journal::private_dir(state)
        .and_then(|()| journal::private_dir(&directory(state)))
        .map_err(failed)?;
    let value = serde_json::to_value(snapshot)?;
    let sealed = Sealed { sha256: hex::of(value.to_string().as_bytes()), snapshot: value };
    let mut text = serde_json::to_string_pretty(&sealed)?;
    text.push('\n');
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let write = || {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)?;
        std::fs::File::open(directory(state))?.sync_all()
    };
    write().map_err(|error| {
        let _ = std::fs::remove_file(&beside);
        failed(error)
    })?;
    Ok(path)
}

/// A snapshot by its name, checked.
pub fn load(state: &Path, name: &str) -> Known<Snapshot> {
    if !is_name(name) {
        return Err(Unread::Missing(format!("`{name}` cannot be a snapshot's name"), None));
    }
    let path = path(state, name);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let names = names(state);
            let hint = match nearest(name, names.iter().map(String::as_str)) {
                Some(near) => format!("did you mean {near}?"),
                None if names.is_empty() => {
                    format!("take it before the migration: rollback snapshot {name}")
                }
                None => format!("there are: {}", names.join(", ")),
            };
            return Err(Unread::Missing(format!("there is no snapshot {name}"), Some(hint)));
        }
        Err(error) => return Err(Unread::Failed(format!("{}: {error}", path.display()))),
    };
    let broken = || {
        Unread::Missing(
            format!("the snapshot {name} is damaged: {}", path.display()),
            Some("restore the file from a backup, or use another method".to_owned()),
        )
    };
    let sealed: Sealed = serde_json::from_str(&text).map_err(|_| broken())?;
    if hex::of(sealed.snapshot.to_string().as_bytes()) != sealed.sha256 {
        return Err(broken());
    }
    let snapshot: Snapshot = serde_json::from_value(sealed.snapshot).map_err(|_| broken())?;
    if snapshot.v != VERSION {
        let text = format!("the snapshot {name} was written by another version of rollback");
        return Err(Unread::Missing(text, None));
    }
    Ok(snapshot)
}

/// Where a rehearsal keeps its own.
static REHEARSED: OnceLock<PathBuf> = OnceLock::new();

/// Looks for snapshots here and nowhere else from now on: a rehearsal knows none of the real ones.
pub fn rehearse_in(directory: PathBuf) {
    let _ = REHEARSED.set(directory);
}

/// A snapshot of this machine.
pub fn find(name: &str) -> Known<Snapshot> {
    if let Some(state) = REHEARSED.get() {
        return load(state, name);
    }
    let state = journal::state_dir().map_err(|error| Unread::Failed(format!("{error:#}")))?;
    load(&state, name)
}

/// The names of all snapshots.
pub fn names(state: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory(state)).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
        .collect();
    names.sort();
    names
}

/// A snapshot that is about to be filled.
pub fn empty(name: &str, taken: String, by: String, setting: &Setting) -> Snapshot {
    Snapshot {
        v: VERSION,
        name: name.to_owned(),
        taken,
        by,
        context: setting.context.clone().unwrap_or_default(),
        namespace: setting.namespace.clone(),
        ..Snapshot::default()
    }
}

/// The values of a ConfigMap.
pub fn values(object: &Value) -> BTreeMap<String, String> {
    let data = object["data"].as_object().into_iter().flatten();
    data.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// PURE: what the steps of a draft are about to change, whole, as the survey found it: the
/// ConfigMaps' values, the workloads' templates, the branches' commits.
pub fn of_facts(draft: &Draft, setting: &Setting, facts: &Facts) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let changes = draft.steps.iter().filter(|step| kinds::nature(&step.action) == Nature::Change);
    for read in changes.flat_map(|step| kinds::reads(&step.action, setting)) {
        match read {
            Read::ConfigMap(name) => {
                if let Some(Ok(object)) = facts.configmaps.get(&name) {
                    found.insert(format!("configmap/{name}"), json!(values(object)));
                }
            }
            Read::Workload(workload) => {
                if let Some(Ok(known)) = facts.workloads.get(&workload) {
                    let template = template::content(&known.object["spec"]["template"]);
                    found.insert(workload.to_string(), template);
                }
            }
            Read::Manifests(read) => {
                let objects = facts.manifests.get(&read).and_then(|known| known.as_ref().ok());
                for object in objects.into_iter().flat_map(|manifests| &manifests.objects) {
                    if let Some(live) = &object.live {
                        let mut live = live.clone();
                        live["status"].take();
                        live["metadata"]["managedFields"].take();
                        found.insert(object.name.clone(), live);
                    }
                }
            }
            Read::Git(read) => {
                let tip = match facts.git.get(&read) {
                    Some(Ok(GitFact::Revert(preview))) => &preview.tip.sha,
                    Some(Ok(GitFact::Restore(preview))) => &preview.tip.sha,
                    _ => continue,
                };
                let branch = match &read.question {
                    crate::world::forge::Question::Revert(asked) => &asked.branch,
                    crate::world::forge::Question::Restore(asked) => &asked.branch,
                    _ => continue,
                };
                found.insert(format!("branch {branch}"), json!(tip));
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_private_whole_and_never_overwritten_unasked() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a directory");
        let state = dir.path().join("rollback");
        let setting = Setting { namespace: "shop".to_owned(), ..Setting::default() };
        let mut snapshot = empty("before", "2026-11-23T00:00:00Z".into(), "alice".into(), &setting);
        snapshot.configmaps.insert("flags".into(), BTreeMap::from([("A".into(), "1".into())]));
        let path = save(&state, &snapshot, false).expect("saved");
        assert_eq!(path.metadata().expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(load(&state, "before"), Ok(snapshot.clone()));
        assert!(save(&state, &snapshot, false).is_err());
        save(&state, &snapshot, true).expect("replaced");
        assert_eq!(names(&state), ["before"]);
        let text = std::fs::read_to_string(&path).expect("text").replace("\"1\"", "\"2\"");
        std::fs::write(&path, text).expect("written");
        let why = load(&state, "before").expect_err("damaged");
        assert!(why.sentence().contains("is damaged"), "{why:?}");
        let near = load(&state, "befor").expect_err("missing");
        assert_eq!(
            near,
            Unread::Missing(
                "there is no snapshot befor".into(),
                Some("did you mean before?".into())
            )
        );
        assert!(load(&state, "../before").is_err());
    }
}
