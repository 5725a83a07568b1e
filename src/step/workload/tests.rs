//! `set_flags` and `restart` with real kubectl against the sandbox: foreseen, done and looked at.

use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;
use crate::event::Outcome;
use crate::facts::Read;
use crate::journal::Permit;
use crate::runbook::{Restart, SetFlags};
use crate::sandbox::{Options, Sandbox};
use crate::step::{Done, Mark, Nature, Setting, Standing, set_flags};
use crate::world::hands::Hands;

/// How long anything may take here before it counts as hanging.
const LIMIT: Duration = Duration::from_secs(20);

/// A sandbox with a ConfigMap `flags` and a Deployment `web` of three pods that read it.
struct World {
    sandbox: Sandbox,
    setting: Setting,
    cluster: Cluster,
    mark: Mark,
    _dir: tempfile::TempDir,
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
        World { sandbox, setting, cluster, mark, _dir: dir }
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

    fn set(&self, flags: &SetFlags, forecast: &Forecast) -> Done {
        let permit = Permit::for_a_test();
        let mut hands = Hands::for_a_test();
        let (setting, cluster) = (&self.setting, &self.cluster);
        set_flags::perform(
            flags, setting, cluster, &mut hands, &permit, &self.mark, forecast, LIMIT,
        )
    }

    fn restart(&self, restart: &Restart, forecast: &Forecast) -> Done {
        let permit = Permit::for_a_test();
        let mut hands = Hands::for_a_test();
        let (setting, cluster) = (&self.setting, &self.cluster);
        restart::perform(
            restart, setting, cluster, &mut hands, &permit, &self.mark, forecast, LIMIT,
        )
    }

    fn flags_look(&self, flags: &SetFlags, forecast: &Forecast) -> Effect {
        set_flags::look(flags, &self.setting, &self.cluster, &self.mark, forecast)
    }

