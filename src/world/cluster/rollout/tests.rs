//! The truth about rollouts, told from objects that a real API server gave.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::*;

/// A Deployment of two pods, rolled out, as recorded.
fn recorded() -> WorkloadFacts {
    let all: Value = serde_json::from_str(include_str!("recorded.json")).expect("JSON");
    let list = |key: &str| all["complete"][key].as_array().cloned().expect("a list");
    WorkloadFacts {
        object: all["complete"]["object"].clone(),
        pods: list("pods"),
        replica_sets: list("replica_sets"),
        revision: None,
    }
}

fn noon() -> SystemTime {
    humantime::parse_rfc3339("2026-11-23T18:00:00Z").expect("a time")
}

fn now(facts: &WorkloadFacts) -> Rollout {
    judge(facts, &Wanted::Current, noon())
}

/// The recorded Deployment with a newer template, one new pod and both old ones.
fn halfway() -> WorkloadFacts {
    let mut facts = recorded();
    let annotations = json!({ STEP_ANNOTATION: "run/step" });
    facts.object["spec"]["template"]["metadata"]["annotations"] = annotations.clone();
    facts.object["metadata"]["generation"] = json!(2);
    facts.object["status"]["observedGeneration"] = json!(2);
    facts.object["status"]["replicas"] = json!(3);
    facts.object["status"]["updatedReplicas"] = json!(1);
    let mut set = facts.replica_sets[0].clone();
    set["metadata"]["uid"] = json!("new-set");
    set["metadata"]["name"] = json!("web-new");
    set["metadata"]["creationTimestamp"] = json!("2026-11-23T17:30:00Z");
    set["spec"]["template"]["metadata"]["annotations"] = annotations.clone();
    set["spec"]["template"]["metadata"]["labels"]["pod-template-hash"] = json!("new");
    facts.replica_sets.push(set);
    let mut pod = facts.pods[0].clone();
    pod["metadata"]["name"] = json!("web-new-x2k1");
    pod["metadata"]["ownerReferences"][0]["uid"] = json!("new-set");
    pod["metadata"]["annotations"] = annotations;
    facts.pods.push(pod);
    facts
}

/// The new pod of [`halfway`].
fn new_pod(facts: &mut WorkloadFacts) -> &mut Value {
    facts.pods.last_mut().expect("a pod")
}

/// The new pod's first container is this; the pod is not ready.
fn state(facts: &mut WorkloadFacts, status: &Value) {
    let pod = new_pod(facts);
    for (key, value) in status.as_object().expect("an object") {
        pod["status"]["containerStatuses"][0][key] = value.clone();
    }
    for condition in pod["status"]["conditions"].as_array_mut().expect("conditions") {
        if condition["type"] == "Ready" {
            condition["status"] = json!("False");
        }
    }
}

fn finish(facts: &mut WorkloadFacts) {
    let second = new_pod(facts).clone();
    facts.pods.push(second);
    facts.pods.drain(..2);
    facts.object["status"]["replicas"] = json!(2);
    facts.object["status"]["updatedReplicas"] = json!(2);
}

fn broken(rollout: Rollout) -> Broken {
    match rollout {
        Rollout::Broken(broken) => broken,
        other => panic!("not broken: {other:?}"),
    }
}

#[test]
fn what_the_server_recorded_as_rolled_out_is_complete() {
    let text = "deployment/web: 2 of 2 pods are new and ready, no old pod is left";
    assert_eq!(now(&recorded()), Rollout::Complete(text.to_owned()));
}

#[test]
fn a_template_without_the_mark_was_not_restarted() {
    let wanted = Wanted::Mark("run/step".to_owned());
    assert!(matches!(judge(&recorded(), &wanted, noon()), Rollout::NotStarted(_)));
    let other = Wanted::Mark("run/other".to_owned());
    let text = "deployment/web carries the mark of run/step, not ours";
    assert_eq!(judge(&halfway(), &other, noon()), Rollout::NotStarted(text.to_owned()));
}

#[test]
fn old_pods_that_still_serve_are_counted() {
    let text = "ready 1/2 · 2 old pods left";
    let wanted = Wanted::Mark("run/step".to_owned());
    assert_eq!(judge(&halfway(), &wanted, noon()), Rollout::Underway(text.to_owned()));
}

#[test]
fn new_pods_alone_are_complete() {
    let mut facts = halfway();
    finish(&mut facts);
    assert!(matches!(now(&facts), Rollout::Complete(_)), "{:?}", now(&facts));
}

