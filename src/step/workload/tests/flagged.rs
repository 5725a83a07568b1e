//! Flags in ConfigMaps and in env, and what keeps them from being set or from having an effect.

use super::*;

#[test]
fn a_flag_is_foreseen_set_and_seen_and_the_restarted_pods_carry_it() {
    let world = World::new();
    let (flags, restart) = (flags(&[("ONE", "false")]), restart_web());
    let before = world.sandbox.digest();
    let (first, second) = world.foresee(&flags, &restart);
    assert_eq!(world.sandbox.digest(), before, "a forecast changed the cluster");
    assert_eq!(first.standing(Nature::Change), Standing::WillChange, "{first:?}");
    assert_eq!(second.standing(Nature::Change), Standing::WillChange, "{second:?}");
    assert_eq!(first.changes[0].from.as_deref(), Some("true"));
    assert_eq!(second.warnings, Vec::<String>::new());
    assert!(second.evidence[0].contains("(image netra:4f1c)"), "{:?}", second.evidence);
    assert!(matches!(world.flags_look(&flags, &first), Effect::Missing(_)));
    assert!(matches!(world.look(&restart, &second), Effect::Missing(_)));

    assert_eq!(world.set(&flags, &first), Done::well("configmap/flags: ONE=false"));
    assert!(matches!(world.flags_look(&flags, &first), Effect::Present(..)));
    assert_eq!(world.restart(&restart, &second).outcome, Outcome::Done);
    let effect = world.await_end(&restart, || world.look(&restart, &second));
    let text =
        "deployment/web: 3 of 3 pods are new and ready, no old pod is left; they carry ONE=false";
    assert_eq!(effect.sentence(), text);
    assert_eq!(world.carried("web", "ONE"), ["false", "false", "false"]);
    assert_eq!(world.sandbox.unimplemented(), Vec::<String>::new());
}

#[test]
fn the_same_restart_done_twice_changes_nothing_the_second_time() {
    let world = World::new();
    let (flags, restart) = (flags(&[("ONE", "false")]), restart_web());
    let (first, second) = world.foresee(&flags, &restart);
    world.set(&flags, &first);
    world.restart(&restart, &second);
    world.await_end(&restart, || world.look(&restart, &second));
    assert!(world.sandbox.settle());
    let generation = || {
        world.sandbox.get("deployments", "shop", "web").expect("web")["metadata"]["generation"]
            .clone()
    };
    let before = generation();
    let other = json!({"metadata": {"annotations": {"note": "someone wrote here"}}});
    world.sandbox.patch_merge("configmaps", "shop", "flags", &other).expect("a patch");
    assert_eq!(world.restart(&restart, &second).outcome, Outcome::Done);
    assert_eq!(generation(), before);
    assert!(matches!(world.look(&restart, &second), Effect::Present(..)));
}

#[test]
fn a_rollback_that_was_done_is_found_there_and_restarts_nothing() {
    let world = World::new();
    let (flags, restart) = (flags(&[("ONE", "false")]), restart_web());
    let (first, second) = world.foresee(&flags, &restart);
    world.set(&flags, &first);
    world.restart(&restart, &second);
    world.await_end(&restart, || world.look(&restart, &second));
    let (first, second) = world.foresee(&flags, &restart);
    assert_eq!(first.standing(Nature::Change), Standing::AlreadyThere);
    assert_eq!(second.standing(Nature::Change), Standing::AlreadyThere, "{second:?}");
    assert!(set_flags::commands(&flags, &world.setting, &world.mark, &first).is_empty());
    assert!(restart::commands(&restart, &world.setting, &world.mark, &second).is_empty());
    assert!(matches!(world.look(&restart, &second), Effect::Present(..)));
}

#[test]
fn pods_that_are_older_than_the_flag_are_restarted_though_the_flag_is_there() {
    let world = World::new();
    let change = json!({"data": {"ONE": "false"}});
    world.sandbox.patch_merge("configmaps", "shop", "flags", &change).expect("a patch");
    let (first, second) = world.foresee(&flags(&[("ONE", "false")]), &restart_web());
    assert_eq!(first.standing(Nature::Change), Standing::AlreadyThere);
    assert_eq!(second.standing(Nature::Change), Standing::WillChange);
    assert_eq!(world.carried("web", "ONE"), ["true", "true", "true"]);
}

#[test]
fn a_restart_without_flags_is_always_done() {
    let world = World::new();
    let restart = restart_web();
    let mut facts = world.survey(&restart::reads(&restart, &world.setting));
    let forecast = restart::forecast(&restart, &world.setting, &mut facts);
    assert_eq!(forecast.standing(Nature::Change), Standing::WillChange);
    assert_eq!(forecast.evidence, ["deployment/web  3 pods (image netra:4f1c)"]);
}

