//! What manifests would make of the cluster: they are read from the remote and tried by the API
//! server.

use serde_json::Value;

use super::{Manifests, Object};
use crate::at_once;
use crate::facts::{Known, Unread};
use crate::runbook::Workload;
use crate::step::workload::complaint;
use crate::world::Reader;
use crate::world::cluster::Cluster;
use crate::world::forge::{GitFact, GitRead};
use crate::world::process::{Invocation, capture};

/// How long kubectl may take to try the manifests.
const TRY: std::time::Duration = std::time::Duration::from_secs(20);

/// The manifests of a remote, what the API server says that they would change, and the pods of those
/// that they would not. Blocks.
pub fn ask(reader: &Reader, read: &GitRead) -> Known<Manifests> {
    let mut manifests = tried_out(reader, read)?;
    let kept = manifests.objects.iter().filter(|object| !object.changes_template());
    let kept: Vec<Workload> = kept.filter_map(Object::workload).collect();
    manifests.kept = at_once::ask(kept, |workload| {
        let known = reader.cluster.workload(&workload);
        (workload, known)
    });
    Ok(manifests)
}

/// The manifests of a remote, and what the API server says that they would change. Blocks.
pub(super) fn tried_out(reader: &Reader, read: &GitRead) -> Known<Manifests> {
    let Some(GitFact::Files(at)) =
        reader.forge.read(std::slice::from_ref(read)).pop().transpose()?
    else {
        return Err(Unread::Failed("the git remote did not answer".to_owned()));
    };
    let mut text = String::new();
    for (path, content) in &at.files {
        text.extend(["# ", path.as_str(), "\n---\n", content.trim_end(), "\n"]);
    }
    let objects = tried(&reader.cluster, &text)?;
    let files = at.files.into_iter().map(|(path, _)| path).collect();
    Ok(Manifests { commit: at.commit, files, text, objects, kept: Vec::new() })
}

/// What the API server would make of the manifests, without keeping it; each with what is there.
fn tried(cluster: &Cluster, text: &str) -> Known<Vec<Object>> {
    let run = |arguments: &[&str]| {
        let mut invocation = Invocation::new(cluster.kubectl(arguments), TRY);
        invocation.stdin = text.as_bytes().to_vec();
        let captured = capture(&invocation);
        if !captured.ending.success() {
            return Err(refusal(&captured.complaint(), &complaint(&captured)));
        }
        if captured.stdout.iter().all(u8::is_ascii_whitespace) {
            return Ok(Vec::new());
        }
        let value: Value = serde_json::from_slice(&captured.stdout)
            .map_err(|error| Unread::Failed(format!("kubectl's answer is not JSON: {error}")))?;
        Ok(match value["items"].as_array() {
            Some(items) if value["kind"] == "List" => items.clone(),
            _ => vec![value],
        })
    };
    let (after, live) = std::thread::scope(|scope| {
        // Who owns what is left out unless it is asked for.
        let get = ["get", "-f", "-", "-o", "json", "--ignore-not-found", "--show-managed-fields"];
        let live = scope.spawn(move || run(&get));
        let after = run(&["apply", "--dry-run=server", "-f", "-", "-o", "json"]);
        let live = live.join().unwrap_or_else(|_| {
            Err(Unread::Failed("reading what is there ended in a bug".to_owned()))
        });
        (after, live)
    });
    let (after, live) = (after?, live?);
    let same = |one: &Value, other: &Value| {
        one["kind"] == other["kind"] && one["metadata"]["name"] == other["metadata"]["name"]
    };
    Ok(after
        .into_iter()
        .map(|after| Object {
            name: crate::world::cluster::rollout::name_of(&after),
            live: live.iter().find(|live| same(live, &after)).cloned(),
            after,
        })
        .collect())
}

/// kubectl's words without the objects that it quotes whole, and without its own ways.
fn brief(sentence: &str) -> String {
    let sentence = sentence.split_once("when patching \"STDIN\": ").map_or(sentence, |it| it.1);
    let Some((before, rest)) = sentence.split_once("Invalid value: \"{") else {
        return sentence.to_owned();
    };
    let after = rest.rsplit_once("}\"").map_or("", |(_, after)| after);
    format!("{before}Invalid value{after}")
}

/// Why kubectl did not try them: only a server that cannot be reached is no answer.
fn refusal(lines: &[String], sentence: &str) -> Unread {
    let all = lines.join("\n").to_lowercase();
    let silent =
        ["unable to connect", "connection refused", "timeout", "timed out", "no such host"];
    if silent.iter().any(|word| all.contains(word)) {
        Unread::Unreachable(format!("the manifests could not be tried: {sentence}"))
    } else if all.contains("does not support dry run") {
        Unread::Failed(format!("the manifests could not be tried: {sentence}"))
    } else {
        let why = brief(sentence);
        Unread::Missing(format!("the API server refuses the manifests: {why}"), None)
    }
}
