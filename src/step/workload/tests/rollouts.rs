//! Rollouts that end well, that fail, and that never end.

use super::*;
use crate::world::cluster::rollout::CONFIGMAPS_ANNOTATION;

#[test]
fn a_crash_loop_is_reported_at_once_with_the_last_log_lines() {
    let world = World::new();
    let (flags, restart) = (env(&[("CRASH", "true")]), restart_web());
    let flags = SetFlags { create: true, ..flags };
    let (forecast, _) = world.foresee(&flags, &restart);
    assert_eq!(world.set(&flags, &forecast).outcome, Outcome::Done);
    let begun = Instant::now();
    let effect = world.await_end(&restart, || world.flags_look(&flags, &forecast));
    let Effect::Broken(why, detail) = effect else { panic!("not broken: {effect:?}") };
    assert!(why.starts_with("the new pods crash: web-"), "{why}");
    assert!(why.ends_with("exit 1"), "{why}");
    assert!(detail.iter().any(|line| line.starts_with("fatal: ")), "{detail:?}");
    let serving = "old pods still serve (3/3); nothing is down because of this step";
    assert_eq!(detail.last().map(String::as_str), Some(serving));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn an_exhausted_quota_is_reported_in_the_server_s_words() {
    let world = World::new();
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "q", "namespace": "shop"}, "spec": {"hard": {"pods": "3"}}});
    world.sandbox.create(quota).expect("a quota");
    world.sandbox.settle();
    let restart = restart_web();
    let (_, forecast) = world.foresee(&flags(&[("ONE", "false")]), &restart);
    assert_eq!(world.restart(&restart, &forecast).outcome, Outcome::Done);
    let effect = world.await_end(&restart, || world.look(&restart, &forecast));
    let Effect::Broken(why, detail) = effect else { panic!("not broken: {effect:?}") };
    assert!(why.contains("exceeded quota: q"), "{why}");
    assert!(detail[0].starts_with("old pods still serve (3/3)"), "{detail:?}");
}

#[test]
fn an_old_pod_that_a_finalizer_holds_keeps_the_rollout_open() {
    let world = World::new();
    let held = world.sandbox.list("pods", "shop")[0]["metadata"]["name"].clone();
    let held = held.as_str().expect("a name");
    let finalizer = json!({"metadata": {"finalizers": ["example.com/hold"]}});
    world.sandbox.patch_merge("pods", "shop", held, &finalizer).expect("a patch");
    let restart = restart_web();
    let flag = flags(&[("ONE", "false")]);
    let (first, forecast) = world.foresee(&flag, &restart);
    world.set(&flag, &first);
    world.restart(&restart, &forecast);
    let expected = format!("{held} is held by finalizer example.com/hold");
    let reached = world.sandbox.wait_until(LIMIT, |view| {
        let pods = view.list("pods", "shop");
        let ready = pods.iter().filter(|pod| {
            pod["metadata"]["deletionTimestamp"].is_null()
                && pod["metadata"]["annotations"][rollout::STEP_ANNOTATION].is_string()
                && pod["status"]["phase"] == "Running"
        });
        ready.count() == 3 && pods.len() == 4
    });
    assert!(reached);
    let effect = world.look(&restart, &forecast);
    assert!(matches!(&effect, Effect::Underway(text) if text.contains(&expected)), "{effect:?}");
    let free = json!({"metadata": {"finalizers": null}});
    world.sandbox.patch_merge("pods", "shop", held, &free).expect("a patch");
    let effect = world.await_end(&restart, || world.look(&restart, &forecast));
    assert!(matches!(effect, Effect::Present(..)), "{effect:?}");
}

/// The Deployment of the sandbox under another kind and name.
fn other(kind: &str, name: &str) -> (Workload, Value) {
    let mut object = deployment(name);
    object["kind"] = json!(kind);
    if kind == "StatefulSet" {
        object["spec"]["serviceName"] = json!(name);
    } else {
        object["spec"].as_object_mut().expect("a spec").remove("replicas");
    }
    let workload = format!("{}/{name}", kind.to_lowercase());
    (Workload::try_from(workload).expect("a workload"), object)
}

