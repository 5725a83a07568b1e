//! The seam to the cluster with real kubectl: against the sandbox, and against what is not there.

use std::path::Path;
use std::sync::mpsc;
use std::time::Instant;

use super::proxy::RELAUNCHES;
use super::*;
use crate::runbook::WorkloadKind;
use crate::sandbox::{Options, Rule, Sandbox};

const LIMIT: Duration = Duration::from_secs(20);

/// A kubeconfig with contexts that go nowhere.
fn nowhere(dir: &Path, context: &str) -> Setting {
    let plugin = |command: &str| {
        json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": command,
            "args": ["30"], "interactiveMode": "Never"}})
    };
    let config = json!({
        "apiVersion": "v1", "kind": "Config",
        "clusters": [{"name": "plain", "cluster": {"server": "http://127.0.0.1:1"}},
            {"name": "tls", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "nobody", "user": {}}, {"name": "slow", "user": plugin("sleep")},
            {"name": "gone", "user": plugin("no-such-plugin")}],
        "contexts": [
            {"name": "netra-staging", "context": {"cluster": "plain", "user": "nobody"}},
            {"name": "slow", "context": {"cluster": "tls", "user": "slow"}},
            {"name": "gone", "context": {"cluster": "tls", "user": "gone"}},
            {"name": "nobody", "context": {"cluster": "tls"}}],
    });
    let path = dir.join("kubeconfig");
    std::fs::write(&path, config.to_string()).expect("a kubeconfig");
    Setting {
        kubeconfig: Some(path.display().to_string()),
        context: Some(context.to_owned()),
        namespace: "shop".to_owned(),
        ..Setting::default()
    }
}

/// Why a ConfigMap cannot be read there.
fn why_not(context: &str, deadline: Duration) -> String {
    let dir = tempfile::tempdir().expect("a directory");
    let cluster = Cluster::open(&nowhere(dir.path(), context), deadline);
    let why = cluster.configmap("flags").expect_err("there is nothing");
    why.sentence().to_owned()
}

/// A gateway before the API server that lets nobody through.
fn gateway() -> String {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let body = "<html>Access denied by the identity-aware proxy</html>";
            let _ = write!(
                stream,
                "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\
                 Connection: close\r\n\r\n{body}",
                body.len()
            );
            // What is closed with something unread is reset, and the answer is lost.
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    format!("http://{address}")
}

#[test]
fn a_gateway_s_refusal_is_not_the_api_server_s() {
    let dir = tempfile::tempdir().expect("a directory");
    let setting = nowhere(dir.path(), "netra-staging");
    let path = dir.path().join("kubeconfig");
    let text = std::fs::read_to_string(&path).expect("a kubeconfig");
    std::fs::write(&path, text.replace("http://127.0.0.1:1", &gateway())).expect("written");
    let cluster = Cluster::open(&setting, LIMIT);
    let access = Access {
        verb: "patch".to_owned(),
        group: String::new(),
        resource: "configmaps".to_owned(),
        name: "flags".to_owned(),
    };
    let refused = [cluster.configmap("flags").map(|_| ()), cluster.access(&access).map(|_| ())];
    for why in refused {
        let Err(Unread::Forbidden(why)) = why else { panic!("{why:?}") };
        assert!(why.starts_with("something before the API server"), "{why}");
        assert!(why.contains("(403)") && why.contains("identity-aware proxy"), "{why}");
        assert!(!why.contains("no permission"), "{why}");
    }
}

#[test]
fn an_api_server_that_is_overloaded_for_a_moment_is_asked_again() {
    let (sandbox, cluster, _dir) = sandbox("admin", LIMIT);
    cluster.configmap("flags").expect("there");
    sandbox.shed(2);
    cluster.configmap("flags").expect("there");
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("kubeconfig");
    sandbox.write_kubeconfig(&path, "test", "shop", "admin").expect("a kubeconfig");
    let setting = Setting {
        kubeconfig: Some(path.display().to_string()),
        context: Some("test".to_owned()),
        namespace: "shop".to_owned(),
        ..Setting::default()
    };
    let impatient = Cluster::open(&setting, Duration::from_secs(2));
    let until = Instant::now() + LIMIT;
    while impatient.configmap("flags").is_err() {
        assert!(Instant::now() < until, "it does not come up");
    }
    sandbox.shed(usize::MAX);
    let why = impatient.configmap("flags").expect_err("overloaded");
    assert!(matches!(why, Unread::Unreachable(_)), "{why:?}");
}

