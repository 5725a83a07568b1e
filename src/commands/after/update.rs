//! `rollback update`: a short text to paste.

use crate::cli::{Output, UpdateArgs};
use crate::commands::screen::Screen;
use crate::error::{Exit, Result};
use crate::report::update;

use super::Past;
use super::report::story;

/// Prints it.
pub fn update(screen: &Screen, args: &UpdateArgs) -> Result<Exit> {
    let story = story(Past::find(args.run.as_deref())?);
    let text = update::text(&story, args.audience);
    if screen.output == Output::Text {
        screen.result(&text);
    } else {
        let value = serde_json::json!({
            "v": crate::event::VERSION,
            "run_id": story.state.run_id,
            "as_of": story.state.last,
            "text": text,
        });
        screen.result(&value.to_string());
    }
    Ok(Exit::Success)
}
