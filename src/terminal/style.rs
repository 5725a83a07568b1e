//! How text may look on a stream: colour or none, Unicode or ASCII, how wide, animated or not.
//! The decision is pure over [`Surroundings`]; colour marks state and nothing else.

use std::io::IsTerminal as _;
use std::str::FromStr;

use super::sanitize;

/// Columns where the stream is not a terminal, or does not say.
pub const DEFAULT_WIDTH: usize = 80;

/// Lines longer than this are hard to read, however wide the terminal.
pub const MAX_WIDTH: usize = 100;

/// Narrower terminals are written to as if they had this many columns.
const MIN_WIDTH: usize = 40;

/// What `--color` says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// As the stream and the environment suggest.
    #[default]
    Auto,
    /// Colour, whatever the stream is.
    Always,
    /// No colour.
    Never,
}

impl FromStr for ColorChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<ColorChoice, String> {
        match text {
            "auto" => Ok(ColorChoice::Auto),
            "always" => Ok(ColorChoice::Always),
            "never" => Ok(ColorChoice::Never),
            other => Err(format!("`{other}` is not auto, always or never")),
        }
    }
}

/// A stream that people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Results.
    Stdout,
    /// Prompts, progress, diagnostics.
    Stderr,
}

/// What the decision depends on; empty variables count as unset, as their conventions say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Whether the stream is a terminal.
    pub tty: bool,
    /// The terminal's columns, where it says.
    pub columns: Option<usize>,
    /// `NO_COLOR`.
    pub no_color: Option<String>,
    /// `CLICOLOR_FORCE`.
    pub clicolor_force: Option<String>,
    /// `TERM`.
    pub term: Option<String>,
    /// `CI`.
    pub ci: Option<String>,
    /// The first of `LC_ALL`, `LC_CTYPE`, `LANG` that is set.
    pub locale: Option<String>,
}

impl Surroundings {
    /// Reads them for a stream of this process.
    pub fn of(stream: Stream) -> Surroundings {
        let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let tty = match stream {
            Stream::Stdout => std::io::stdout().is_terminal(),
            Stream::Stderr => std::io::stderr().is_terminal(),
        };
        Surroundings {
            tty,
            columns: raw_columns(stream),
            no_color: var("NO_COLOR"),
            clicolor_force: var("CLICOLOR_FORCE"),
            term: var("TERM"),
            ci: var("CI"),
            locale: ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(var),
        }
    }

    fn dumb(&self) -> bool {
        self.term.as_deref() == Some("dumb") || (self.tty && self.term.is_none())
    }
}

/// What a piece of text stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// Ordinary text.
    Plain,
    /// Where and what: the first line.
    Strong,
    /// It is there; it worked.
    Good,
    /// It will change; worth a second look.
    Change,
    /// Blocked or failed.
    Bad,
    /// Commands and what is only good to know.
    Dim,
}

/// A mark at the start of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It worked.
    Done,
    /// It failed.
    Failed,
    /// Attention.
    Warn,
    /// Nobody knows.
    Doubt,
    /// Not run.
    Skipped,
    /// Not begun.
    Pending,
}

/// How text may look on one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether state is coloured.
    pub color: bool,
    /// Whether marks may be more than ASCII.
    pub unicode: bool,
    /// Columns that may be used.
    pub width: usize,
    /// Whether lines may be redrawn: a terminal that can, and no CI log.
    pub animate: bool,
}

impl Style {
    /// The style of a stream of this process.
    pub fn of(stream: Stream, choice: ColorChoice) -> Style {
        Style::decide(choice, &Surroundings::of(stream))
    }

    /// The decision. `--color` is heard first, then `NO_COLOR`, then `CLICOLOR_FORCE`.
    pub fn decide(choice: ColorChoice, around: &Surroundings) -> Style {
        let force = around.clicolor_force.as_deref().is_some_and(|value| value != "0");
        let ci = around.ci.as_deref().is_some_and(|value| value != "false" && value != "0");
        let color = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if around.no_color.is_some() => false,
            ColorChoice::Auto => force || (around.tty && !around.dumb() && !ci),
        };
        let utf8 = around.locale.as_deref().is_some_and(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        let width = match around.columns {
            Some(columns) if around.tty => columns.clamp(MIN_WIDTH, MAX_WIDTH),
            _ => DEFAULT_WIDTH,
        };
        Style {
            color,
            unicode: utf8 && !around.dumb(),
            width,
            animate: around.tty && !around.dumb() && !ci,
        }
    }

    /// No colour, 80 columns, no animation: logs, chats, tests.
    pub fn plain() -> Style {
        Style { color: false, unicode: true, width: DEFAULT_WIDTH, animate: false }
    }

    /// The text in its colour.
    pub fn paint(&self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::Strong => "1",
            Paint::Good => "32",
            Paint::Change => "33",
            Paint::Bad => "31",
            Paint::Dim => "2",
            Paint::Plain => "",
        };
        if !self.color || code.is_empty() || text.is_empty() {
            return text.to_owned();
        }
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Text from elsewhere as one harmless line, in the characters that this stream can show.
    pub fn clean(&self, text: &str) -> String {
        let line = sanitize::line(text);
        if self.unicode || line.is_ascii() { line } else { ascii(&line) }
    }

