//! `apply`: manifests of a git ref, tried first, applied from the same bytes.

use serde_json::json;

use crate::forge::remote::Remote;
use crate::sandbox::client;
use crate::scenario::{NAMESPACE, Scenario};

const CONFIGMAP: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: flags }\ndata: { A: \"1\", B: \"2\" }\n";
const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  \
    replicas: 3\n  selector: { matchLabels: { app: web } }\n  template:\n    metadata: { labels: { app: \
    web } }\n    spec:\n      containers:\n        - name: app\n          image: app:1\n          \
    envFrom: [{ configMapRef: { name: flags } }]\n";

/// A remote whose branch `good` has the manifests, and a cluster that has gone another way.
pub(super) fn scenario(remote: &Remote, at: &str, paths: &str) -> Scenario {
    remote.write("deploy/flags.yaml", CONFIGMAP);
    remote.write("deploy/web.yml", DEPLOYMENT);
    remote.write("deploy/README.md", "not a manifest");
    remote.commit("The manifests from before");
    remote.push("good");
    let scenario = Scenario::new()
        .settings(&format!(
            "apiVersion: rollback/v1\ncontext: test\nnamespace: shop\nrepository: {}\n",
            remote.url()
        ))
        .cluster()
        .configmap("flags", &[("A", "9"), ("B", "2")])
        .deployment("web", "flags")
        .component(
            "web",
            &format!(
                "methods:\n  config:\n    steps:\n      - id: apply\n        name: Apply\n        \
                 apply: {{ ref: {at}, paths: [{paths}] }}\n        timeout: 15s\n"
            ),
        );
    let patch = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "app", "image": "app:2", "envFrom": [{"configMapRef": {"name": "flags"}}]},
    ]}}}});
    scenario.world().patch_merge("deployments", NAMESPACE, "web", &patch).expect("patched");
    assert!(scenario.world().settle());
    scenario
}

#[test]
fn manifests_of_a_ref_are_shown_as_differences_applied_and_seen() {
    let remote = Remote::empty();
    let scenario = scenario(&remote, "good", "deploy");
    let before = scenario.world().digest();
    scenario
        .run(&["component", "web", "--dry-run"])
        .exits(0)
        .says("configmap/flags  data A  9 -> 1")
        .says("app image  app:2 -> app:1")
        .says("The manifests from");
    assert_eq!(scenario.world().digest(), before, "a dry-run changes nothing");
    scenario.run(&["component", "web", "--yes"]).exits(5);
    let flags = scenario.world().get("configmaps", NAMESPACE, "flags").expect("there");
    assert_eq!(flags["data"], json!({"A": "1", "B": "2"}));
    let web = scenario.world().get("deployments", NAMESPACE, "web").expect("there");
    assert_eq!(web["spec"]["template"]["spec"]["containers"][0]["image"], "app:1");
    let changes = scenario.changes().len();
    scenario.run(&["component", "web", "--yes"]).says("the cluster is as the manifests say");
    assert_eq!(scenario.changes().len(), changes, "a second time changes nothing");
}

#[test]
fn manifests_that_differ_only_in_a_reference_by_name_are_applied() {
    let remote = Remote::empty();
    let scenario = scenario(&remote, "good", "deploy/web.yml").configmap("flags-v2", &[("A", "1")]);
    let other = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "app", "image": "app:1", "envFrom": [{"configMapRef": {"name": "flags-v2"}}]},
    ]}}}});
    scenario.world().patch_merge("deployments", NAMESPACE, "web", &other).expect("patched");
    assert!(scenario.world().settle());
    scenario
        .run(&["component", "web", "--dry-run"])
        .exits(0)
        .says("configMapRef name  flags-v2 -> flags");
    scenario.run(&["component", "web", "--yes"]).exits(5);
    let web = scenario.world().get("deployments", NAMESPACE, "web").expect("there");
    let reads = &web["spec"]["template"]["spec"]["containers"][0]["envFrom"];
    assert_eq!(*reads, json!([{"configMapRef": {"name": "flags"}}]));
}

#[test]
fn a_label_that_differs_is_applied_though_the_pods_have_it_as_wanted() {
    let remote = Remote::empty();
    let text = DEPLOYMENT
        .replace("metadata: { name: web }", "metadata: { name: web, labels: { tier: gold } }")
        .replace("labels: { app: web }", "labels: { app: web, tier: gold }");
    remote.write("labelled/web.yml", &text);
    let scenario = scenario(&remote, "good", "labelled");
    scenario.run(&["component", "web", "--yes"]).exits(5);
    let label = |scenario: &Scenario| {
        let web = scenario.world().get("deployments", NAMESPACE, "web").expect("there");
        web["metadata"]["labels"]["tier"].clone()
    };
    assert_eq!(label(&scenario), "gold");
    let tin = json!({"metadata": {"labels": {"tier": "tin"}}});
    scenario.world().patch_merge("deployments", NAMESPACE, "web", &tin).expect("patched");
    scenario
        .run(&["component", "web", "--dry-run"])
        .exits(0)
        .says("deployment/web  metadata labels tier  tin -> gold");
    scenario.run(&["component", "web", "--yes"]).exits(5);
    assert_eq!(label(&scenario), "gold");
}

