//! The monitor's decisions, simulated: a month of noise and square waves, and every reason not to.

use super::*;

const MINUTE: u64 = 60_000;
const EVERY: u64 = MINUTE;

fn rule() -> Rule {
    Rule { hits: 3, of: 5, cooldown: Duration::from_secs(1800), automatic: true }
}

fn monitor(hourly: usize, fired: Vec<Fired>) -> Monitor {
    Monitor::new(BTreeMap::from([("errors".to_owned(), rule())]), hourly, fired)
}

fn open(revision: &str) -> Gate {
    Gate { switch: Ok(true), revision: Ok(revision.to_owned()) }
}

/// One evaluation and, where it is allowed, the act.
fn step(
    monitor: &mut Monitor,
    now: u64,
    seen: Seen,
    revision: &dyn Fn() -> String,
) -> Option<Fired> {
    monitor.see("errors", seen);
    if !monitor.would_act("errors") {
        return None;
    }
    let revision = monitor.permit("errors", now, &open(&revision())).ok()?;
    let fired = Fired { trigger: "errors".to_owned(), revision, at: now };
    monitor.acted(fired.clone());
    Some(fired)
}

/// A small generator, so that a failure can be repeated.
fn noise(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// A month, evaluation by evaluation; `revision` is deployed anew every so often.
fn month(deploy: u64, mut wave: impl FnMut(u64) -> Seen) -> Vec<Fired> {
    let mut monitor = monitor(2, Vec::new());
    let mut fired = Vec::new();
    for now in (0..30 * 24 * HOUR).step_by(usize::try_from(EVERY).expect("fits")) {
        fired.extend(step(&mut monitor, now, wave(now), &|| format!("r{}", now / deploy)));
    }
    fired
}

fn assert_calm(fired: &[Fired], what: &str) {
    let causes: BTreeSet<&str> = fired.iter().map(|it| it.revision.as_str()).collect();
    assert_eq!(causes.len(), fired.len(), "{what}: a revision was rolled back twice");
    for pair in fired.windows(2) {
        assert!(pair[1].at - pair[0].at >= 30 * MINUTE, "{what}: within the cooldown");
    }
}

/// A month of each of these waves; how many rollbacks they made.
fn square_waves(periods: impl IntoIterator<Item = u64>) -> usize {
    let mut total = 0;
    for period in periods {
        for deploy in [10 * MINUTE, 24 * HOUR, 31 * 24 * HOUR] {
            let wave = |now: u64| {
                if (now / EVERY / period).is_multiple_of(2) { Seen::Beyond } else { Seen::Well }
            };
            let fired = month(deploy, wave);
            assert_calm(&fired, &format!("period {period}, deploy {deploy}"));
            if deploy > 30 * 24 * HOUR {
                assert!(fired.len() <= 1, "one revision, one cause, one rollback");
            }
            total += fired.len();
        }
    }
    total
}

#[test]
fn a_month_of_square_waves_gives_one_rollback_per_cause_and_cooldown() {
    let periods = [1, 2, 3, 4, 5, 7, 29, 30, 31, 60, 1440, 10_080];
    assert!(square_waves(periods) > 0, "the waves were seen at all");
}

#[test]
#[ignore = "nightly"]
fn a_month_of_square_waves_of_every_period_up_to_half_a_day_is_as_calm() {
    assert!(square_waves(1..=720) > 0);
}

#[test]
fn a_month_of_noise_gives_one_rollback_per_cause_and_cooldown() {
    for (seed, of_ten) in [(7, 1), (11, 3), (13, 5), (17, 9)] {
        let mut state = 0x9E37_79B9_7F4A_7C15 ^ seed;
        let fired = month(24 * HOUR, |_| match noise(&mut state) % 10 {
            it if it < of_ten => Seen::Beyond,
            9 => Seen::Unknown,
            8 => Seen::Between,
            _ => Seen::Well,
        });
        assert!(fired.len() <= 30, "30 revisions, at most 30 rollbacks");
        assert_calm(&fired, &format!("noise {seed}"));
    }
}

#[test]
fn a_month_without_data_never_triggers() {
    assert!(month(HOUR, |_| Seen::Unknown).is_empty());
    let rare = |now: u64| if now % (5 * EVERY) < 2 * EVERY { Seen::Beyond } else { Seen::Unknown };
    assert!(month(HOUR, rare).is_empty(), "two of five are too few, whatever is unknown");
}

#[test]
fn two_causes_together_stay_within_the_hourly_budget() {
    let names: Vec<String> = (0..10).map(|index| format!("t{index}")).collect();
    let rules = names.iter().map(|name| (name.clone(), rule())).collect();
    let mut monitor = Monitor::new(rules, 2, Vec::new());
    let mut times = Vec::new();
    for now in (0..24 * HOUR).step_by(15_000) {
        for name in &names {
            let wave = (now / (2 * MINUTE)).is_multiple_of(2);
            monitor.see(name, if wave { Seen::Beyond } else { Seen::Well });
            let gate = open(&format!("r{now}"));
            if monitor.would_act(name)
                && let Ok(revision) = monitor.permit(name, now, &gate)
            {
                monitor.acted(Fired { trigger: name.clone(), revision, at: now });
                times.push(now);
            }
        }
    }
    assert!(times.len() > 20, "it acted at all: {}", times.len());
    assert!(times.windows(3).all(|three| three[2] - three[0] >= HOUR), "two an hour at most");
}

#[test]
fn every_shut_gate_is_a_reason_not_to_act() {
    let mut monitor = monitor(2, Vec::new());
    for _ in 0..3 {
        monitor.see("errors", Seen::Beyond);
    }
    let refusal = |gate: &Gate| monitor.permit("errors", 0, gate).unwrap_err();
    let off = Gate { switch: Ok(false), ..open("r1") };
    let unreadable = Gate { switch: Err("403".into()), ..open("r1") };
    let nothing = Gate { revision: Err("no pods".into()), ..open("r1") };
    assert!(refusal(&off).contains("is off"));
    assert!(refusal(&unreadable).contains("cannot be read: 403"));
    assert!(refusal(&nothing).contains("what is deployed"));
    assert_eq!(monitor.permit("errors", 0, &open("r1")), Ok("r1".to_owned()));
    monitor.see("errors", Seen::Unknown);
    assert!(!monitor.would_act("errors"), "what is unknown right now is not acted on");
}

#[test]
fn what_was_done_before_a_restart_is_not_done_again() {
    let before = vec![Fired { trigger: "errors".into(), revision: "r1".into(), at: 5 * HOUR }];
    let mut again = monitor(2, before.clone());
    for now in (5 * HOUR..29 * HOUR).step_by(15_000) {
        assert_eq!(step(&mut again, now, Seen::Beyond, &|| "r1".to_owned()), None);
    }
    let mut other = monitor(2, before);
    let first = (4 * HOUR..29 * HOUR)
        .step_by(15_000)
        .find_map(|now| step(&mut other, now, Seen::Beyond, &|| "r2".to_owned()))
        .expect("a new revision is a new cause");
    assert_eq!(first.at, 5 * HOUR + 30 * MINUTE, "after the cooldown, also with a clock set back");
}

#[test]
fn it_is_well_again_only_by_the_clear_level_and_never_by_silence() {
    let mut monitor = monitor(2, Vec::new());
    let mut see = |seen| monitor.see("errors", seen);
    assert_eq!((see(Seen::Beyond), see(Seen::Beyond)), (Change::None, Change::None));
    assert_eq!(see(Seen::Beyond), Change::Raised);
    for seen in [Seen::Between, Seen::Between, Seen::Unknown, Seen::Unknown, Seen::Well, Seen::Well]
    {
        assert_eq!(see(seen), Change::None, "{seen:?}");
    }
    assert_eq!(see(Seen::Between), Change::None);
    assert_eq!((see(Seen::Well), see(Seen::Well)), (Change::None, Change::None));
    assert_eq!(see(Seen::Well), Change::Cleared);
}
