//! `rollback lint`: everything that is wrong with a catalog, all files at once.

use std::fmt::Write as _;

use serde_json::json;

use super::Format;
use crate::error::{Exit, Result};
use crate::runbook::catalog::Catalog;
use crate::runbook::lint;
use crate::runbook::problem::Severity;

/// What `rollback lint` prints, and how it ends: 3 where there are errors.
#[derive(Debug, Clone)]
pub struct Linted {
    /// The text for stdout.
    pub text: String,
    /// Success, or `InvalidRunbook`.
    pub exit: Exit,
}

/// All problems of a catalog, and a summary.
pub fn lint(catalog: &Catalog, format: Format) -> Result<Linted> {
    let found = lint::lint(catalog);
    let (errors, warnings) = (found.count(Severity::Error), found.count(Severity::Warning));
    let exit = if errors > 0 { Exit::InvalidRunbook } else { Exit::Success };
    let text = match format {
        Format::Json => super::json(&json!({
            "v": 1,
            "catalog": catalog.dir(),
            "files": found.files,
            "runbooks": found.runbooks,
            "errors": errors,
            "warnings": warnings,
            "problems": found.problems,
        }))?,
        Format::Text => {
            let mut text = String::new();
            for problem in &found.problems {
                let _ = write!(text, "{}\n\n", problem.render(catalog.colour()));
            }
            let _ = writeln!(
                text,
                "{}, {} can be used: {}, {}",
                count(found.files, "file"),
                count(found.runbooks, "runbook"),
                count(errors, "error"),
                count(warnings, "warning"),
            );
            text
        }
    };
    Ok(Linted { text, exit })
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
