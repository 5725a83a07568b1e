//! What must hold on every cluster, seen by kubectl alone: on the sandbox always, and on a real
//! cluster as well where `ROLLBACK_TEST_KUBECONFIG` names the kubeconfig of one. Each test has a
//! namespace of its own there, made before and deleted after it.
//!
//! `ROLLBACK_TEST_IMAGES` are two tags of an image that does nothing, old and new, as the cluster can
//! pull them. Faults that only the sandbox can make are tested elsewhere.

use std::collections::BTreeSet;
use std::process::{Child, Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rollback::sandbox::{Options, Sandbox};
use serde_json::{Value, json};

use crate::scenario::Scenario;

/// Where a real cluster is.
const REAL: &str = "ROLLBACK_TEST_KUBECONFIG";

/// A cluster, a namespace in it, and a catalog that names both.
struct Place {
    what: &'static str,
    scenario: Scenario,
    namespace: String,
    context: String,
    images: [String; 2],
    sandbox: Option<Sandbox>,
}

impl Place {
    fn sandbox() -> Place {
        let (scenario, sandbox) = (Scenario::new(), Sandbox::start(Options::default()));
        let sandbox = sandbox.expect("the sandbox starts");
        let kubeconfig = scenario.path("kubeconfig");
        sandbox.write_kubeconfig(&kubeconfig, "test", "default", "admin").expect("a kubeconfig");
        let kubeconfig = kubeconfig.display().to_string();
        Place::new("sandbox", scenario, &kubeconfig, Some(sandbox))
    }

    fn real() -> Option<Place> {
        let kubeconfig = std::env::var(REAL).ok().filter(|path| !path.is_empty())?;
        let kubeconfig = std::path::absolute(kubeconfig).expect("a path").display().to_string();
        Some(Place::new("real cluster", Scenario::new(), &kubeconfig, None))
    }

    fn new(
        what: &'static str,
        scenario: Scenario,
        kubeconfig: &str,
        sandbox: Option<Sandbox>,
    ) -> Place {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        let namespace = format!("rollback-test-{}-{number}", std::process::id());
        let images = std::env::var("ROLLBACK_TEST_IMAGES").unwrap_or_default();
        let mut images = images.split_whitespace().map(str::to_owned);
        let mut image = |otherwise: &str| {
            images.next().unwrap_or_else(|| format!("registry.k8s.io/{otherwise}"))
        };
        let images = [image("pause:3.9"), image("pause:3.10")];
        let scenario = scenario.env("KUBECONFIG", kubeconfig);
        let mut place =
            Place { what, scenario, namespace, context: String::new(), images, sandbox };
        place.context = place.kubectl(&["config", "current-context"]);
        place.kubectl(&["create", "namespace", &place.namespace.clone()]);
        let settings = format!(
            "apiVersion: rollback/v1\ncontext: {}\nnamespace: {}\ntimeout: 2m\n",
            place.context, place.namespace
        );
        place.write("rollback.yaml", &settings);
        place
    }

    fn start(&self, arguments: &[&str]) -> Output {
        let mut kubectl = Command::new("kubectl");
        kubectl.args(arguments).env("KUBECONFIG", self.scenario.env_of("KUBECONFIG"));
        kubectl.env("HOME", self.scenario.path("home")).output().expect("kubectl starts")
    }

    /// What kubectl prints.
    fn kubectl(&self, arguments: &[&str]) -> String {
        let output = self.start(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: kubectl {arguments:?}: {said}", self.what);
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.scenario.path("runbooks").join(file), text).expect("written");
    }

    fn create(&self, object: &Value) {
        let file = self.scenario.path("object.json");
        std::fs::write(&file, object.to_string()).expect("written");
        let file = file.display().to_string();
        self.kubectl(&["-n", &self.namespace, "create", "-f", &file]);
    }

    fn get(&self, what: &[&str], path: &str) -> String {
        let form = format!("-o=jsonpath={path}");
        let arguments = [&["-n", &self.namespace, "get"], what, &[form.as_str()]].concat();
        self.kubectl(&arguments)
    }

    /// Flags in a ConfigMap, and two pods that read them.
    fn with_a_workload(self, env: &Value) -> Place {
        self.create(&json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "flags"}, "data": {"NEW_CODE": "true"}}));
        self.create(&json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web"},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "containers": [{"name": "app", "image": self.images[0], "env": env,
                        "resources": {"limits": {"cpu": "10m", "memory": "16Mi"}},
                        "envFrom": [{"configMapRef": {"name": "flags"}}]}]}}}}));
        self.rolled_out();
        self
    }

    fn rolled_out(&self) {
        let namespace = self.namespace.as_str();
        self.kubectl(&["-n", namespace, "rollout", "status", "deployment/web", "--timeout=120s"]);
    }

    /// The pods that are not about to go.
    fn pods(&self) -> BTreeSet<String> {
        let namespace = self.namespace.as_str();
        let list = self.kubectl(&["-n", namespace, "get", "pods", "-l", "app=web", "-o", "json"]);
        let list: Value = serde_json::from_str(&list).expect("JSON");
        let pods = list["items"].as_array().expect("a list").iter().map(|pod| &pod["metadata"]);
        let staying = pods.filter(|pod| pod["deletionTimestamp"].is_null());
        staying.filter_map(|pod| pod["uid"].as_str().map(str::to_owned)).collect()
    }

    /// The component `web`, with these steps.
    fn steps(self, steps: &str) -> Place {
        let head = "apiVersion: rollback/v1\nlevel: component\nname: web\ntitle: Web\n";
        self.write("components/web.yaml", &format!("{head}methods:\n  flag:\n    steps:\n{steps}"));
        self
    }

    /// Writes which test ran where, so that nobody takes the sandbox for the real thing.
    fn says(&self, test: &str) {
        eprintln!("{test}: holds on the {}", self.what);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.sandbox.is_none() {
            let _ = self.start(&["delete", "namespace", &self.namespace, "--wait=false"]);
        }
    }
}

