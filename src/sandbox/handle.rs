//! The sandbox as its owner holds it: starting, stopping, its objects, its users and its faults.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::access::{self, Rule};
use super::admission::{Hook, Refusal};
use super::controllers::owner::Owner;
use super::discovery::Lost;
use super::http::{self, Door};
use super::operations::{self, Form, Strictness, Write};
use super::state::{Shared, State};
use super::store::Key;
use super::{Options, RequestLine, View, controllers, delete, failure, kinds, workload};

/// A running sandbox. It stops when dropped.
#[derive(Debug)]
pub struct Sandbox {
    shared: Arc<Shared>,
    url: String,
    /// Opens doors for more users. Without it the server stops.
    doors: Option<mpsc::UnboundedSender<Door>>,
    users: Mutex<BTreeMap<String, String>>,
    threads: Vec<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a sandbox on a free port of this machine.
    pub fn start(options: Options) -> io::Result<Sandbox> {
        let shared = Arc::new(Shared::new(options));
        let (doors, opened) = mpsc::unbounded_channel();
        let (serving, working) = (shared.clone(), shared.clone());
        let threads = vec![
            std::thread::Builder::new().name("sandbox-http".to_owned()).spawn(move || {
                // Without its listeners the sandbox is gone; its clients find that out by themselves.
                let _ = http::serve(&serving, opened);
            })?,
            std::thread::Builder::new()
                .name("sandbox-controllers".to_owned())
                .spawn(move || controllers::run(&working))?,
        ];
        let mut sandbox = Sandbox {
            shared,
            url: String::new(),
            doors: Some(doors),
            users: Mutex::default(),
            threads,
        };
        sandbox.url = sandbox.user_url(access::ADMIN)?;
        Ok(sandbox)
    }

    /// The server as this user reaches it: kubectl sends no token without TLS, so every user has a port.
    pub fn user_url(&self, user: &str) -> io::Result<String> {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(url) = users.get(user) {
            return Ok(url.clone());
        }
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let door = Door { listener, user: user.to_owned() };
        let sent = self.doors.as_ref().is_some_and(|doors| doors.send(door).is_ok());
        if !sent {
            return Err(io::Error::other("the sandbox has stopped"));
        }
        users.insert(user.to_owned(), url.clone());
        Ok(url)
    }

