//! `rollback schema`: the format, for editors (JSON Schema) and for readers (the reference page).

use crate::error::Result;
use crate::runbook::schema;

/// Which part of the format.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Part {
    /// A runbook.
    #[default]
    Runbook,
    /// `rollback.yaml`.
    Settings,
    /// `triggers.yaml`.
    Triggers,
    /// The generated part of `docs/runbook-reference.md`.
    Reference,
}

/// The schema, or the page.
pub fn schema(part: Part) -> Result<String> {
    match part {
        Part::Runbook => super::json(&schema::runbook_schema()),
        Part::Settings => super::json(&schema::settings_schema()),
        Part::Triggers => super::json(&schema::triggers_schema()),
        Part::Reference => Ok(schema::reference_page()),
    }
}