#[test]
fn an_old_pod_that_is_still_terminating_is_not_over() {
    let mut facts = halfway();
    let mut old = facts.pods[0].clone();
    old["metadata"]["deletionTimestamp"] = json!("2026-11-23T18:00:20Z");
    finish(&mut facts);
    facts.pods.push(old.clone());
    assert_eq!(now(&facts), Rollout::Underway("ready 2/2 · 1 old pod draining".to_owned()));
    old["metadata"]["finalizers"] = json!(["example.com/hold"]);
    facts.pods.pop();
    facts.pods.push(old);
    let text = "serving: all 2 new pods; not drained: web-97c5749cf-gxf6w is held by finalizer \
                example.com/hold, remove it or wait for its owner";
    assert_eq!(now(&facts), Rollout::Underway(text.to_owned()));
}

#[test]
fn a_change_that_the_controller_has_not_seen_is_not_over() {
    let mut facts = recorded();
    facts.object["metadata"]["generation"] = json!(2);
    assert!(matches!(now(&facts), Rollout::Underway(text) if text.contains("has not seen")));
}

#[test]
fn status_counts_without_pods_prove_nothing() {
    let mut facts = recorded();
    facts.pods.clear();
    assert_eq!(now(&facts), Rollout::Underway("ready 0/2".to_owned()));
}

#[test]
fn pods_without_a_matching_replica_set_are_old() {
    let mut facts = recorded();
    facts.object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("img:9");
    assert_eq!(now(&facts), Rollout::Underway("ready 0/2 · 2 old pods left".to_owned()));
}

#[test]
fn no_replicas_is_not_rolled_out_but_empty() {
    let mut facts = recorded();
    facts.object["spec"]["replicas"] = json!(0);
    assert_eq!(now(&facts), Rollout::Underway("scaling to zero · 2 pods left".to_owned()));
    facts.pods.clear();
    let text = "deployment/web is scaled to zero: no pod runs";
    assert_eq!(now(&facts), Rollout::Empty(text.to_owned()));
}

#[test]
fn a_daemon_set_that_fits_no_node_is_not_called_scaled_to_zero() {
    let facts = WorkloadFacts {
        object: json!({"kind": "DaemonSet", "metadata": {"name": "agent", "generation": 1},
            "status": {"desiredNumberScheduled": 0, "observedGeneration": 1}}),
        ..WorkloadFacts::default()
    };
    let text = "no node is fit for daemonset/agent: no pod runs";
    assert_eq!(now(&facts), Rollout::Empty(text.to_owned()));
}

#[test]
fn a_paused_deployment_never_completes() {
    let mut facts = halfway();
    facts.object["spec"]["paused"] = json!(true);
    let why = broken(now(&facts)).why;
    assert!(why.contains("paused") && why.contains("kubectl rollout resume"), "{why}");
}

#[test]
fn a_crash_loop_is_broken_with_its_exit_code_and_what_still_serves() {
    let mut facts = halfway();
    let waiting = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}});
    let last = json!({"terminated": {"exitCode": 1, "reason": "Error"}});
    state(
        &mut facts,
        &json!({"state": waiting, "lastState": last, "restartCount": 1, "ready": false}),
    );
    let broken = broken(now(&facts));
    assert_eq!(broken.why, "the new pods crash: web-new-x2k1 CrashLoopBackOff, exit 1");
    let culprit = Culprit { pod: "web-new-x2k1".to_owned(), container: "app".to_owned() };
    assert_eq!(broken.culprit, Some(culprit));
    let serving = "old pods still serve (2/2); nothing is down because of this step";
    assert_eq!(broken.serving, serving);
}

#[test]
fn one_early_crash_is_progress_with_a_word_and_two_are_a_loop() {
    let crashed = |restarts: u64| {
        let mut facts = halfway();
        let state_now = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
        state(&mut facts, &json!({"state": state_now, "restartCount": restarts, "ready": false}));
        now(&facts)
    };
    let text = "ready 0/2 · 2 old pods left · web-new-x2k1 crashed once (exit 137 (OOMKilled))";
    assert_eq!(crashed(0), Rollout::Underway(text.to_owned()));
    let why = "the new pods crash: web-new-x2k1 restarted 2 times, exit 137 (OOMKilled)";
    assert_eq!(broken(crashed(2)).why, why);
}

