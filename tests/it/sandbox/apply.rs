//! `kubectl apply`, `diff` and `explain` against the sandbox: client-side and server-side.

use serde_json::json;

use super::kubectl::{Desk, all_output, has_kubectl};

const BOTH: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: flags }\n\
                    data: { A: \"1\", B: \"2\" }\n";
const ONE: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: flags }\ndata: { A: \"3\" }\n";
const WEB: &str = include_str!("../../data/apiserver/deployment.yaml");

/// A desk with the manifests `both.yaml`, `one.yaml` and `web.yaml`.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("both.yaml", BOTH);
    desk.write("one.yaml", ONE);
    desk.write("web.yaml", WEB);
    desk
}

fn server_side(manager: &str, file: &str) -> Vec<String> {
    ["apply", "--server-side", "--field-manager", manager, "-f", file].map(str::to_owned).to_vec()
}

fn run(desk: &Desk, words: &[String]) -> (Option<i32>, String) {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = desk.kubectl(&words);
    (output.status.code(), all_output(&output))
}

#[test]
fn a_client_side_apply_takes_away_what_it_named_before_and_leaves_what_others_added() {
    if !has_kubectl() {
        return;
    }
    let desk = desk();
    let said = all_output(&desk.kubectl(&["apply", "-f", "both.yaml"]));
    assert!(said.contains("configmap/flags created"), "{said}");
    let other = json!({"data": {"C": "of somebody else"}});
    desk.sandbox.patch_merge("configmaps", "shop", "flags", &other).expect("patched");
    let said = all_output(&desk.kubectl(&["apply", "-f", "one.yaml"]));
    assert!(said.contains("configmap/flags configured"), "{said}");
    let flags = desk.sandbox.get("configmaps", "shop", "flags").expect("there");
    assert_eq!(flags["data"], json!({"A": "3", "C": "of somebody else"}));
    let again = all_output(&desk.kubectl(&["apply", "-f", "one.yaml"]));
    assert!(again.contains("configmap/flags unchanged"), "{again}");
    assert_eq!(desk.sandbox.unimplemented(), Vec::<String>::new());
}

#[test]
fn a_diff_is_0_for_the_same_and_1_with_the_lines_for_another() {
    if !has_kubectl() {
        return;
    }
    let desk = desk();
    desk.kubectl(&["apply", "-f", "web.yaml"]);
    assert!(desk.sandbox.settle());
    let before = desk.sandbox.full_digest();
    for more in [&[][..], &["--server-side"]] {
        let mut words = vec!["diff", "-f", "web.yaml"];
        words.extend_from_slice(more);
        let same = desk.kubectl(&words);
        assert_eq!(same.status.code(), Some(0), "{more:?}: {}", all_output(&same));
    }
    desk.write("web.yaml", &WEB.replace("img:1", "img:2"));
    let other = desk.kubectl(&["diff", "-f", "web.yaml"]);
    assert_eq!(other.status.code(), Some(1));
    let said = all_output(&other);
    assert!(said.contains("image: img:1") && said.contains("image: img:2"), "{said}");
    assert_eq!(desk.sandbox.full_digest(), before, "a diff changes nothing");
    assert_eq!(desk.sandbox.unimplemented(), Vec::<String>::new());
}

#[test]
fn a_server_side_apply_owns_what_it_names_and_conflicts_with_other_owners() {
    if !has_kubectl() {
        return;
    }
    let desk = desk();
    let (code, said) = run(&desk, &server_side("alice", "both.yaml"));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("configmap/flags serverside-applied"), "{said}");
    let (code, said) = run(&desk, &server_side("bob", "one.yaml"));
    assert_eq!(code, Some(1), "{said}");
    let conflict = "Apply failed with 1 conflict: conflict with \"alice\": .data.A";
    assert!(said.contains(conflict), "{said}");
    let mut forced = server_side("bob", "one.yaml");
    forced.push("--force-conflicts".to_owned());
    assert_eq!(run(&desk, &forced).0, Some(0));
    let flags = desk.sandbox.get("configmaps", "shop", "flags").expect("there");
    assert_eq!(flags["data"], json!({"A": "3", "B": "2"}));
    let owned = |manager: &str| {
        let all = flags["metadata"]["managedFields"].as_array().expect("owners");
        let entry = all.iter().find(|entry| entry["manager"] == manager).expect("an owner");
        assert_eq!(entry["operation"], "Apply");
        entry["fieldsV1"]["f:data"].clone()
    };
    assert_eq!(owned("alice"), json!({"f:B": {}}));
    assert_eq!(owned("bob"), json!({"f:A": {}}));
    desk.write("none.yaml", &BOTH.replace("data: { A: \"1\", B: \"2\" }", "data: { D: \"4\" }"));
    assert_eq!(run(&desk, &server_side("alice", "none.yaml")).0, Some(0));
    let flags = desk.sandbox.get("configmaps", "shop", "flags").expect("there");
    assert_eq!(flags["data"], json!({"A": "3", "D": "4"}), "B was alice's alone");
    assert_eq!(desk.sandbox.unimplemented(), Vec::<String>::new());
}

