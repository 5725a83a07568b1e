//! The world of a rehearsal: a Kubernetes API, a git remote and health endpoints on this machine,
//! made from the runbook that is rehearsed and broken so that the rollback is what repairs it.

mod cluster;
mod health;
mod remote;
mod stand_in;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::cli::Fault;
use crate::draft::Draft;
use crate::runbook::{Action, SetFlags, Step, UndoTo, Workload, WorkloadKind};
use crate::sandbox::{Options, Sandbox};
use crate::snapshot;
use crate::world::leftovers::Room;

pub use health::Expected;

/// The environment of a rehearsal, for kubectl.
pub const CONTEXT: &str = "rehearsal";

/// What is broken, and what would repair it: read off the methods of the target.
#[derive(Debug, Clone, Default)]
struct Needs {
    /// ConfigMap -> flag -> the value that repairs it.
    configmaps: BTreeMap<String, BTreeMap<String, String>>,
    /// Workload -> env -> the value that repairs it.
    envs: BTreeMap<Workload, BTreeMap<String, String>>,
    /// Workloads that go back to an earlier template, and which.
    undone: BTreeMap<Workload, UndoTo>,
    /// Every workload that is named.
    workloads: BTreeSet<Workload>,
    /// The workloads of the target itself.
    own_workloads: BTreeSet<Workload>,
    /// The flags of the target itself.
    own_flags: BTreeMap<String, String>,
    /// The ConfigMaps of the target itself.
    own_configmaps: BTreeSet<String>,
    /// Snapshots that are restored, and whether by the target itself.
    snapshots: BTreeMap<String, bool>,
}

/// A rehearsal's world; gone when it is dropped.
#[derive(Debug)]
pub struct World {
    sandbox: Arc<Sandbox>,
    health: health::Health,
    remote: remote::Remote,
    dir: Room,
    stand_in: PathBuf,
    faults: Vec<Fault>,
}

impl World {
    /// Builds the world that these drafts name: first the target's own methods, then the rungs above.
    pub fn build(
        own: &[Draft],
        above: &[Draft],
        faults: &[Fault],
        pod_start: Duration,
    ) -> io::Result<World> {
        let dir = Room::new("rehearsal")?;
        let needs = needs(own, above);
        let namespace = own.first().map_or("default", |draft| draft.namespace.as_str());
        let slow = faults.contains(&Fault::SlowRollout);
        let sandbox = Arc::new(Sandbox::start(Options::default())?);
        cluster::seed(&sandbox, namespace, &needs, faults)?;
        let start = if slow { pod_start.max(Duration::from_secs(8)) } else { pod_start };
        sandbox.set_pod_delay(start);
        sandbox.set_termination_delay(pod_start / 3);
        let user = if faults.contains(&Fault::PermissionDenied) { "viewer" } else { "admin" };
        if user == "viewer" {
            cluster::grant_reads(&sandbox, user);
        }
        let kubeconfig = dir.path().join("kubeconfig");
        sandbox.write_kubeconfig(&kubeconfig, CONTEXT, namespace, user)?;
        let admin = dir.path().join("kubeconfig-of-the-deploy");
        sandbox.write_kubeconfig(&admin, CONTEXT, namespace, "admin")?;
        let manifests = cluster::manifests(namespace, &needs, faults);
        let at = dir.path().join("remote.git");
        let remote = remote::Remote::build(&at, own, above, &manifests, faults)?;
        for snapshot in cluster::snapshots(&sandbox, namespace, &needs, faults) {
            snapshot::save(dir.path(), &snapshot, false).map_err(io::Error::other)?;
        }
        let health = health::Health::start(&sandbox, namespace, &needs, own, faults)?;
        let stand_in =
            stand_in::write(dir.path(), &admin, namespace, &needs.own_workloads, health.port())?;
        Ok(World { sandbox, health, remote, dir, stand_in, faults: faults.to_vec() })
    }

