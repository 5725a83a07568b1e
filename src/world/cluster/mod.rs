//! The cluster: reads through one `kubectl proxy`, writes as `kubectl` commands.
//!
//! Nothing here can change what is rolled back: patches and creations are server-side dry-runs,
//! other POSTs are reviews, which are answered and not kept, and the lock's Lease (`lease.rs`).
//! Changes are argv made by [`kubectl`], run by the hands.

mod argv;
mod kubeconfig;
mod lease;
mod objects;
mod proxy;
mod rest;
pub mod rollout;
mod watch;
mod workload;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::error::nearest;
use crate::facts::{Access, Identity, Known, Trial, Unread};
use crate::runbook::Workload;
use crate::step::Setting;
pub use argv::{REQUEST_TIMEOUT, current_context, kubectl};
use argv::{argv, base};
pub use lease::NotWritten;
use objects::{encode, items, selector_of};
pub(crate) use objects::{owner_uid, plain};
use proxy::Proxy;
use rest::{Ask, Rest};
pub use watch::WatchGuard;

/// Who the API server notes as the author of our changes.
pub const FIELD_MANAGER: &str = "rollback";

/// A handle to one namespace of one cluster; cheap to clone, safe to share with helper threads.
/// The proxy ends with the last handle, or at [`Cluster::close`].
#[derive(Debug, Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    base: Vec<String>,
    namespace: String,
    server: String,
    rest: Rest,
}

impl Cluster {
    /// Starts the proxy and returns at once; the first read waits for it. Called on the main
    /// thread: the proxy dies with the thread that started it.
    pub fn start(context: Option<String>, namespace: String) -> Cluster {
        let setting = Setting { context, namespace, ..Setting::default() };
        Cluster::open(&setting, rest::DEADLINE)
    }

    /// A handle for a plan that needs no cluster: nothing is started, and every read says so.
    pub fn unneeded(setting: &Setting) -> Cluster {
        let rest = Rest::new(Proxy::unneeded(), rest::DEADLINE);
        let (base, namespace) = (base(setting), setting.namespace.clone());
        let inner = Inner { base, namespace, server: String::new(), rest };
        Cluster { inner: Arc::new(inner) }
    }

    /// The same for a setting, with a deadline for each read.
    pub fn open(setting: &Setting, deadline: Duration) -> Cluster {
        let base = base(setting);
        let proxy = Proxy::start(base.clone(), setting.context.clone());
        let (namespace, rest) = (setting.namespace.clone(), Rest::new(proxy, deadline));
        let server = kubeconfig::server(setting);
        Cluster { inner: Arc::new(Inner { base, namespace, server, rest }) }
    }

    /// Ends the proxy now; later reads say that it is closed.
    pub fn close(&self) {
        self.inner.rest.proxy.close();
    }

    /// The namespace that is read.
    pub fn namespace(&self) -> &str {
        &self.inner.namespace
    }

    fn rest(&self) -> &Rest {
        &self.inner.rest
    }

    /// The argv of a change: `kubectl` with context, namespace and request timeout.
    pub fn kubectl<S: AsRef<str>>(&self, arguments: &[S]) -> Vec<String> {
        argv(self.inner.base.clone(), &self.inner.namespace, arguments)
    }

    /// The ConfigMap, or why not.
    pub fn configmap(&self, name: &str) -> Known<Value> {
        let path = format!("{}/{name}", self.collection("configmaps"));
        let what = format!("configmap/{name}");
        self.get("get", &what, &path).map_err(|why| self.with_nearest(why, "configmaps", name))
    }