#[test]
fn the_entries_of_a_list_have_owners_of_their_own() {
    if !has_kubectl() {
        return;
    }
    let desk = desk();
    assert_eq!(run(&desk, &server_side("alice", "web.yaml")).0, Some(0));
    let only = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  template:\n    \
                spec:\n      containers:\n        - name: app\n          env: [{ name: MODE, value: slow \
                }, { name: EXTRA, value: \"1\" }]\n";
    desk.write("only.yaml", only);
    let (code, said) = run(&desk, &server_side("bob", "only.yaml"));
    assert_eq!(code, Some(1), "{said}");
    let place = ".spec.template.spec.containers[name=\"app\"].env[name=\"MODE\"].value";
    assert!(said.contains(place), "{said}");
    desk.write("only.yaml", &only.replace("slow", "fast"));
    let (code, said) = run(&desk, &server_side("bob", "only.yaml"));
    assert_eq!(code, Some(0), "{said}");
    assert!(desk.sandbox.settle());
    let web = desk.sandbox.get("deployments", "shop", "web").expect("there");
    let containers = web["spec"]["template"]["spec"]["containers"].as_array().expect("containers");
    assert_eq!(containers.len(), 2, "the other container stays");
    assert_eq!(containers[0]["env"].as_array().map(Vec::len), Some(3));
    desk.write(
        "only.yaml",
        &only.replace(", { name: EXTRA, value: \"1\" }", "").replace("slow", "fast"),
    );
    assert_eq!(run(&desk, &server_side("bob", "only.yaml")).0, Some(0));
    let web = desk.sandbox.get("deployments", "shop", "web").expect("there");
    let env = &web["spec"]["template"]["spec"]["containers"][0]["env"];
    assert_eq!(env.as_array().map(Vec::len), Some(2), "{env}");
}

#[test]
fn what_was_applied_by_the_client_can_be_applied_by_the_server() {
    if !has_kubectl() {
        return;
    }
    let desk = desk();
    desk.kubectl(&["apply", "-f", "both.yaml"]);
    let words = ["apply", "--server-side", "-f", "one.yaml"].map(str::to_owned);
    let (code, said) = run(&desk, &words);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("conflict with \"kubectl-client-side-apply\" using v1: .data.A"),
        "{said}"
    );
    desk.write("one.yaml", &ONE.replace('3', "1"));
    let (code, said) = run(&desk, &words);
    assert_eq!(code, Some(0), "{said}");
    let flags = desk.sandbox.get("configmaps", "shop", "flags").expect("there");
    assert_eq!(flags["data"], json!({"A": "1"}), "kubectl owned B before, too");
    assert_eq!(desk.sandbox.unimplemented(), Vec::<String>::new());
}

#[test]
fn kubectl_explains_the_kinds_and_refuses_fields_that_they_do_not_have() {
    if !has_kubectl() {
        return;
    }
    let desk = desk();
    let explained = all_output(&desk.kubectl(&["explain", "deployment.spec.strategy"]));
    assert!(explained.contains("rollingUpdate"), "{explained}");
    desk.write("web.yaml", &WEB.replace("replicas:", "replica:"));
    let refused = desk.kubectl(&["apply", "-f", "web.yaml"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(all_output(&refused).contains("unknown field \"spec.replica\""));
}
