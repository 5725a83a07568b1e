//! Running git: the environment it gets, the configuration it is allowed to see, and what its
//! failures mean.
//!
//! No configuration file is read by the commands that work in our clone or talk to the remote:
//! system and global configuration are switched off, and everything is given in the environment.
//! What the operator needs to reach a remote (credential helpers, `insteadOf`, proxies,
//! certificates, an ssh command) is read beforehand with `git config --list`, which runs nothing,
//! and only those keys are passed on, and only to commands that talk to a remote. So hooks,
//! fsmonitor, filters, merge drivers and the like cannot run, whatever the configuration says; the
//! operator's credential helpers and ssh can, because that is how this remote is reached.

use std::path::PathBuf;
use std::time::Duration;

use crate::facts::{Known, Unread};
use crate::world::process::{Captured, Ending, Invocation, capture};

use super::operator::ssh_command;
use super::url;

/// The oldest git whose `merge-tree` can do what is needed.
const OLDEST: (u32, u32) = (2, 40);

/// How long commands may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A question to the remote.
    pub ask: Duration,
    /// Moving objects between the remote and us.
    pub transfer: Duration,
    /// Work in our own clone.
    pub local: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            ask: Duration::from_secs(12),
            transfer: Duration::from_secs(300),
            local: Duration::from_secs(60),
        }
    }
}

