//! What of the operator's own configuration is taken over: only the keys that say how a remote is
//! reached. Everything else, and above all what runs programs, stays out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::world::process::capture;

use super::WorkingTree;
use super::git::{Git, bare};
use super::url::shown;

/// The options that keep ssh from prompting and from hanging.
const SSH_OPTIONS: &str =
    "-oBatchMode=yes -oConnectTimeout=10 -oServerAliveInterval=5 -oServerAliveCountMax=2";

/// What of the operator's configuration is needed to reach a remote; see the head of `git.rs`.
pub(super) fn operator_config(dir: &Path, address: &str, limit: Duration) -> Vec<(String, String)> {
    let mut invocation = bare(&["config", "--list", "-z", "--show-scope"], limit);
    for name in ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"] {
        invocation.env.remove(name);
    }
    let mut given = 0;
    for (name, value) in std::env::vars() {
        if name.starts_with("GIT_CONFIG") {
            if name == "GIT_CONFIG_COUNT" {
                given = value.parse().unwrap_or(0);
            }
            invocation.env.insert(name, value);
        }
    }
    // So that `includeIf "hasconfig:remote.*.url:…"` sees which remote this is about.
    invocation.env.insert(format!("GIT_CONFIG_KEY_{given}"), "remote.origin.url".to_owned());
    invocation.env.insert(format!("GIT_CONFIG_VALUE_{given}"), address.to_owned());
    invocation.env.insert("GIT_CONFIG_COUNT".to_owned(), (given + 1).to_string());
    invocation.env.insert("GIT_DIR".to_owned(), dir.to_string_lossy().into_owned());
    let captured = capture(&invocation);
    let text = String::from_utf8_lossy(&captured.stdout);
    let mut fields = text.split('\0');
    let mut config = Vec::new();
    while let (Some(scope), Some(entry)) = (fields.next(), fields.next()) {
        let (key, value) = entry.split_once('\n').unwrap_or((entry, "true"));
        if ["system", "global", "command"].contains(&scope) && reaches_remotes(key) {
            config.push((key.to_owned(), value.to_owned()));
        }
    }
    config
}

/// The directory whose files belong to a local repository that is not bare.
pub(super) fn working_tree_path(address: &str) -> Option<PathBuf> {
    let path = match address.strip_prefix("file://") {
        Some(rest) => &rest[rest.find('/')?..],
        None => address,
    };
    let path = Path::new(path).is_absolute().then(|| Path::new(path))?;
    if path.join(".git").exists() {
        return Some(path.to_owned());
    }
    let inside = path.file_name().is_some_and(|name| name == ".git") && path.join("HEAD").exists();
    inside.then(|| path.parent().map(Path::to_owned))?
}

/// The working tree that an address means, with the remote that it was cloned from.
pub(super) fn working_tree(git: &Git) -> Option<WorkingTree> {
    let path = working_tree_path(&git.address)?;
    let config = path.join(".git").join("config").to_string_lossy().into_owned();
    let args = ["config", "--file", &config, "--get", "remote.origin.url"];
    let origin = capture(&bare(&args, git.limits.ask)).text();
    let origin = Some(shown(&origin)).filter(|origin| !origin.is_empty());
    Some(WorkingTree { path: path.to_string_lossy().into_owned(), origin })
}

/// Keys that only say how a remote is reached. git gives section and last part in lower case.
fn reaches_remotes(key: &str) -> bool {
    let section = key.split('.').next().unwrap_or_default();
    let last = key.rsplit('.').next().unwrap_or_default();
    match section {
        "credential" => last != "interactive",
        "http" => !["lowspeedlimit", "lowspeedtime", "savecookies"].contains(&last),
        "url" => ["insteadof", "pushinsteadof"].contains(&last),
        _ => ["core.sshcommand", "ssh.variant"].contains(&key),
    }
}

/// The ssh command: the operator's own, or `ssh`, with the options that keep it from hanging.
pub(super) fn ssh_command(operator: &[(String, String)]) -> String {
    let configured =
        operator.iter().rev().find(|(key, _)| key == "core.sshcommand").map(|(_, value)| value);
    let command = std::env::var("GIT_SSH_COMMAND")
        .ok()
        .or_else(|| configured.cloned())
        .or_else(|| std::env::var("GIT_SSH").ok().map(|path| format!("'{path}'")))
        .unwrap_or_else(|| "ssh".to_owned());
    let program = command.split_whitespace().next().unwrap_or_default().trim_matches(['\'', '"']);
    let plain = Path::new(program).file_name().is_some_and(|name| name == "ssh");
    if plain { format!("{command} {SSH_OPTIONS}") } else { command }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_reaches_a_remote_is_taken_from_the_operator() {
        for key in [
            "credential.helper",
            "credential.https://h.example.username",
            "http.proxy",
            "http.https://h.example/.extraheader",
            "url.git@h.example:.insteadof",
            "core.sshcommand",
        ] {
            assert!(reaches_remotes(key), "{key}");
        }
        for key in [
            "core.hookspath",
            "core.fsmonitor",
            "filter.lfs.smudge",
            "merge.mine.driver",
            "uploadpack.packobjectshook",
            "core.gitproxy",
            "remote.origin.vcs",
            "alias.fetch",
            "http.lowspeedtime",
            "diff.external",
            "gpg.program",
        ] {
            assert!(!reaches_remotes(key), "{key}");
        }
    }
}