#[test]
fn a_container_between_two_crashes_is_not_yet_ready() {
    let mut facts = halfway();
    finish(&mut facts);
    let status = &mut new_pod(&mut facts)["status"]["containerStatuses"][0];
    status["restartCount"] = json!(1);
    status["lastState"] = json!({"terminated": {"exitCode": 1}});
    status["state"] = json!({"running": {"startedAt": "2026-11-23T17:59:58Z"}});
    let text = "ready 1/2 · web-new-x2k1 crashed once (exit 1) and runs again";
    assert_eq!(now(&facts), Rollout::Underway(text.to_owned()));
    let later = noon() + Duration::from_secs(20);
    assert!(matches!(judge(&facts, &Wanted::Current, later), Rollout::Complete(_)));
}

#[test]
fn what_cannot_start_is_broken_at_once() {
    for reason in [
        "ImagePullBackOff",
        "ErrImagePull",
        "InvalidImageName",
        "CreateContainerConfigError",
        "RunContainerError",
    ] {
        let mut facts = halfway();
        let waiting = json!({"waiting": {"reason": reason, "message": "the kubelet's words"}});
        state(&mut facts, &json!({"state": waiting, "ready": false}));
        let why = broken(now(&facts)).why;
        assert!(why.contains(reason) && why.contains("the kubelet's words"), "{why}");
    }
}

#[test]
fn an_old_pod_that_crashes_does_not_break_the_rollout() {
    let mut facts = halfway();
    facts.pods[0]["status"]["containerStatuses"][0]["state"] =
        json!({"waiting": {"reason": "CrashLoopBackOff"}});
    assert!(matches!(now(&facts), Rollout::Underway(_)));
}

#[test]
fn a_quota_that_leaves_no_room_is_broken_in_the_server_s_words() {
    let mut facts = halfway();
    facts.pods.pop();
    let message = "pods \"web-new-z9vtd\" is forbidden: exceeded quota: q, requested: pods=1, \
                   used: pods=2, limited: pods=2";
    let condition = json!({"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
        "message": message});
    facts.replica_sets[1]["status"]["conditions"] = json!([condition]);
    assert_eq!(broken(now(&facts)).why, format!("no new pods can be made: {message}"));
    facts.object["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] = json!(1);
    let text = format!("ready 0/2 · 2 old pods left · no new pods: {message}");
    assert_eq!(now(&facts), Rollout::Underway(text));
}

#[test]
fn a_passed_progress_deadline_is_broken_only_for_the_current_template() {
    let mut facts = halfway();
    let mut condition = json!({"type": "Progressing", "status": "False",
        "reason": "ProgressDeadlineExceeded", "lastUpdateTime": "2026-11-23T17:40:00Z",
        "message": "ReplicaSet \"web-new\" has timed out progressing."});
    facts.object["status"]["conditions"] = json!([condition]);
    assert!(broken(now(&facts)).why.contains("timed out progressing"));
    condition["lastUpdateTime"] = json!("2026-11-23T17:20:00Z");
    facts.object["status"]["conditions"] = json!([condition]);
    assert!(matches!(now(&facts), Rollout::Underway(_)));
}

/// The same pods under a StatefulSet or a DaemonSet.
fn under(kind: &str) -> WorkloadFacts {
    let mut facts = recorded();
    facts.replica_sets.clear();
    facts.object["kind"] = json!(kind);
    let status = &mut facts.object["status"];
    status["updateRevision"] = json!("web-2");
    status["desiredNumberScheduled"] = json!(2);
    status["updatedNumberScheduled"] = json!(2);
    status["numberAvailable"] = json!(2);
    for pod in &mut facts.pods {
        pod["metadata"]["labels"]["controller-revision-hash"] = json!("web-2");
    }
    facts
}

#[test]
fn a_statefulset_s_pods_are_told_by_their_revision() {
    let mut facts = under("StatefulSet");
    assert!(matches!(now(&facts), Rollout::Complete(_)), "{:?}", now(&facts));
    facts.pods[1]["metadata"]["labels"]["controller-revision-hash"] = json!("web-1");
    assert_eq!(now(&facts), Rollout::Underway("ready 1/2 · 1 old pod left".to_owned()));
    facts.object["spec"]["updateStrategy"] =
        json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}});
    assert!(broken(now(&facts)).why.contains("partition 1"));
    facts.object["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    assert!(broken(now(&facts)).why.contains("OnDelete"));
}

