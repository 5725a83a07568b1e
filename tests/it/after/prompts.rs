//! What follows a run, by hand in a terminal.

use rexpect::session::{PtySession, spawn_command};

use super::{Scenario, broken, recovered};
use crate::scenario::Endpoint;

pub fn typed(scenario: &Scenario, arguments: &[&str]) -> PtySession {
    // The same command with its streams left to the terminal.
    let hermetic = scenario.command(arguments);
    let mut command = std::process::Command::new(hermetic.get_program());
    command.args(hermetic.get_args()).env_clear().env("TERM", "dumb");
    command.current_dir(scenario.path("."));
    command.envs(hermetic.get_envs().filter_map(|(name, value)| Some((name, value?))));
    spawn_command(command, Some(20_000)).expect("a terminal")
}

#[test]
fn an_engineer_answers_the_items_at_the_terminal_and_says_what_is_wrong() {
    let (scenario, _endpoint) = recovered();
    let mut screen = typed(&scenario, &["validate", "--tier", "immediate"]);
    screen.exp_string("Log in as a user.").expect("the instruction");
    screen.exp_string("[l]ater").expect("the question");
    screen.send_line("p").expect("typed");
    screen.exp_string("User login").expect("the answer");
    screen.exp_eof().expect("the end");
    let mut screen = typed(&scenario, &["validate", "--tier", "business"]);
    screen.exp_string("Compare the records.").expect("the instruction");
    screen.exp_string("[l]ater").expect("the question");
    screen.send_line("f").expect("typed");
    screen.exp_string("What is wrong?").expect("the question");
    screen.send_line("12 records are gone").expect("typed");
    screen.exp_string("--method config").expect("the next rung");
    screen.exp_eof().expect("the end");
    let records = scenario.records();
    let judged: Vec<_> = records.iter().filter(|it| it["type"] == "item_judged").collect();
    assert_eq!(judged[1]["how"], "prompt");
    assert_eq!(judged[1]["holds"], true);
    assert_eq!(judged[2]["why"], "12 records are gone");
}

#[test]
fn what_is_watched_fails_while_a_person_is_asked_and_the_question_is_taken_back() {
    let (scenario, endpoint) = recovered();
    let mut screen = typed(&scenario, &["validate", "--tier", "immediate"]);
    screen.exp_string("Log in as a user.").expect("the instruction");
    screen.exp_string("[l]ater").expect("the question");
    endpoint.answers(|_| (500, String::new()));
    let before = screen.exp_string("Service health").expect("the item that fails");
    assert!(before.ends_with("\n  x "), "it has a line of its own: {before:?}");
    screen.exp_string("does not hold").expect("what became of it");
    screen.exp_string("--method config").expect("the next rung");
    screen.exp_eof().expect("the end, with no key pressed");
    let records = scenario.records();
    let judged: Vec<_> = records.iter().filter(|it| it["type"] == "item_judged").collect();
    assert_eq!(judged.len(), 2, "the person's item is not judged: {judged:?}");
    assert_eq!(
        (&judged[1]["item"], &judged[1]["holds"]),
        (&"service-health".into(), &false.into())
    );
}

#[test]
fn who_decided_a_system_rollback_is_asked_again_until_it_is_one_who_may() {
    let endpoint = Endpoint::status(503);
    let scenario = broken(&endpoint).file(
        "runbooks/system.yaml",
        &format!(
            "apiVersion: rollback/v1\nlevel: system\ntitle: All\nmethods:\n  flag:\n    steps:\n      \
             - name: Turn the flag off\n        \
             set_flags: {{ configmap: flags, flags: {{ NEW_CODE: \"false\" }} }}\n\
             recovered_when:\n  - http: {{ url: \"{}\" }}\n    within: 1s\n",
            endpoint.url("/health")
        ),
    );
    let mut screen = typed(&scenario, &["system"]);
    screen.exp_string("Engineering Lead (primary, #leads)").expect("who may");
    screen.send_line("Eve").expect("typed");
    screen.exp_string("is not one who may decide").expect("refused");
    screen.exp_string("Who decided").expect("asked again");
    screen.send_line("Ada (cto)").expect("typed");
    screen.exp_string("Type system").expect("the name");
    screen.send_line("system").expect("typed");
    screen.exp_string("recovery not shown").expect("the verdict");
    screen.exp_string("call Engineering Lead").expect("whom to ask next");
    screen.exp_string("not closed: its validation is not begun").expect("the validation is open");
    screen.exp_eof().expect("the end");
    let records = scenario.records();
    let confirmed = records.iter().find(|it| it["type"] == "confirmed").expect("confirmed");
    assert_eq!(confirmed["decided_by"], "Ada (CTO)");
    scenario.run(&["runs"]).exits(0).says("system is not closed: its validation is not begun");
}
