//! Every screen, as a picture in 80 columns, and what must hold for all of them.

use std::time::{Duration, SystemTime};

use rollback::terminal::plan_view::{Before, blocked_text, plan_text};
use rollback::terminal::resume_view::{resume_question, resume_text};
use rollback::terminal::runs_view::runs_table;
use rollback::terminal::story::run_story;
use rollback::terminal::style::Style;
use rollback::terminal::verdict::{failure_text, paused_text, verdict_text};
use rollback::terminal::{layout, sanitize};

use super::fixtures::{self, Story};

fn plain() -> Style {
    Style::plain()
}

fn coloured() -> Style {
    Style { color: true, ..plain() }
}

fn ascii() -> Style {
    Style { unicode: false, ..plain() }
}

fn four_minutes_later() -> SystemTime {
    let last = humantime::parse_rfc3339("2026-11-23T02:14:12.120Z").expect("a time");
    last + Duration::from_secs(250)
}

#[test]
fn the_plan_says_where_what_and_what_follows() {
    insta::assert_snapshot!("plan", plan_text(&fixtures::plan(), &plain()));
    insta::assert_snapshot!("plan_colour", plan_text(&fixtures::plan(), &coloured()));
    insta::assert_snapshot!("plan_ascii", plan_text(&fixtures::plan(), &ascii()));
}

#[test]
fn a_simulated_plan_says_so_before_anything_else() {
    let mut plan = fixtures::plan();
    plan.simulated = true;
    let text = plan_text(&plan, &plain());
    assert!(text.starts_with("SIMULATED"), "{text}");
    insta::assert_snapshot!("plan_simulated", text);
}

#[test]
fn a_blocked_plan_ends_with_what_to_do() {
    let plan = fixtures::blocked_plan();
    let text =
        plan_text(&plan, &plain()) + "\n" + &blocked_text(&plan, &Before::default(), &plain());
    assert!(text.contains("--skip-blocked restart-backend"), "{text}");
    assert!(text.contains("runbooks/components/tool-dispatcher.yaml:19:9"), "{text}");
    insta::assert_snapshot!("blocked", text);
    insta::assert_snapshot!("blocked_colour", blocked_text(&plan, &Before::default(), &coloured()));
}

#[test]
fn a_plan_that_can_show_no_recovery_says_so_beforehand() {
    let mut plan = fixtures::plan();
    plan.criteria[0].before = Some(true);
    plan.criteria[0].now = "200".to_owned();
    assert!(plan_text(&plan, &plain()).contains("the best verdict is \"applied\""));
    plan.criteria.clear();
    assert!(plan_text(&plan, &plain()).contains("the best verdict is \"applied\""));
}

#[test]
fn each_verdict_has_its_card() {
    for (name, story) in [
        ("recovered", fixtures::recovered()),
        ("applied", fixtures::applied()),
        ("failed", fixtures::failed()),
        ("aborted", fixtures::aborted()),
        ("declined", fixtures::declined()),
        ("unknown", fixtures::unknown()),
    ] {
        let state = story.state();
        insta::assert_snapshot!(format!("verdict_{name}"), verdict_text(&state, &plain()));
        insta::assert_snapshot!(
            format!("verdict_{name}_colour"),
            verdict_text(&state, &coloured())
        );
    }
}

#[test]
fn a_verdict_names_only_commands_that_exist() {
    for story in [fixtures::recovered(), fixtures::failed(), fixtures::paused()] {
        let text = verdict_text(&story.state(), &plain());
        for word in ["rollback report", "rollback validate", "rollback forward"] {
            assert!(!text.contains(word), "{text}");
        }
    }
}

#[test]
fn a_failed_step_shows_the_reason_and_the_commands_own_words() {
    let state = fixtures::failed().state();
    let text = failure_text(&state, "restart-backend", &plain());
    assert!(text.contains("| ImportError: cannot import name 'DeepAgentState'"), "{text}");
    insta::assert_snapshot!("failure", text);
}

#[test]
fn a_paused_run_says_where_it_stands_and_how_to_go_on() {
    let text = paused_text(&fixtures::paused().state(), &plain());
    assert!(text.contains(&format!("rollback resume {}", fixtures::RUN_ID)), "{text}");
    insta::assert_snapshot!("paused", text);
}

