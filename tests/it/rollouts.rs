//! What "rolled out" means: every way in which `kubectl rollout status` is content, or silent, though
//! the new pods are not there, not all of them, or not only they. No run may end well.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::scenario::{NAMESPACE, Scenario};

const RESTART: &str = "restart: [deployment/web]";
const UNDO: &str = "rollout_undo: { workload: deployment/web, to: { revision: 2 } }";
const PATIENCE: Duration = Duration::from_secs(30);

/// One lie: what is done in which world, and what is to be said of it.
struct Lie {
    name: &'static str,
    step: &'static str,
    timeout: &'static str,
    spoil: fn(&Scenario),
    exit: i32,
    says: &'static str,
}

fn workload(kind: &str, name: &str) -> Value {
    let mut object = json!({"apiVersion": "apps/v1", "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "app", "image": "app:1",
                    "envFrom": [{"configMapRef": {"name": "flags"}}]}]}}}});
    match kind {
        "StatefulSet" => {
            object["spec"]["serviceName"] = json!(name);
            object["spec"]["replicas"] = json!(2);
        }
        "Deployment" => object["spec"]["replicas"] = json!(3),
        _ => {}
    }
    object
}

fn patch(scenario: &Scenario, resource: &str, name: &str, patch: &Value) {
    scenario.world().patch_merge(resource, NAMESPACE, name, patch).expect("patched");
}

/// A container of another image or with another environment.
fn container(image: &str, env: &Value) -> Value {
    json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": image,
        "env": env, "envFrom": [{"configMapRef": {"name": "flags"}}]}]}}}})
}

/// `web` had this image before the present one.
fn was(scenario: &Scenario, image: &str) {
    let none = json!([]);
    patch(scenario, "deployments", "web", &container(image, &none));
    // A broken image never settles; its ReplicaSet is all that is needed.
    assert!(scenario.world().wait_until(PATIENCE, |view| {
        let sets = view.list("replicasets", NAMESPACE);
        sets.iter().any(|set| set["spec"]["template"]["spec"]["containers"][0]["image"] == image)
    }));
    patch(scenario, "deployments", "web", &container("app:2", &none));
    assert!(scenario.world().settle());
}

