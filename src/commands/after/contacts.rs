//! `rollback contacts`: who decides, who executes, who communicates; and whether a name that is
//! given as the decider's is one of those who may.

use serde_json::json;

use crate::cli::Output;
use crate::commands::screen::Screen;
use crate::error::{Error, Exit, Result, nearest};
use crate::runbook::after::{is_placeholder, unreachable};
use crate::runbook::{Authority, Settings};
use crate::terminal::layout::Page;
use crate::terminal::style::{Paint, Style};

/// Prints them.
pub fn contacts(screen: &Screen, settings: &Settings) -> Result<Exit> {
    match screen.output {
        Output::Text => screen.result(&text(settings, &screen.out)),
        Output::Json | Output::Jsonl => {
            let value = json!({
                "v": crate::event::VERSION,
                "decision_authority": settings.decision_authority,
                "contacts": settings.contacts,
            });
            screen.result(&serde_json::to_string_pretty(&value)?);
        }
    }
    Ok(Exit::Success)
}

fn text(settings: &Settings, style: &Style) -> String {
    let mut page = Page::new(style);
    let missing = unreachable(settings).len();
    if settings.decision_authority.is_empty() && settings.contacts.is_empty() {
        page.text("", Paint::Change, "The catalog names nobody.");
        page.text("", Paint::Plain, "Add `decision_authority:` and `contacts:` to rollback.yaml.");
        return page.finish();
    }
    let line = |page: &mut Page<'_>, who: &str, contact: Option<&str>| {
        let known = contact.filter(|text| !is_placeholder(text));
        let (paint, right) =
            known.map_or((Paint::Change, "no contact"), |text| (Paint::Plain, text));
        page.sides((Paint::Plain, "  "), (Paint::Plain, who), (paint, right));
    };
    if !settings.decision_authority.is_empty() {
        page.text("", Paint::Strong, "Who decides, first to last");
        for it in &settings.decision_authority {
            line(&mut page, &format!("{} ({})", it.role, it.rank), it.contact.as_deref());
        }
    }
    let mut teams: Vec<&str> = settings.contacts.iter().map(|it| it.team.as_str()).collect();
    teams.dedup();
    for team in teams {
        page.blank();
        page.text("", Paint::Strong, &format!("Team: {team}"));
        for it in settings.contacts.iter().filter(|it| it.team == team) {
            line(&mut page, &it.role, it.contact.as_deref());
        }
    }
    if missing > 0 {
        page.blank();
        let verb = if missing == 1 { "has" } else { "have" };
        let text = format!("{missing} {verb} no contact yet: add `contact:` to rollback.yaml.");
        page.text("", Paint::Change, &text);
    }
    page.finish()
}

/// The decider as it is recorded: a role of the catalog, `NAME (ROLE)` with such a role, or a rank.
/// Anybody where the catalog names nobody.
pub fn decider(authority: &[Authority], given: &str) -> std::result::Result<String, Error> {
    let given = given.trim();
    let is = |word: &str, it: &&Authority| {
        it.role.eq_ignore_ascii_case(word) || it.rank.eq_ignore_ascii_case(word)
    };
    if authority.is_empty() {
        return Ok(given.to_owned());
    }
    if let Some(found) = authority.iter().find(|it| is(given, it)) {
        return Ok(found.role.clone());
    }
    if let Some((name, role)) = given.strip_suffix(')').and_then(|text| text.split_once('('))
        && let Some(found) = authority.iter().find(|it| is(role.trim(), it))
        && !name.trim().is_empty()
    {
        return Ok(format!("{} ({})", name.trim(), found.role));
    }
    // The list as the question shows it: `Engineering Lead (primary)`.
    let both = |it: &&Authority| given.eq_ignore_ascii_case(&format!("{} ({})", it.role, it.rank));
    if let Some(found) = authority.iter().find(both) {
        return Ok(found.role.clone());
    }
    let mut error = Error::usage(format!("`{given}` is not one who may decide on this rollback"));
    let roles = || authority.iter().map(|it| it.role.as_str());
    if let Some(near) = nearest(given, roles()) {
        error = error.hint(format!("did you mean `{near}`?"));
    }
    let roles: Vec<&str> = roles().collect();
    Err(error
        .hint(format!("those who may: {}", roles.join(", ")))
        .hint("name the person with the role: \"NAME (ROLE)\"")
        .hint("nothing was changed"))
}
