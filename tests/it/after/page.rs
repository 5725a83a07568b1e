//! `rollback report` and `rollback update`.

use super::{off, recovered};

/// Replaces what differs from run to run: ids, times, digests, ports, durations.
fn settled(text: &str, scenario: &super::Scenario) -> String {
    let id = scenario.runs().pop().expect("a run");
    let mut out = String::new();
    let text = text.replace(&id, "RUN");
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_hexdigit());
    for word in text.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '.')) {
        let (body, tail) = word.split_at(
            word.trim_end_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).len(),
        );
        let number = body.starts_with(|c: char| c.is_ascii_digit());
        let long = body.len() >= 12 && digits(body);
        let kept = ["1.", "2.", "200", "503", "255", "0"].contains(&body);
        out.push_str(if (number && !kept) || long { "N" } else { body });
        out.push_str(tail);
    }
    out
}

#[test]
fn a_report_is_byte_identical_with_the_cluster_off() {
    let (scenario, _endpoint) = recovered();
    let formats = ["md", "html", "json"];
    let write = |scenario: &super::Scenario| {
        formats.map(|format| scenario.run(&["report", "--format", format]).exits(0).stdout)
    };
    let first = write(&scenario);
    let scenario = off(scenario);
    assert_eq!(first, write(&scenario));
    assert!(!first[1].contains("<script"), "a page without a script");
    assert!(first[0].contains("Ada (CTO)") && first[0].contains("503 -&gt; 200"));
}

#[test]
fn the_report_reads_as_its_snapshot_in_markdown_and_html() {
    let (scenario, _endpoint) = recovered();
    scenario.run(&["validate", "--answer", "user-login=pass", "--note", "as <b>bob</b>"]).exits(5);
    let text = scenario.run(&["report"]).exits(0).stdout;
    insta::assert_snapshot!("report_markdown", settled(&text, &scenario));
    let page = scenario.run(&["report", "--format", "html"]).exits(0).stdout;
    assert!(page.contains("as &lt;b&gt;bob&lt;/b&gt;"));
    let body = page.split("</style>").nth(1).expect("a body");
    let chart =
        body.split("<svg").nth(1).and_then(|it| it.split("</svg>").next()).expect("a chart");
    assert!(chart.contains("Restart the backend") && chart.contains("budget 30s"), "{chart}");
    let without = body.replace(chart, "");
    insta::assert_snapshot!("report_html", settled(&without, &scenario));
}

#[test]
fn what_people_wrote_survives_and_what_they_changed_outside_is_put_aside() {
    let (scenario, _endpoint) = recovered();
    for name in ["report.md", "report.html"] {
        scenario.run(&["report", "--out", name]).exits(0);
        let path = scenario.path(name);
        let empty = std::fs::read_to_string(&path).expect("a report");
        let begin = "<!-- gap primary-cause: write below, it is kept -->\n";
        let mine =
            empty.replacen(begin, &format!("{begin}A race in `dispatch`.\n\nTwo of them.\n"), 1);
        assert_ne!(mine, empty);
        std::fs::write(&path, &mine).expect("written");
        scenario.run(&["report", "--out", name]).exits(0);
        assert_eq!(std::fs::read_to_string(&path).expect("a report"), mine);
        let changed = mine.replace("Prevention measures", "Prevention");
        std::fs::write(&path, &changed).expect("written");
        scenario.run(&["report", "--out", name]).exits(0).says("changed outside its gaps");
        assert_eq!(std::fs::read_to_string(&path).expect("a report"), mine);
        let aside = scenario.path(&format!("{name}.1.orig"));
        assert_eq!(std::fs::read_to_string(aside).expect("put aside"), changed);
        let spoilt = mine.replace("<!-- end of gap primary-cause -->", "");
        std::fs::write(&path, &spoilt).expect("written");
        scenario.run(&["report", "--out", name]).exits(2).says("`primary-cause` has no end");
        assert_eq!(std::fs::read_to_string(&path).expect("a report"), spoilt);
    }
    std::fs::write(scenario.path("notes.md"), "# Mine\n").expect("written");
    scenario.run(&["report", "--out", "notes.md"]).exits(2).says("no report of this tool");
}

#[test]
fn an_update_says_what_is_so_to_each_audience() {
    let (scenario, _endpoint) = recovered();
    let scenario = off(scenario);
    let text = |audience| scenario.run(&["update", "--audience", audience]).exits(0).stdout;
    assert!(text("engineers").contains("recovered after"));
    assert!(text("stakeholders").contains("Decided by Ada (CTO)."));
    let customers = text("customers");
    assert!(customers.contains("working again since"), "{customers}");
    for internal in ["dispatcher", "flags", "shop", "alice", "INC-7"] {
        assert!(!customers.contains(internal), "{customers}");
    }
}

#[test]
fn an_item_that_failed_since_vetoes_that_it_works_and_is_named() {
    let (scenario, _endpoint) = recovered();
    scenario.run(&["validate", "--answer", "user-login=fail", "--note", "blank page"]).exits(1);
    let text = |audience| scenario.run(&["update", "--audience", audience]).exits(0).stdout;
    let customers = text("customers");
    assert!(!customers.contains("working again"), "{customers}");
    assert!(customers.contains("not everything works yet"), "{customers}");
    let stakeholders = text("stakeholders");
    assert!(stakeholders.contains("failed: User login"), "{stakeholders}");
    assert!(!stakeholders.contains("seen working"), "{stakeholders}");
    let engineers = text("engineers");
    assert!(engineers.contains("User login does not hold: blank page"), "{engineers}");
    assert!(engineers.contains("Next: rollback component dispatcher"), "{engineers}");
    let report = scenario.run(&["report"]).exits(0).stdout;
    assert!(report.contains("### Immediate validation: fails"), "{report}");
    let offered = scenario.records().into_iter().find(|it| it["type"] == "escalation_offered");
    assert_eq!(offered.expect("an offer")["why"], "User login does not hold", "it never held");
}
