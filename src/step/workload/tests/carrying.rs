//! What restarted pods are said to carry, and when nobody can say it.

use super::*;

fn restarted(world: &World, flags: &SetFlags, restart: &Restart) -> Forecast {
    let (first, second) = world.foresee(flags, restart);
    assert_eq!(world.set(flags, &first).outcome, Outcome::Done);
    assert_eq!(world.restart(restart, &second).outcome, Outcome::Done);
    second
}

#[test]
fn pods_that_may_carry_another_value_are_not_there_and_a_second_try_makes_new_ones() {
    let world = World::new();
    let (flags, restart) = (flags(&[("ONE", "false")]), restart_web());
    let forecast = restarted(&world, &flags, &restart);
    world.await_end(&restart, || world.look(&restart, &forecast));
    let data = |value: &str| json!({"data": {"ONE": value}});
    for value in ["odd", "false"] {
        world.sandbox.patch_merge("configmaps", "shop", "flags", &data(value)).expect("a patch");
    }
    let ours = world.cluster.configmap("flags").expect("flags");
    assert_ne!(set_flags::writer_of_key(&ours, "ONE"), Some(FIELD_MANAGER));
    let pods = || world.sandbox.list("pods", "shop");
    let before = pods();
    let effect = world.look(&restart, &forecast);
    let Effect::Broken(why, hint) = &effect else { panic!("not broken: {effect:?}") };
    assert!(why.contains("ONE was written again while its pods started"), "{why}");
    assert!(hint[0].contains("kubectl rollout restart deployment/web"), "{hint:?}");
    assert_eq!(world.restart(&restart, &forecast).outcome, Outcome::Done);
    let effect = world.await_end(&restart, || world.look(&restart, &forecast));
    assert!(effect.sentence().ends_with("they carry ONE=false"), "{effect:?}");
    assert!(
        pods()
            .iter()
            .all(|pod| before.iter().all(|old| old["metadata"]["uid"] != pod["metadata"]["uid"]))
    );
}

#[test]
fn without_pods_nothing_is_said_to_be_carried() {
    let world = World::new();
    let empty = json!({"spec": {"replicas": 0}});
    world.sandbox.patch_merge("deployments", "shop", "web", &empty).expect("a patch");
    assert!(world.sandbox.settle());
    let restart = restart_web();
    let forecast = restarted(&world, &flags(&[("ONE", "false")]), &restart);
    let effect = world.look(&restart, &forecast);
    let text = "deployment/web is scaled to zero: no pod runs; its next pods will be of the new \
                template";
    assert_eq!(effect, Effect::Present(text.to_owned(), Outputs::new()));
}

#[test]
fn of_two_containers_the_one_that_gets_the_flag_is_named() {
    let world = World::new();
    let patch = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "app", "image": "app:1", "envFrom": [{"configMapRef": {"name": "flags"}}]},
        {"name": "side", "image": "app:1", "envFrom": [{"configMapRef": {"name": "flags"}}],
            "env": [{"name": "ONE", "value": "true"}]},
    ]}}}});
    world.sandbox.patch_merge("deployments", "shop", "web", &patch).expect("a patch");
    assert!(world.sandbox.settle());
    let restart = restart_web();
    let forecast = restarted(&world, &flags(&[("ONE", "false")]), &restart);
    let effect = world.await_end(&restart, || world.look(&restart, &forecast));
    assert!(effect.sentence().ends_with("they carry ONE=false (only container app)"), "{effect:?}");
}

#[test]
fn the_env_of_a_container_that_starts_first_is_set_where_it_is_named() {
    let world = World::new();
    let patch = json!({"spec": {"template": {"spec": {"initContainers": [
        {"name": "first", "image": "app:1", "env": [{"name": "MODE", "value": "fast"}]},
    ]}}}});
    world.sandbox.patch_merge("deployments", "shop", "web", &patch).expect("a patch");
    assert!(world.sandbox.settle());
    let first = SetFlags { container: Some("first".to_owned()), ..env(&[("MODE", "slow")]) };
    let mut facts = world.survey(&set_flags::reads(&first, &world.setting));
    let forecast = set_flags::forecast(&first, &world.setting, &mut facts);
    assert_eq!(forecast.obstacles, []);
    assert_eq!(world.set(&first, &forecast), Done::well("deployment/web: MODE=slow"));
    let object = world.sandbox.get("deployments", "shop", "web").expect("web");
    let spec = &object["spec"]["template"]["spec"];
    assert_eq!(spec["initContainers"][0]["env"][0]["value"], "slow");
    assert_eq!(spec["containers"][0]["env"][0]["value"], "fast");
}

#[test]
fn an_optional_source_that_is_not_there_may_not_hold_anything() {
    let world = World::new();
    let patch = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "app", "image": "app:1", "envFrom": [{"configMapRef": {"name": "flags"}},
            {"configMapRef": {"name": "extra", "optional": true}}]},
    ]}}}});
    world.sandbox.patch_merge("deployments", "shop", "web", &patch).expect("a patch");
    assert!(world.sandbox.settle());
    let (flags, restart) = (flags(&[("ONE", "false")]), restart_web());
    let mut reads = set_flags::reads(&flags, &world.setting);
    reads.extend(restart::reads(&restart, &world.setting));
    reads.push(Read::ConfigMap("extra".to_owned()));
    let mut facts = world.survey(&reads);
    set_flags::forecast(&flags, &world.setting, &mut facts);
    let forecast = restart::forecast(&restart, &world.setting, &mut facts);
    assert_eq!(forecast.warnings, Vec::<String>::new());
}
