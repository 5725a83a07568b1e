//! Prompts and the live view in a real terminal.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rexpect::session::{PtySession, spawn_command};

fn stage(piece: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command
        .args(["--exact", "terminal::stage::a_stage_for_the_tests_that_need_a_terminal"])
        .args(["--ignored", "--nocapture", "--test-threads=1"])
        .env("STAGE", piece)
        .env("TERM", "xterm")
        .env("LC_ALL", "C.UTF-8")
        .env_remove("CI")
        .env_remove("NO_COLOR");
    command
}

/// Longer than anything here takes on a machine that is busy with something else, in milliseconds.
const LIMIT: u64 = 60_000;

/// How often a question is put to somebody who gives no sensible answer.
const TRIES: usize = 3;

fn play(piece: &str) -> PtySession {
    spawn_command(stage(piece), Some(LIMIT)).expect("a terminal")
}

/// Types into a question; gives all that stood on the screen up to the result, and the result.
fn typed(piece: &str, question: &str, keys: &[&str]) -> (String, String) {
    let mut session = play(piece);
    let mut seen = session.exp_string(question).expect("the question");
    for (index, key) in keys.iter().enumerate() {
        // What is typed before the question is put again is no answer to it.
        if (1..TRIES).contains(&index) {
            seen.push_str(&session.exp_string(question).expect("the question again"));
        }
        session.send(key).expect("keys");
        session.flush().expect("keys");
    }
    let (before, result) = session.exp_regex("<[^>]*>").expect("the result");
    seen.push_str(&before);
    session.exp_eof().expect("the end");
    (seen, result)
}

fn result(piece: &str, question: &str, keys: &[&str]) -> String {
    typed(piece, question, keys).1
}

#[test]
fn only_y_or_yes_is_yes() {
    for (keys, expected) in [
        (vec!["y\n"], "<yes>"),
        (vec!["yes\r"], "<yes>"),
        (vec!["Y\n"], "<yes>"),
        (vec!["n\n"], "<no>"),
        (vec!["\n"], "<no>"),
        (vec!["yo\n", "what\n", "yep\n"], "<no>"),
        (vec!["yo\n", "y\n"], "<yes>"),
    ] {
        assert_eq!(result("confirm", "[y/N] ", &keys), expected, "{keys:?}");
    }
}

#[test]
fn the_end_of_input_is_no_and_ctrl_c_is_interrupted_at_every_question() {
    for (piece, question, none) in [
        ("confirm", "[y/N] ", "<no>"),
        ("name", "go on: ", "<no>"),
        ("text", "decided?: ", "<nothing>"),
    ] {
        assert_eq!(result(piece, question, &["\u{4}"]), none, "{piece}");
        assert_eq!(result(piece, question, &["\u{3}"]), "<interrupted>", "{piece}");
        assert_eq!(result(piece, question, &["half\u{3}"]), "<interrupted>", "{piece}");
    }
    assert_eq!(result("menu", " > ", &["\u{4}"]), "<chose Nothing>");
    assert_eq!(result("menu", " > ", &["\u{3}"]), "<chose Interrupted>");
}

#[test]
fn keys_typed_before_the_question_do_not_answer_it() {
    let mut session = play("late confirm");
    session.exp_string("soon").expect("a sign of life");
    session.send("y\ny\n").expect("keys");
    session.flush().expect("keys");
    session.exp_string("[y/N] ").expect("the question");
    session.send("\n").expect("keys");
    session.flush().expect("keys");
    assert_eq!(session.exp_regex("<[^>]*>").expect("the result").1, "<no>");
}

#[test]
fn a_name_must_be_typed_exactly_and_a_wrong_one_is_said_once() {
    assert_eq!(result("name", "go on: ", &["netra-backend\n"]), "<yes>");
    assert_eq!(result("name", "go on: ", &["\n"]), "<no>");
    assert_eq!(result("name", "go on: ", &["backend\n", "netra-backend\n"]), "<yes>");
    let (seen, answer) = typed("name", "go on: ", &["a\n", "b\n", "c\n", "netra-backend\n"]);
    assert_eq!(answer, "<no>");
    assert_eq!(seen.matches("That is not it").count(), 1, "{seen}");
}