    fn look(&self, restart: &Restart, forecast: &Forecast) -> Effect {
        restart::look(restart, &self.setting, &self.cluster, &self.mark, forecast)
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

#[test]
fn a_flag_is_foreseen_set_and_seen_and_the_restarted_pods_carry_it() {
    let world = World::new();
    let (flags, restart) = (flags(&[("ONE", "false")]), restart_web());
    let before = world.sandbox.digest();
    let (first, second) = world.foresee(&flags, &restart);
    assert_eq!(world.sandbox.digest(), before, "a forecast changed the cluster");
    assert_eq!(first.standing(Nature::Change), Standing::WillChange, "{first:?}");
    assert_eq!(second.standing(Nature::Change), Standing::WillChange, "{second:?}");
    assert_eq!(first.changes[0].from.as_deref(), Some("true"));
    assert_eq!(second.warnings, Vec::<String>::new());
    assert!(second.evidence[0].contains("(image netra:4f1c)"), "{:?}", second.evidence);
    assert!(matches!(world.flags_look(&flags, &first), Effect::Missing(_)));
    assert!(matches!(world.look(&restart, &second), Effect::Missing(_)));

    assert_eq!(world.set(&flags, &first), Done::well("configmap/flags: ONE=false"));
    assert!(matches!(world.flags_look(&flags, &first), Effect::Present(..)));
    assert_eq!(world.restart(&restart, &second).outcome, Outcome::Done);
    let effect = world.await_end(&restart, || world.look(&restart, &second));
    let text =
        "deployment/web: 3 of 3 pods are new and ready, no old pod is left; they carry ONE=false";
    assert_eq!(effect.sentence(), text);
    assert_eq!(world.carried("web", "ONE"), ["false", "false", "false"]);
    assert_eq!(world.sandbox.unimplemented(), Vec::<String>::new());
}

#[test]
fn the_same_restart_done_twice_changes_nothing_the_second_time() {
    let world = World::new();
    let (flags, restart) = (flags(&[("ONE", "false")]), restart_web());
    let (first, second) = world.foresee(&flags, &restart);
    world.set(&flags, &first);
    world.restart(&restart, &second);
    world.await_end(&restart, || world.look(&restart, &second));
    assert!(world.sandbox.settle());
    let generation = || {
        world.sandbox.get("deployments", "shop", "web").expect("web")["metadata"]["generation"]
            .clone()
    };
    let before = generation();
    let other = json!({"metadata": {"annotations": {"note": "someone wrote here"}}});
    world.sandbox.patch_merge("configmaps", "shop", "flags", &other).expect("a patch");
    assert_eq!(world.restart(&restart, &second).outcome, Outcome::Done);
    assert_eq!(generation(), before);
    assert!(matches!(world.look(&restart, &second), Effect::Present(..)));
}

#[test]
fn a_rollback_that_was_done_is_found_there_and_restarts_nothing() {
    let world = World::new();
    let (flags, restart) = (flags(&[("ONE", "false")]), restart_web());
    let (first, second) = world.foresee(&flags, &restart);
    world.set(&flags, &first);
    world.restart(&restart, &second);
    world.await_end(&restart, || world.look(&restart, &second));
    let (first, second) = world.foresee(&flags, &restart);
    assert_eq!(first.standing(Nature::Change), Standing::AlreadyThere);
    assert_eq!(second.standing(Nature::Change), Standing::AlreadyThere, "{second:?}");
    assert!(set_flags::commands(&flags, &world.setting, &world.mark, &first).is_empty());
    assert!(restart::commands(&restart, &world.setting, &world.mark, &second).is_empty());
    assert!(matches!(world.look(&restart, &second), Effect::Present(..)));
}

#[test]
fn pods_that_are_older_than_the_flag_are_restarted_though_the_flag_is_there() {
    let world = World::new();
    let change = json!({"data": {"ONE": "false"}});
    world.sandbox.patch_merge("configmaps", "shop", "flags", &change).expect("a patch");
    let (first, second) = world.foresee(&flags(&[("ONE", "false")]), &restart_web());
    assert_eq!(first.standing(Nature::Change), Standing::AlreadyThere);
    assert_eq!(second.standing(Nature::Change), Standing::WillChange);
    assert_eq!(world.carried("web", "ONE"), ["true", "true", "true"]);
}

#[test]
fn a_restart_without_flags_is_always_done() {
    let world = World::new();
    let restart = restart_web();
    let mut facts = world.survey(&restart::reads(&restart, &world.setting));
    let forecast = restart::forecast(&restart, &world.setting, &mut facts);
    assert_eq!(forecast.standing(Nature::Change), Standing::WillChange);
    assert_eq!(forecast.evidence, ["deployment/web  3 pods (image netra:4f1c)"]);
}

#[test]
fn a_value_that_changed_since_the_plan_is_not_overwritten() {
    let world = World::new();
    let flags = flags(&[("ONE", "false"), ("TWO", "false")]);
    let (forecast, _) = world.foresee(&flags, &restart_web());
    let change = json!({"data": {"ONE": "maybe"}});
    world.sandbox.patch_merge("configmaps", "shop", "flags", &change).expect("a patch");
    let before = world.sandbox.digest();
    let done = world.set(&flags, &forecast);
    assert_eq!(done.outcome, Outcome::Failed);
    assert_eq!(done.why, "ONE changed since the plan: now maybe; nothing was overwritten");
    assert_eq!(world.sandbox.digest(), before);
    assert!(matches!(world.flags_look(&flags, &forecast), Effect::Missing(_)));
}

#[test]
fn a_misspelt_key_is_refused_and_a_new_one_needs_leave() {
    let world = World::new();
    let mut spec = flags(&[("OME", "false")]);
    let (forecast, _) = world.foresee(&spec, &restart_web());
    let hint = "did you mean ONE? (a new key needs `create: true`)";
    assert_eq!(only_obstacle(&forecast), ("configmap/flags has no key OME", hint));
    spec.create = true;
    let (forecast, _) = world.foresee(&spec, &restart_web());
    assert_eq!(world.set(&spec, &forecast).outcome, Outcome::Done);
    assert!(matches!(world.flags_look(&spec, &forecast), Effect::Present(..)));
    let data = &world.sandbox.get("configmaps", "shop", "flags").expect("flags")["data"];
    assert_eq!(*data, json!({"ONE": "true", "TWO": "true", "OME": "false"}));
}

#[test]
fn a_key_that_somebody_created_meanwhile_is_not_overwritten() {
    let world = World::new();
    let spec = SetFlags { create: true, ..flags(&[("NEW", "false")]) };
    let (forecast, _) = world.foresee(&spec, &restart_web());
    let change = json!({"data": {"NEW": "theirs"}});
    world.sandbox.patch_merge("configmaps", "shop", "flags", &change).expect("a patch");
    let done = world.set(&spec, &forecast);
    assert_eq!(done.why, "NEW changed since the plan: now theirs; nothing was overwritten");
}

#[test]
fn a_configmap_without_data_gets_its_first_key() {
    let world = World::new();
    world.sandbox.create(configmap("empty", &Value::Null)).expect("a ConfigMap");
    let spec = SetFlags {
        configmap: Some("empty".to_owned()),
        create: true,
        ..flags(&[("A.b", "1"), ("C", "2")])
    };
    let mut facts = world.survey(&set_flags::reads(&spec, &world.setting));
    let forecast = set_flags::forecast(&spec, &world.setting, &mut facts);
    let done = world.set(&spec, &forecast);
    assert_eq!(done.outcome, Outcome::Done, "{done:?}");
    assert!(matches!(world.flags_look(&spec, &forecast), Effect::Present(..)));
}

#[test]
fn an_immutable_configmap_is_blocked_and_a_missing_one_names_the_nearest() {
    let world = World::new();
    let change = json!({"immutable": true});
    world.sandbox.patch_merge("configmaps", "shop", "flags", &change).expect("a patch");
    let (forecast, _) = world.foresee(&flags(&[("ONE", "false")]), &restart_web());
    assert_eq!(only_obstacle(&forecast).0, "configmap/flags is immutable");
    let spec = SetFlags { configmap: Some("flag".to_owned()), ..flags(&[("ONE", "false")]) };
    let (forecast, _) = world.foresee(&spec, &restart_web());
    let hint = "did you mean configmap/flags?";
    assert_eq!(only_obstacle(&forecast), ("configmap/flag not found in shop", hint));
}

#[test]
fn a_workload_that_is_not_there_names_the_nearest() {
    let world = World::new();
    let workload = Workload::try_from("deployment/webb".to_owned()).expect("a workload");
    let restart = Restart { workloads: vec![workload] };
    let (_, forecast) = world.foresee(&flags(&[("ONE", "false")]), &restart);
    let hint = "did you mean deployment/web?";
    assert_eq!(only_obstacle(&forecast), ("deployment/webb not found in shop", hint));
}

#[test]
fn a_missing_permission_is_known_before_anything_is_touched() {
    let world = World::as_user("bot@ci", Options::default());
    let read = crate::sandbox::Rule::new(&["get", "list", "watch"], &["*"]);
    world.sandbox.grant("bot@ci", &[read]);
    let (first, second) = world.foresee(&flags(&[("ONE", "false")]), &restart_web());
    assert_eq!(first.standing(Nature::Change), Standing::Blocked);
    assert_eq!(only_obstacle(&first).1, "needs: patch configmaps/flags in shop");
    assert!(only_obstacle(&first).0.starts_with("no permission to patch configmaps"));
    assert_eq!(only_obstacle(&second).1, "needs: patch deployments/web in shop");
    world.sandbox.deny("bot@ci", "list", "pods", "*");
    let (_, second) = world.foresee(&flags(&[("ONE", "false")]), &restart_web());
    assert_eq!(second.standing(Nature::Change), Standing::CannotBeChecked);
    let why = "no permission to list pods as bot@ci; needs: list pods in shop";
    assert_eq!(only_obstacle(&second).0, why);
}

#[test]
fn a_crash_loop_is_reported_at_once_with_the_last_log_lines() {
    let world = World::new();
    let (flags, restart) = (env(&[("CRASH", "true")]), restart_web());
    let flags = SetFlags { create: true, ..flags };
    let (forecast, _) = world.foresee(&flags, &restart);
    assert_eq!(world.set(&flags, &forecast).outcome, Outcome::Done);
    let begun = Instant::now();
    let effect = world.await_end(&restart, || world.flags_look(&flags, &forecast));
    let Effect::Broken(why, detail) = effect else { panic!("not broken: {effect:?}") };
    assert!(why.starts_with("the new pods crash: web-"), "{why}");
    assert!(why.ends_with("exit 1"), "{why}");
    assert!(detail.iter().any(|line| line.starts_with("fatal: ")), "{detail:?}");
    let serving = "old pods still serve (3/3); nothing is down because of this step";
    assert_eq!(detail.last().map(String::as_str), Some(serving));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn an_env_value_is_foreseen_set_and_carried_by_new_pods() {
    let world = World::new();
    let flags = env(&[("MODE", "slow")]);
    let (forecast, second) = world.foresee(&flags, &restart_web());
    assert_eq!(forecast.changes[0].from.as_deref(), Some("fast"));
    assert!(second.warnings[0].contains("already rolls"), "{:?}", second.warnings);
    let done = world.set(&flags, &forecast);
    assert_eq!(done.outcome, Outcome::Done, "{done:?}");
    let effect = world.await_end(&restart_web(), || world.flags_look(&flags, &forecast));
    assert!(matches!(effect, Effect::Present(..)), "{effect:?}");
    assert_eq!(world.carried("web", "MODE"), ["slow", "slow", "slow"]);
    let done = world.set(&flags, &forecast);
    assert_eq!(done.why, "deployment/web: MODE=slow (somebody else set it)");
    let (forecast, _) = world.foresee(&flags, &restart_web());
    assert_eq!(forecast.standing(Nature::Change), Standing::AlreadyThere);
}

#[test]
fn an_env_that_changed_since_the_plan_is_not_overwritten() {
    let world = World::new();
    let flags = env(&[("MODE", "slow")]);
    let (forecast, _) = world.foresee(&flags, &restart_web());
    let mut object = world.sandbox.get("deployments", "shop", "web").expect("web");
    object["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = json!("other");
    world.sandbox.replace("deployments", "shop", "web", object).expect("a replacement");
    let done = world.set(&flags, &forecast);
    assert_eq!(done.why, "MODE changed since the plan: now other; nothing was overwritten");
}

#[test]
fn a_literal_that_overrides_the_flag_is_named() {
    let world = World::new();
    let mut object = deployment("fixed");
    object["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{"name": "ONE", "value": "true"}]);
    world.sandbox.create(object).expect("a Deployment");
    world.sandbox.settle();
    let fixed = Workload::try_from("deployment/fixed".to_owned()).expect("a workload");
    let restart = Restart { workloads: vec![fixed] };
    let (_, forecast) = world.foresee(&flags(&[("ONE", "false")]), &restart);
    let (why, hint) = only_obstacle(&forecast);
    assert!(why.contains("has its own ONE=true"), "{why}");
    assert_eq!(hint, "set it there: set_flags with `workload: deployment/fixed`");
    let both = flags(&[("ONE", "false"), ("TWO", "false")]);
    let (_, forecast) = world.foresee(&both, &restart);
    assert_eq!(forecast.obstacles, []);
    assert!(forecast.warnings[0].contains("has its own ONE=true"), "{:?}", forecast.warnings);
}

#[test]
fn a_flag_that_nothing_reads_is_warned_of() {
    let world = World::new();
    world.sandbox.create(configmap("more", &json!({"X": "1"}))).expect("a ConfigMap");
    let spec = SetFlags { configmap: Some("more".to_owned()), ..flags(&[("X", "2")]) };
    let (_, forecast) = world.foresee(&spec, &restart_web());
    let text = "deployment/web is not seen to read X of configmap/more";
    assert_eq!(forecast.warnings, [text]);
}

#[test]
fn a_paused_deployment_is_blocked_and_an_empty_one_is_warned_of() {
    let world = World::new();
    let patch = |spec: Value| {
        let patch = json!({ "spec": spec });
        world.sandbox.patch_merge("deployments", "shop", "web", &patch).expect("a patch");
        world.sandbox.settle();
        world.foresee(&flags(&[("ONE", "false")]), &restart_web()).1
    };
    let paused = patch(json!({"paused": true}));
    assert_eq!(only_obstacle(&paused).1, "kubectl rollout resume deployment/web");
    let empty = patch(json!({"paused": null, "replicas": 0}));
    assert_eq!(empty.standing(Nature::Change), Standing::WillChange, "{empty:?}");
    assert!(empty.warnings[0].contains("scaled to zero"), "{:?}", empty.warnings);
    let look = wait_rollout::look(&[web()], &world.setting, &world.cluster);
    assert!(matches!(&look, Effect::Broken(why, _) if why.contains("scaled to zero")), "{look:?}");
}

#[test]
fn what_owns_an_object_is_named() {
    let object = |metadata: Value| json!({ "metadata": metadata });
    let argo = object(json!({"labels": {"argocd.argoproj.io/instance": "netra"}}));
    let warning = owner_warning("configmap/flags", &argo).expect("a warning");
    assert!(
        warning.1.starts_with("Argo CD (application netra) owns configmap/flags"),
        "{warning:?}"
    );
    let helm = object(json!({"annotations": {"meta.helm.sh/release-name": "shop"}}));
    assert!(
        owner_warning("x", &helm).is_some_and(|text| text.1.starts_with("Helm (release shop)"))
    );
    let flux = object(json!({"managedFields": [{"manager": "kustomize-controller"}]}));
    assert!(owner_warning("x", &flux).is_some_and(|text| text.1.starts_with("Flux")));
    assert_eq!(owner_warning("x", &object(json!({}))), None);
}

#[test]
fn an_exhausted_quota_is_reported_in_the_server_s_words() {
    let world = World::new();
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "q", "namespace": "shop"}, "spec": {"hard": {"pods": "3"}}});
    world.sandbox.create(quota).expect("a quota");
    world.sandbox.settle();
    let restart = restart_web();
    let (_, forecast) = world.foresee(&flags(&[("ONE", "false")]), &restart);
    assert_eq!(world.restart(&restart, &forecast).outcome, Outcome::Done);
    let effect = world.await_end(&restart, || world.look(&restart, &forecast));
    let Effect::Broken(why, detail) = effect else { panic!("not broken: {effect:?}") };
    assert!(why.contains("exceeded quota: q"), "{why}");
    assert!(detail[0].starts_with("old pods still serve (3/3)"), "{detail:?}");
}

#[test]
fn an_old_pod_that_a_finalizer_holds_keeps_the_rollout_open() {
    let world = World::new();
    let held = world.sandbox.list("pods", "shop")[0]["metadata"]["name"].clone();
    let held = held.as_str().expect("a name");
    let finalizer = json!({"metadata": {"finalizers": ["example.com/hold"]}});
    world.sandbox.patch_merge("pods", "shop", held, &finalizer).expect("a patch");
    let restart = restart_web();
    let flag = flags(&[("ONE", "false")]);
    let (first, forecast) = world.foresee(&flag, &restart);
    world.set(&flag, &first);
    world.restart(&restart, &forecast);
    let expected = format!("{held} is held by finalizer example.com/hold");
    let reached = world.sandbox.wait_until(LIMIT, |view| {
        let pods = view.list("pods", "shop");
        let ready = pods.iter().filter(|pod| {
            pod["metadata"]["deletionTimestamp"].is_null()
                && pod["metadata"]["annotations"][rollout::STEP_ANNOTATION].is_string()
                && pod["status"]["phase"] == "Running"
        });
        ready.count() == 3 && pods.len() == 4
    });
    assert!(reached);
    let effect = world.look(&restart, &forecast);
    assert!(matches!(&effect, Effect::Underway(text) if text.contains(&expected)), "{effect:?}");
    let free = json!({"metadata": {"finalizers": null}});
    world.sandbox.patch_merge("pods", "shop", held, &free).expect("a patch");
    let effect = world.await_end(&restart, || world.look(&restart, &forecast));
    assert!(matches!(effect, Effect::Present(..)), "{effect:?}");
}

/// The Deployment of the sandbox under another kind and name.
fn other(kind: &str, name: &str) -> (Workload, Value) {
    let mut object = deployment(name);
    object["kind"] = json!(kind);
    if kind == "StatefulSet" {
        object["spec"]["serviceName"] = json!(name);
    } else {
        object["spec"].as_object_mut().expect("a spec").remove("replicas");
    }
    let workload = format!("{}/{name}", kind.to_lowercase());
    (Workload::try_from(workload).expect("a workload"), object)
}

#[test]
fn workloads_of_every_kind_are_restarted_together() {
    let world = World::new();
    let (database, object) = other("StatefulSet", "db");
    world.sandbox.create(object).expect("a StatefulSet");
    let (agent, object) = other("DaemonSet", "agent");
    world.sandbox.create(object).expect("a DaemonSet");
    assert!(world.sandbox.settle());
    let restart = Restart { workloads: vec![web(), database, agent] };
    let flags = flags(&[("ONE", "false")]);
    let (first, second) = world.foresee(&flags, &restart);
    assert_eq!(second.standing(Nature::Change), Standing::WillChange, "{second:?}");
    assert_eq!(world.set(&flags, &first).outcome, Outcome::Done);
    let done = world.restart(&restart, &second);
    assert_eq!(done.outcome, Outcome::Done, "{done:?}");
    let effect = world.await_end(&restart, || world.look(&restart, &second));
    assert!(matches!(effect, Effect::Present(..)), "{effect:?}");
    assert!(effect.sentence().contains("statefulset/db: 3 of 3 pods are new"), "{effect:?}");
    assert!(effect.sentence().contains("daemonset/agent: 1 of 1 pods are new"), "{effect:?}");
    for name in ["web", "db", "agent"] {
        let carried = world.carried(name, "ONE");
        assert!(!carried.is_empty() && carried.iter().all(|value| value == "false"), "{name}");
    }
    let (_, again) = world.foresee(&flags, &restart);
    assert_eq!(again.standing(Nature::Change), Standing::AlreadyThere, "{again:?}");
}

#[test]
fn a_workload_that_waits_for_its_pods_to_be_deleted_is_blocked() {
    let world = World::new();
    let (database, mut object) = other("StatefulSet", "db");
    object["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    world.sandbox.create(object).expect("a StatefulSet");
    assert!(world.sandbox.settle());
    let restart = Restart { workloads: vec![database] };
    let (_, forecast) = world.foresee(&flags(&[("ONE", "false")]), &restart);
    assert!(only_obstacle(&forecast).0.contains("OnDelete"), "{forecast:?}");
}

#[test]
fn of_two_restarts_the_one_that_failed_is_named() {
    let world = World::new();
    world.sandbox.create(deployment("api")).expect("a Deployment");
    assert!(world.sandbox.settle());
    let api = Workload::try_from("deployment/api".to_owned()).expect("a workload");
    let restart = Restart { workloads: vec![web(), api] };
    let (_, forecast) = world.foresee(&flags(&[("ONE", "false")]), &restart);
    world.sandbox.delete("deployments", "shop", "api").expect("a deletion");
    let done = world.restart(&restart, &forecast);
    assert_eq!(done.outcome, Outcome::Failed);
    assert!(done.why.starts_with("deployment/api: Error from server (NotFound)"), "{}", done.why);
    assert!(done.why.ends_with("(but deployment/web was patched)"), "{}", done.why);
    let effect = world.look(&restart, &forecast);
    assert!(matches!(&effect, Effect::Broken(why, _) if why.contains("not found")), "{effect:?}");
}

#[test]
fn a_pod_that_only_matches_the_selector_proves_nothing() {
    let world = World::new();
    let stray = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "stray", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "app", "image": "other:1"}]}});
    world.sandbox.create(stray).expect("a pod");
    assert!(world.sandbox.settle());
    let facts = world.cluster.workload(&web()).expect("web");
    assert_eq!(facts.pods.len(), 3);
}

