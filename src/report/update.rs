//! A short text to paste, true as of the run's last record, for one audience.

use super::{Story, line, minute};
use crate::cli::Audience;
use crate::event::Verdict;
use crate::state::{Finish, StepState};
use crate::terminal::layout::{duration, millis};

/// The text.
pub fn text(story: &Story, audience: Audience) -> String {
    let mut lines = Vec::new();
    if story.state.start.simulated {
        lines.push("REHEARSAL: nothing below happened to a real system.".to_owned());
    }
    lines.extend(match audience {
        Audience::Engineers => engineers(story),
        Audience::Stakeholders => stakeholders(story),
        Audience::Customers => customers(story),
    });
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn engineers(story: &Story) -> Vec<String> {
    let (state, start) = (&story.state, &story.state.start);
    let mut lines = Vec::new();
    let incident = start.incident.as_ref().map_or(String::new(), |id| format!("[{}] ", line(id)));
    let place = story.plan.environment();
    lines.push(match &start.forward_of {
        Some(of) => {
            format!("{incident}{} goes forward again in {place}, after run {of}", start.target)
        }
        None => format!("{incident}Rollback of {}, {}, in {place}", start.target, start.method),
    });
    let head = match &state.finish {
        Some(finish) => {
            let budget =
                start.budget_ms.map_or(String::new(), |ms| format!(" (budget {})", millis(ms)));
            let forward = went_forward(story) && finish.verdict == Verdict::Applied;
            format!(
                "{} after {}{budget}, at {}: {}",
                if forward { "forward again" } else { finish.verdict.as_str() },
                millis(finish.elapsed_ms),
                minute(&finish.ts),
                line(&finish.why)
            )
        }
        None => match &state.paused {
            Some(why) => format!("paused at {}: {}", minute(&state.last), line(why)),
            None => format!("not finished; last record at {}", minute(&state.last)),
        },
    };
    lines.push(head);
    for (index, step) in state.steps.iter().enumerate() {
        let word = super::parts::word(step);
        let why = match step.state {
            StepState::Failed { .. } | StepState::InDoubt => format!(": {}", line(&step.why)),
            _ => String::new(),
        };
        lines.push(format!("  {}. {}: {word}{why}", index + 1, line(&step.name)));
    }
    for judged in &state.criteria {
        let word = if judged.holds { "holds" } else { "does not hold" };
        lines.push(format!("  {} {word}: {}", line(&judged.name), line(&judged.why)));
    }
    if let Some(word) = state.after.word(&story.plan.after) {
        lines.push(format!("Validation: {word}."));
    }
    for (item, seen) in state.after.failed(&story.plan.after) {
        let at = minute(&seen.ts);
        lines.push(format!("  {} does not hold: {} ({at})", item.check.name, line(&seen.why)));
    }
    let bad = !fails(story).is_empty()
        || state.finish.as_ref().is_none_or(|finish| finish.verdict != Verdict::Recovered);
    if let Some(offer) = state.offer.as_ref().filter(|_| bad) {
        lines.push(format!("Next: {}", offer.command.join(" ")));
    }
    lines.push(format!("Run {}: rollback runs show {}", state.run_id, state.run_id));
    lines
}

/// The items of the validation that do not hold: whatever the run came to, it does not work.
fn fails(story: &Story) -> Vec<String> {
    let failed = story.state.after.failed(&story.plan.after);
    failed.map(|(item, _)| item.check.name.clone()).collect()
}

/// Whether this is a way forward that came to its end with its checks green.
fn went_forward(story: &Story) -> bool {
    let is_green = |finish: &Finish| finish.exit_code == 0;
    story.state.start.forward_of.is_some() && story.state.finish.as_ref().is_some_and(is_green)
}

fn stakeholders(story: &Story) -> Vec<String> {
    let (state, start) = (&story.state, &story.state.start);
    let what = line(&story.plan.title);
    let reason =
        start.reason.as_ref().map_or(String::new(), |why| format!(" Reason: {}.", line(why)));
    let (place, began) = (story.plan.environment(), minute(&state.started));
    let forward = start.forward_of.is_some();
    let mut lines = vec![if forward {
        format!("The rollback of {what} is taken back in {place}, from {began}.{reason}")
    } else {
        format!("{what} was rolled back in {place}, from {began}.{reason}")
    }];
    let it = if forward { "way forward" } else { "rollback" };
    let fails = fails(story);
    lines.push(match state.finish.as_ref().map(|finish| (finish.verdict, finish)) {
        Some((Verdict::Recovered | Verdict::Applied, finish)) if !fails.is_empty() => format!(
            "It came to its end at {}, but the validation since then failed: {}. The next measure \
             is being decided.",
            minute(&finish.ts),
            fails.join(", ")
        ),
        Some((_, finish)) if went_forward(story) => format!(
            "It has the values from before the rollback again since {}, and its checks are green.",
            minute(&finish.ts)
        ),
        Some((Verdict::Applied, finish)) if state.only_a_merge().is_some() => format!(
            "It works again by its checks since {}; a change still waits to be merged.",
            minute(&finish.ts)
        ),
        Some((Verdict::Recovered, finish)) => {
            let took =
                story.time_to_recovery().map_or(String::new(), |it| format!(" ({})", duration(it)));
            format!(
                "It was seen failing before and has been seen working since {}{took}.",
                minute(&finish.ts)
            )
        }
        Some((Verdict::Applied, finish)) => format!(
            "Everything was done by {}; that it works again is not shown yet.",
            minute(&finish.ts)
        ),
        Some((Verdict::Failed | Verdict::Aborted, finish)) => format!(
            "The {it} did not come to its end ({} at {}); the next measure is being decided.",
            finish.verdict.as_str(),
            minute(&finish.ts)
        ),
        Some((Verdict::Unknown, _)) => format!("How far the {it} came is being looked into."),
        None => format!("It is not finished, as of {}.", minute(&state.last)),
    });
    if let Some(who) = &state.decided_by {
        lines.push(format!("Decided by {}.", line(who)));
    }
    if let Some(word) = state.after.word(&story.plan.after) {
        lines.push(match word.as_str() {
            "closed" => "The validation afterwards is complete.".to_owned(),
            "not begun" => "The validation afterwards is not begun.".to_owned(),
            word => format!("The validation afterwards: {word} complete."),
        });
    }
    lines
}

fn customers(story: &Story) -> Vec<String> {
    let state = &story.state;
    let began = minute(&state.started);
    if state.start.forward_of.is_some() {
        return vec![forward_for_customers(story)];
    }
    vec![match state.finish.as_ref() {
        Some(finish)
            if !fails(story).is_empty()
                && matches!(finish.verdict, Verdict::Recovered | Verdict::Applied) =>
        {
            format!(
                "Because of a problem we have taken a recent change back ({began} to {}). Our \
                 checks since then show that not everything works yet. We are working on it and \
                 will tell you.",
                minute(&finish.ts)
            )
        }
        Some(finish) if finish.verdict == Verdict::Recovered => {
            let watch = if state.after.closed.is_some() {
                "We have checked it since, and it works as it should."
            } else {
                "We go on watching it."
            };
            format!(
                "From {began} we took a recent change back because of a problem. Our checks show \
                 the service working again since {}. {watch}",
                minute(&finish.ts)
            )
        }
        Some(finish) if finish.verdict == Verdict::Applied => format!(
            "Because of a problem we have taken a recent change back ({began} to {}). We are \
             checking whether everything works again and will tell you.",
            minute(&finish.ts)
        ),
        _ => format!(
            "We know of a problem and have been working on it since {began}. We will tell you as \
             soon as it is solved."
        ),
    }]
}

fn forward_for_customers(story: &Story) -> String {
    let began = minute(&story.state.started);
    match story.state.finish.as_ref() {
        Some(finish) if went_forward(story) && fails(story).is_empty() => format!(
            "Since {} a change that we had taken back because of a problem is in place again. Our \
             checks show the service working. We go on watching it.",
            minute(&finish.ts)
        ),
        Some(finish) if matches!(finish.verdict, Verdict::Recovered | Verdict::Applied) => format!(
            "We have put a change in place again that we had taken back because of a problem \
             ({began} to {}). We are checking whether everything works and will tell you.",
            minute(&finish.ts)
        ),
        _ => format!(
            "Since {began} we have been putting a change in place again that we had taken back \
             because of a problem. We will tell you as soon as that is done."
        ),
    }
}
