//! `rollback recovery` and `rollback contacts`.

use super::{off, recovered};

#[test]
fn the_recovery_plan_is_dated_ticked_and_opened_again_with_the_cluster_off() {
    let (scenario, _endpoint) = recovered();
    let scenario = off(scenario);
    scenario
        .run(&["recovery"])
        .exits(0)
        .says("find-the-root-cause")
        .says("2 open")
        .says("rollback recovery");
    let ticked = scenario
        .run(&[
            "recovery",
            "--tick",
            "find-the-root-cause",
            "--criterion",
            "testing-improved",
            "--by",
            "Bob",
            "--note",
            "a race",
            "-o",
            "json",
        ])
        .exits(0)
        .json();
    assert_eq!(ticked["phases"][1]["items"][0]["done"]["by"], "Bob");
    assert_eq!(ticked["criteria"][1]["done"]["note"], "a race");
    let open = scenario.run(&["recovery", "--untick", "testing-improved", "-o", "json"]).json();
    assert!(open["criteria"][1]["done"].is_null());
    scenario
        .run(&["recovery", "--export", "md"])
        .exits(0)
        .says("- [x] Find the root cause (by Bob");
    let before = scenario.records().len();
    scenario
        .run(&["recovery", "--tick", "monitor-for-24-hours", "--tick", "nothing"])
        .exits(2)
        .says("there is no item `nothing`");
    assert_eq!(scenario.records().len(), before, "nothing of a wrong order is recorded");
}

#[test]
fn the_calendar_is_what_rfc_5545_says_and_the_same_each_time() {
    let (scenario, _endpoint) = recovered();
    let scenario = off(scenario);
    let text = scenario.run(&["recovery", "--export", "ics"]).exits(0).stdout;
    assert_eq!(text, scenario.run(&["recovery", "--export", "ics"]).stdout);
    assert!(text.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"));
    assert!(text.ends_with("END:VCALENDAR\r\n"));
    assert!(text.split("\r\n").all(|line| line.len() <= 75 && !line.contains('\n')), "{text}");
    let uids: Vec<&str> = text.lines().filter(|line| line.starts_with("UID:")).collect();
    assert_eq!(uids.len(), 3);
    let day = |ts: &str| ts.get(..10).expect("a day").replace('-', "");
    let records = scenario.records();
    let end = records.iter().find(|it| it["type"] == "run_finished").expect("over");
    let first = day(end["ts"].as_str().expect("a time"));
    assert!(text.contains(&format!("DTSTART;VALUE=DATE:{first}\r\n")), "{text}");
}

#[test]
fn contacts_are_listed_and_an_unknown_decider_is_refused_with_the_list() {
    let (scenario, _endpoint) = recovered();
    scenario
        .run(&["contacts"])
        .exits(0)
        .says("Engineering Lead (primary)")
        .says("#leads")
        .says("no contact")
        .says("ops@example.org");
    let runs = scenario.runs().len();
    scenario
        .run(&["component", "dispatcher", "--method", "config", "--yes", "--decided-by", "Eve"])
        .exits(2)
        .says("`Eve` is not one who may decide")
        .says("Engineering Lead, CTO");
    assert_eq!(scenario.runs().len(), runs);
    let json = scenario.run(&["runs", "show", "-o", "json"]).json();
    assert_eq!(json["decided_by"], "Ada (CTO)");
}