#[test]
fn workloads_of_every_kind_are_restarted_together() {
    let world = World::new();
    let (database, object) = other("StatefulSet", "db");
    world.sandbox.create(object).expect("a StatefulSet");
    let (agent, object) = other("DaemonSet", "agent");
    world.sandbox.create(object).expect("a DaemonSet");
    assert!(world.sandbox.settle());
    let restart = Restart { workloads: vec![web(), database, agent] };
    let flags = flags(&[("ONE", "false")]);
    let (first, second) = world.foresee(&flags, &restart);
    assert_eq!(second.standing(Nature::Change), Standing::WillChange, "{second:?}");
    assert_eq!(world.set(&flags, &first).outcome, Outcome::Done);
    let done = world.restart(&restart, &second);
    assert_eq!(done.outcome, Outcome::Done, "{done:?}");
    let effect = world.await_end(&restart, || world.look(&restart, &second));
    assert!(matches!(effect, Effect::Present(..)), "{effect:?}");
    assert!(effect.sentence().contains("statefulset/db: 3 of 3 pods are new"), "{effect:?}");
    assert!(effect.sentence().contains("daemonset/agent: 1 of 1 pods are new"), "{effect:?}");
    for name in ["web", "db", "agent"] {
        let carried = world.carried(name, "ONE");
        assert!(!carried.is_empty() && carried.iter().all(|value| value == "false"), "{name}");
    }
    let (_, again) = world.foresee(&flags, &restart);
    assert_eq!(again.standing(Nature::Change), Standing::AlreadyThere, "{again:?}");
}

#[test]
fn a_daemonset_undone_in_the_middle_of_a_rollout_is_complete_with_the_pods_it_kept() {
    let options = Options { nodes: 3, ..Options::default() };
    let world = World::as_user("admin", options);
    let (agent, object) = other("DaemonSet", "agent");
    let good = object.clone();
    world.sandbox.create(object).expect("a DaemonSet");
    assert!(world.sandbox.settle());
    let crash = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "app", "image": "img:crash"},
    ]}}}});
    world.sandbox.patch_merge("daemonsets", "shop", "agent", &crash).expect("a patch");
    let crashing = |view: &crate::sandbox::View| {
        view.list("pods", "shop").iter().any(|pod| {
            pod["spec"]["containers"][0]["image"] == "img:crash"
                && pod["status"]["containerStatuses"][0]["restartCount"].as_u64() > Some(0)
        })
    };
    assert!(world.sandbox.wait_until(LIMIT, crashing), "one node has a new pod, and it crashes");
    world.sandbox.replace("daemonsets", "shop", "agent", good).expect("undone");
    let look = || look_at(&world.cluster, &agent, &Wanted::Current, done_without_pods);
    let until = Instant::now() + LIMIT;
    let mut effect = look();
    while !matches!(effect, Effect::Present(..)) && Instant::now() < until {
        assert!(!matches!(effect, Effect::Broken(..)), "{effect:?}");
        world.sandbox.settle();
        effect = look();
    }
    assert!(effect.sentence().contains("3 of 3 pods are new"), "{effect:?}");
    let mut generations: Vec<String> = Vec::new();
    for pod in world.sandbox.list("pods", "shop") {
        if pod["metadata"]["labels"]["app"] == "agent" {
            let label = &pod["metadata"]["labels"]["pod-template-generation"];
            generations.push(label.as_str().expect("a generation").to_owned());
        }
    }
    generations.sort();
    assert_eq!(generations, ["1", "1", "3"], "two pods were kept");
}