#[test]
fn a_menu_is_one_line_and_takes_a_letter_or_a_word() {
    let (seen, answer) = typed("menu", " > ", &["e\n"]);
    assert_eq!(answer, "<chose Key('e')>");
    assert!(seen.contains("[r]etry  [s]kip  [e]scalate to code  [a]bort"), "{seen}");
    assert_eq!(result("menu", " > ", &["skip\n"]), "<chose Key('s')>");
    assert_eq!(result("menu", " > ", &["x\n", "r\n"]), "<chose Key('r')>");
    assert_eq!(result("menu", " > ", &["\n"]), "<chose Nothing>");
}

#[test]
fn free_text_is_edited_by_the_terminal_and_sanitized() {
    // The driver reads single bytes: the erased ë must be gone with both of its own.
    assert_eq!(result("text", "decided?: ", &["  Zoë\u{7f}e B.\n"]), "<text \"Zoe B.\">");
    assert_eq!(result("text", "decided?: ", &["a\u{1b}[31mb\n"]), "<text \"ab\">");
}

#[test]
fn a_question_that_was_given_up_leaves_the_terminal_as_it_was() {
    let mut session = play("abandoned");
    let result = session.exp_regex("<[^>]*>").expect("the result").1;
    assert_eq!(result, "<interrupted changed=true restored=true>");
}

#[test]
fn without_a_terminal_nobody_can_be_asked_and_nothing_hangs() {
    let child = stage("confirm").stdin(Stdio::null()).stderr(Stdio::piped()).output();
    let text = String::from_utf8(child.expect("it ran").stderr).expect("UTF-8");
    assert!(text.contains("<no> can_prompt=false"), "{text}");
}

#[test]
fn a_live_view_shows_the_step_its_output_the_budget_and_keeps_what_is_done() {
    let mut session = play("live");
    session.exp_string("Turn the migration flag off").expect("what is done");
    session.exp_string("2  Restart the backend").expect("what is under way");
    session.exp_string("s   ready 2/3 ").expect("its progress, on the same line");
    session.exp_string("| line 2 of the command").expect("its output");
    session.exp_string("budget 30s").expect("the budget");
    session.exp_string("2  Restart the backend").expect("what is done");
    session.exp_string("3 of 3 pods of deployment/netra-backend carry false").expect("evidence");
    session.exp_string("<played dead=false>").expect("the end");
}

/// Plays the piece that outlives its terminal; gives what it reports. The shell between stands in
/// for it when the driver ends what it started.
fn survive(piece: &str, act: impl FnOnce(PtySession) -> Option<PtySession>) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("result");
    let piece = stage(piece);
    let mut command = Command::new("sh");
    command.args(["-c", "\"$0\" \"$@\" & wait"]).arg(piece.get_program()).args(piece.get_args());
    for (name, value) in piece.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.env("STAGE_FILE", &file);
    let mut session = spawn_command(command, Some(LIMIT)).expect("a terminal");
    session.exp_string("2  Restart the backend").expect("what is under way");
    let _session = act(session);
    let until = Instant::now() + Duration::from_millis(LIMIT);
    while Instant::now() < until {
        if let Ok(text) = std::fs::read_to_string(&file)
            && !text.is_empty()
        {
            return text;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    "nothing".to_owned()
}

#[test]
fn a_held_terminal_does_not_hold_the_run() {
    let result = survive("survivor", |mut session| {
        session.send("\u{13}").expect("Ctrl-S");
        session.flush().expect("Ctrl-S");
        Some(session)
    });
    // The terminal is held to the end of the test, and the work is done all the same.
    assert_eq!(result, "played dead=false");
}

#[test]
fn a_hung_up_terminal_makes_the_view_quiet_and_nothing_else() {
    let result = survive("survivor of a hang-up", |session| {
        drop(session);
        None
    });
    assert_eq!(result, "played dead=true");
}

#[test]
fn json_lines_to_a_closed_pipe_are_no_crash() {
    let mut child = stage("json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    // The test harness has said its own words on it by then.
    let mut stderr = child.stderr.take().expect("a pipe");
    let mut word = [0; 5];
    stderr.read_exact(&mut word).expect("a sign of life");
    drop(child.stdout.take());
    drop(child.stdin.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(42));
}
