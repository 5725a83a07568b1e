//! The same for the steps that put whole templates and manifests in place: `rollout_undo`, `apply`,
//! `restore_snapshot`.

use serde_json::{Value, json};

use super::doubt::{at_every_point, one, resume};
use crate::forge::remote::Remote;
use crate::locks::which;
use crate::scenario::{NAMESPACE, Scenario};

/// A ConfigMap and a workload, as they are before the migration.
fn before(scenario: Scenario) -> Scenario {
    scenario
        .cluster()
        .configmap("flags", &[("NEW_CODE", "false"), ("GONE", "kept")])
        .deployment("web", "flags")
}

/// The migration: a flag changed, one added, one removed, another image.
fn migrate(scenario: &Scenario) {
    let data = json!({"data": {"NEW_CODE": "true", "ADDED": "yes", "GONE": null}});
    scenario.world().patch_merge("configmaps", NAMESPACE, "flags", &data).expect("patched");
    let image = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "app", "image": "app:2", "envFrom": [{"configMapRef": {"name": "flags"}}]},
    ]}}}});
    scenario.world().patch_merge("deployments", NAMESPACE, "web", &image).expect("patched");
    assert!(scenario.world().settle());
}

/// The workload has its first template again, after one change of it, and every pod is of it.
fn is_back_after_one_change(scenario: &Scenario, place: &str) {
    let web = scenario.world().get("deployments", NAMESPACE, "web").expect("there");
    assert_eq!(web["spec"]["template"]["spec"]["containers"][0]["image"], "app:1", "{place}");
    assert_eq!(web["metadata"]["generation"], 3, "{place}: changed once");
    let pods = scenario.world().list("pods", NAMESPACE);
    let old = |pod: &&Value| pod["spec"]["containers"][0]["image"] != "app:1";
    assert_eq!(pods.iter().filter(old).count(), 0, "{place}: no pod is left of the broken one");
}

fn undo() -> Scenario {
    let scenario = before(Scenario::new());
    migrate(&scenario);
    one(scenario, "name: Back\nrollout_undo: { workload: deployment/web }")
}

fn restore() -> Scenario {
    let scenario = one(before(Scenario::new()), "name: Restore\nrestore_snapshot: before");
    let named = ["--configmap", "flags", "--workload", "deployment/web"];
    scenario.run(&[&["snapshot", "before"][..], &named].concat()).exits(0);
    migrate(&scenario);
    scenario
}

const CONFIGMAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: flags }\ndata: { NEW_CODE: \"false\", GONE: kept }\n";
const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  \
    replicas: 3\n  selector: { matchLabels: { app: web } }\n  template:\n    metadata: { labels: { app: \
    web } }\n    spec:\n      containers:\n        - name: app\n          image: app:1\n          \
    envFrom: [{ configMapRef: { name: flags } }]\n";

/// A remote whose branch `good` has the manifests from before.
fn manifests() -> Remote {
    let remote = Remote::empty();
    remote.write("deploy/flags.yaml", CONFIGMAP);
    remote.write("deploy/web.yaml", DEPLOYMENT);
    remote.commit("The manifests from before");
    remote.push("good");
    remote
}

fn apply(remote: &Remote) -> Scenario {
    let settings = format!(
        "apiVersion: rollback/v1\ncontext: test\nnamespace: shop\nrepository: {}\n",
        remote.url()
    );
    let scenario = before(Scenario::new().settings(&settings));
    migrate(&scenario);
    one(scenario, "name: Apply\napply: { ref: good, paths: [deploy] }")
}

/// What each kind leaves behind, however often it was begun.
fn is_done_once(scenario: &Scenario, kind: &str, place: &str) {
    is_back_after_one_change(scenario, place);
    // `apply` leaves alone what the manifests do not name; a snapshot names every key.
    let (expected, objects) = match kind {
        "rollout_undo" => (json!({"NEW_CODE": "true", "ADDED": "yes"}), 1),
        "apply" => (json!({"NEW_CODE": "false", "ADDED": "yes", "GONE": "kept"}), 2),
        _ => (json!({"NEW_CODE": "false", "GONE": "kept"}), 2),
    };
    let flags = scenario.world().get("configmaps", NAMESPACE, "flags").expect("there");
    assert_eq!(flags["data"], expected, "{place}");
    assert_eq!(scenario.changes().len(), objects, "{place}: {:?}", scenario.changes());
}

#[test]
#[ignore = "nightly: a loop over every point"]
fn templates_and_manifests_are_put_back_once_wherever_the_run_is_killed() {
    let remote = manifests();
    let kinds: [(&str, &dyn Fn() -> Scenario); 3] =
        [("rollout_undo", &undo), ("restore_snapshot", &restore), ("apply", &|| apply(&remote))];
    for (kind, make) in kinds {
        let hit = at_every_point(make, |it| it, &[], |it, _, place| is_done_once(it, kind, place));
        eprintln!("{kind} killed at {hit} points: each object changed once each time");
    }
}

/// A kubectl that kills the run once, as soon as it is told to change something.
fn deadly(scenario: Scenario, act: &str) -> Scenario {
    let (once, kubectl) = (scenario.path("once"), which("kubectl"));
    let act = act.replace("KUBECTL", &kubectl.display().to_string());
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in\n  *\" --dry-run=server \"*) ;;\n  *\" patch \"*|*\" apply \"*)\n    \
         if mkdir {0} 2>/dev/null; then\n      {act}\n    fi;;\nesac\nexec {1} \"$@\"\n",
        once.display(),
        kubectl.display()
    );
    scenario.program("kubectl", &script)
}

/// The run is killed at its first change; then it is resumed to its end.
fn killed_and_resumed(scenario: &Scenario) {
    assert_eq!(scenario.run(&["component", "one", "--yes"]).code, None, "it is killed");
    resume(scenario, &[]).exits(5);
}

#[test]
fn templates_and_manifests_are_put_back_once_by_a_run_that_dies_while_kubectl_works() {
    let remote = manifests();
    for (kind, scenario) in
        [("rollout_undo", undo()), ("restore_snapshot", restore()), ("apply", apply(&remote))]
    {
        let scenario = deadly(scenario, "kill -9 $PPID");
        killed_and_resumed(&scenario);
        is_done_once(&scenario, kind, kind);
    }
}

#[test]
fn of_manifests_that_arrived_in_part_only_the_rest_is_changed_by_the_resume() {
    let remote = manifests();
    // The first of two objects is applied; then kubectl and the run die together.
    let half = "awk '/^# deploy.web/ { exit } { print }' | KUBECTL \"$@\"; kill -9 $PPID; exit 1";
    let scenario = deadly(apply(&remote), half);
    killed_and_resumed(&scenario);
    is_done_once(&scenario, "apply", "after one object of two");
    let records = scenario.records();
    let doubt = records.iter().find(|it| it["type"] == "doubt_resolved").expect("it was asked");
    assert_eq!((&doubt["effect"], &doubt["by"]), (&json!("partly"), &json!("world")));
}