#[test]
fn how_many_pods_there_are_is_the_autoscaler_s_to_say() {
    let remote = Remote::empty();
    let scenario = scenario(&remote, "good", "deploy/web.yml");
    let path =
        "/apis/apps/v1/namespaces/shop/deployments/web/scale?fieldManager=kube-controller-manager";
    let five = json!({"spec": {"replicas": 5}});
    let url = scenario.world().url();
    let answer = client::send(url, "PATCH", path, "application/merge-patch+json", &five);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(scenario.world().settle());
    scenario
        .run(&["component", "web", "--dry-run"])
        .exits(0)
        .says("deployment/web is autoscaled to 5")
        .says("app image  app:2 -> app:1");
    let keep = json!({"spec": {"replicas": 5}});
    let delay = std::time::Duration::from_millis(50);
    scenario
        .world()
        .keep("kube-controller-manager", "deployments", NAMESPACE, "web", keep, delay)
        .expect("kept");
    scenario.run(&["component", "web", "--yes"]).exits(5).says("5 of 5 pods are new");
}

#[test]
fn what_a_secret_holds_is_in_no_plan_and_no_journal() {
    let remote = Remote::empty();
    let secret = |value: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{ name: keys }}\nstringData: {{ key: {value} }}\n"
        )
    };
    remote.write("deploy/keys.yaml", &secret("canary-of-before"));
    let scenario = scenario(&remote, "good", "deploy/keys.yaml").object(json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": NAMESPACE},
        "stringData": {"key": "canary-of-now"},
    }));
    let plan = scenario.run(&["component", "web", "--dry-run"]).exits(0).says("secret/keys");
    let json = scenario.run(&["component", "web", "--dry-run", "--output", "json"]).exits(0);
    scenario.run(&["component", "web", "--yes"]).exits(5);
    let keys = scenario.world().get("secrets", NAMESPACE, "keys").expect("there");
    assert_eq!(keys["data"]["key"], "Y2FuYXJ5LW9mLWJlZm9yZQ==");
    let journal: String = scenario.records().iter().map(ToString::to_string).collect();
    let said = format!("{}{}{}{journal}", plan.stdout, plan.stderr, json.stdout);
    for canary in ["canary", "Y2FuYXJ5"] {
        assert!(!said.contains(canary), "{said}");
    }
}

#[test]
fn what_is_not_there_or_not_accepted_is_blocked_before_anything_is_changed() {
    let remote = Remote::empty();
    let wrong = scenario(&remote, "goood", "deploy");
    wrong.run(&["component", "web", "--dry-run"]).exits(4).says("did you mean good?");
    let remote = Remote::empty();
    let wrong = scenario(&remote, "good", "deploy/flag.yaml");
    wrong
        .run(&["component", "web", "--dry-run"])
        .exits(4)
        .says("there is no manifest deploy/flag.yaml at good")
        .says("did you mean deploy/flags.yaml?");
    let remote = Remote::empty();
    let wrong = scenario(&remote, "good", "deploy/README.md");
    wrong
        .run(&["component", "web", "--dry-run"])
        .exits(4)
        .says("the API server refuses the manifests");
    let remote = Remote::empty();
    let forbidden = scenario(&remote, "good", "deploy");
    forbidden.world().deny("admin", "patch", "deployments", "web");
    forbidden.run(&["component", "web", "--dry-run"]).exits(4).says("forbidden");
}

/// A remote whose `feat` has other manifests than `good`, and the cluster as `feat` says.
fn migrated(remote: &Remote, at: &str) -> Scenario {
    remote.write("deploy/flags.yaml", CONFIGMAP);
    remote.commit("The manifests from before");
    remote.push("good");
    remote.write("deploy/flags.yaml", &CONFIGMAP.replace("A: \"1\"", "A: \"9\""));
    remote.commit("Migrate");
    remote.push("feat");
    Scenario::new()
        .settings(&format!(
            "apiVersion: rollback/v1\ncontext: test\nnamespace: shop\nrepository: {}\n",
            remote.url()
        ))
        .cluster()
        .object(json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "flags", "namespace": NAMESPACE, "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "{\"apiVersion\":\"v1\"}"}},
            "data": {"A": "9", "B": "2"}}))
        .deployment("web", "flags")
        .component(
            "web",
            &format!(
                "methods:\n  config:\n    steps:\n      - id: restore\n        name: Restore\n        \
                 restore_files: {{ branch: feat, from: good, paths: [deploy], message: Back }}\n      \
                 - {{ id: apply, name: Apply, apply: {{ ref: \"{at}\", paths: [deploy] }} }}\n      \
                 - {{ name: Restart, restart: [deployment/web] }}\n"
            ),
        )
}

#[test]
fn manifests_of_a_branch_that_a_step_before_restores_are_those_that_it_restored() {
    for (at, says) in [
        ("feat", "an earlier step changes feat first"),
        ("${steps.restore.sha}", "an earlier step says what `${steps.restore.sha}` is"),
    ] {
        let remote = Remote::empty();
        let scenario = migrated(&remote, at);
        let plan = scenario.run(&["component", "web", "--dry-run"]).exits(0).says(says);
        assert!(!plan.stdout.contains("the cluster is as the manifests say"), "{}", plan.stdout);
        scenario.run(&["component", "web", "--yes"]).exits(5);
        let flags = scenario.world().get("configmaps", NAMESPACE, "flags").expect("there");
        assert_eq!(flags["data"], json!({"A": "1", "B": "2"}), "{at}");
        assert_eq!(scenario.carried("web", "A"), ["1", "1", "1"], "{at}");
        // Restored already: what it says now is what it will say.
        let plan = scenario.run(&["component", "web", "--dry-run"]).exits(0);
        assert!(plan.stdout.contains("restored already by"), "{}", plan.stdout);
    }
}