/// Settings that keep git from running or changing anything beyond what was asked.
const HARDENED: [(&str, &str); 17] = [
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.excludesFile", "/dev/null"),
    ("core.untrackedCache", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("push.recurseSubmodules", "no"),
    ("push.gpgSign", "false"),
    ("push.followTags", "false"),
    ("protocol.ext.allow", "never"),
    ("http.lowSpeedLimit", "1"),
    ("http.lowSpeedTime", "10"),
    ("credential.interactive", "never"),
    ("advice.detachedHead", "false"),
];

/// git in one of our clones, towards one remote, which is called `origin`.
#[derive(Debug, Clone)]
pub(super) struct Git {
    /// Our bare clone.
    pub(super) dir: PathBuf,
    /// The remote's address.
    pub(super) address: String,
    /// What of the operator's configuration reaches the remote.
    pub(super) operator: Vec<(String, String)>,
    /// Deadlines.
    pub(super) limits: Limits,
}

impl Git {
    /// A command in our clone that talks to nobody.
    pub(super) fn local<S: AsRef<str>>(&self, args: &[S]) -> Invocation {
        let mut invocation = bare(args, self.limits.local);
        invocation.env.insert("GIT_DIR".to_owned(), self.dir.to_string_lossy().into_owned());
        invocation.env.insert("GIT_LITERAL_PATHSPECS".to_owned(), "1".to_owned());
        configure(&mut invocation, hardened());
        invocation
    }

    /// A command that talks to the remote.
    pub(super) fn remote<S: AsRef<str>>(&self, args: &[S], limit: Duration) -> Invocation {
        let mut invocation = bare(args, limit);
        invocation.env.insert("GIT_DIR".to_owned(), self.dir.to_string_lossy().into_owned());
        let allowed = "file:git:http:https:ssh";
        invocation.env.insert("GIT_ALLOW_PROTOCOL".to_owned(), allowed.to_owned());
        invocation.env.insert("GIT_SSH_COMMAND".to_owned(), ssh_command(&self.operator));
        let mut config = self.operator.clone();
        config.extend(hardened());
        config.push(("remote.origin.url".to_owned(), self.address.clone()));
        configure(&mut invocation, config);
        invocation
    }

    /// Runs a command in our clone; its standard output, or why not.
    pub(super) fn run<S: AsRef<str>>(&self, args: &[S]) -> Known<Vec<u8>> {
        self.finish(capture(&self.local(args)))
    }

    /// The same with something on standard input.
    pub(super) fn feed<S: AsRef<str>>(&self, args: &[S], stdin: Vec<u8>) -> Known<Vec<u8>> {
        let mut invocation = self.local(args);
        invocation.stdin = stdin;
        self.finish(capture(&invocation))
    }

    /// The same as one line of text.
    pub(super) fn line<S: AsRef<str>>(&self, args: &[S]) -> Known<String> {
        self.run(args).map(|bytes| String::from_utf8_lossy(&bytes).trim_end().to_owned())
    }

    /// Success is the output; anything else is a reason.
    pub(super) fn finish(&self, captured: Captured) -> Known<Vec<u8>> {
        if captured.ending.success() { Ok(captured.stdout) } else { Err(self.failure(&captured)) }
    }

    /// The same for a command that talked to the remote.
    pub(super) fn finish_remote(&self, captured: Captured) -> Known<Vec<u8>> {
        if captured.ending.success() {
            Ok(captured.stdout)
        } else {
            Err(self.remote_failure(&captured))
        }
    }

    /// Why a command in our clone failed. That says nothing of the remote.
    pub(super) fn failure(&self, captured: &Captured) -> Unread {
        if let Ending::NotStarted(why) = &captured.ending {
            return Unread::Missing(why.clone(), None);
        }
        let line = said(&self.complaint(captured), &captured.ending);
        let shown = url::shown(&self.address);
        Unread::Failed(format!("git failed in our clone of {shown}: {line}"))
    }

    /// Why a command that talks to the remote failed.
    pub(super) fn remote_failure(&self, captured: &Captured) -> Unread {
        classify(&captured.ending, &self.complaint(captured), &url::shown(&self.address))
    }

    /// What a command complained of, without secrets.
    fn complaint(&self, captured: &Captured) -> Vec<String> {
        let lines = captured.complaint();
        lines.iter().map(|line| url::scrubbed(line.trim(), &self.address)).collect()
    }
}

/// A git command with the environment that all of them get and no configuration at all.
pub(super) fn bare<S: AsRef<str>>(args: &[S], limit: Duration) -> Invocation {
    let command = std::iter::once("git").chain(args.iter().map(AsRef::as_ref));
    let mut invocation = Invocation::new(command, limit);
    for (name, value) in [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_ATTR_NOSYSTEM", "1"),
        ("GIT_NO_REPLACE_OBJECTS", "1"),
        ("GIT_OPTIONAL_LOCKS", "0"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_ASKPASS", "false"),
        ("SSH_ASKPASS", "false"),
        ("GCM_INTERACTIVE", "never"),
        ("GIT_EDITOR", "true"),
        ("LC_ALL", "C"),
    ] {
        invocation.env.insert(name.to_owned(), value.to_owned());
    }
    invocation
}

fn hardened() -> Vec<(String, String)> {
    HARDENED.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Gives configuration in the environment, where it is in no argv and in no file.
fn configure(invocation: &mut Invocation, config: Vec<(String, String)>) {
    invocation.env.insert("GIT_CONFIG_COUNT".to_owned(), config.len().to_string());
    for (index, (key, value)) in config.into_iter().enumerate() {
        invocation.env.insert(format!("GIT_CONFIG_KEY_{index}"), key);
        invocation.env.insert(format!("GIT_CONFIG_VALUE_{index}"), value);
    }
}

/// Whether git is there and new enough.
pub(super) fn check_version(limit: Duration) -> Known<()> {
    let captured = capture(&bare(&["--version"], limit));
    let wanted = format!("install git {}.{} or newer", OLDEST.0, OLDEST.1);
    if let Ending::NotStarted(why) = &captured.ending {
        return Err(Unread::Missing(why.clone(), Some(wanted)));
    }
    let text = captured.text();
    match version(&text) {
        Some(found) if found >= OLDEST => Ok(()),
        Some(_) => Err(Unread::Missing(
            format!("{text} is too old: a revert without a working tree needs 2.40"),
            Some(wanted),
        )),
        None => Err(Unread::Failed(format!(
            "`git --version` did not say which version it is ({})",
            captured.ending.phrase()
        ))),
    }
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.strip_prefix("git version ")?.split(['.', ' ']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// What a failure means for the operator.
fn classify(ending: &Ending, complaint: &[String], shown: &str) -> Unread {
    match ending {
        Ending::TimedOut => return Unread::Unreachable(format!("no answer from {shown} in time")),
        Ending::NotStarted(why) => return Unread::Missing(why.clone(), None),
        _ => {}
    }
    let all = complaint.join("\n").to_lowercase();
    let has = |needles: &[&str]| needles.iter().any(|needle| all.contains(needle));
    let line = said(complaint, ending);
    if all.contains("dubious ownership") {
        return Unread::Missing(
            format!("{shown} belongs to another user, and git refuses to read it"),
            Some(
                "name the repository by an address (https, ssh), or run as its owner; what \
                 `safe.directory` says is not heard here"
                    .to_owned(),
            ),
        );
    }
    if has(&["not valid: is this a git repository", "from redirection"]) {
        return no_git(shown);
    }
    if has(&[
        "authentication failed",
        "unable to get password from user",
        "unable to get username from user",
        "could not read username",
        "could not read password",
        "permission denied",
        "permission to ",
        "host key verification failed",
        "returned error: 401",
        "returned error: 403",
        "access denied",
        "not authorized",
        "unauthorized",
        "read-only",
    ]) {
        Unread::Forbidden(format!("{shown} refused us: {line}"))
    } else if has(&[
        "could not resolve host",
        "connection refused",
        "timed out",
        "connection reset",
        "network is unreachable",
        "no route to host",
        "operation too slow",
        "failed to connect",
        "returned error: 5",
        "the remote end hung up",
        "ssl",
        "tls",
        "certificate",
    ]) {
        Unread::Unreachable(format!("{shown} cannot be reached: {line}"))
    } else if has(&[
        "does not appear to be a git repository",
        "repository not found",
        "does not exist",
        "returned error: 404",
    ]) || (all.contains("repository '") && all.contains("not found"))
    {
        Unread::Missing(format!("there is no git repository at {shown}"), None)
    } else {
        Unread::Failed(format!("git failed on {shown}: {line}"))
    }
}

/// Something answers, and it is not git.
pub(super) fn no_git(shown: &str) -> Unread {
    Unread::Missing(
        format!("{shown} answers, but does not speak git"),
        Some("open it in a browser: is it a login page, or the address of a web page?".to_owned()),
    )
}

/// The line of a complaint that says most.
pub(super) fn said(complaint: &[String], ending: &Ending) -> String {
    let prefixes = ["fatal: ", "error: ", "ERROR: "];
    let strip = |line: &String| {
        prefixes.iter().find_map(|p| line.strip_prefix(p)).unwrap_or(line).to_owned()
    };
    let telling = |line: &&String| {
        prefixes.iter().any(|prefix| line.starts_with(prefix))
            && !line.contains("Could not read from remote repository")
            && !line.contains("the remote end hung up")
    };
    complaint
        .iter()
        .find(telling)
        .or_else(|| complaint.iter().find(|line| !line.is_empty()))
        .map_or_else(|| ending.phrase(), strip)
}

/// Whether a failure in our clone means that the clone itself is broken.
pub(super) fn looks_broken(why: &Unread) -> bool {
    let Unread::Failed(text) = why else { return false };
    [
        "not a git repository",
        "invalid gitfile",
        "bad object",
        "bad tree object",
        "unable to read",
        "unable to parse",
        "could not parse",
        "could not read",
        "Could not read",
        "missing object",
        "missing blob",
        "missing tree",
        "is corrupt",
        "corrupt",
        "inflate",
        "object file",
        "cannot lock ref",
        "unable to update local ref",
        "bad config",
        "bad signature",
        "index file",
        "invalid object",
        "not a tree object",
        "not a valid object",
        "unable to resolve reference",
        "pack has",
        "packfile",
    ]
    .iter()
    .any(|sign| text.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_what_vendors_print() {
        assert_eq!(version("git version 2.39.5 (Apple Git-154)"), Some((2, 39)));
        assert_eq!(version("git version 2.50.1"), Some((2, 50)));
        assert_eq!(version("git version 3.0-rc1"), None);
        assert_eq!(version("nonsense"), None);
    }

    #[test]
    fn failures_are_told_apart() {
        let of = |text: &str| classify(&Ending::Exit(128), &[text.to_owned()], "URL");
        assert!(matches!(of("git@h: Permission denied (publickey)."), Unread::Forbidden(_)));
        assert!(matches!(
            of("fatal: could not read Username for 'https://h': terminal prompts disabled"),
            Unread::Forbidden(_)
        ));
        assert!(matches!(
            of("fatal: unable to access 'x': Could not resolve host: h"),
            Unread::Unreachable(_)
        ));
        assert!(matches!(
            of("fatal: '/x' does not appear to be a git repository"),
            Unread::Missing(..)
        ));
        assert!(looks_broken(&of("fatal: bad object 1234")));
        assert!(matches!(of("fatal: unable to get password from user"), Unread::Forbidden(_)));
        let page = "fatal: http://h/x/info/refs not valid: is this a git repository?";
        assert!(matches!(of(page), Unread::Missing(why, Some(_)) if why.contains("speak git")));
        let alien = "fatal: detected dubious ownership in repository at '/srv/x.git'";
        assert!(matches!(of(alien), Unread::Missing(why, Some(_)) if why.contains("another user")));
    }
}
