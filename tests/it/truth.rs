//! What a run says when the world does not keep still: put back by somebody, done already, half of
//! the catalog gone.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::forge::remote::Remote;
use super::scenario::{Endpoint, NAMESPACE, Scenario};

const PATIENCE: Duration = Duration::from_secs(20);

/// A flag that is wrong, a backend that reads it, and checks against `endpoint`.
fn flagged(endpoint: &Endpoint, within: &str) -> Scenario {
    let body = format!(
        "methods:\n  flag:\n    budget: 30s\n    steps:\n      - name: Turn the flag off\n        \
         set_flags: {{ configmap: flags, flags: {{ NEW_CODE: \"false\" }} }}\n      - name: \
         Restart the backend\n        restart: [deployment/backend]\nrecovered_when:\n  - http: \
         {{ url: \"{}\" }}\n    within: {within}\n",
        endpoint.url("/health")
    );
    Scenario::new()
        .cluster()
        .configmap("flags", &[("NEW_CODE", "true")])
        .deployment("backend", "flags")
        .component("dispatcher", &body)
}

/// The uids of all pods.
fn pods(scenario: &Scenario) -> Vec<String> {
    let pods = scenario.world().list("pods", NAMESPACE);
    pods.iter().map(|pod| pod["metadata"]["uid"].as_str().expect("a uid").to_owned()).collect()
}

fn flag_is(scenario: &Scenario, value: &str) -> bool {
    scenario.world().wait_until(PATIENCE, |view| {
        let flags = view.get("configmaps", NAMESPACE, "flags").expect("there");
        flags["data"]["NEW_CODE"] == value
    })
}

#[test]
fn a_second_run_changes_nothing_restarts_no_pod_and_says_so() {
    let endpoint = Endpoint::status(503);
    let scenario = flagged(&endpoint, "1s");
    scenario.run(&["component", "dispatcher", "--yes"]).exits(5);
    let (pods_before, changes) = (pods(&scenario), scenario.changes().len());
    endpoint.answers(|_| (200, String::new()));
    scenario.run(&["component", "dispatcher", "--yes"]).exits(0).says("already there");
    assert_eq!(scenario.changes().len(), changes);
    assert_eq!(pods(&scenario), pods_before);
    assert_eq!(scenario.carried("backend", "NEW_CODE"), ["false", "false", "false"]);
}

#[test]
fn pods_that_are_older_than_a_flag_are_not_there_though_the_flag_is() {
    let endpoint = Endpoint::status(503);
    let scenario = flagged(&endpoint, "1s");
    let fixed = json!({"data": {"NEW_CODE": "false"}});
    scenario.world().patch_merge("configmaps", NAMESPACE, "flags", &fixed).expect("patched");
    let before = pods(&scenario);
    scenario.run(&["component", "dispatcher", "--yes"]).exits(5);
    assert!(pods(&scenario).iter().all(|pod| !before.contains(pod)));
    assert_eq!(scenario.carried("backend", "NEW_CODE"), ["false", "false", "false"]);
}

#[test]
fn a_flag_that_is_put_back_at_once_is_no_success_and_names_who_did_it() {
    let endpoint = Endpoint::status(503);
    let scenario = flagged(&endpoint, "1s");
    let wanted = json!({"data": {"NEW_CODE": "true"}});
    scenario
        .world()
        .keep("argocd-controller", "configmaps", NAMESPACE, "flags", wanted, Duration::ZERO)
        .expect("kept");
    scenario
        .run(&["component", "dispatcher", "--yes"])
        .exits(1)
        .says("it did not stick")
        .says("argocd-controller");
    assert!(flag_is(&scenario, "true"));
}