#[test]
fn events_of_both_apis_are_read_with_the_time_of_their_last_occurrence() {
    let (sandbox, cluster, _dir) = sandbox("admin", LIMIT);
    let flags = sandbox.get("configmaps", "shop", "flags").expect("there");
    let event = |name: &str, with: &Value| {
        let mut event = json!({"apiVersion": "v1", "kind": "Event", "type": "Warning",
            "metadata": {"name": name, "namespace": "shop"}, "reason": name, "message": "it failed",
            "involvedObject": {"kind": "ConfigMap", "name": "flags", "namespace": "shop",
                "uid": flags["metadata"]["uid"]}});
        for (key, value) in with.as_object().into_iter().flatten() {
            event[key] = value.clone();
        }
        sandbox.create(event).expect("an event");
    };
    // As `v1` writes it, and as `events.k8s.io` does: once, and as a series.
    event(
        "Old",
        &json!({"firstTimestamp": "2026-11-23T10:00:00Z",
        "lastTimestamp": "2026-11-23T10:00:01Z", "count": 2}),
    );
    event(
        "Once",
        &json!({"eventTime": "2026-11-23T10:00:02.000000Z", "lastTimestamp": null,
        "reportingComponent": "x", "action": "Mount"}),
    );
    event(
        "Series",
        &json!({"eventTime": "2026-11-23T09:00:00.000000Z", "lastTimestamp": null,
        "series": {"count": 7, "lastObservedTime": "2026-11-23T10:00:03.000000Z"}}),
    );
    let found = cluster.events_for(&flags).expect("events");
    let seen: Vec<(&str, &str)> =
        found.iter().map(|it| (it.reason.as_str(), &it.last[..19])).collect();
    assert_eq!(
        seen,
        [
            ("Old", "2026-11-23T10:00:01"),
            ("Once", "2026-11-23T10:00:02"),
            ("Series", "2026-11-23T10:00:03"),
        ]
    );
}

fn sandbox(user: &str, deadline: Duration) -> (Sandbox, Cluster, tempfile::TempDir) {
    let sandbox = Sandbox::start(Options::default()).expect("a sandbox");
    let data = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "flags", "namespace": "shop"}, "data": {"ONE": "true"}});
    sandbox.create(data).expect("a ConfigMap");
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("kubeconfig");
    sandbox.write_kubeconfig(&path, "test", "shop", user).expect("a kubeconfig");
    let setting = Setting {
        kubeconfig: Some(path.display().to_string()),
        context: Some("test".to_owned()),
        namespace: "shop".to_owned(),
        ..Setting::default()
    };
    let cluster = Cluster::open(&setting, deadline);
    (sandbox, cluster, dir)
}

#[test]
fn a_wrong_context_names_the_nearest_and_all() {
    let why = why_not("netra-stagin", LIMIT);
    let text = "kubectl knows no context netra-stagin; did you mean netra-staging? \
                (it knows: gone, netra-staging, nobody, slow)";
    assert_eq!(why, text);
}

#[test]
fn a_cluster_that_refuses_us_is_a_sentence() {
    let text = "the API server of context netra-staging cannot be reached: \
                dial tcp 127.0.0.1:1: connect: connection refused";
    assert_eq!(why_not("netra-staging", LIMIT), text);
}

#[test]
fn a_login_that_hangs_is_named_at_our_deadline() {
    let begun = Instant::now();
    let why = why_not("slow", Duration::from_millis(1500));
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    assert!(why.starts_with("login pending: `sleep` of context slow"), "{why}");
}

#[test]
fn a_login_program_that_is_missing_is_named() {
    let why = why_not("gone", LIMIT);
    assert!(why.contains("no-such-plugin not found"), "{why}");
}

