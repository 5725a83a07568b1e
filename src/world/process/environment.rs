//! What a child is given of our environment, and where programs are found.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Added to the environment of every child from now on; set once, before the first child. The
/// rehearsal points programs at the sandbox with it.
pub fn add_to_every_child(environment: BTreeMap<String, String>) {
    let _ = ADDED.set(environment);
}

/// A variable as every child is given it.
pub fn variable(name: &str) -> Option<OsString> {
    match ADDED.get().and_then(|added| added.get(name)) {
        Some(value) => Some(value.into()),
        None => std::env::var_os(name),
    }
}

static ADDED: std::sync::OnceLock<BTreeMap<String, String>> = std::sync::OnceLock::new();

/// Names that children keep from our environment; everything else stays with us.
const KEPT: [&str; 27] = [
    "HOME",
    "PATH",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "KUBECONFIG",
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "GIT_SSL_CAINFO",
];
const KEPT_PREFIXES: [&str; 8] =
    ["LC_", "XDG_", "CLOUDSDK_", "AWS_", "AZURE_", "GCLOUD_", "USE_GKE_", "GOOGLE_CLOUD_"];

/// Those of them that hold paths. Children run elsewhere: a relative one is meant from where we are.
const PATHS: [&str; 7] = [
    "KUBECONFIG",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "DOCKER_CONFIG",
    "GIT_SSL_CAINFO",
];

/// The value of a variable with its paths made whole.
fn whole(name: &str, value: String) -> String {
    if !PATHS.contains(&name) {
        return value;
    }
    let whole = |path: PathBuf| {
        if path.as_os_str().is_empty() { path } else { std::path::absolute(&path).unwrap_or(path) }
    };
    let joined = std::env::join_paths(std::env::split_paths(&value).map(whole)).ok();
    joined.and_then(|joined| joined.into_string().ok()).unwrap_or(value)
}

/// The variables with relative paths as they are meant here, for whoever goes elsewhere.
pub fn paths_from_here() -> BTreeMap<String, String> {
    let set = PATHS.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    set.map(|(name, value)| (name.clone(), whole(&name, value))).collect()
}

/// kubectl is a Go program that ends within a second; collecting its garbage while it starts costs
/// a fifth of that time. It begins to collect where it grows past this.
const KUBECTL: [(&str, &str); 2] = [("GOGC", "off"), ("GOMEMLIMIT", "256MiB")];

/// The whole environment of a child that runs `program`, with what its step adds.
pub(super) fn environment(
    program: &str,
    added: &BTreeMap<String, String>,
) -> Vec<(String, String)> {
    let mut environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| {
            KEPT.contains(&name.as_str())
                || KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        })
        .map(|(name, value)| (name.clone(), whole(&name, value)))
        .collect();
    if Path::new(program).file_name().is_some_and(|name| name == "kubectl") {
        environment.extend(KUBECTL.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    environment.insert("PAGER".to_owned(), "cat".to_owned());
    environment.insert("TERM".to_owned(), "dumb".to_owned());
    environment.extend(ADDED.get().cloned().unwrap_or_default());
    environment.extend(added.clone());
    environment.into_iter().collect()
}

/// Where a program is on the PATH, or none.
pub fn find_program(name: &str) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let executable = |path: &Path| {
        std::fs::metadata(path)
            .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| executable(path));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|path| executable(path))
}

/// Whether a file of this name is on the PATH, executable or not: where a shell looks for a script.
pub fn is_on_the_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(name).is_file())
}