/// Holds a test to every cluster there is.
fn everywhere(name: &str, test: impl Fn(Place)) {
    for place in [Some(Place::sandbox()), Place::real()].into_iter().flatten() {
        eprintln!("{name}: on the {}", place.what);
        test(place);
    }
}

const SET_AND_RESTART: &str = "      - name: Off\n        set_flags: { configmap: flags, flags: { NEW_CODE: \
                               \"false\" } }\n      - name: Restart\n        restart: [deployment/web]\n";

const DRY_RUN: [&str; 5] = ["component", "web", "--dry-run", "--output", "json"];
const RUN: [&str; 3] = ["component", "web", "--yes"];

#[test]
fn on_every_cluster_a_flag_is_set_the_pods_are_new_and_a_second_run_touches_nothing() {
    everywhere("set and restart", |place| {
        let place = place.with_a_workload(&json!([])).steps(SET_AND_RESTART);
        let before = place.pods();
        let plan = place.scenario.run(&DRY_RUN).exits(0).json();
        assert_eq!(plan["steps"][0]["changes"][0]["from"], "true");
        assert_eq!(place.pods(), before, "a dry-run changes nothing");
        place.scenario.run(&RUN).exits(5).says("2 of 2 pods are new and ready");
        assert_eq!(place.get(&["configmap/flags"], "{.data.NEW_CODE}"), "false");
        let after = place.pods();
        assert_eq!(after.len(), 2, "{after:?}");
        assert!(after.is_disjoint(&before), "{before:?} {after:?}");
        place.scenario.run(&RUN).exits(5).says("already there");
        assert_eq!(place.pods(), after);
        place.says("set and restart");
    });
}

#[test]
fn on_every_cluster_a_template_is_put_back_by_its_content() {
    everywhere("undo", |place| {
        let place = place.with_a_workload(&json!([])).steps(
            "      - name: Undo\n        rollout_undo: { workload: deployment/web }\n        timeout: 90s\n",
        );
        let image = "{.spec.template.spec.containers[0].image}";
        let set = format!("app={}", place.images[1]);
        place.kubectl(&["-n", &place.namespace, "set", "image", "deployment/web", &set]);
        place.rolled_out();
        assert_eq!(place.get(&["deployment/web"], image), place.images[1]);
        place.scenario.run(&RUN).exits(5);
        assert_eq!(place.get(&["deployment/web"], image), place.images[0]);
        place.rolled_out();
        place.says("undo");
    });
}

#[test]
fn on_every_cluster_a_quota_that_refuses_new_pods_is_known_before_anything_is_changed() {
    everywhere("quota", |place| {
        let place = place.with_a_workload(&json!([])).steps(SET_AND_RESTART);
        place.create(&json!({"apiVersion": "v1", "kind": "ResourceQuota",
            "metadata": {"name": "two"}, "spec": {"hard": {"pods": "2"}}}));
        let until = Instant::now() + Duration::from_secs(60);
        // A control plane takes a moment to count what is there already.
        while !place.scenario.run(&DRY_RUN).stdout.contains("exceeded quota") {
            assert!(Instant::now() < until, "the quota is counted");
        }
        place.scenario.run(&RUN).exits(4).says("exceeded quota");
        assert_eq!(place.get(&["configmap/flags"], "{.data.NEW_CODE}"), "true");
        place.says("quota");
    });
}

#[test]
fn on_every_cluster_a_value_that_the_container_overrides_is_named() {
    everywhere("override", |place| {
        let literal = json!([{"name": "NEW_CODE", "value": "true"}]);
        let place = place.with_a_workload(&literal).steps(SET_AND_RESTART);
        place.scenario.run(&RUN).exits(4).says("has its own NEW_CODE=true");
        assert_eq!(place.get(&["configmap/flags"], "{.data.NEW_CODE}"), "true");
        place.says("override");
    });
}