#[test]
fn a_flag_that_is_put_back_before_the_verdict_is_seen_there() {
    let endpoint = Endpoint::status(503);
    let scenario = flagged(&endpoint, "20s");
    let child = scenario.start(&["component", "dispatcher", "--yes"]);
    let until = Instant::now() + PATIENCE;
    while endpoint.asked().len() < 3 {
        assert!(Instant::now() < until, "the endpoint is not asked");
        std::thread::sleep(Duration::from_millis(5));
    }
    let back = json!({"data": {"NEW_CODE": "true"}});
    scenario.world().patch_merge("configmaps", NAMESPACE, "flags", &back).expect("patched");
    endpoint.answers(|_| (200, String::new()));
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("did not stick") && said.contains("NEW_CODE is true"), "{said}");
}

#[test]
fn with_now_the_first_step_waits_for_nothing_but_its_own_survey() {
    let endpoint = Endpoint::status(503);
    let scenario = flagged(&endpoint, "1s");
    scenario.run(&["component", "dispatcher", "--yes", "--now"]).exits(5);
    assert_eq!(scenario.carried("backend", "NEW_CODE"), ["false", "false", "false"]);
}

#[test]
fn what_argo_cd_owns_is_named_before_it_is_changed() {
    let endpoint = Endpoint::status(503);
    let scenario = flagged(&endpoint, "1s");
    let label = json!({"metadata": {"labels": {"argocd.argoproj.io/instance": "shop"}}});
    scenario.world().patch_merge("configmaps", NAMESPACE, "flags", &label).expect("patched");
    scenario
        .run(&["component", "dispatcher", "--dry-run"])
        .exits(0)
        .says("Argo CD (application shop) owns configmap/flags")
        .says("pause its sync");
}

#[test]
fn the_flags_of_a_catalog_are_shown_as_the_pods_carry_them() {
    let endpoint = Endpoint::status(200);
    let scenario = flagged(&endpoint, "1s");
    let text = scenario.run(&["flags"]).exits(0).stdout;
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(text.contains("deployment/backend app  env NEW_CODE"), "{text}");
    scenario.run(&["component", "dispatcher", "--yes"]).exits(5);
    let value = scenario.run(&["flags", "--output", "json"]).exits(0).json();
    let flag = &value["environments"][0]["flags"][0];
    assert_eq!(flag["value"], "false", "{value:#}");
    assert_eq!(flag["workloads"][0]["pods"], json!({"false": 3}), "{value:#}");
    assert_eq!(flag["set_by"][0]["target"], "component dispatcher");
    let env = json!([{"name": "NEW_CODE", "value": "maybe"}]);
    let containers = json!([{"name": "app", "image": "app:1", "env": env,
        "envFrom": [{"configMapRef": {"name": "flags"}}]}]);
    let patch = json!({"spec": {"template": {"spec": {"containers": containers}}}});
    scenario.world().patch_merge("deployments", NAMESPACE, "backend", &patch).expect("patched");
    assert!(scenario.world().settle());
    let value = scenario.run(&["flags", "--output", "json"]).exits(0).json();
    let reader = &value["environments"][0]["flags"][0]["workloads"][0];
    assert_eq!(reader["effective"], false, "{value:#}");
    assert_eq!(reader["pods"], json!({"maybe": 3}), "{value:#}");
}

