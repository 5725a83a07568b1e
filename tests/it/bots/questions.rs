//! What a program must answer is named at once, and answered by somebody with something.

use crate::scenario::Scenario;

fn system(settings: &str) -> Scenario {
    Scenario::new().settings(settings).file(
        "runbooks/system.yaml",
        "apiVersion: rollback/v1\nlevel: system\ntitle: All\nmethods:\n  flag:\n    steps:\n      - id: look\n        \
         name: Look at it\n        manual: look\n      - id: fire\n        name: Fire\n        command: \
         [\"true\"]\n        confirm: yes\n",
    )
}

const SETTINGS: &str = "apiVersion: rollback/v1\ncontext: test\nnamespace: shop\n";

#[test]
fn every_answer_that_is_missing_is_named_at_once() {
    let scenario = system(SETTINGS);
    let error = scenario.run(&["system", "-o", "json"]).exits(6).json();
    let hints: Vec<&str> =
        error["hints"].as_array().expect("hints").iter().filter_map(|it| it.as_str()).collect();
    let all =
        "to go on without being asked: --decided-by WHO --confirm system --answer look=pass --yes";
    assert!(hints.contains(&all), "{hints:#?}");
    let who = "the catalog does not say who may decide on a system rollback: name who did";
    assert!(hints.contains(&who), "{hints:#?}");
    assert_eq!(scenario.runs(), Vec::<String>::new());
    let named = format!(
        "{SETTINGS}decision_authority:\n  - {{ rank: primary, role: Lead, contact: \"@lead\" }}\n"
    );
    system(&named).run(&["system", "--yes"]).exits(6).says("Lead (primary, @lead)");
    let answers = ["--decided-by", "Ada", "--confirm", "system", "--answer", "look=pass"];
    scenario.run(&[&["system", "--yes"][..], &answers].concat()).exits(5);
}

#[test]
fn what_is_said_for_the_record_is_one_line_of_something() {
    let scenario = system(SETTINGS);
    let flags =
        ["--approved-by", "--break-glass", "--decided-by", "--reason", "--incident", "--trigger"];
    for flag in flags {
        for nothing in ["", "  ", "two\nlines", "a\u{1b}[2Jb", "a\u{202e}b"] {
            let ended = scenario.run(&["system", "--yes", flag, nothing]).exits(2);
            assert!(ended.stderr.contains("kept for the record"), "{flag}: {ended:?}");
        }
    }
    scenario.run(&["system", "--yes", "--reason", "Ausfälle, seit 2 Uhr: „alles“"]).exits(6);
}