#[test]
fn on_every_cluster_what_is_not_there_is_named_with_what_is() {
    everywhere("missing", |place| {
        let place = place.with_a_workload(&json!([])).steps(
            "      - name: Off\n        set_flags: { configmap: flag, flags: { NEW_CODE: \"false\" } }\n      \
             - name: Restart\n        restart: [deployment/wep]\n",
        );
        place.scenario.run(&RUN).exits(4).says("configmap/flag").says("deployment/wep");
        place.says("missing");
    });
}

/// New pods count as available only after a while: time enough to be met in the middle of it.
fn slowed(place: Place) -> Place {
    let slow = json!({"spec": {"minReadySeconds": 3}}).to_string();
    place.kubectl(&["-n", &place.namespace, "patch", "deployment/web", "-p", &slow]);
    place.rolled_out();
    place
}

/// A run that has asked for new pods and waits for them.
fn in_its_rollout(place: &Place) -> Child {
    let run = place.scenario.start(&RUN);
    let mark = "{.spec.template.metadata.annotations.rollback\\.dev/step}";
    let until = Instant::now() + Duration::from_secs(60);
    while place.get(&["deployment/web"], mark).is_empty() {
        assert!(Instant::now() < until, "{}: new pods are asked for", place.what);
    }
    run
}

#[test]
fn on_every_cluster_a_run_that_was_killed_in_its_rollout_goes_on_and_restarts_nothing_again() {
    everywhere("resume", |place| {
        let place = slowed(place.with_a_workload(&json!([])).steps(SET_AND_RESTART));
        let before = place.pods();
        let mut run = in_its_rollout(&place);
        run.kill().expect("killed");
        run.wait().expect("reaped");
        let generation = place.get(&["deployment/web"], "{.metadata.generation}");
        place.scenario.run(&["resume", "--yes"]).exits(5).says("2 of 2 pods are new and ready");
        assert_eq!(place.get(&["deployment/web"], "{.metadata.generation}"), generation);
        assert!(place.pods().is_disjoint(&before));
        place.says("resume");
    });
}

#[test]
fn on_every_cluster_a_second_machine_is_kept_out_by_the_lease_until_the_first_is_done() {
    everywhere("lock", |place| {
        let place = slowed(place.with_a_workload(&json!([])).steps(SET_AND_RESTART));
        let run = in_its_rollout(&place);
        let mut elsewhere = place.scenario.command(&RUN);
        elsewhere.env("XDG_STATE_HOME", place.scenario.path("elsewhere"));
        let refused = elsewhere.output().expect("rollback starts");
        assert_eq!(refused.status.code(), Some(7), "{refused:?}");
        let ended = run.wait_with_output().expect("it ends");
        assert_eq!(ended.status.code(), Some(5), "{ended:?}");
        let leases = place.get(&["leases"], "{.items[*].metadata.name}");
        assert_eq!(leases, "", "the lock is given back");
        place.says("lock");
    });
}

#[test]
fn on_every_cluster_new_pods_that_never_start_are_named_and_the_old_ones_left_alone() {
    everywhere("broken", |place| {
        let place = place.with_a_workload(&json!([])).steps(
            "      - name: Wait\n        wait: { rollout: deployment/web }\n        timeout: 2m\n",
        );
        let before = place.pods();
        // Crashes in the sandbox; elsewhere there is no such image.
        let image = format!("{}-no-such-tag", place.images[0]);
        let container = json!({"name": "app", "image": image,
            "env": [{"name": "CRASH", "value": "true"}]});
        let broken = json!({"spec": {"template": {"spec": {"containers": [container]}}}});
        place.kubectl(&[
            "-n",
            &place.namespace,
            "patch",
            "deployment/web",
            "-p",
            &broken.to_string(),
        ]);
        let ended =
            place.scenario.run(&["component", "web", "--yes", "--output", "jsonl"]).exits(1);
        let step = ended.lines().into_iter().find(|line| line["type"] == "step_ended");
        let step = step.expect("the step ended");
        assert_eq!(step["outcome"], "failed", "{}: not only at the timeout: {step}", place.what);
        let why = step["why"].as_str().expect("a sentence");
        assert!(why.contains("web-") && why.contains("Back"), "{}: {why}", place.what);
        assert!(place.pods().intersection(&before).next().is_some(), "old pods still serve");
        place.says("broken");
    });
}

#[test]
fn on_every_cluster_a_dry_run_writes_nothing() {
    everywhere("dry-run", |place| {
        let steps = format!(
            "{SET_AND_RESTART}      - name: Undo\n        rollout_undo: {{ workload: deployment/web, \
             to: {{ image: \"{}\" }} }}\n",
            place.images[0]
        );
        let place = place.with_a_workload(&json!([])).steps(&steps);
        let everything = |place: &Place| {
            let kinds = "configmaps,deployments,replicasets,pods,leases,events";
            let each =
                "{range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}\n{end}";
            place.get(&[kinds], each)
        };
        let before = everything(&place);
        place.scenario.run(&DRY_RUN).exits_one_of(&[0, 4]);
        assert_eq!(everything(&place), before, "{}", place.what);
        place.says("dry-run");
    });
}
