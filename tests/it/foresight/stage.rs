//! One fault on a stage of its own: surveyed, then run anyway, and what each of the two said.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use rollback::draft::Draft;
use rollback::event::{Record, RunStarted};
use rollback::facts::{self, Facts, Pace};
use rollback::inbox::Inbox;
use rollback::journal::Journal;
use rollback::lock::{self, Holder, Order, Terms};
use rollback::output::recorder::Recorder;
use rollback::plan::{self, Circumstances, Plan};
use rollback::run::{Policy, Run};
use rollback::runbook::catalog::Catalog;
use rollback::runbook::parameters::Parameters;
use rollback::runbook::{Level, Target};
use rollback::sandbox::{Options, Rule, Sandbox};
use rollback::snapshot::{self, Snapshot};
use rollback::state::RunState;
use rollback::step::Setting;
use rollback::world::Reader;
use rollback::world::cluster::Cluster;
use rollback::world::forge::Forge;
use rollback::world::hands::Hands;
use serde_json::{Value, json};

use super::super::forge::remote::Remote;
use super::super::scenario::Endpoint;

pub const NAMESPACE: &str = "shop";
/// Longer than any step of a row may take; what is refused for good is said in seconds.
const LIMIT: Duration = Duration::from_secs(10);

/// A cluster, a git remote, an endpoint and a directory.
pub struct Stage {
    pub sandbox: Option<Sandbox>,
    pub remote: Option<Remote>,
    pub endpoint: Endpoint,
    /// The commit that broke the branch.
    broken: String,
    pub dir: tempfile::TempDir,
    answers: RefCell<BTreeMap<String, bool>>,
}

/// Where all stages keep their snapshots, each under a name of its own.
pub static SNAPSHOTS: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a directory");
    snapshot::rehearse_in(dir.path().to_owned());
    dir
});