#[test]
fn a_value_that_changed_since_the_plan_is_not_overwritten() {
    let world = World::new();
    let flags = flags(&[("ONE", "false"), ("TWO", "false")]);
    let (forecast, _) = world.foresee(&flags, &restart_web());
    let change = json!({"data": {"ONE": "maybe"}});
    world.sandbox.patch_merge("configmaps", "shop", "flags", &change).expect("a patch");
    let before = world.sandbox.digest();
    let done = world.set(&flags, &forecast);
    assert_eq!(done.outcome, Outcome::Failed);
    assert_eq!(done.why, "ONE changed since the plan: now maybe; nothing was overwritten");
    assert_eq!(world.sandbox.digest(), before);
    assert!(matches!(world.flags_look(&flags, &forecast), Effect::Missing(_)));
}

#[test]
fn a_misspelt_key_is_refused_and_a_new_one_needs_leave() {
    let world = World::new();
    let mut spec = flags(&[("OME", "false")]);
    let (forecast, _) = world.foresee(&spec, &restart_web());
    let hint = "did you mean ONE? (a new key needs `create: true`)";
    assert_eq!(only_obstacle(&forecast), ("configmap/flags has no key OME", hint));
    spec.create = true;
    let (forecast, _) = world.foresee(&spec, &restart_web());
    assert_eq!(world.set(&spec, &forecast).outcome, Outcome::Done);
    assert!(matches!(world.flags_look(&spec, &forecast), Effect::Present(..)));
    let data = &world.sandbox.get("configmaps", "shop", "flags").expect("flags")["data"];
    assert_eq!(*data, json!({"ONE": "true", "TWO": "true", "OME": "false"}));
}

#[test]
fn a_key_that_somebody_created_meanwhile_is_not_overwritten() {
    let world = World::new();
    let spec = SetFlags { create: true, ..flags(&[("NEW", "false")]) };
    let (forecast, _) = world.foresee(&spec, &restart_web());
    let change = json!({"data": {"NEW": "theirs"}});
    world.sandbox.patch_merge("configmaps", "shop", "flags", &change).expect("a patch");
    let done = world.set(&spec, &forecast);
    assert_eq!(done.why, "NEW changed since the plan: now theirs; nothing was overwritten");
}

#[test]
fn a_configmap_without_data_gets_its_first_key() {
    let world = World::new();
    world.sandbox.create(configmap("empty", &Value::Null)).expect("a ConfigMap");
    let spec = SetFlags {
        configmap: Some("empty".to_owned()),
        create: true,
        ..flags(&[("A.b", "1"), ("C", "2")])
    };
    let mut facts = world.survey(&set_flags::reads(&spec, &world.setting));
    let forecast = set_flags::forecast(&spec, &world.setting, &mut facts);
    let done = world.set(&spec, &forecast);
    assert_eq!(done.outcome, Outcome::Done, "{done:?}");
    assert!(matches!(world.flags_look(&spec, &forecast), Effect::Present(..)));
}

#[test]
fn an_immutable_configmap_is_blocked_and_a_missing_one_names_the_nearest() {
    let world = World::new();
    let change = json!({"immutable": true});
    world.sandbox.patch_merge("configmaps", "shop", "flags", &change).expect("a patch");
    let (forecast, _) = world.foresee(&flags(&[("ONE", "false")]), &restart_web());
    assert_eq!(only_obstacle(&forecast).0, "configmap/flags is immutable");
    let spec = SetFlags { configmap: Some("flag".to_owned()), ..flags(&[("ONE", "false")]) };
    let (forecast, _) = world.foresee(&spec, &restart_web());
    let hint = "did you mean configmap/flags?";
    assert_eq!(only_obstacle(&forecast), ("configmap/flag not found in shop", hint));
}

#[test]
fn a_workload_that_is_not_there_names_the_nearest() {
    let world = World::new();
    let workload = Workload::try_from("deployment/webb".to_owned()).expect("a workload");
    let restart = Restart { workloads: vec![workload] };
    let (_, forecast) = world.foresee(&flags(&[("ONE", "false")]), &restart);
    let hint = "did you mean deployment/web?";
    assert_eq!(only_obstacle(&forecast), ("deployment/webb not found in shop", hint));
}

#[test]
fn a_missing_permission_is_known_before_anything_is_touched() {
    let world = World::as_user("bot@ci", Options::default());
    let read = crate::sandbox::Rule::new(&["get", "list", "watch"], &["*"]);
    world.sandbox.grant("bot@ci", &[read]);
    let (first, second) = world.foresee(&flags(&[("ONE", "false")]), &restart_web());
    assert_eq!(first.standing(Nature::Change), Standing::Blocked);
    assert_eq!(only_obstacle(&first).1, "needs: patch configmaps/flags in shop");
    assert!(only_obstacle(&first).0.starts_with("no permission to patch configmaps"));
    assert_eq!(only_obstacle(&second).1, "needs: patch deployments/web in shop");
    world.sandbox.deny("bot@ci", "list", "pods", "*");
    let (_, second) = world.foresee(&flags(&[("ONE", "false")]), &restart_web());
    assert_eq!(second.standing(Nature::Change), Standing::CannotBeChecked);
    let why = "no permission to list pods as bot@ci; needs: list pods in shop";
    assert_eq!(only_obstacle(&second).0, why);
}

