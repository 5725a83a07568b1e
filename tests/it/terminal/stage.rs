//! A program that other tests run in a terminal: this test binary itself, with `STAGE` saying which
//! piece is played. Without it, nothing happens.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rollback::event::{Live, Record};
use rollback::output::jsonl::JsonLines;
use rollback::terminal::live::LiveView;
use rollback::terminal::plan_view::{Before, blocked_text, plan_text};
use rollback::terminal::prompt::{self, Answer, Reply};
use rollback::terminal::runs_view::runs_table;
use rollback::terminal::style::{ColorChoice, Stream, Style};
use rollback::terminal::verdict::verdict_text;

use super::fixtures;

/// What does not come within this never comes.
const PATIENCE: Duration = Duration::from_secs(40);

#[test]
#[ignore = "a program for the other tests"]
fn a_stage_for_the_tests_that_need_a_terminal() {
    let Ok(piece) = std::env::var("STAGE") else { return };
    let answer = match piece.as_str() {
        "confirm" => {
            answer(prompt::confirm("Roll back component tool-dispatcher in netra-staging?"))
        }
        "late confirm" => {
            say("soon");
            typed_ahead();
            answer(prompt::confirm("Go?"))
        }
        "name" => answer(prompt::type_name("Type netra-backend to go on", "netra-backend")),
        "text" => match prompt::text("Who decided?") {
            Reply::Text(text) => format!("text {text:?}"),
            Reply::Nothing => "nothing".to_owned(),
            Reply::Interrupted => "interrupted".to_owned(),
        },
        "menu" => {
            let choices =
                [('r', "retry"), ('s', "skip"), ('e', "escalate to code"), ('a', "abort")];
            format!("chose {:?}", prompt::menu("", &choices))
        }
        "abandoned" => abandoned(),
        "screens" => screens(),
        "live" => lasts(Duration::from_millis(300)),
        "long live" => lasts(Duration::from_secs(8)),
        "survivor" | "survivor of a hang-up" => {
            let hung_up = Arc::new(AtomicBool::new(false));
            let flag = Arc::clone(&hung_up);
            signal_hook::flag::register(signal_hook::consts::SIGHUP, flag).expect("a handler");
            let result = if piece == "survivor" {
                lasts(Duration::from_millis(1500))
            } else {
                // Until the view has noticed; beyond a minute it never will.
                let mut since = None;
                live(move |view| {
                    if since.is_none() && hung_up.load(Ordering::SeqCst) {
                        since = Some(Instant::now());
                    }
                    since.is_some_and(|since| view.is_dead() || since.elapsed() > PATIENCE)
                })
            };
            let file = std::env::var("STAGE_FILE").expect("a file to write to");
            std::fs::write(file, &result).expect("the file is written");
            result
        }
        "json" => {
            // Wait until the reader of our output is gone.
            say("ready");
            let mut byte = [0];
            let _ = std::io::stdin().read(&mut byte);
            let mut lines = JsonLines::stdout(fixtures::RUN_ID);
            for envelope in &fixtures::recovered().records {
                lines.record(envelope);
            }
            std::process::exit(if lines.is_dead() { 42 } else { 1 });
        }
        other => panic!("no piece {other}"),
    };
    say(&format!("<{answer}> can_prompt={}", prompt::can_prompt()));
    std::process::exit(0);
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn answer(answer: Answer) -> String {
    format!("{answer:?}").to_lowercase()
}

/// A question that nobody answers, ended from outside.
fn abandoned() -> String {
    let modes = || rustix::termios::tcgetattr(std::io::stdin()).expect("a terminal").local_modes;
    let before = modes();
    let asked = std::thread::spawn(|| prompt::confirm("Go?"));
    await_that(|| modes() != before);
    let during = modes();
    prompt::restore_terminal();
    let after = modes();
    let answer = answer(asked.join().expect("no panic"));
    format!(
        "{answer} changed={} restored={}",
        before != during,
        before == after && modes() == before
    )
}

/// Waits for what must come.
fn await_that(mut it: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !it() {
        assert!(Instant::now() < until, "it does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until a whole line was typed that nobody has read.
fn typed_ahead() {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = std::io::stdin();
    await_that(|| {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&now)) == Ok(1)
    });
}

/// A run with one step that takes so long.
fn lasts(step: Duration) -> String {
    let until = Instant::now() + step;
    live(move |_| Instant::now() >= until)
}

/// A run with one step that takes until `over`.
fn live(mut over: impl FnMut(&LiveView) -> bool) -> String {
    let style = Style::of(Stream::Stderr, ColorChoice::Auto);
    let plan = fixtures::plan();
    let mut view = LiveView::new(style, &plan, Instant::now());
    for envelope in &fixtures::recovered().records {
        view.record(envelope);
        if let Record::StepIntended { step: id, index: 2, .. } = &envelope.record {
            let mut count = 0;
            while !over(&view) {
                count += 1;
                view.live(&Live::Output {
                    step: id.clone(),
                    stream: "stdout".to_owned(),
                    text: format!("line {count} of the command"),
                });
                view.live(&Live::Progress {
                    step: id.clone(),
                    text: "ready 2/3 · 1 old pod left".to_owned(),
                });
                view.tick();
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
    view.finish();
    format!("played dead={}", view.is_dead())
}

/// Every screen after the other, for looking at.
fn screens() -> String {
    let style = Style::of(Stream::Stderr, ColorChoice::Auto);
    let blocked = fixtures::blocked_plan();
    say(&plan_text(&fixtures::plan(), &style));
    say(&plan_text(&blocked, &style));
    say(&blocked_text(&blocked, &Before::default(), &style));
    for story in [
        fixtures::recovered(),
        fixtures::applied(),
        fixtures::failed(),
        fixtures::unknown(),
        fixtures::paused(),
    ] {
        say(&verdict_text(&story.state(), &style));
    }
    say(&runs_table(&[fixtures::recovered().state(), fixtures::failed().state()], &style));
    "shown".to_owned()
}