#[test]
fn a_wait_sees_a_rollout_that_somebody_else_started() {
    let world = World::new();
    let mut object = world.sandbox.get("deployments", "shop", "web").expect("web");
    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("netra:next");
    world.sandbox.set_pod_delay(Duration::from_millis(200));
    world.sandbox.replace("deployments", "shop", "web", object).expect("a replacement");
    let look = || wait_rollout::look(&[web()], &world.setting, &world.cluster);
    assert!(matches!(look(), Effect::Underway(_)), "{:?}", look());
    let effect = world.await_end(&restart_web(), look);
    assert!(matches!(effect, Effect::Present(..)), "{effect:?}");
}

#[test]
fn what_is_shown_is_what_is_run_but_for_the_versions() {
    let world = World::new();
    let (flags, restart) = (flags(&[("ONE", "false")]), restart_web());
    let (first, second) = world.foresee(&flags, &restart);
    let shown = set_flags::commands(&flags, &world.setting, &world.mark, &first);
    let patch = r#"[{"op":"test","path":"/data/ONE","value":"true"},{"op":"replace","path":"/data/ONE","value":"false"}]"#;
    assert_eq!(shown[0].last().map(String::as_str), Some(patch));
    let shown = restart::commands(&restart, &world.setting, &world.mark, &second);
    let run = restart::resolved(&restart, &world.setting, &world.cluster, &world.mark, &second);
    let flags = world.sandbox.get("configmaps", "shop", "flags").expect("flags");
    let version = flags["metadata"]["resourceVersion"].as_str().expect("a version").to_owned();
    let filled: Vec<Vec<String>> = shown
        .iter()
        .map(|argv| argv.iter().map(|part| part.replace("<resourceVersion>", &version)).collect())
        .collect();
    assert_eq!(run, filled);
    assert_eq!(shown[0][0], "kubectl");
}
