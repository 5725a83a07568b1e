//! A rollback from its first word to its verdict: what the operator sees and what the world saw.

use super::scenario::{Endpoint, NAMESPACE, Scenario};

/// A component whose flag is wrong, whose backend reads it, and whose health follows `endpoint`.
fn flagged(endpoint: &Endpoint) -> Scenario {
    Scenario::new()
        .cluster()
        .configmap("flags", &[("NEW_CODE", "true"), ("OTHER", "true")])
        .deployment("backend", "flags")
        .component(
            "dispatcher",
            &format!(
                "methods:\n  flag:\n    budget: 30s\n    steps:\n      - name: Turn the flag off\n        \
                 set_flags: {{ configmap: flags, flags: {{ NEW_CODE: \"false\" }} }}\n      - name: \
                 Restart the backend\n        restart: [deployment/backend]\n\
                 recovered_when:\n  - http: {{ url: \"{}\", consecutive: 3 }}\n    within: 2s\n",
                endpoint.url("/health")
            ),
        )
}

/// Heals `endpoint` as soon as a pod carries the flag's good value.
fn heal_after(endpoint: &Endpoint) {
    let asked = std::sync::atomic::AtomicU32::new(0);
    endpoint.answers(move |_| {
        let first = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 1;
        (if first { 503 } else { 200 }, String::new())
    });
}

#[test]
fn a_flag_rollback_changes_one_key_renews_the_pods_and_recovers() {
    let endpoint = Endpoint::status(503);
    heal_after(&endpoint);
    let scenario = flagged(&endpoint);
    scenario.run(&["component", "dispatcher", "--yes"]).exits(0).says("recovered");
    let data =
        scenario.world().get("configmaps", NAMESPACE, "flags").expect("there")["data"].clone();
    assert_eq!(data, serde_json::json!({"NEW_CODE": "false", "OTHER": "true"}));
    assert_eq!(scenario.carried("backend", "NEW_CODE"), ["false", "false", "false"]);
    assert_eq!(
        scenario.changes(),
        [
            "PATCH /api/v1/namespaces/shop/configmaps/flags",
            "PATCH /apis/apps/v1/namespaces/shop/deployments/backend"
        ]
        .map(str::to_owned)
    );
}