#[test]
fn a_workload_that_waits_for_its_pods_to_be_deleted_is_blocked() {
    let world = World::new();
    let (database, mut object) = other("StatefulSet", "db");
    object["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    world.sandbox.create(object).expect("a StatefulSet");
    assert!(world.sandbox.settle());
    let restart = Restart { workloads: vec![database] };
    let (_, forecast) = world.foresee(&flags(&[("ONE", "false")]), &restart);
    assert!(only_obstacle(&forecast).0.contains("OnDelete"), "{forecast:?}");
}

#[test]
fn of_two_restarts_the_one_that_failed_is_named() {
    let world = World::new();
    world.sandbox.create(deployment("api")).expect("a Deployment");
    assert!(world.sandbox.settle());
    let api = Workload::try_from("deployment/api".to_owned()).expect("a workload");
    let restart = Restart { workloads: vec![web(), api] };
    let flags = flags(&[("ONE", "false")]);
    let (first, forecast) = world.foresee(&flags, &restart);
    // Else the first pods of the other deployment say that the flag did not stick.
    assert_eq!(world.set(&flags, &first).outcome, Outcome::Done);
    world.sandbox.delete("deployments", "shop", "api").expect("a deletion");
    let done = world.restart(&restart, &forecast);
    assert_eq!(done.outcome, Outcome::Failed);
    assert!(done.why.starts_with("deployment/api not found in shop"), "{}", done.why);
    assert!(done.why.ends_with("(but deployment/web was patched)"), "{}", done.why);
    let effect = world.look(&restart, &forecast);
    assert!(matches!(&effect, Effect::Broken(why, _) if why.contains("not found")), "{effect:?}");
}

#[test]
fn a_pod_that_only_matches_the_selector_proves_nothing() {
    let world = World::new();
    let stray = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "stray", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "app", "image": "other:1"}]}});
    world.sandbox.create(stray).expect("a pod");
    assert!(world.sandbox.settle());
    let facts = world.cluster.workload(&web()).expect("web");
    assert_eq!(facts.pods.len(), 3);
}

#[test]
fn a_wait_sees_a_rollout_that_somebody_else_started() {
    let world = World::new();
    let mut object = world.sandbox.get("deployments", "shop", "web").expect("web");
    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("netra:next");
    world.sandbox.set_pod_delay(Duration::from_millis(200));
    world.sandbox.replace("deployments", "shop", "web", object).expect("a replacement");
    let look = || wait_rollout::look(&[web()], &world.doing(&Forecast::default()));
    assert!(matches!(look(), Effect::Underway(_)), "{:?}", look());
    let effect = world.await_end(&restart_web(), look);
    assert!(matches!(effect, Effect::Present(..)), "{effect:?}");
}

#[test]
fn what_is_shown_is_what_is_run_but_for_the_versions() {
    let world = World::new();
    let (flags, restart) = (flags(&[("ONE", "false")]), restart_web());
    let (first, second) = world.foresee(&flags, &restart);
    let shown = set_flags::commands(&flags, &world.setting, &world.mark, &first);
    let patch = r#"[{"op":"test","path":"/data/ONE","value":"true"},{"op":"replace","path":"/data/ONE","value":"false"}]"#;
    assert_eq!(shown[0].last().map(String::as_str), Some(patch));
    let shown = restart::commands(&restart, &world.setting, &world.mark, &second);
    let (setting, cluster) = (&world.setting, &world.cluster);
    let run = restart::resolved(&web(), setting, cluster, &world.mark, &second).expect("read");
    let version = |plural: &str, name: &str| {
        let object = world.sandbox.get(plural, "shop", name).expect("there");
        object["metadata"]["resourceVersion"].as_str().expect("a version").to_owned()
    };
    let (web, flags) = (version("deployments", "web"), version("configmaps", "flags"));
    let mut run = run.into_iter().flatten().collect::<Vec<String>>();
    let mut patch: Value = run.last().and_then(|it| serde_json::from_str(it).ok()).expect("JSON");
    assert_eq!(patch["metadata"]["resourceVersion"], json!(web), "tested, not shown");
    patch.as_object_mut().expect("an object").remove("metadata");
    let annotations = &mut patch["spec"]["template"]["metadata"]["annotations"];
    let noted = annotations.as_object_mut().expect("annotations").remove(CONFIGMAPS_ANNOTATION);
    assert_eq!(noted, Some(json!(format!("flags={flags}"))));
    *run.last_mut().expect("a patch") = patch.to_string();
    assert_eq!(shown, [run]);
    assert_eq!(shown[0][0], "kubectl");
}