#[test]
fn a_catalog_that_fits_the_system_is_ready_and_a_renamed_workload_is_found() {
    let endpoint = Endpoint::status(200);
    let scenario = flagged(&endpoint, "1s").component(
        "asker",
        "parameters:\n  who: { description: who it is }\nmethods:\n  flag:\n    steps:\n      - \
         name: Ask\n        command: [\"true\", \"${who}\"]\n",
    );
    let before = scenario.world().full_digest();
    let said = scenario.run(&["ready"]).exits(4);
    assert!(said.stdout.contains("component asker") && said.stdout.contains("who"), "{said:?}");
    let value = scenario.run(&["ready", "--param", "who=me", "--output", "json"]).exits(0).json();
    assert_eq!(value["ready"], true, "{value:#}");
    assert_eq!(value["methods"].as_array().expect("methods").len(), 2, "{value:#}");
    assert_eq!(scenario.world().full_digest(), before);
    let mut renamed = scenario.world().get("deployments", NAMESPACE, "backend").expect("there");
    scenario.world().delete("deployments", NAMESPACE, "backend").expect("deleted");
    renamed["metadata"] = json!({"name": "backends", "namespace": NAMESPACE});
    scenario.world().create(renamed).expect("created");
    assert!(scenario.world().settle());
    let text = scenario.run(&["ready", "--param", "who=me"]).exits(4).stdout;
    assert!(text.contains("did you mean deployment/backends?"), "{text}");
    assert!(text.contains("1 of 2 methods could not be run"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn pages_whose_review_is_overdue_are_named_by_ready() {
    let endpoint = Endpoint::status(200);
    let scenario = flagged(&endpoint, "1s").settings(
        "apiVersion: rollback/v1\ncontext: test\nnamespace: shop\nreviewed: 2020-01-01\n\
         review_every: 30d\n",
    );
    let said = scenario.run(&["ready"]);
    assert!(said.stdout.contains("review was due on 2020-01-31"), "{said:#?}");
    let value = scenario.run(&["ready", "--output", "json"]).json();
    assert!(value["catalog"].to_string().contains("2020-01-31"), "{value:#}");
}

#[test]
fn a_namespace_that_is_not_there_is_named_and_no_workload_of_it() {
    let endpoint = Endpoint::status(200);
    let scenario = flagged(&endpoint, "1s")
        .settings("apiVersion: rollback/v1\ncontext: test\nnamespace: shopp\n");
    scenario
        .run(&["component", "dispatcher", "--dry-run"])
        .exits(4)
        .says("configmap/flags not found in shopp: there is no namespace shopp")
        .says("check `namespace` and `context` of the catalog");
}

/// The lock of the environment, held by somebody who has just renewed it.
fn held(scenario: &Scenario) {
    let now = humantime::format_rfc3339_micros(std::time::SystemTime::now()).to_string();
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": format!("rollback-{NAMESPACE}"), "namespace": NAMESPACE},
        "spec": {"holderIdentity": "another", "leaseDurationSeconds": 60, "renewTime": now,
            "acquireTime": now, "leaseTransitions": 0}});
    scenario.world().create(lease).expect("a Lease");
}

#[test]
fn a_step_that_was_left_out_stays_left_out_when_the_plan_is_made_again() {
    let endpoint = Endpoint::status(503);
    let scenario = flagged(&endpoint, "1s").component(
        "gone",
        "methods:\n  flag:\n    steps:\n      - id: gone\n        name: Restart what is gone\n        \
         restart: [deployment/gone]\n      - name: Off\n        set_flags: { configmap: flags, flags: \
         { NEW_CODE: \"false\" } }\n",
    );
    scenario.run(&["component", "gone", "--yes"]).exits(4).says("deployment/gone not found");
    held(&scenario);
    // The lock is waited for, so the world is looked at once more before anything is changed.
    let words = ["component", "gone", "--yes", "--skip-blocked", "gone", "--lock-timeout", "30s"];
    let ended = std::thread::scope(|scope| {
        let run = scope.spawn(|| scenario.run(&words));
        let asked = |view: &rollback::sandbox::View| {
            view.requests().iter().any(|it| it.path.contains("/leases") && it.user == "admin")
        };
        assert!(scenario.world().wait_until(PATIENCE, asked), "it asks for the lock");
        // Only a survey that is a second old is made again: this second has to pass.
        std::thread::sleep(Duration::from_millis(1200));
        let lock = format!("rollback-{NAMESPACE}");
        scenario.world().delete("leases", NAMESPACE, &lock).expect("released");
        run.join().expect("it ends")
    });
    let ended = ended.exits(5);
    assert!(!ended.stderr.contains("has changed since"), "{ended:#?}");
    assert!(flag_is(&scenario, "false"));
    let surveys = scenario.world().requests().into_iter();
    let surveys = surveys.filter(|it| it.method == "GET" && it.path.ends_with("/deployments/gone"));
    assert!(surveys.count() >= 2, "the world was looked at again");
    let changes = scenario.changes().join("\n");
    assert!(!changes.contains("deployments/gone"), "{changes}");
}

/// Every file below a directory with its content.
fn tree(dir: &std::path::Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else {
                let content = std::fs::read(&path).unwrap_or_default();
                files.insert(path.display().to_string(), content);
            }
        }
    }
    files
}

