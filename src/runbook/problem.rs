//! What is wrong in a file of the catalog, and where: one problem, shown with its source line and
//! a caret, what to do about it, and the nearest right name.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;

use super::model::Place;
use super::tree::Span;
use crate::error::Error;

/// Longer lines are not shown, only named.
const LONGEST_LINE: usize = 1000;

/// Whether a problem stops the file from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// It can be used, and its author should know.
    Warning,
}

/// One problem at one place.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    /// Whether it stops the file from being used.
    pub severity: Severity,
    /// Where it is; line 0 where the whole file is meant.
    pub place: Place,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do, one line each.
    pub help: Vec<String>,
    /// The source line.
    #[serde(skip)]
    line: String,
    /// How many characters of it are meant.
    #[serde(skip)]
    width: u32,
}

impl Problem {
    /// A problem of a whole file: unreadable, too large.
    pub fn of_file(file: &Path, message: impl AsRef<str>) -> Problem {
        Problem {
            severity: Severity::Error,
            place: Place { file: file.to_owned(), line: 0, column: 0 },
            message: printable(message.as_ref()).into_owned(),
            help: Vec::new(),
            line: String::new(),
            width: 0,
        }
    }

    /// The same problem, as a warning.
    #[must_use]
    pub fn warning(mut self) -> Problem {
        self.severity = Severity::Warning;
        self
    }

    /// The same problem with one more line of advice.
    #[must_use]
    pub fn help(mut self, help: impl AsRef<str>) -> Problem {
        self.help.push(printable(help.as_ref()).into_owned());
        self
    }

    /// Adds a line of advice in place.
    pub fn add_help(&mut self, help: impl AsRef<str>) {
        self.help.push(printable(help.as_ref()).into_owned());
    }

    /// The same problem, with "did you mean" where a name is near.
    #[must_use]
    pub fn nearest<'a>(self, word: &str, names: impl IntoIterator<Item = &'a str>) -> Problem {
        match crate::error::nearest(word, names) {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => self,
        }
    }

    /// Whether the file cannot be used because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// For people: the message, the source line with a caret, the advice.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let path = self.place.file.display().to_string();
        let title = level.primary_title(self.message.as_str());
        let mut group: Group<'_> = if self.line.is_empty() || self.place.line == 0 {
            let mut origin = Origin::path(path);
            if self.place.line > 0 {
                origin = origin.line(self.place.line).char_column(self.place.column);
            }
            title.element(origin)
        } else {
            let (start, end) = self.bytes();
            let mark = AnnotationKind::Primary.span(start..end);
            let snippet = Snippet::source(self.line.as_str()).line_start(self.place.line);
            title.element(snippet.path(path).annotation(mark))
        };
        for help in &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.decor_style(DecorStyle::Ascii).term_width(100).render(&[group])
    }

    /// The marked part of the line, in bytes.
    fn bytes(&self) -> (usize, usize) {
        let at = |chars: usize| {
            self.line.char_indices().nth(chars).map_or(self.line.len(), |(byte, _)| byte)
        };
        let start = self.place.column.saturating_sub(1);
        (at(start), at(start + self.width.max(1) as usize))
    }
}

/// All problems as one error: every one rendered, then how many.
pub fn error(problems: &[Problem], colour: bool) -> Error {
    let mut text = String::new();
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    for problem in problems.iter().filter(|problem| problem.is_error()) {
        let _ = write!(text, "{}\n\n", problem.render(colour));
    }
    let _ = match errors {
        1 => write!(text, "1 error; nothing was started"),
        _ => write!(text, "{errors} errors; nothing was started"),
    };
    Error::invalid(text)
}

/// A file's text with its name: makes problems.
#[derive(Debug, Clone, Copy)]
pub struct Source<'s> {
    /// The file, as the operator would name it.
    pub file: &'s Path,
    /// Its text, without a byte order mark.
    pub text: &'s str,
}

impl Source<'_> {
    /// An error at a place of this file.
    pub fn problem(&self, span: Span, message: impl AsRef<str>) -> Problem {
        let line = self.text.lines().nth(span.line.saturating_sub(1)).unwrap_or_default();
        let shown = line.trim_end();
        // The parser says of `[]` and `{}` where they end.
        let mut before = shown.chars().skip(span.column.saturating_sub(2));
        let empty = matches!(
            (before.next(), before.next()),
            (Some('['), Some(']')) | (Some('{'), Some('}'))
        );
        let span = if empty && span.column > 1 {
            Span { column: span.column - 1, start: span.start - 1, end: span.start + 1, ..span }
        } else {
            span
        };
        let room = shown.chars().count().saturating_sub(span.column - 1);
        let long = shown.len() > LONGEST_LINE;
        Problem {
            place: self.place(span),
            line: if long { String::new() } else { shown.to_owned() },
            width: u32::try_from(span.end.saturating_sub(span.start).min(room)).unwrap_or(1),
            ..Problem::of_file(self.file, message)
        }
    }

    /// A place of this file.
    pub fn place(&self, span: Span) -> Place {
        Place { file: self.file.to_owned(), line: span.line, column: span.column }
    }

    /// The span of `part` within `whole`, where the text stands there as it was written.
    pub fn within(&self, whole: Span, part: &str) -> Span {
        let Some(line) = self.text.lines().nth(whole.line.saturating_sub(1)) else { return whole };
        let mut chars = line.char_indices();
        let from = chars.nth(whole.column - 1).map_or(line.len(), |(byte, _)| byte);
        if let Some(byte) = line[from..].find(part) {
            let skipped = line[from..from + byte].chars().count();
            let start = whole.start + skipped;
            return Span {
                line: whole.line,
                column: whole.column + skipped,
                start,
                end: start + part.chars().count(),
            };
        }
        self.later(whole, part).unwrap_or(whole)
    }

    /// The same on the lines after the first, for texts of several lines.
    fn later(&self, whole: Span, part: &str) -> Option<Span> {
        let lines = self.text.lines().enumerate().skip(whole.line).take(200);
        for (index, line) in lines {
            if let Some(byte) = line.find(part) {
                let before = line[..byte].chars().count();
                let end = before + part.chars().count();
                return Some(Span { line: index + 1, column: before + 1, start: before, end });
            }
        }
        None
    }
}

/// The text with its control characters made visible, so that no file can drive a terminal.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(|char: char| char.is_control() && char != '\n') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() && char != '\n' {
            out.extend(char.escape_default());
        } else {
            out.push(char);
        }
    }
    Cow::Owned(out)
}