    /// Whether we may.
    pub fn access(&self, access: &Access) -> Known<bool> {
        let mut attributes = json!({
            "namespace": self.inner.namespace,
            "verb": access.verb,
            "group": access.group,
            "resource": access.resource,
        });
        if !access.name.is_empty() {
            attributes["name"] = json!(access.name);
        }
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": attributes },
        });
        let ask = Ask { verb: "create", what: "selfsubjectaccessreviews", namespace: "" };
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let answer = self.rest().review(ask, path, &body)?;
        answer["status"]["allowed"].as_bool().ok_or_else(|| {
            Unread::Failed("the API server's access review says neither yes nor no".to_owned())
        })
    }

    /// Which cluster this is. What may not be read is left empty; only an unreachable server, or
    /// one that tells nothing at all, is no answer.
    pub fn identity(&self) -> Known<Identity> {
        std::thread::scope(|scope| {
            let user = scope.spawn(|| self.user());
            let namespace = |name: &str| {
                let what = format!("namespaces/{name}");
                let path = format!("/api/v1/namespaces/{name}");
                let ask = Ask { verb: "get", what: &what, namespace: "" };
                let answer = self.rest().get(ask, &path)?;
                Ok(answer["metadata"]["uid"].as_str().unwrap_or_default().to_owned())
            };
            let uid = match namespace("kube-system") {
                Err(why @ Unread::Unreachable(_)) => Err(why),
                Err(_) => namespace(&self.inner.namespace),
                known => known,
            };
            let (server, user) = (self.inner.server.clone(), user.join().unwrap_or_default());
            match uid {
                Err(why) if user.is_empty() || matches!(why, Unread::Unreachable(_)) => Err(why),
                uid => Ok(Identity { uid: uid.unwrap_or_default(), server, user }),
            }
        })
    }

    /// Who the API server says we are; empty where it does not serve that question.
    fn user(&self) -> String {
        let body = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
        let ask = Ask { verb: "create", what: "selfsubjectreviews", namespace: "" };
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let answer = self.rest().review(ask, path, &body).unwrap_or(Value::Null);
        plain(answer["status"]["userInfo"]["username"].as_str().unwrap_or_default())
    }

    /// What a patch would make of an object, tried by the API server and not kept. `path` is below
    /// the namespace: `configmaps/flags`, `apps/deployments/web`.
    pub fn dry_run_patch(&self, path: &str, content_type: &str, body: &Value) -> Known<Value> {
        let (collection, name) = path.rsplit_once('/').unwrap_or(("", path));
        let plural = collection.rsplit('/').next().unwrap_or(collection);
        let what = format!("{plural}/{name}");
        let ask = Ask { verb: "patch", what: &what, namespace: &self.inner.namespace };
        let path = format!("{}/{name}", self.collection(plural));
        self.rest().dry_run(ask, &path, content_type, body)
    }

    /// What the API server says to a change, without making it.
    pub fn try_out(&self, trial: &Trial) -> Known<()> {
        let parsed = |body: &str| {
            serde_json::from_str::<Value>(body)
                .map_err(|error| Unread::Failed(format!("the patch is not JSON: {error}")))
        };
        match trial {
            Trial::Patch { object, content_type, body } => {
                let (kind, name) = object.split_once('/').unwrap_or(("", object));
                let path = format!("{kind}s/{name}");
                self.dry_run_patch(&path, content_type, &parsed(body)?).map(|_| ())
            }
            Trial::Need { need, .. } => self.is_there(need),
            Trial::Pod { body, .. } => {
                let ask = Ask { verb: "create", what: "pods", namespace: &self.inner.namespace };
                let path = self.collection("pods");
                self.rest().dry_create(ask, &path, &parsed(body)?).map(|_| ())
            }
        }
    }

    /// The warnings that the cluster has noted about an object, oldest first.
    pub fn events_for(&self, object: &Value) -> Known<Vec<Warning>> {
        let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
        let path = format!(
            "{}?fieldSelector=involvedObject.uid%3D{uid}&limit=500",
            self.collection("events")
        );
        let events = items(&self.get("list", "events", &path)?);
        let text = |event: &Value, key: &str| plain(event[key].as_str().unwrap_or_default());
        // Which of them is filled depends on who wrote the event, and by which of two APIs.
        let last = |event: &Value| {
            [
                &event["series"]["lastObservedTime"],
                &event["lastTimestamp"],
                &event["eventTime"],
                &event["metadata"]["creationTimestamp"],
            ]
            .into_iter()
            .find_map(Value::as_str)
            .map_or_else(String::new, plain)
        };
        let mut warnings: Vec<Warning> = events
            .iter()
            .filter(|event| event["type"] == "Warning")
            .map(|event| Warning {
                reason: text(event, "reason"),
                message: text(event, "message"),
                last: last(event),
            })
            .collect();
        warnings.sort_by(|one, other| one.last.cmp(&other.last));
        Ok(warnings)
    }

    /// The last lines that a container printed, without control characters; of the run that
    /// crashed where there was one, else of the present one. None that can be had: no lines.
    pub fn log_tail(&self, pod: &str, container: &str, lines: usize) -> Vec<String> {
        let read = |previous: bool| {
            let path = format!(
                "{}/{pod}/log?container={container}&tailLines={lines}&limitBytes=16384&previous={previous}",
                self.collection("pods")
            );
            let what = format!("log of pod/{pod}");
            let ask = Ask { verb: "get", what: &what, namespace: &self.inner.namespace };
            let text = self.rest().text(ask, &path).unwrap_or_default();
            let all: Vec<String> = text.lines().map(plain).collect();
            all[all.len().saturating_sub(lines)..].to_vec()
        };
        let previous = read(true);
        if previous.is_empty() { read(false) } else { previous }
    }

    /// Calls `wake` at every change of the workloads, their ReplicaSets and pods, and whenever it
    /// is not sure that it has missed none, until the guard is dropped.
    pub fn watch(&self, workloads: &[Workload], wake: impl Fn() + Send + 'static) -> WatchGuard {
        watch::start(self, workloads, wake)
    }

    /// The path of a namespaced collection.
    fn collection(&self, plural: &str) -> String {
        let group = match plural {
            "deployments"
            | "statefulsets"
            | "daemonsets"
            | "replicasets"
            | "controllerrevisions" => "apis/apps/v1",
            _ => "api/v1",
        };
        format!("/{group}/namespaces/{}/{plural}", self.inner.namespace)
    }

    fn get(&self, verb: &str, what: &str, path: &str) -> Known<Value> {
        self.rest().get(Ask { verb, what, namespace: &self.inner.namespace }, path)
    }

    /// Whether the namespace itself is not there, as far as we may know.
    fn namespace_is_missing(&self) -> bool {
        let name = &self.inner.namespace;
        let what = format!("namespaces/{name}");
        let ask = Ask { verb: "get", what: &what, namespace: "" };
        let answer = self.rest().get(ask, &format!("/api/v1/namespaces/{name}"));
        // A context that is not there is "missing" as well, in other words.
        matches!(answer, Err(Unread::Missing(text, _)) if text.starts_with(&what))
    }

    /// Adds the nearest name that exists to "not found", where names may be listed.
    fn with_nearest(&self, why: Unread, plural: &str, name: &str) -> Unread {
        let Unread::Missing(text, None) = why else { return why };
        let path = format!("{}?limit=500", self.collection(plural));
        let list = self.get("list", plural, &path).map(|list| items(&list)).unwrap_or_default();
        let names: Vec<&str> =
            list.iter().filter_map(|item| item["metadata"]["name"].as_str()).collect();
        if names.is_empty() && self.namespace_is_missing() {
            let text = format!("{text}: there is no namespace {}", self.inner.namespace);
            let hint = "check `namespace` and `context` of the catalog";
            return Unread::Missing(text, Some(hint.to_owned()));
        }
        let singular = plural.strip_suffix('s').unwrap_or(plural);
        let hint = match nearest(name, names.iter().copied()) {
            Some(near) => Some(format!("did you mean {singular}/{near}?")),
            None if names.is_empty() => None,
            None => {
                let shown: Vec<&str> = names.into_iter().take(8).collect();
                Some(format!("{plural} in {}: {}", self.inner.namespace, shown.join(", ")))
            }
        };
        Unread::Missing(text, hint)
    }
}

/// Something that the cluster has noted about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// `FailedCreate`.
    pub reason: String,
    /// The API server's words.
    pub message: String,
    /// When it happened last.
    pub last: String,
}

impl Warning {
    /// How long ago that was; nothing where the clocks differ.
    pub fn age(&self) -> Duration {
        let last = humantime::parse_rfc3339(&self.last).unwrap_or(SystemTime::UNIX_EPOCH);
        SystemTime::now().duration_since(last).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