#[test]
fn coming_back_says_what_was_found_and_what_is_next() {
    let state = fixtures::coming_back().state();
    let text = resume_text(&state, four_minutes_later(), &plain());
    insta::assert_snapshot!("coming_back", text + &resume_question(&state) + "\n");
}

#[test]
fn the_runs_are_a_table_by_environment() {
    let mut other = fixtures::paused().state();
    other.start.context = "netra-production".to_owned();
    other.run_id = "019311d2-7c40-7b02-8d11-90aa2c66d0e5".to_owned();
    let mut system = fixtures::failed().state();
    system.start.target = "system".to_owned();
    system.run_id = "019311d9-0000-7a31-9c55-3f1b2a66d0e5".to_owned();
    let runs = [fixtures::recovered().state(), other, system];
    insta::assert_snapshot!("runs", runs_table(&runs, &plain()));
    insta::assert_snapshot!("runs_colour", runs_table(&runs, &coloured()));
    assert_eq!(runs_table(&[], &plain()), "No runs yet.\n");
}

#[test]
fn the_story_of_a_run_can_be_read_in_a_chat() {
    for (name, story) in [("recovered", fixtures::recovered()), ("failed", fixtures::failed())] {
        let text = run_story(&story.state(), &story.records, &plain());
        insta::assert_snapshot!(format!("story_{name}"), text);
    }
}

/// Every screen of everything.
fn all_screens(style: &Style) -> Vec<String> {
    let mut screens = Vec::new();
    for plan in [fixtures::plan(), fixtures::blocked_plan(), fixtures::hostile_plan()] {
        for simulated in [false, true] {
            let mut plan = plan.clone();
            plan.simulated = simulated;
            screens.push(plan_text(&plan, style));
            screens.push(blocked_text(&plan, &Before::default(), style));
        }
    }
    let stories: [fn() -> Story; 9] = [
        fixtures::recovered,
        fixtures::applied,
        fixtures::failed,
        fixtures::aborted,
        fixtures::declined,
        fixtures::unknown,
        fixtures::paused,
        fixtures::coming_back,
        fixtures::hostile,
    ];
    let mut states = Vec::new();
    for story in stories {
        let story = story();
        let mut state = story.state();
        screens.push(run_story(&state, &story.records, style));
        screens.push(verdict_text(&state, style));
        screens.push(resume_text(&state, four_minutes_later(), style));
        screens.extend(state.steps.iter().map(|step| failure_text(&state, &step.id, style)));
        states.push(state.clone());
        state.finish = None;
        screens.push(verdict_text(&state, style));
    }
    screens.push(runs_table(&states, style));
    screens
}

#[test]
fn no_line_is_wider_than_the_page_whatever_the_names_are() {
    for width in [80, 100, 40] {
        for style in [plain(), ascii()] {
            let style = Style { width, ..style };
            for screen in all_screens(&style) {
                for line in screen.lines() {
                    assert!(layout::width(line) <= width, "{}: {line}", layout::width(line));
                }
            }
        }
    }
}

#[test]
fn no_hostile_name_reaches_the_screen_as_a_control() {
    for screen in all_screens(&plain()) {
        let bad = screen.chars().find(|c| *c != '\n' && !sanitize::is_harmless(*c));
        assert_eq!(bad, None, "{screen}");
    }
}

#[test]
fn a_coloured_screen_is_the_plain_screen_with_colour() {
    let strip =
        |text: &str| text.lines().map(|line| sanitize::line(line) + "\n").collect::<String>();
    for (plain, coloured) in all_screens(&plain()).iter().zip(all_screens(&coloured())) {
        assert_eq!(*plain, strip(&coloured));
    }
}

#[test]
fn an_ascii_screen_has_only_ascii_where_our_own_words_stand() {
    let text = plan_text(&fixtures::plan(), &ascii());
    assert!(text.is_ascii(), "{text}");
    let story = fixtures::failed();
    assert!(run_story(&story.state(), &story.records, &ascii()).is_ascii());
}