#[test]
fn a_broken_pod_of_an_ordered_statefulset_is_foretold_and_stops_the_restart_at_once() {
    let world = World::new();
    let (database, mut object) = other("StatefulSet", "db");
    object["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{"name": "CRASH", "value": "true"}]);
    world.sandbox.create(object).expect("a StatefulSet");
    let loops = world.sandbox.wait_until(LIMIT, |view| {
        let pod = view.get("pods", "shop", "db-0").unwrap_or_default();
        let waiting = &pod["status"]["containerStatuses"][0]["state"]["waiting"];
        waiting["reason"] == "CrashLoopBackOff"
    });
    assert!(loops);
    let restart = Restart { workloads: vec![database] };
    let (_, forecast) = world.foresee(&flags(&[("ONE", "false")]), &restart);
    let named = |text: &String| text.contains("waits for db-0") && text.contains("for ever");
    assert!(forecast.warnings.iter().any(named), "{:?}", forecast.warnings);
    assert_eq!(world.restart(&restart, &forecast).outcome, Outcome::Done);
    let effect = world.await_end(&restart, || world.look(&restart, &forecast));
    let Effect::Broken(why, _) = effect else { panic!("not broken: {effect:?}") };
    assert!(why.contains("kubectl delete pod db-0, then it goes on"), "{why}");
}

#[test]
fn a_restart_right_after_a_change_of_env_rolls_the_pods_once() {
    let world = World::new();
    let (flags, restart) = (env(&[("MODE", "slow")]), restart_web());
    let mut facts = world.survey(&set_flags::reads(&flags, &world.setting));
    let setting = &world.setting;
    let reads = restart::reads(&restart, setting);
    facts.access.extend(world.survey(&reads).access);
    let action = crate::runbook::Action::SetFlags(flags.clone());
    let first = crate::step::kinds::forecast(&action, setting, &mut facts);
    let action = crate::runbook::Action::Restart(restart.clone());
    let second = crate::step::kinds::forecast(&action, setting, &mut facts);
    assert!(second.evidence.iter().any(|text| text.contains("patched only if not")), "{second:?}");
    let generation = || {
        let web = world.sandbox.get("deployments", "shop", "web").expect("there");
        web["metadata"]["generation"].clone()
    };
    // The mark of the step before it, in the same run.
    let mark = Mark { step_id: "set".to_owned(), ..world.mark.clone() };
    let permit = Permit::for_a_test();
    let mut hands = Hands::for_a_test();
    let doing = Doing { mark, ..world.doing(&first) };
    let done = set_flags::perform(&flags, &doing, &mut hands, &permit);
    assert_eq!(done.outcome, Outcome::Done, "{done:?}");
    let before = generation();
    let done = world.restart(&restart, &second);
    assert_eq!(done.outcome, Outcome::Done, "{done:?}");
    assert!(done.why.contains("new already"), "{done:?}");
    assert_eq!(generation(), before, "rolled twice");
    let effect = world.await_end(&restart, || world.look(&restart, &second));
    assert!(matches!(effect, Effect::Present(..)), "{effect:?}");
    assert_eq!(world.carried("web", "MODE"), ["slow"; 3]);
}

#[test]
fn a_restart_after_an_env_step_that_never_ran_makes_new_pods_all_the_same() {
    let world = World::new();
    let restart = restart_web();
    let mut facts = world.survey(&restart::reads(&restart, &world.setting));
    facts.rolled.insert(web());
    let forecast = restart::forecast(&restart, &world.setting, &mut facts);
    let done = world.restart(&restart, &forecast);
    assert!(done.why.contains("new pods asked for"), "{done:?}");
    let effect = world.await_end(&restart, || world.look(&restart, &forecast));
    assert!(matches!(effect, Effect::Present(..)), "{effect:?}");
}
