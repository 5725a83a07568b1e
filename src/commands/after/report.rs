//! `rollback report`: the analysis report of a run. What people wrote in the gaps of an earlier
//! report stays; what they changed outside of them is put aside, never lost.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::{Output, ReportArgs, ReportFormat};
use crate::commands::screen::Screen;
use crate::error::{Error, Exit, Result};
use crate::report::gaps::{self, Kept};
use crate::report::{Story, html, json, markdown};

use super::Past;

/// How many runs an escalation is followed back.
const CHAIN: usize = 16;

/// Writes the report.
pub fn report(screen: &Screen, args: &ReportArgs) -> Result<Exit> {
    let past = Past::find(args.run.as_deref())?;
    if let (None, Some(newer)) = (&args.run, past.newer_rehearsal()) {
        screen.say(&format!("there is a newer rehearsal: rollback report {newer}"));
    }
    let story = story(past);
    let format = args.format.unwrap_or_else(|| guess(screen, args.out.as_deref()));
    if let Some(path) = &args.out
        && std::fs::metadata(path).is_ok_and(|meta| !meta.is_file())
    {
        return Err(Error::usage(format!("{} is not a file that can be kept", path.display()))
            .hint("leave out --out: the report then goes to standard output")
            .into());
    }
    let (kept, aside) = match &args.out {
        Some(path) if format != ReportFormat::Json => earlier(path, &story.state.run_id)?,
        _ => (Kept::new(), None),
    };
    let text = match format {
        ReportFormat::Md => markdown::report(&story, &kept),
        ReportFormat::Html => html::report(&story, &kept),
        ReportFormat::Json => serde_json::to_string_pretty(&json(&story))? + "\n",
    };
    let Some(path) = &args.out else {
        screen.result(&text);
        return Ok(Exit::Success);
    };
    write(path, &text)?;
    screen.say(&format!("written: {}", path.display()));
    if let Some(aside) = aside {
        screen
            .say(&format!("it had been changed outside its gaps; as it was: {}", aside.display()));
    }
    Ok(Exit::Success)
}

/// A run with the runs that escalated to it, as far as they can still be read.
pub fn story(past: Past) -> Story {
    let mut before = Vec::new();
    let mut from = past.state.start.escalated_from.clone();
    while let Some(run_id) = from.take().filter(|_| before.len() < CHAIN) {
        if let Ok(earlier) = Past::read(past.dir.clone(), &run_id) {
            from.clone_from(&earlier.state.start.escalated_from);
            before.insert(0, earlier.state);
        }
    }
    Story { state: past.state, plan: past.plan, before }
}

fn guess(screen: &Screen, out: Option<&Path>) -> ReportFormat {
    let extension = out.and_then(Path::extension).and_then(|it| it.to_str());
    match extension {
        Some("html" | "htm") => ReportFormat::Html,
        Some("json") => ReportFormat::Json,
        Some(_) => ReportFormat::Md,
        None if screen.output == Output::Text => ReportFormat::Md,
        None => ReportFormat::Json,
    }
}

/// What people wrote in the report that is there, and where it was put aside if it must be.
fn earlier(path: &Path, run_id: &str) -> Result<(Kept, Option<PathBuf>)> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok((Kept::new(), None));
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let refuse = |why: String| {
        Error::usage(format!("{} is not overwritten: {why}", path.display()))
            .hint("repair it, remove it, or name another file")
    };
    let Some((whose, changed)) = gaps::origin(&text) else {
        return Err(refuse("it is no report of this tool".to_owned()).into());
    };
    if whose != run_id {
        return Err(refuse(format!("it is the report of run {whose}")).into());
    }
    let kept = gaps::read(&text).map_err(refuse)?;
    if !changed {
        return Ok((kept, None));
    }
    let aside = (1..10_000)
        .map(|number| {
            let mut name = path.as_os_str().to_owned();
            name.push(format!(".{number}.orig"));
            PathBuf::from(name)
        })
        .find(|aside| !aside.exists())
        .unwrap_or_else(|| path.with_extension("orig"));
    write(&aside, &text)?;
    Ok((kept, Some(aside)))
}

/// The whole file or nothing of it.
fn write(path: &Path, text: &str) -> Result<()> {
    use std::io::Write as _;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(dir)
        .with_context(|| format!("cannot write below {}", dir.display()))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}