#[test]
fn a_context_without_credentials_never_prompts() {
    let text = "kubectl has no credentials of context nobody (it asked for a user name); \
                log in first";
    assert_eq!(why_not("nobody", LIMIT), text);
}

#[test]
fn without_kubectl_the_sentence_says_what_to_do() {
    let proxy = Proxy::start(vec!["no-such-kubectl".to_owned()], None);
    let why = proxy.ready(Instant::now() + LIMIT).expect_err("it is not there");
    let Unread::Missing(text, hint) = why else { panic!("not known for certain: {why:?}") };
    assert_eq!(text, "`no-such-kubectl` is not on the PATH");
    assert_eq!(hint.as_deref(), Some("install kubectl, or put its directory on the PATH"));
}

#[test]
fn a_server_that_never_answers_ends_at_our_deadline() {
    let (sandbox, cluster, _dir) = sandbox("admin", Duration::from_millis(800));
    cluster.configmap("flags").expect("flags");
    sandbox.hang(true);
    let begun = Instant::now();
    let why = cluster.configmap("flags").expect_err("it hangs");
    let text = "no answer from the API server of context test in 0.8s: unreachable or overloaded";
    assert_eq!(why, Unread::Unreachable(text.to_owned()));
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn a_server_that_is_down_is_no_missing_object() {
    let (sandbox, cluster, _dir) = sandbox("admin", LIMIT);
    cluster.configmap("flags").expect("flags");
    sandbox.set_unavailable(true);
    let why = cluster.configmap("nope").expect_err("it is down");
    assert!(matches!(&why, Unread::Unreachable(text) if text.contains("503")), "{why:?}");
}

#[test]
fn a_closed_cluster_leaves_no_proxy_and_no_socket() {
    let (_sandbox, cluster, _dir) = sandbox("admin", LIMIT);
    cluster.configmap("flags").expect("flags");
    let socket = cluster.rest().proxy.socket().to_owned();
    let group = cluster.rest().proxy.group().expect("a proxy");
    assert!(socket.exists());
    cluster.close();
    assert!(!socket.exists() && !socket.parent().is_some_and(Path::exists));
    let group = i32::try_from(group).ok().and_then(rustix::process::Pid::from_raw);
    let alive = group.is_some_and(|group| rustix::process::test_kill_process_group(group).is_ok());
    assert!(!alive, "the proxy survived");
    assert!(cluster.configmap("flags").is_err());
}

#[test]
fn the_cluster_is_known_by_its_uid_as_far_as_we_may_see() {
    let (sandbox, cluster, _dir) = sandbox("admin", LIMIT);
    let identity = cluster.identity().expect("an identity");
    let uid = sandbox.get("namespaces", "", "kube-system").expect("it")["metadata"]["uid"].clone();
    assert_eq!(json!(identity.uid), uid);
    assert!(identity.server.starts_with(sandbox.url()), "{identity:?}");

    let (sandbox, cluster, _dir) = self::sandbox("bot", LIMIT);
    let names = vec!["shop".to_owned()];
    sandbox.grant("bot", &[Rule { names, ..Rule::new(&["get"], &["namespaces"]) }]);
    let identity = cluster.identity().expect("an identity");
    let uid = sandbox.get("namespaces", "", "shop").expect("it")["metadata"]["uid"].clone();
    assert_eq!(json!(identity.uid), uid);
}

#[test]
fn a_refusal_names_verb_object_namespace_and_user() {
    let (_sandbox, cluster, _dir) = sandbox("viewer", LIMIT);
    let why = cluster.configmap("flags").expect_err("not permitted");
    let text = "no permission to get configmap/flags as viewer; needs: get configmap/flags in shop";
    assert_eq!(why, Unread::Forbidden(text.to_owned()));
}

#[test]
fn a_dry_run_is_answered_and_changes_nothing() {
    let (sandbox, cluster, _dir) = sandbox("admin", LIMIT);
    let before = sandbox.full_digest();
    let body = json!({"data": {"ONE": "false"}});
    let patched = cluster
        .dry_run_patch("configmaps/flags", "application/merge-patch+json", &body)
        .expect("an answer");
    assert_eq!(patched["data"]["ONE"], "false");
    assert_eq!(sandbox.full_digest(), before);
}

/// A Deployment without pods.
fn web() -> (Workload, Value) {
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "app", "image": "img:1"}]}}}});
    (Workload { kind: WorkloadKind::Deployment, name: "web".to_owned() }, object)
}