    /// `http://127.0.0.1:PORT`. Requests are made by the user whose name is the bearer token; without one, by `admin`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Writes a kubeconfig with one context.
    pub fn write_kubeconfig(
        &self,
        path: &Path,
        context: &str,
        namespace: &str,
        user: &str,
    ) -> io::Result<()> {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": context,
            "clusters": [{"name": context, "cluster": {"server": self.user_url(user)?}}],
            "users": [{"name": user, "user": {"token": user}}],
            "contexts": [{"name": context, "context": {"cluster": context, "user": user, "namespace": namespace}}],
        });
        std::fs::write(path, format!("{config:#}\n"))
    }

    /// Creates an object from its manifest, as `admin`; its namespace is created if it is not there.
    pub fn create(&self, object: Value) -> Result<Value, String> {
        let kind = kinds::by_manifest(
            workload::text(&object, "/apiVersion"),
            workload::text(&object, "/kind"),
        )
        .ok_or_else(|| "the sandbox does not serve this kind".to_owned())?;
        let namespace = match (kind.namespaced, workload::text(&object, "/metadata/namespace")) {
            (false, _) => "",
            (true, "") => "default",
            (true, namespace) => namespace,
        }
        .to_owned();
        self.shared.change(|state| {
            if kind.namespaced && state.store.get(&Key::new("namespaces", "", &namespace)).is_none() {
                let manifest = json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": namespace}});
                let mut write = by_test("namespaces", "", "")?;
                operations::create(state, &mut write, manifest).map_err(said)?;
            }
            let mut write = by_test(kind.plural, &namespace, "")?;
            operations::create(state, &mut write, object).map_err(said)
        })
    }

    /// One object; `resource` is its plural name.
    pub fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        View(&self.shared.lock()).get(resource, namespace, name)
    }

    /// All objects of a resource in a namespace (in all namespaces, where that is empty), by name.
    pub fn list(&self, resource: &str, namespace: &str) -> Vec<Value> {
        View(&self.shared.lock()).list(resource, namespace)
    }

    /// Applies a merge patch to an object, as `admin`.
    pub fn patch_merge(
        &self,
        resource: &str,
        namespace: &str,
        name: &str,
        patch: &Value,
    ) -> Result<Value, String> {
        self.shared.change(|state| {
            let mut write = by_test(resource, namespace, name)?;
            operations::patch(state, &mut write, Form::Merge, patch).map_err(said)
        })
    }

    /// Replaces an object, as `admin`.
    pub fn replace(
        &self,
        resource: &str,
        namespace: &str,
        name: &str,
        object: Value,
    ) -> Result<Value, String> {
        self.shared.change(|state| {
            let mut write = by_test(resource, namespace, name)?;
            operations::replace(state, &mut write, object).map_err(said)
        })
    }

    /// Deletes an object, as `admin`.
    pub fn delete(&self, resource: &str, namespace: &str, name: &str) -> Result<Value, String> {
        self.shared.change(|state| {
            let write = by_test(resource, namespace, name)?;
            delete::delete(state, &write, &json!({})).map_err(said)
        })
    }

    /// Lets a user do more. A user without rules may do nothing; `admin` may do everything.
    pub fn grant(&self, user: &str, rules: &[Rule]) {
        self.shared.change(|state| state.access.grant(user, rules));
    }

    /// Forbids something, whatever else is granted. `*` stands for all.
    pub fn deny(&self, user: &str, verb: &str, resource: &str, name: &str) {
        self.shared.change(|state| state.access.deny(user, verb, resource, name));
    }

    /// Takes all denials back.
    pub fn clear_denials(&self) {
        self.shared.change(|state| state.access.clear_denials());
    }

    /// Has somebody outside the cluster keep an object as this merge patch says: `delay` after every change that
    /// takes it away from there, `manager` puts it back.
    pub fn keep(
        &self,
        manager: &str,
        resource: &str,
        namespace: &str,
        name: &str,
        wanted: Value,
        delay: Duration,
    ) -> Result<(), String> {
        let kind = kinds::by_plural(resource)
            .ok_or_else(|| format!("the sandbox does not serve {resource}"))?;
        self.shared.change(|state| {
            state.owners.push(Owner {
                manager: manager.to_owned(),
                key: Key::new(kind.plural, namespace, name),
                wanted,
                delay,
                alert: false,
            });
            state.store.touched = true;
        });
        Ok(())
    }

    /// Has a webhook refuse objects whose field at `pointer` is `unwanted` (all of them, where that is null).
    pub fn refuse(
        &self,
        resource: &str,
        pointer: &str,
        unwanted: Value,
        hook: &str,
        why: &str,
    ) -> Result<(), String> {
        self.hook(resource, pointer, unwanted, Refusal::Denied(hook.to_owned(), why.to_owned()))
    }

    /// Has a webhook that must be asked about every object of a resource, and that does not answer.
    pub fn lose_hook(&self, resource: &str, hook: &str) -> Result<(), String> {
        self.hook(resource, "", Value::Null, Refusal::Down(hook.to_owned()))
    }

    /// Has a group be there that another server answers for (`metrics.k8s.io`, `v1beta1`), which is down.
    pub fn lose_group(&self, group: &str, version: &str) {
        let lost = Lost { group: group.to_owned(), version: version.to_owned() };
        self.shared.change(|state| state.lost.push(lost));
    }

    fn hook(
        &self,
        resource: &str,
        pointer: &str,
        unwanted: Value,
        refusal: Refusal,
    ) -> Result<(), String> {
        let kind = kinds::by_plural(resource)
            .ok_or_else(|| format!("the sandbox does not serve {resource}"))?;
        let hook = Hook { resource: kind.plural, pointer: pointer.to_owned(), unwanted, refusal };
        self.shared.change(|state| state.hooks.push(hook));
        Ok(())
    }

    /// The environment that a container of a pod carries, resolved when it started. Nothing if it did not start.
    pub fn pod_env(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
    ) -> Option<BTreeMap<String, String>> {
        let state = self.shared.lock();
        let pod = state.store.get(&Key::new("pods", namespace, pod))?;
        state.runs.get(workload::text(&pod, "/metadata/uid"))?.env(container)
    }

    /// Waits until the predicate holds, looking again at every change; whether it came to hold in time.
    pub fn wait_until(&self, deadline: Duration, predicate: impl Fn(&View) -> bool) -> bool {
        self.wait(deadline, |state| predicate(&View(state)))
    }

    /// Waits until the controllers have nothing to do and no pod is starting or ending; 30 seconds at most.
    pub fn settle(&self) -> bool {
        self.wait(Duration::from_secs(30), State::settled)
    }

    fn wait(&self, deadline: Duration, done: impl Fn(&State) -> bool) -> bool {
        let until = Instant::now() + deadline;
        let mut state = self.shared.lock();
        loop {
            if done(&state) {
                return true;
            }
            if Instant::now() >= until {
                return false;
            }
            state = self.shared.wait(state, Some(until));
        }
    }

    /// Every request so far, in the order of the answers.
    pub fn requests(&self) -> Vec<RequestLine> {
        self.shared.lock().requests.clone()
    }

    /// What was asked and is not implemented, as method and path. Tests assert that it is empty.
    pub fn unimplemented(&self) -> Vec<String> {
        self.shared.lock().unimplemented.clone()
    }

    /// A digest of all objects but leases and events: the same before and after what changes nothing.
    pub fn digest(&self) -> String {
        self.shared.lock().store.digest(false)
    }

    /// As [`Sandbox::digest`], leases and events included.
    pub fn full_digest(&self) -> String {
        self.shared.lock().store.digest(true)
    }

    /// Forgets the history of changes: watches from older versions are told that these expired.
    pub fn expire_watches(&self) {
        self.shared.change(|state| state.store.compact());
    }

    /// Sets how long pods take to start.
    pub fn set_pod_delay(&self, delay: Duration) {
        self.shared.change(|state| state.options.pod_delay = delay);
    }

    /// Sets how long pods take to end.
    pub fn set_termination_delay(&self, delay: Duration) {
        self.shared.change(|state| state.options.termination_delay = delay);
    }

    /// Answers every request with 503, or stops doing so.
    pub fn set_unavailable(&self, unavailable: bool) {
        self.shared.change(|state| state.unavailable = unavailable);
    }

    /// Refuses the next so many requests for overload.
    pub fn shed(&self, requests: usize) {
        self.shared.change(|state| state.shed = requests);
    }

    /// Accepts requests and never answers them, or stops doing so for new ones.
    pub fn hang(&self, hang: bool) {
        self.shared.change(|state| state.hang = hang);
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.shared.change(|state| state.stop = true);
        self.doors = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// A write by the owner of the sandbox.
fn by_test<'a>(resource: &str, namespace: &'a str, name: &'a str) -> Result<Write<'a>, String> {
    let kind = kinds::by_plural(resource)
        .ok_or_else(|| format!("the sandbox does not serve {resource}"))?;
    Ok(Write::new(kind, namespace, name, "sandbox", Strictness::Strict))
}

#[allow(clippy::needless_pass_by_value)] // the form that `map_err` wants
fn said(failure: failure::Failure) -> String {
    workload::text(&failure.body, "/message").to_owned()
}