/// The API server lets nobody make pods, and says so only to the controllers.
fn exhausted(scenario: &Scenario) {
    let pods = scenario.world().list("pods", NAMESPACE).len().to_string();
    scenario
        .world()
        .create(json!({"apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "few", "namespace": NAMESPACE}, "spec": {"hard": {"pods": pods}}}))
        .expect("a quota");
    scenario.world().deny("admin", "create", "pods", "*");
    assert!(scenario.world().settle());
}

fn hold(scenario: &Scenario, finalizers: &Value) {
    let pods = scenario.world().list("pods", NAMESPACE);
    let pod = pods[0]["metadata"]["name"].as_str().expect("a name");
    patch(scenario, "pods", pod, &json!({"metadata": {"finalizers": finalizers}}));
}

fn looping(scenario: &Scenario) {
    scenario.world().wait_until(PATIENCE, |view| {
        view.list("pods", NAMESPACE).iter().any(|pod| {
            let status = &pod["status"]["containerStatuses"][0];
            status["state"]["waiting"]["reason"] == "CrashLoopBackOff"
        })
    });
}

const LIES: &[Lie] = &[
    Lie {
        name: "the new pods crash in a loop",
        step: RESTART,
        timeout: "30s",
        spoil: |it| {
            let env = json!([{"name": "CRASH_WHEN", "value": "restarted"}]);
            patch(it, "deployments", "web", &container("app:1", &env));
            assert!(it.world().settle());
        },
        exit: 1,
        says: "CrashLoopBackOff",
    },
    Lie {
        name: "a DaemonSet's new pods crash in a loop",
        step: "restart: [daemonset/agent]",
        timeout: "30s",
        spoil: |it| {
            it.world().create(workload("DaemonSet", "agent")).expect("created");
            let env = json!([{"name": "CRASH_WHEN", "value": "restarted"}]);
            patch(it, "daemonsets", "agent", &container("app:1", &env));
            assert!(it.world().settle());
        },
        exit: 1,
        says: "CrashLoopBackOff",
    },
    Lie {
        name: "the image cannot be pulled",
        step: UNDO,
        timeout: "30s",
        spoil: |it| was(it, "app:missing"),
        exit: 1,
        says: "ImagePullBackOff",
    },
    Lie {
        name: "readiness never comes",
        step: UNDO,
        timeout: "6s",
        spoil: |it| was(it, "app:unready"),
        exit: 1,
        says: "Readiness probe failed",
    },
    Lie {
        name: "the progress deadline passes",
        step: UNDO,
        timeout: "30s",
        spoil: |it| {
            patch(it, "deployments", "web", &json!({"spec": {"progressDeadlineSeconds": 2}}));
            was(it, "app:unready");
        },
        exit: 1,
        says: "makes no progress",
    },
    Lie {
        name: "a Deployment's pods are refused by a quota",
        step: RESTART,
        timeout: "30s",
        spoil: exhausted,
        exit: 1,
        says: "exceeded quota: few",
    },
    Lie {
        name: "a quota that the survey can see",
        step: RESTART,
        timeout: "30s",
        spoil: |it| {
            exhausted(it);
            it.world().clear_denials();
        },
        exit: 4,
        says: "exceeded quota: few",
    },
    Lie {
        name: "an old pod is held by a finalizer",
        step: RESTART,
        timeout: "3s",
        spoil: |it| hold(it, &json!(["example.com/hold"])),
        exit: 1,
        says: "not drained",
    },
    Lie {
        name: "the Deployment is paused",
        step: RESTART,
        timeout: "30s",
        spoil: |it| patch(it, "deployments", "web", &json!({"spec": {"paused": true}})),
        exit: 4,
        says: "is paused",
    },
    Lie {
        name: "the StatefulSet has a partition",
        step: "restart: [statefulset/db]",
        timeout: "30s",
        spoil: |it| {
            let mut set = workload("StatefulSet", "db");
            set["spec"]["updateStrategy"] =
                json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}});
            it.world().create(set).expect("created");
            assert!(it.world().settle());
        },
        exit: 4,
        says: "has partition 1",
    },
    Lie {
        name: "the StatefulSet is OnDelete",
        step: "restart: [statefulset/db]",
        timeout: "30s",
        spoil: |it| {
            let mut set = workload("StatefulSet", "db");
            set["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
            it.world().create(set).expect("created");
            assert!(it.world().settle());
        },
        exit: 4,
        says: "OnDelete",
    },
    Lie {
        name: "an ordered StatefulSet waits for a broken pod",
        step: "restart: [statefulset/db]",
        timeout: "30s",
        spoil: |it| {
            let mut set = workload("StatefulSet", "db");
            set["spec"]["template"]["spec"]["containers"][0]["env"] =
                json!([{"name": "CRASH", "value": "true"}]);
            it.world().create(set).expect("created");
            looping(it);
        },
        exit: 1,
        says: "kubectl delete pod db-0",
    },
    Lie {
        name: "a pod carries the old value of the flag",
        step: "restart: [deployment/web]",
        timeout: "30s",
        spoil: |it| {
            let env = json!([{"name": "NEW_CODE", "value": "true"}]);
            patch(it, "deployments", "web", &container("app:1", &env));
            assert!(it.world().settle());
        },
        exit: 4,
        says: "does not reach it",
    },
];

/// What a run of a lie said, wrong or right, and how long it took.
fn tell(lie: &Lie) -> (Option<String>, Duration) {
    let body = format!(
        "methods:\n  flag:\n    steps:\n      - name: Set\n        set_flags: {{ configmap: flags, \
         flags: {{ NEW_CODE: \"false\" }} }}\n      - name: Roll\n        {}\n        timeout: {}\n",
        lie.step, lie.timeout
    );
    let scenario = Scenario::new()
        .cluster()
        .configmap("flags", &[("NEW_CODE", "true")])
        .deployment("web", "flags")
        .component("it", &body);
    (lie.spoil)(&scenario);
    let begun = Instant::now();
    let output = scenario.command(&["component", "it", "--yes"]).output().expect("it runs");
    let took = begun.elapsed();
    // What is still held does not keep the sandbox from ending.
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let right = output.status.code() == Some(lie.exit) && flat.contains(lie.says);
    ((!right).then(|| format!("{}: {:?}\n{said}\n", lie.name, output.status.code())), took)
}

#[test]
fn no_lie_of_a_rollout_is_taken_for_rolled_out() {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let told = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    let Some(lie) = LIES.get(index) else { break };
                    let (wrong, took) = tell(lie);
                    told.lock().expect("a lock").push((lie, wrong, took));
                }
            });
        }
    });
    let told = told.into_inner().expect("a lock");
    let mut wrong = String::new();
    for text in told.iter().filter_map(|(_, wrong, _)| wrong.as_ref()) {
        let _ = writeln!(wrong, "{text}");
    }
    let waits = |lie: &Lie| lie.timeout != "30s" || lie.name.contains("deadline");
    let soon = told.iter().filter(|(lie, ..)| lie.exit == 1 && !waits(lie)).map(|it| it.2).max();
    super::locks::contention::eprintln_figures(&format!(
        "{} lies of a rollout: {} taken for rolled out or not named; what breaks for good was said \
         within {:.1} s",
        told.len(),
        told.iter().filter(|(_, wrong, _)| wrong.is_some()).count(),
        soon.unwrap_or_default().as_secs_f64()
    ));
    assert!(wrong.is_empty(), "{wrong}");
}