#[test]
fn a_watch_wakes_at_changes_survives_expiry_and_ends_with_its_guard() {
    let (sandbox, cluster, _dir) = sandbox("admin", LIMIT);
    let (workload, object) = web();
    sandbox.create(object).expect("a Deployment");
    assert!(sandbox.settle());
    let (sender, wakes) = mpsc::channel();
    let guard = cluster.watch(&[workload], move || {
        let _ = sender.send(());
    });
    // One each for the object, the ReplicaSets and the pods.
    let watching = |count: usize| {
        sandbox.wait_until(LIMIT, |view| {
            let requests = view.requests().iter();
            requests.filter(|request| request.query.contains("watch=true")).count() >= count
        })
    };
    assert!(watching(3));
    for _ in 0..3 + 2 {
        wakes.recv_timeout(LIMIT).expect("a wake for each watch, the object and its ReplicaSet");
    }
    let scale = |replicas: u64| {
        let patch = json!({"spec": {"replicas": replicas}});
        sandbox.patch_merge("deployments", "shop", "web", &patch).expect("a patch");
    };
    scale(1);
    wakes.recv_timeout(LIMIT).expect("a wake");
    assert!(sandbox.settle());
    sandbox.expire_watches();
    while wakes.try_recv().is_ok() {}
    scale(2);
    wakes.recv_timeout(LIMIT).expect("a wake");
    drop(guard);
    while wakes.try_recv().is_ok() {}
    scale(3);
    assert!(sandbox.settle());
    // The sender goes with the last thread, which nobody joined.
    let ended = wakes.recv_timeout(LIMIT);
    assert_eq!(ended, Err(mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn the_warnings_of_an_object_and_the_log_of_a_pod_are_read_as_plain_text() {
    let (sandbox, cluster, _dir) = sandbox("admin", LIMIT);
    let (workload, mut object) = web();
    object["spec"]["replicas"] = json!(1);
    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("img:crash");
    sandbox.create(object).expect("a Deployment");
    let crashed = sandbox.wait_until(LIMIT, |view| {
        let pods = view.list("pods", "shop");
        pods.iter()
            .any(|pod| pod["status"]["containerStatuses"][0]["restartCount"].as_u64() > Some(0))
    });
    assert!(crashed);
    let facts = cluster.workload(&workload).expect("web");
    let pod = facts.pods[0]["metadata"]["name"].as_str().expect("a name");
    let log = cluster.log_tail(pod, "app", 2);
    assert!(!log.is_empty() && log.len() <= 2, "{log:?}");
    assert!(cluster.events_for(&facts.object).is_ok());
    assert_eq!(plain("\u{1b}[31mred\u{1b}[0m\ttext\u{7}"), "red text");
}

#[test]
fn a_proxy_that_was_killed_is_started_again() {
    let (_sandbox, cluster, _dir) = sandbox("admin", LIMIT);
    cluster.configmap("flags").expect("flags");
    let kill = || {
        let group = cluster.rest().proxy.group().expect("a proxy");
        let group = i32::try_from(group).ok().and_then(rustix::process::Pid::from_raw);
        let signal = rustix::process::Signal::KILL;
        rustix::process::kill_process_group(group.expect("a group"), signal).expect("a kill");
    };
    kill();
    // The thread that starts the second proxy ends before the proxy is used.
    let reader = cluster.clone();
    std::thread::spawn(move || reader.configmap("flags")).join().expect("no panic").expect("flags");
    cluster.configmap("flags").expect("flags");
    for _ in 0..RELAUNCHES - 1 {
        kill();
        cluster.configmap("flags").expect("flags");
    }
    kill();
    let why = cluster.configmap("flags").expect_err("it was killed too often");
    assert!(why.sentence().contains("kubectl proxy of context test ended"), "{why:?}");
}