#[test]
fn an_env_value_is_foreseen_set_and_carried_by_new_pods() {
    let world = World::new();
    let flags = env(&[("MODE", "slow")]);
    let (forecast, second) = world.foresee(&flags, &restart_web());
    assert_eq!(forecast.changes[0].from.as_deref(), Some("fast"));
    assert!(second.warnings[0].contains("already rolls"), "{:?}", second.warnings);
    let done = world.set(&flags, &forecast);
    assert_eq!(done.outcome, Outcome::Done, "{done:?}");
    let effect = world.await_end(&restart_web(), || world.flags_look(&flags, &forecast));
    assert!(matches!(effect, Effect::Present(..)), "{effect:?}");
    assert_eq!(world.carried("web", "MODE"), ["slow", "slow", "slow"]);
    let done = world.set(&flags, &forecast);
    assert_eq!(done.why, "deployment/web: MODE=slow (somebody else set it)");
    let (forecast, _) = world.foresee(&flags, &restart_web());
    assert_eq!(forecast.standing(Nature::Change), Standing::AlreadyThere);
}

#[test]
fn an_env_that_changed_since_the_plan_is_not_overwritten() {
    let world = World::new();
    let flags = env(&[("MODE", "slow")]);
    let (forecast, _) = world.foresee(&flags, &restart_web());
    let mut object = world.sandbox.get("deployments", "shop", "web").expect("web");
    object["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = json!("other");
    world.sandbox.replace("deployments", "shop", "web", object).expect("a replacement");
    let done = world.set(&flags, &forecast);
    assert_eq!(done.why, "MODE changed since the plan: now other; nothing was overwritten");
}

#[test]
fn a_literal_that_overrides_the_flag_is_named() {
    let world = World::new();
    let mut object = deployment("fixed");
    object["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{"name": "ONE", "value": "true"}]);
    world.sandbox.create(object).expect("a Deployment");
    world.sandbox.settle();
    let fixed = Workload::try_from("deployment/fixed".to_owned()).expect("a workload");
    let restart = Restart { workloads: vec![fixed] };
    let (_, forecast) = world.foresee(&flags(&[("ONE", "false")]), &restart);
    let (why, hint) = only_obstacle(&forecast);
    assert!(why.contains("has its own ONE=true"), "{why}");
    assert_eq!(hint, "set it there: set_flags with `workload: deployment/fixed`, `container: app`");
    let both = flags(&[("ONE", "false"), ("TWO", "false")]);
    let (_, forecast) = world.foresee(&both, &restart);
    assert_eq!(forecast.obstacles, []);
    assert!(forecast.warnings[0].contains("has its own ONE=true"), "{:?}", forecast.warnings);
}

#[test]
fn a_flag_that_nothing_reads_is_warned_of() {
    let world = World::new();
    world.sandbox.create(configmap("more", &json!({"X": "1"}))).expect("a ConfigMap");
    let spec = SetFlags { configmap: Some("more".to_owned()), ..flags(&[("X", "2")]) };
    let (_, forecast) = world.foresee(&spec, &restart_web());
    let text = "deployment/web is not seen to read X of configmap/more";
    assert_eq!(forecast.warnings, [text]);
}

#[test]
fn a_paused_deployment_is_blocked_and_an_empty_one_is_warned_of() {
    let world = World::new();
    let patch = |spec: Value| {
        let patch = json!({ "spec": spec });
        world.sandbox.patch_merge("deployments", "shop", "web", &patch).expect("a patch");
        world.sandbox.settle();
        world.foresee(&flags(&[("ONE", "false")]), &restart_web()).1
    };
    let paused = patch(json!({"paused": true}));
    assert_eq!(only_obstacle(&paused).1, "kubectl rollout resume deployment/web");
    let empty = patch(json!({"paused": null, "replicas": 0}));
    assert_eq!(empty.standing(Nature::Change), Standing::WillChange, "{empty:?}");
    assert!(empty.warnings[0].contains("scaled to zero"), "{:?}", empty.warnings);
    let look = wait_rollout::look(&[web()], &world.doing(&Forecast::default()));
    assert!(matches!(&look, Effect::Broken(why, _) if why.contains("scaled to zero")), "{look:?}");
}

#[test]
fn what_owns_an_object_is_named() {
    let object = |metadata: Value| json!({ "metadata": metadata });
    let argo = object(json!({"labels": {"argocd.argoproj.io/instance": "netra"}}));
    let warning = owner_warning("configmap/flags", &argo).expect("a warning");
    assert!(
        warning.1.starts_with("Argo CD (application netra) owns configmap/flags"),
        "{warning:?}"
    );
    let helm = object(json!({"annotations": {"meta.helm.sh/release-name": "shop"}}));
    assert!(
        owner_warning("x", &helm).is_some_and(|text| text.1.starts_with("Helm (release shop)"))
    );
    let flux = object(json!({"managedFields": [{"manager": "kustomize-controller"}]}));
    assert!(owner_warning("x", &flux).is_some_and(|text| text.1.starts_with("Flux")));
    assert_eq!(owner_warning("x", &object(json!({}))), None);
}
