//! The API server's address, read off the kubeconfig as kubectl reads it. It is shown, and nothing
//! depends on it: every request goes through kubectl. Asking `kubectl config view` for it takes as
//! long as a change does.

use std::path::PathBuf;

use serde::Deserialize;

use crate::step::Setting;
use crate::world::process::variable;
use crate::yaml;

/// A file larger than this is no kubeconfig.
const LARGEST: u64 = 4 * 1024 * 1024;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Config {
    current_context: String,
    contexts: Vec<Named>,
    clusters: Vec<Named>,
}

/// An entry of either list: the one that it is not has the other's field empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
    context: Context,
    cluster: Endpoint,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Context {
    cluster: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Endpoint {
    server: String,
}

/// The address of the setting's API server; empty where no file names one.
pub(super) fn server(setting: &Setting) -> String {
    let files = match &setting.kubeconfig {
        Some(path) => vec![PathBuf::from(path)],
        None => usual_files(),
    };
    let configs: Vec<Config> = files.iter().filter_map(read).collect();
    // Of what several files set, the first counts.
    let first = |pick: &dyn Fn(&Config) -> Option<String>| {
        configs.iter().filter_map(pick).find(|word| !word.is_empty()).unwrap_or_default()
    };
    let context = match &setting.context {
        Some(context) => context.clone(),
        None => first(&|config| Some(config.current_context.clone())),
    };
    let named = |list: &[Named], name: &str, pick: fn(&Named) -> &String| {
        list.iter().find(|entry| entry.name == name).map(|entry| pick(entry).clone())
    };
    let cluster =
        first(&|config| named(&config.contexts, &context, |entry| &entry.context.cluster));
    super::plain(&first(&|config| named(&config.clusters, &cluster, |entry| &entry.cluster.server)))
}

/// Where kubectl looks without a flag.
fn usual_files() -> Vec<PathBuf> {
    match variable("KUBECONFIG").filter(|list| !list.is_empty()) {
        Some(list) => {
            std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect()
        }
        None => variable("HOME")
            .map(|home| PathBuf::from(home).join(".kube/config"))
            .into_iter()
            .collect(),
    }
}

fn read(path: &PathBuf) -> Option<Config> {
    let meta = std::fs::metadata(path).ok()?;
    if !meta.is_file() || meta.len() > LARGEST {
        return None;
    }
    yaml::decode(&std::fs::read_to_string(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::process::{Invocation, capture};

    fn setting(kubeconfig: &std::path::Path, context: Option<&str>) -> Setting {
        Setting {
            kubeconfig: Some(kubeconfig.display().to_string()),
            context: context.map(str::to_owned),
            ..Setting::default()
        }
    }

    #[test]
    fn the_address_is_the_one_that_kubectl_says() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("config");
        let text = "apiVersion: v1\nkind: Config\ncurrent-context: two\npreferences: {}\nclusters:\n\
            - cluster: {server: 'https://one.example:6443', insecure-skip-tls-verify: true}\n  name: a\n\
            - cluster: {server: 'https://two.example'}\n  name: b\ncontexts:\n\
            - context: {cluster: a, user: u, namespace: shop}\n  name: one\n\
            - context: {cluster: b, user: u}\n  name: two\nusers:\n- name: u\n  user: {token: x}\n";
        std::fs::write(&path, text).expect("written");
        for (context, expected) in [(None, "two"), (Some("one"), "one"), (Some("two"), "two")] {
            let mut argv = vec!["kubectl".to_owned(), format!("--kubeconfig={}", path.display())];
            argv.extend(context.map(|context| format!("--context={context}")));
            let view = "config view --minify -o jsonpath={.clusters[0].cluster.server}";
            argv.extend(view.split(' ').map(str::to_owned));
            let limit = std::time::Duration::from_secs(20);
            let said = capture(&Invocation::new(argv, limit));
            assert_eq!(server(&setting(&path, context)), said.text());
            assert!(said.text().contains(expected), "{said:?}");
        }
        assert_eq!(server(&setting(&path, Some("three"))), "");
        assert_eq!(server(&setting(&dir.path().join("none"), None)), "");
    }

    #[test]
    fn a_file_that_is_no_kubeconfig_has_no_address() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("config");
        for text in ["", "- a\n", "clusters: 3\n", "\u{1b}[2J", "{"] {
            std::fs::write(&path, text).expect("written");
            assert_eq!(server(&setting(&path, Some("one"))), "");
        }
    }
}