#[test]
fn a_dry_run_of_every_kind_of_step_leaves_everything_as_it_was() {
    let endpoint = Endpoint::status(503);
    let remote = Remote::new();
    let broken = remote.tip("feat/migration");
    let body = format!(
        "methods:\n  flag:\n    steps:\n\
         \x20     - {{ name: Set, set_flags: {{ configmap: flags, flags: {{ NEW_CODE: \"false\" }} }} }}\n\
         \x20     - {{ name: Env, set_flags: {{ workload: deployment/backend, create: true, flags: {{ MODE: old }} }} }}\n\
         \x20     - {{ name: Restart, restart: [deployment/backend] }}\n\
         \x20     - {{ name: Revert, revert_commits: {{ branch: feat/migration, commits: [\"{broken}\"] }} }}\n\
         \x20     - {{ id: restore, name: Restore, restore_files: {{ branch: feat/migration, from: develop, paths: [app], message: m }} }}\n\
         \x20     - {{ name: Branch, rollback_branch: {{ branch: back, on: develop, subject: Start }} }}\n\
         \x20     - {{ name: Run, command: [touch, made], probe: [test, -e, made] }}\n\
         \x20     - {{ name: Script, shell: \"touch made\" }}\n\
         \x20     - {{ name: Ask, http: {{ url: \"{url}\" }} }}\n\
         \x20     - {{ name: Wait, wait: {{ rollout: [deployment/backend] }} }}\n\
         \x20     - {{ name: Look, manual: Is it so? }}\n\
        \x20     - {{ name: Undo, rollout_undo: {{ workload: deployment/backend, to: {{ image: \"app:1\" }} }} }}\n\
        \x20     - {{ name: Apply, apply: {{ ref: develop, paths: [deploy] }} }}\n\
        \x20     - {{ name: Put back, restore_snapshot: before }}\n\
        \x20     - {{ name: Count, metric: {{ url: \"{url}\", query: sum(errors), below: 1 }} }}\n",
        url = endpoint.url("/health")
    );
    let settings = format!(
        "apiVersion: rollback/v1\ncontext: test\nnamespace: {NAMESPACE}\nrepository: \"{}\"\n",
        remote.url()
    );
    let scenario = flagged(&endpoint, "1s").component("all", &body).settings(&settings);
    let manifest =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: flags }\ndata: { B: \"1\" }\n";
    remote.elsewhere("develop", "deploy/flags.yaml", manifest, "Manifests");
    scenario.run(&["snapshot", "before"]).exits(0);
    let image = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "app", "image": "app:2", "envFrom": [{"configMapRef": {"name": "flags"}}]},
    ]}}}});
    scenario.world().patch_merge("deployments", NAMESPACE, "backend", &image).expect("patched");
    assert!(scenario.world().settle());
    let looks = |scenario: &Scenario| {
        (
            scenario.world().full_digest(),
            remote.refs(),
            tree(&remote.work()),
            tree(&scenario.path("state")),
            tree(&scenario.path("runbooks")),
            scenario.path("made").exists(),
        )
    };
    let before = looks(&scenario);
    let plan = scenario.run(&["component", "all", "--dry-run", "--output", "json"]).exits(0).json();
    assert_eq!(plan["steps"].as_array().map(Vec::len), Some(15), "{plan:#}");
    assert!(before == looks(&scenario), "the dry-run changed something");
    assert_eq!(scenario.changes(), Vec::<String>::new());
    let kinds: Vec<&Value> = plan["steps"].as_array().into_iter().flatten().collect();
    assert!(kinds.iter().all(|step| step["standing"].is_string()));
}