    /// Points every program that is started from now on at the sandbox.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let kubeconfig = self.dir.path().join("kubeconfig").display().to_string();
        BTreeMap::from([
            ("KUBECONFIG".to_owned(), kubeconfig),
            ("GIT_ALLOW_PROTOCOL".to_owned(), "file".to_owned()),
        ])
    }

    /// A directory for the rehearsal's own state.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Points a draft at this world: its cluster, its remote, its endpoints; stands in for commands.
    pub fn adapt(&self, draft: &mut Draft) {
        draft.context = Some(CONTEXT.to_owned());
        let applies = |step: &Step| matches!(step.action, Action::Apply(_));
        if draft.repository.is_some() || draft.uses_git() || draft.steps.iter().any(applies) {
            draft.repository = Some(self.remote.url());
        }
        for step in &mut draft.steps {
            self.adapt_action(&mut step.action);
        }
        for criterion in &mut draft.recovered_when {
            if let Action::Http(http) = &criterion.action
                && criterion.name == http.url
            {
                criterion.name = self.health.rewrite(&http.url);
            }
            self.adapt_action(&mut criterion.action);
        }
    }

    fn adapt_action(&self, action: &mut Action) {
        match action {
            Action::Http(http) => http.url = self.health.rewrite(&http.url),
            Action::Command(command) => stand_in::replace(command, &self.stand_in),
            Action::RevertCommits(spec) => {
                spec.repository = None;
                if let Some(sha) = self.remote.reverted(&spec.branch) {
                    spec.commits = vec![sha.to_owned()];
                }
            }
            Action::RestoreFiles(spec) => spec.repository = None,
            Action::RollbackBranch(spec) => {
                spec.repository = None;
                if spec.subject.is_none()
                    && let Some(sha) = self.remote.stable(&spec.on)
                {
                    spec.commit = Some(sha.to_owned());
                }
            }
            Action::Metric(metric) => {
                metric.url = Some(self.health.metric_url(metric));
                metric.headers.clear();
                metric.hold = metric.hold.min(Duration::from_secs(2));
            }
            Action::Apply(spec) => {
                spec.repository = None;
                spec.at = remote::branch_of(&spec.at).to_owned();
            }
            // The numbers of revisions are the cluster's own; here the last good one is meant.
            Action::RolloutUndo(undo) => undo.to.revision = None,
            Action::SetFlags(_)
            | Action::Restart(_)
            | Action::RestoreSnapshot(_)
            | Action::Manual(_)
            | Action::Wait(_) => {}
        }
    }

    /// Whether the endpoints answer as a healthy system's do.
    pub fn is_healthy(&self) -> bool {
        self.health.is_healthy()
    }

    /// What the sandbox was asked and does not have: a bug of the sandbox, said aloud.
    pub fn unimplemented(&self) -> Vec<String> {
        self.sandbox.unimplemented()
    }

    /// The faults that were asked for.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The address of the git remote.
    pub fn repository(&self) -> String {
        self.remote.url()
    }

    /// A commit that a required parameter can name.
    pub fn some_commit(&self) -> String {
        self.remote.some_commit()
    }
}

fn needs(own: &[Draft], above: &[Draft]) -> Needs {
    let mut needs = Needs::default();
    for (draft, is_own) in own.iter().map(|it| (it, true)).chain(above.iter().map(|it| (it, false)))
    {
        for step in &draft.steps {
            match &step.action {
                Action::SetFlags(spec) => needs.flags(spec, is_own),
                Action::Restart(spec) => needs.name(&spec.workloads, is_own),
                Action::RolloutUndo(spec) => {
                    needs.name(std::slice::from_ref(&spec.workload), is_own);
                    needs.undone.entry(spec.workload.clone()).or_insert_with(|| spec.to.clone());
                }
                Action::Wait(spec) => needs.name(&spec.rollout, is_own),
                Action::RestoreSnapshot(spec) => {
                    *needs.snapshots.entry(spec.name.clone()).or_default() |= is_own;
                }
                _ => {}
            }
        }
    }
    // What restores something restores at least the workload that the target is named after.
    let restores = own
        .iter()
        .flat_map(|draft| &draft.steps)
        .any(|step| matches!(step.action, Action::Apply(_) | Action::RestoreSnapshot(_)));
    if restores
        && needs.own_workloads.is_empty()
        && let Some(draft) = own.first()
    {
        let kind = WorkloadKind::Deployment;
        needs.name(&[Workload { kind, name: draft.target.name.clone() }], true);
    }
    needs
}

impl Needs {
    fn flags(&mut self, spec: &SetFlags, is_own: bool) {
        if is_own {
            self.own_flags.extend(spec.flags.clone());
        }
        if let Some(name) = &spec.configmap {
            self.configmaps.entry(name.clone()).or_default().extend(spec.flags.clone());
            if is_own {
                self.own_configmaps.insert(name.clone());
            }
        }
        if let Some(workload) = &spec.workload {
            self.envs.entry(workload.clone()).or_default().extend(spec.flags.clone());
            self.name(std::slice::from_ref(workload), is_own);
        }
    }

    fn name(&mut self, workloads: &[Workload], is_own: bool) {
        self.workloads.extend(workloads.iter().cloned());
        if is_own {
            self.own_workloads.extend(workloads.iter().cloned());
        }
    }
}

/// The value that a flag has while the system is broken.
fn broken(wanted: &str) -> String {
    match wanted {
        "false" => "true".to_owned(),
        "true" => "false".to_owned(),
        other => format!("not-{other}"),
    }
}
