//! `set_flags` and `restart` with real kubectl against the sandbox: foreseen, done and looked at.

use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::*;
use crate::event::Outcome;
use crate::facts::Read;
use crate::journal::Permit;
use crate::runbook::{Restart, SetFlags};
use crate::sandbox::{Options, Sandbox};
use crate::step::{Doing, Done, Mark, Nature, Setting, Standing, set_flags};
use crate::world::Reader;
use crate::world::forge::Forge;
use crate::world::hands::Hands;
use serde_json::{Value, json};

mod carrying;
mod flagged;
mod rollouts;

/// How long anything may take here before it counts as hanging.
const LIMIT: Duration = Duration::from_secs(20);

/// A sandbox with a ConfigMap `flags` and a Deployment `web` of three pods that read it.
struct World {
    sandbox: Sandbox,
    setting: Setting,
    cluster: Cluster,
    mark: Mark,
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        World::as_user("admin", Options::default())
    }

    fn as_user(user: &str, options: Options) -> World {
        let sandbox = Sandbox::start(options).expect("a sandbox");
        let dir = tempfile::tempdir().expect("a directory");
        let path: PathBuf = dir.path().join("kubeconfig");
        sandbox.write_kubeconfig(&path, "test", "shop", user).expect("a kubeconfig");
        let setting = Setting {
            kubeconfig: Some(path.display().to_string()),
            context: Some("test".to_owned()),
            namespace: "shop".to_owned(),
            repository: None,
        };
        let flags = json!({"ONE": "true", "TWO": "true"});
        sandbox.create(configmap("flags", &flags)).expect("a ConfigMap");
        sandbox.create(deployment("web")).expect("a Deployment");
        let cluster = Cluster::open(&setting, Duration::from_secs(5));
        let mark = Mark {
            run_id: "01J".to_owned(),
            step_id: "restart".to_owned(),
            started_at: "2026-11-23T02:14:05Z".to_owned(),
        };
        assert!(sandbox.settle(), "the sandbox does not settle");
        World { sandbox, setting, cluster, mark, dir }
    }

    /// What the reads of the steps find, asked one by one.
    fn survey(&self, reads: &[Read]) -> Facts {
        let mut facts = Facts { identity: Some(self.cluster.identity()), ..Facts::default() };
        for read in reads {
            match read {
                Read::ConfigMap(name) => {
                    facts.configmaps.insert(name.clone(), self.cluster.configmap(name));
                }
                Read::Workload(workload) => {
                    facts.workloads.insert(workload.clone(), self.cluster.workload(workload));
                }
                Read::Access(access) => {
                    facts.access.insert(access.clone(), self.cluster.access(access));
                }
                Read::Revisions(workload) => {
                    facts.revisions.insert(workload.clone(), self.cluster.revisions(workload));
                }
                Read::Manifests(_)
                | Read::Snapshot(_)
                | Read::Git(_)
                | Read::Program(_)
                | Read::File(_)
                | Read::Probe(_) => {}
            }
        }
        facts
    }

    /// Sets flags and restarts, as far as the forecasts.
    fn foresee(&self, flags: &SetFlags, restart: &Restart) -> (Forecast, Forecast) {
        let mut reads = set_flags::reads(flags, &self.setting);
        reads.extend(restart::reads(restart, &self.setting));
        let mut facts = self.survey(&reads);
        let first = set_flags::forecast(flags, &self.setting, &mut facts);
        let second = restart::forecast(restart, &self.setting, &mut facts);
        (first, second)
    }

    fn doing(&self, forecast: &Forecast) -> Doing {
        let forge = Forge::new(self.dir.path().join("git"));
        let reader = Reader { cluster: self.cluster.clone(), forge };
        Doing::for_a_test(&self.setting, &self.mark, forecast, reader)
    }

    fn set(&self, flags: &SetFlags, forecast: &Forecast) -> Done {
        let permit = Permit::for_a_test();
        let mut hands = Hands::for_a_test();
        set_flags::perform(flags, &self.doing(forecast), &mut hands, &permit)
    }

    fn restart(&self, restart: &Restart, forecast: &Forecast) -> Done {
        let permit = Permit::for_a_test();
        let mut hands = Hands::for_a_test();
        restart::perform(restart, &self.doing(forecast), &mut hands, &permit)
    }

    fn flags_look(&self, flags: &SetFlags, forecast: &Forecast) -> Effect {
        set_flags::look(flags, &self.doing(forecast))
    }

    fn look(&self, restart: &Restart, forecast: &Forecast) -> Effect {
        restart::look(restart, &self.doing(forecast))
    }

    /// Looks at every change that the watch reports, until the look is over.
    fn await_end(&self, restart: &Restart, look: impl Fn() -> Effect) -> Effect {
        let (sender, changes) = mpsc::channel();
        let _guard = self.cluster.watch(&restart.workloads, move || {
            let _ = sender.send(());
        });
        let until = Instant::now() + LIMIT;
        loop {
            let effect = look();
            if !matches!(effect, Effect::Underway(_)) {
                return effect;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(changes.recv_timeout(left).is_ok(), "still {effect:?}");
            while changes.try_recv().is_ok() {}
        }
    }

    /// The value that each pod of a workload carries.
    fn carried(&self, name: &str, variable: &str) -> Vec<String> {
        let pods = self.sandbox.list("pods", "shop");
        pods.iter()
            .filter(|pod| pod["metadata"]["labels"]["app"] == name)
            .filter_map(|pod| {
                let pod = pod["metadata"]["name"].as_str()?;
                let env = self.sandbox.pod_env("shop", pod, "app")?;
                Some(env.get(variable).cloned().unwrap_or_default())
            })
            .collect()
    }
}

fn configmap(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop"}, "data": data})
}

fn deployment(name: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [
                {"name": "app", "image": "registry.example/team/netra:4f1c",
                    "envFrom": [{"configMapRef": {"name": "flags"}}],
                    "env": [{"name": "MODE", "value": "fast"}]}]}}}})
}

fn web() -> Workload {
    Workload::try_from("deployment/web".to_owned()).expect("a workload")
}

fn restart_web() -> Restart {
    Restart { workloads: vec![web()] }
}

fn flags(pairs: &[(&str, &str)]) -> SetFlags {
    SetFlags {
        configmap: Some("flags".to_owned()),
        workload: None,
        container: None,
        flags: pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        create: false,
    }
}

fn env(pairs: &[(&str, &str)]) -> SetFlags {
    SetFlags { configmap: None, workload: Some(web()), ..flags(pairs) }
}

fn only_obstacle(forecast: &Forecast) -> (&str, &str) {
    let [obstacle] = forecast.obstacles.as_slice() else {
        panic!("not one obstacle: {:?}", forecast.obstacles)
    };
    (&obstacle.why, obstacle.hint.as_deref().unwrap_or_default())
}
