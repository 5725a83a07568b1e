//! What follows a run: validation, report, recovery plan, the way forward, history. The cluster is
//! stopped where the journal alone must be enough.

mod browser;
mod figures;
mod forward;
mod history;
mod measured;
mod page;
mod plan;
mod prompts;
mod soak;
mod soak_more;

use super::scenario::{Endpoint, NAMESPACE, Scenario};

/// The catalog's part that follows a run; `url` is asked by the immediate tier.
fn settings(url: &str) -> String {
    format!(
        "apiVersion: rollback/v1\ncontext: test\nnamespace: {NAMESPACE}\n\
         decision_authority:\n  - {{ rank: primary, role: Engineering Lead, contact: '#leads' }}\n  \
         - {{ rank: secondary, role: CTO }}\n\
         contacts:\n  - {{ team: execution, role: DevOps Engineer, contact: 'ops@example.org' }}\n\
         validation:\n  - name: immediate\n    title: Immediate validation\n    takes: 1s\n    items:\n      \
         - name: Service health\n        http: {{ url: \"{url}\" }}\n      \
         - name: User login\n        manual: Log in as a user.\n  \
         - name: business\n    takes: 1s\n    items:\n      \
         - name: Data integrity\n        manual: Compare the records.\n\
         recovery:\n  - name: Stabilize\n    from_day: 1\n    to_day: 1\n    items: [Monitor for 24 hours]\n  \
         - name: Analyze\n    from_day: 2\n    to_day: 3\n    items: [Find the root cause]\n  \
         - name: Try again\n    from_day: 8\n    items: [Use better safeguards]\n\
         success_criteria: [All issues resolved, Testing improved]\n"
    )
}

/// A component that a flag breaks, whose health `endpoint` tells.
fn broken(endpoint: &Endpoint) -> Scenario {
    let url = endpoint.url("/health");
    Scenario::new()
        .settings(&settings(&url))
        .cluster()
        .configmap("flags", &[("NEW_CODE", "true"), ("OTHER", "true")])
        .deployment("backend", "flags")
        .component(
            "dispatcher",
            &format!(
                "methods:\n  flag:\n    budget: 30s\n    steps:\n      - name: Turn the flag off\n        \
                 set_flags: {{ configmap: flags, flags: {{ NEW_CODE: \"false\" }} }}\n      - name: \
                 Restart the backend\n        restart: [deployment/backend]\n  \
                 config:\n    budget: 1m\n    steps:\n      - name: Turn the other flag off\n        \
                 set_flags: {{ configmap: flags, flags: {{ OTHER: \"false\" }} }}\n      - name: \
                 Restart the backend\n        restart: [deployment/backend]\n\
                 recovered_when:\n  - http: {{ url: \"{url}\", consecutive: 2 }}\n    within: 2s\n\
                 validation:\n  - name: Tools work\n    tier: business\n    manual: Run a tool.\n"
            ),
        )
}

/// The same, rolled back and recovered.
pub fn recovered() -> (Scenario, Endpoint) {
    let endpoint = Endpoint::status(503);
    let asked = std::sync::atomic::AtomicU32::new(0);
    endpoint.answers(move |_| {
        let first = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 1;
        (if first { 503 } else { 200 }, String::new())
    });
    let scenario = broken(&endpoint);
    scenario
        .run(&[
            "component",
            "dispatcher",
            "--yes",
            "--incident",
            "INC-7",
            "--reason",
            "tools fail",
            "--decided-by",
            "Ada (CTO)",
        ])
        .exits(0)
        .says("recovered")
        .says("validation is not begun: rollback validate");
    (scenario, endpoint)
}

/// Stops the cluster: from here on only the journal can tell.
fn off(mut scenario: Scenario) -> Scenario {
    scenario.sandbox = None;
    scenario
}
