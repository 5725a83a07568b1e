//! What `kubectl` is called with: which cluster, which namespace, how long.

use super::proxy;
use super::rest::DEADLINE;
use crate::facts::{Known, Unread};
use crate::step::Setting;
use crate::world::process::{Ending, Invocation, capture};

/// kubectl's own deadline for one request of a change; ours, on the whole command, is on top.
pub const REQUEST_TIMEOUT: &str = "--request-timeout=20s";

/// The argv of a change in a setting, as [`Cluster::kubectl`](super::Cluster::kubectl) makes it.
pub fn kubectl<S: AsRef<str>>(setting: &Setting, arguments: &[S]) -> Vec<String> {
    argv(base(setting), &setting.namespace, arguments)
}

/// `kubectl` with what says which cluster.
pub(super) fn base(setting: &Setting) -> Vec<String> {
    let mut argv = vec!["kubectl".to_owned()];
    for (flag, value) in [("--kubeconfig", &setting.kubeconfig), ("--context", &setting.context)] {
        argv.extend(value.iter().flat_map(|value| [flag.to_owned(), value.clone()]));
    }
    argv
}

/// The argv of a change, with the namespace and kubectl's own deadline.
pub(super) fn argv<S: AsRef<str>>(
    mut argv: Vec<String>,
    namespace: &str,
    arguments: &[S],
) -> Vec<String> {
    argv.extend(["-n", namespace, REQUEST_TIMEOUT].map(str::to_owned));
    argv.extend(arguments.iter().map(|argument| argument.as_ref().to_owned()));
    argv
}

/// The context that kubectl uses when none is named; to be fixed for a run, since somebody else
/// may change it meanwhile.
pub fn current_context(setting: &Setting) -> Known<String> {
    let mut argv = base(setting);
    argv.extend(["config", "current-context"].map(str::to_owned));
    let captured = capture(&Invocation::new(argv, DEADLINE));
    if captured.ending.success() && !captured.text().is_empty() {
        return Ok(captured.text());
    }
    if let Ending::NotStarted(why) = captured.ending {
        return Err(Unread::Failed(why));
    }
    let known = proxy::contexts(&base(setting));
    let choice = if known.is_empty() {
        "set KUBECONFIG".to_owned()
    } else {
        format!("name one of: {}", known.join(", "))
    };
    Err(Unread::Failed(format!("kubectl has no current context; {choice}")))
}