    /// A mark of one column.
    pub fn mark(&self, mark: Mark) -> &'static str {
        match (mark, self.unicode) {
            (Mark::Done, true) => "✓",
            (Mark::Done, false) => "+",
            (Mark::Failed, true) => "✗",
            (Mark::Failed, false) => "x",
            (Mark::Warn, _) => "!",
            (Mark::Doubt, _) => "?",
            (Mark::Skipped, _) => "-",
            (Mark::Pending, true) => "·",
            (Mark::Pending, false) => ".",
        }
    }

    /// What the colour of a mark is.
    pub fn paint_of(mark: Mark) -> Paint {
        match mark {
            Mark::Done => Paint::Good,
            Mark::Failed => Paint::Bad,
            Mark::Warn | Mark::Doubt => Paint::Change,
            Mark::Skipped | Mark::Pending => Paint::Dim,
        }
    }

    /// The dot between two things on a line.
    pub fn dot(&self) -> &'static str {
        if self.unicode { "·" } else { "-" }
    }

    /// What stands for a cut.
    pub fn ellipsis(&self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }

    /// The picture of the spinner at a moment.
    pub fn spinner(&self, tick: usize) -> &'static str {
        const ROUND: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
        const PLAIN: [&str; 4] = ["|", "/", "-", "\\"];
        if self.unicode { ROUND[tick % ROUND.len()] } else { PLAIN[tick % PLAIN.len()] }
    }

    /// A bar of `columns` inner columns, filled by `part` of `whole`.
    pub fn bar(&self, part: u128, whole: u128, columns: usize) -> String {
        let filled = if whole == 0 {
            columns
        } else {
            usize::try_from(part.min(whole) * columns as u128 / whole).unwrap_or(columns)
        };
        let (open, full, empty, close) =
            if self.unicode { ("▕", "█", " ", "▏") } else { ("[", "#", " ", "]") };
        format!("{open}{}{}{close}", full.repeat(filled), empty.repeat(columns - filled))
    }
}

fn raw_columns(stream: Stream) -> Option<usize> {
    let size = match stream {
        Stream::Stdout => rustix::termios::tcgetwinsize(std::io::stdout()),
        Stream::Stderr => rustix::termios::tcgetwinsize(std::io::stderr()),
    };
    size.ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// The usable columns of a terminal as it is now; it may have been resized.
pub fn columns(stream: Stream) -> Option<usize> {
    raw_columns(stream).map(|columns| columns.clamp(MIN_WIDTH, MAX_WIDTH))
}

/// The nearest ASCII for the few characters that our own texts use; `?` for the rest.
fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '·' | '•' | '–' | '—' => out.push('-'),
            '…' => out.push_str("..."),
            '→' => out.push_str("->"),
            '“' | '”' => out.push('"'),
            '‘' | '’' => out.push('\''),
            '✓' => out.push('+'),
            '✗' => out.push('x'),
            '×' => out.push('x'),
            c if c.is_ascii() => out.push(c),
            _ => out.push('?'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal() -> Surroundings {
        Surroundings {
            tty: true,
            columns: Some(90),
            term: Some("xterm-256color".to_owned()),
            locale: Some("en_US.UTF-8".to_owned()),
            ..Surroundings::default()
        }
    }

    fn auto(around: &Surroundings) -> Style {
        Style::decide(ColorChoice::Auto, around)
    }

    #[test]
    fn a_terminal_gets_colour_and_its_own_width() {
        let style = auto(&terminal());
        assert_eq!(style, Style { color: true, unicode: true, width: 90, animate: true });
        assert_eq!(auto(&Surroundings { columns: Some(250), ..terminal() }).width, MAX_WIDTH);
        assert_eq!(auto(&Surroundings { columns: None, ..terminal() }).width, DEFAULT_WIDTH);
    }

    #[test]
    fn a_pipe_gets_eighty_columns_and_no_colour() {
        let style = auto(&Surroundings { tty: false, ..terminal() });
        assert_eq!((style.color, style.animate, style.width), (false, false, DEFAULT_WIDTH));
    }

    #[test]
    fn no_color_is_heard_before_clicolor_force_and_after_the_flag() {
        let some = Some("1".to_owned());
        let both = Surroundings { no_color: some.clone(), clicolor_force: some, ..terminal() };
        assert!(!auto(&both).color);
        assert!(Style::decide(ColorChoice::Always, &both).color);
        let piped = Surroundings { tty: false, no_color: None, ..both };
        assert!(auto(&piped).color);
        assert!(!auto(&Surroundings { clicolor_force: Some("0".to_owned()), ..piped }).color);
    }

    #[test]
    fn ci_and_dumb_terminals_are_neither_coloured_nor_animated() {
        for around in [
            Surroundings { ci: Some("true".to_owned()), ..terminal() },
            Surroundings { term: Some("dumb".to_owned()), ..terminal() },
            Surroundings { term: None, ..terminal() },
        ] {
            let style = auto(&around);
            assert_eq!((style.color, style.animate), (false, false), "{around:?}");
        }
    }

    #[test]
    fn a_locale_without_utf8_gets_ascii_marks() {
        let style = auto(&Surroundings { locale: Some("C".to_owned()), ..terminal() });
        assert_eq!(style.mark(Mark::Done), "+");
        assert_eq!(style.clean("ready 2/3 · née…"), "ready 2/3 - n?e...");
        assert_eq!(style.bar(1, 2, 4), "[##  ]");
    }
}