#[test]
fn a_daemonset_s_pods_are_told_by_the_mark_that_they_carry() {
    let mut facts = under("DaemonSet");
    let mark = Wanted::Mark("run/step".to_owned());
    facts.object["spec"]["template"]["metadata"]["annotations"] =
        json!({ STEP_ANNOTATION: "run/step" });
    let text = "ready 0/2 · 2 old pods left";
    assert_eq!(judge(&facts, &mark, noon()), Rollout::Underway(text.to_owned()));
    for pod in &mut facts.pods {
        pod["metadata"]["annotations"] = json!({ STEP_ANNOTATION: "run/step" });
    }
    assert!(matches!(judge(&facts, &mark, noon()), Rollout::Complete(_)));
}

/// A DaemonSet whose template came back: its generation is newer than its pods', their content is not.
fn undone() -> WorkloadFacts {
    let mut facts = under("DaemonSet");
    facts.object["metadata"]["annotations"]["deprecated.daemonset.template.generation"] =
        json!("3");
    for (pod, generation) in facts.pods.iter_mut().zip(["1", "3"]) {
        pod["metadata"]["labels"]["pod-template-generation"] = json!(generation);
    }
    facts
}

#[test]
fn a_daemonset_that_was_undone_keeps_the_pods_of_the_template_that_came_back() {
    let mut facts = undone();
    facts.revision = Some("web-2".to_owned());
    assert!(matches!(now(&facts), Rollout::Complete(_)), "{:?}", now(&facts));
    facts.pods[0]["metadata"]["labels"]["controller-revision-hash"] = json!("web-1");
    assert_eq!(now(&facts), Rollout::Underway("ready 1/2 · 1 old pod left".to_owned()));
}

#[test]
fn without_its_revisions_a_daemonset_s_pods_are_told_by_what_they_run() {
    let mut facts = undone();
    assert!(matches!(now(&facts), Rollout::Complete(_)), "{:?}", now(&facts));
    facts.pods[0]["spec"]["containers"][0]["image"] = json!("img:old");
    assert_eq!(now(&facts), Rollout::Underway("ready 1/2 · 1 old pod left".to_owned()));
}

#[test]
fn evicted_pods_are_only_records() {
    let mut facts = recorded();
    let mut evicted = facts.pods[0].clone();
    evicted["status"]["phase"] = json!("Failed");
    facts.pods.push(evicted);
    assert!(matches!(now(&facts), Rollout::Complete(_)));
}

#[test]
fn a_broken_pod_for_which_an_ordered_statefulset_waits_is_named_with_its_cure() {
    let mut facts = under("StatefulSet");
    let crash = json!([{"name": "app", "restartCount": 5, "ready": false,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 1}}}]);
    let pod = facts.pods[1]["metadata"]["name"].as_str().expect("a name").to_owned();
    facts.pods[1]["status"]["containerStatuses"] = crash;
    let warning = forewarned(&facts, noon(), false).expect("a warning");
    assert!(warning.contains(&format!("waits for {pod}")), "{warning}");
    for pod in &mut facts.pods {
        pod["metadata"]["labels"]["controller-revision-hash"] = json!("web-1");
    }
    let why = broken(now(&facts)).why;
    assert!(why.contains(&format!("kubectl delete pod {pod}, then it goes on")), "{why}");
    facts.pods[1]["metadata"]["deletionTimestamp"] = json!("2026-11-23T12:00:00Z");
    assert!(matches!(now(&facts), Rollout::Underway(_)), "somebody deletes it");
    facts.object["spec"]["podManagementPolicy"] = json!("Parallel");
    assert_eq!(forewarned(&facts, noon(), false), None);
}

#[test]
fn an_ending_pod_on_a_node_that_does_not_answer_is_named() {
    let mut facts = halfway();
    finish(&mut facts);
    let mut lost = recorded().pods[0].clone();
    lost["metadata"]["ownerReferences"][0]["uid"] = json!("an older set");
    lost["metadata"]["deletionTimestamp"] = json!("2026-11-23T11:00:00Z");
    lost["spec"]["nodeName"] = json!("node-7");
    facts.pods.push(lost);
    let Rollout::Underway(text) = now(&facts) else { panic!("{:?}", now(&facts)) };
    assert!(text.contains("serving: all"), "{text}");
    assert!(text.contains("its node node-7 may not answer"), "{text}");
}