impl Stage {
    /// What these steps need: `web` (3 pods), `db` (a StatefulSet) and `agent` (a DaemonSet) that
    /// read ConfigMap `flags`; a remote with a broken branch.
    pub fn new(steps: &str) -> Stage {
        let needs = |words: &[&str]| words.iter().any(|word| steps.contains(word));
        let options = Options {
            pod_delay: Duration::from_millis(1),
            termination_delay: Duration::from_millis(1),
            ..Options::default()
        };
        let cluster =
            needs(&["set_flags", "restart:", "wait: { rollout", "rollout_undo", "apply:", "@SNAP"]);
        let remote = needs(&["restore_files", "revert_commits", "rollback_branch", "apply:"]);
        let remote = remote.then(Remote::new);
        let stage = Stage {
            sandbox: cluster.then(|| Sandbox::start(options).expect("a sandbox")),
            broken: remote.as_ref().map(|it| it.tip("feat/migration")).unwrap_or_default(),
            remote,
            endpoint: Endpoint::status(200),
            dir: tempfile::tempdir().expect("a directory"),
            answers: RefCell::default(),
        };
        if cluster {
            stage.create(json!({"apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": "flags", "namespace": NAMESPACE},
                "data": {"NEW_CODE": "true", "OTHER": "true"}}));
            for (kind, name) in
                [("Deployment", "web"), ("StatefulSet", "db"), ("DaemonSet", "agent")]
            {
                if steps.contains(name) {
                    stage.create(workload(kind, name));
                }
            }
            assert!(stage.sandbox().settle(), "it settles");
        }
        stage
    }

    pub fn sandbox(&self) -> &Sandbox {
        self.sandbox.as_ref().expect("a cluster")
    }

    pub fn remote(&self) -> &Remote {
        self.remote.as_ref().expect("a remote")
    }

    /// Everything that a survey must leave as it was.
    pub fn digest(&self) -> String {
        let objects = self.sandbox.as_ref().map(Sandbox::full_digest);
        let refs = self.remote.as_ref().map(Remote::refs);
        format!("{objects:?} {refs:?}")
    }

    pub fn settle(&self) {
        assert!(self.sandbox.as_ref().is_none_or(Sandbox::settle), "it settles");
    }

    pub fn create(&self, object: Value) {
        self.sandbox().create(object).expect("created");
    }

    pub fn patch(&self, resource: &str, name: &str, patch: &Value) {
        self.sandbox().patch_merge(resource, NAMESPACE, name, patch).expect("patched");
        assert!(self.sandbox().settle(), "it settles");
    }

    pub fn delete(&self, resource: &str, name: &str) {
        self.sandbox().delete(resource, NAMESPACE, name).expect("deleted");
        assert!(self.sandbox().settle(), "it settles");
    }

    /// The operator `op` may do everything but this.
    pub fn deny(&self, verb: &str, resource: &str) {
        self.sandbox().deny("op", verb, resource, "*");
    }

    /// What a person says to a step, given beforehand.
    pub fn answer(&self, step: &str, passed: bool) {
        self.answers.borrow_mut().insert(step.to_owned(), passed);
    }

    pub fn snapshot_name(&self) -> String {
        let name = self.dir.path().file_name().expect("a name").to_string_lossy().into_owned();
        name.replace('.', "s")
    }

    /// Writes down `flags` and `web` as they are; `change` may spoil what is written.
    pub fn snapshot(&self, change: impl FnOnce(&mut Snapshot)) -> PathBuf {
        let setting = Setting { namespace: NAMESPACE.to_owned(), ..Setting::default() };
        let name = self.snapshot_name();
        let taken = "2026-11-23T00:00:00Z".to_owned();
        let mut snapshot = snapshot::empty(&name, taken, "op".to_owned(), &setting);
        let get = |resource, name| self.sandbox().get(resource, NAMESPACE, name).expect("there");
        let flags = snapshot::values(&get("configmaps", "flags"));
        snapshot.configmaps.insert("flags".to_owned(), flags);
        let template = get("deployments", "web")["spec"]["template"].clone();
        snapshot.workloads.insert("deployment/web".to_owned(), template);
        change(&mut snapshot);
        snapshot::save(SNAPSHOTS.path(), &snapshot, false).expect("saved")
    }

    fn kubeconfig(&self) -> String {
        let path = self.dir.path().join("kubeconfig");
        if let Some(sandbox) = &self.sandbox {
            sandbox.grant("op", &[Rule::new(&["*"], &["*"])]);
            sandbox.write_kubeconfig(&path, "test", NAMESPACE, "op").expect("a kubeconfig");
        }
        path.display().to_string()
    }

    pub fn draft(&self, steps: &str) -> Draft {
        LazyLock::force(&SNAPSHOTS);
        let catalog = self.dir.path().join("runbooks");
        std::fs::create_dir_all(&catalog).expect("a directory");
        let fill = |text: &str| {
            text.replace("@REMOTE", &self.remote.as_ref().map(Remote::url).unwrap_or_default())
                .replace("@DIR", &self.dir.path().display().to_string())
                .replace("@URL", &self.endpoint.url(""))
                .replace("@TLS", &self.endpoint.url("").replace("http:", "https:"))
                .replace("@BROKEN", &self.broken)
                .replace("@SNAP", &self.snapshot_name())
        };
        let settings = "apiVersion: rollback/v1\ncontext: test\nnamespace: shop\ntimeout: 2s\n\
                        repository: \"@REMOTE\"\n";
        let runbook = format!(
            "apiVersion: rollback/v1\nlevel: component\nname: it\ntitle: It\nmethods:\n  flag:\n    \
             steps:\n{steps}"
        );
        std::fs::write(catalog.join("rollback.yaml"), fill(settings)).expect("written");
        std::fs::write(catalog.join("it.yaml"), fill(&runbook)).expect("written");
        let catalog = Catalog::open(&catalog).expect("a catalog");
        let target = Target { level: Level::Component, name: "it".to_owned() };
        let (runbook, settings) = catalog.runbook(&target).expect("a runbook");
        Draft::new(&runbook, &settings, None, &Parameters::default()).expect("a draft")
    }

    /// The survey and its plan.
    pub fn survey(&self, draft: &Draft) -> (Plan, Reader) {
        let mut setting = plan::setting(draft);
        setting.kubeconfig = Some(self.kubeconfig());
        let reader = Reader {
            cluster: match &self.sandbox {
                Some(_) => Cluster::open(&setting, Duration::from_secs(4)),
                None => Cluster::unneeded(&setting),
            },
            forge: Forge::new(self.dir.path().join("cache")),
        };
        let endpoints: Vec<_> =
            plan::endpoints(draft).into_iter().map(|http| (http, Vec::new())).collect();
        let trials = |facts: &Facts| plan::trials(draft, facts);
        let facts =
            facts::gather(&plan::reads(draft), &endpoints, &reader, &Pace::within(LIMIT), &trials);
        let mut plan = plan::make(draft, facts, Circumstances::default());
        plan.setting = setting;
        (plan, reader)
    }

    /// Runs a plan, whatever its survey said.
    pub fn run(&self, plan: &Plan, reader: &Reader) -> RunState {
        let state = self.dir.path().join("state");
        // Of its own: what a step that ran out of time has left is found, and ended, by the run's id.
        let journal =
            Journal::create(&state, &rollback::world::clock::run_id()).expect("a journal");
        let mut inbox = Inbox::new();
        let order = Order {
            state: &state,
            environment: plan.environment(),
            me: Holder::default(),
            cluster: None,
            terms: Terms {
                wait: None,
                preempt: false,
                without: true,
                interactive: false,
                duration: lock::DURATION,
            },
            say: &|_| {},
        };
        let held = lock::take(&mut inbox, &order).expect("the lock");
        let recorder = Recorder::new(journal, Vec::new()).guarded(held.guard());
        let mut hands = Hands::new(inbox, recorder);
        let start = hands.recorder.append(started(plan, &state)).expect("journaled");
        let state = RunState::fold(&[start]).expect("a start");
        let policy = Policy { answers: self.answers.borrow().clone(), ..Policy::default() };
        let mut run = Run::new(plan.clone(), state, hands, reader.clone(), policy);
        run.go().expect("the journal is written");
        run.state
    }
}

fn started(plan: &Plan, catalog: &Path) -> Record {
    Record::RunStarted(Box::new(RunStarted {
        approval: None,
        target: plan.target.to_string(),
        method: plan.method.clone(),
        digest: plan.digest.clone(),
        context: "test".to_owned(),
        namespace: NAMESPACE.to_owned(),
        cluster: String::new(),
        operator: "op".to_owned(),
        host: "here".to_owned(),
        pid: 1,
        version: "0".to_owned(),
        incident: None,
        reason: None,
        trigger: None,
        escalated_from: None,
        budget_ms: None,
        simulated: false,
        catalog: catalog.display().to_string(),
        plan: serde_json::to_value(plan).expect("JSON"),
        ..RunStarted::default()
    }))
}

fn workload(kind: &str, name: &str) -> Value {
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "app", "image": "app:1",
                    "envFrom": [{"configMapRef": {"name": "flags"}}],
                    "env": [{"name": "MODE", "value": "new"}]}]}}}
    });
    match kind {
        "Deployment" => object["spec"]["replicas"] = json!(3),
        "StatefulSet" => {
            object["spec"]["replicas"] = json!(2);
            object["spec"]["serviceName"] = json!(name);
        }
        _ => {}
    }
    object
}
