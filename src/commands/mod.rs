//! One file per subcommand. They return what is to be printed; `main` prints it.

pub mod lint;
pub mod list;
pub mod schema;
pub mod show;

/// How a result is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Pretty JSON with a line end.
fn json(value: &impl serde::Serialize) -> crate::error::Result<String> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(text)
}
