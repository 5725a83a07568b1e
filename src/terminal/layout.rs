//! Lines that fit: widths, wrapping with a hanging indent, two-sided lines, commands that can be
//! pasted, and [`Page`], which every view writes on. Text from elsewhere is cleaned here.

use std::time::Duration;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::sanitize::is_harmless;
use super::style::{Mark, Paint, Style};

/// Columns that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `0.1s`, `14s`, `2m05s`, `1h03m`; whole seconds without a fraction.
pub fn duration(span: Duration) -> String {
    let (seconds, millis) = (span.as_secs(), span.subsec_millis());
    match seconds {
        0..10 if millis > 0 => {
            let tenths = (span.as_millis() + 50) / 100;
            format!("{}.{}s", tenths / 10, tenths % 10)
        }
        0..60 => format!("{seconds}s"),
        60..3600 if seconds % 60 == 0 => format!("{}m", seconds / 60),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ if seconds % 3600 < 60 => format!("{}h", seconds / 3600),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// [`duration`] of milliseconds.
pub fn millis(ms: u64) -> String {
    duration(Duration::from_millis(ms))
}

/// `4 min ago`, for a moment that far back.
pub fn ago(span: Duration) -> String {
    match span.as_secs() {
        0..5 => "just now".to_owned(),
        seconds @ 5..90 => format!("{seconds} s ago"),
        seconds @ 90..5400 => format!("{} min ago", (seconds + 30) / 60),
        seconds @ 5400..172_800 => format!("{} h ago", (seconds + 1800) / 3600),
        seconds => format!("{} days ago", (seconds + 43_200) / 86_400),
    }
}

/// The text cut to so many columns, with a mark where it was cut.
pub fn cut(text: &str, columns: usize, style: &Style) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mark = style.ellipsis();
    let room = columns.saturating_sub(width(mark));
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w > room {
            break;
        }
        out.push(c);
        used += w;
    }
    out + mark
}

/// The text in lines of at most `first` columns, then `rest`: broken at spaces, then after the
/// joints of URLs, paths and names, then anywhere.
pub fn wrap(text: &str, first: usize, rest: usize) -> Vec<String> {
    let (first, rest) = (first.max(2), rest.max(2));
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut room = first;
    let mut gap = 0;
    for word in text.split(' ') {
        if word.is_empty() {
            gap += 1;
            continue;
        }
        let used = width(&line);
        let spaces = if line.is_empty() { 0 } else { gap };
        if used + spaces + width(word) <= room {
            line.extend(std::iter::repeat_n(' ', spaces));
            line.push_str(word);
        } else {
            // A word that fits a line of its own gets one; a longer one starts where we are.
            if !line.is_empty() && (width(word) <= rest || used + spaces + 8 > room) {
                lines.push(std::mem::take(&mut line));
                room = rest;
            } else {
                line.extend(std::iter::repeat_n(' ', spaces));
            }
            let mut word = word;
            while width(&line) + width(word) > room {
                let at = joint(word, room - width(&line));
                if at == 0 {
                    lines.push(std::mem::take(&mut line).trim_end().to_owned());
                } else {
                    line.push_str(&word[..at]);
                    word = &word[at..];
                    lines.push(std::mem::take(&mut line));
                }
                room = rest;
            }
            line.push_str(word);
        }
        gap = 1;
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Where to break a word so that its beginning takes at most `room` columns.
fn joint(word: &str, room: usize) -> usize {
    let (mut used, mut last, mut nice) = (0, 0, 0);
    for (at, c) in word.char_indices() {
        used += c.width().unwrap_or(0);
        if used > room {
            break;
        }
        last = at + c.len_utf8();
        if matches!(c, '/' | '?' | '&' | '=' | ',' | ';' | ':' | '-' | '_' | '.' | '|') {
            nice = last;
        }
    }
    // A joint near the beginning of the room would leave a ragged hole.
    if nice * 2 >= last { nice } else { last }
}

/// One argument as a shell reads it back, in pieces that must not be broken; `true` for pieces
/// inside single quotes.
fn quoted(word: &str) -> Vec<Piece> {
    let safe = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '-' | '_' | '.' | '/' | ':' | '=' | '@' | '%' | '+' | ',')
    };
    if !word.is_empty() && word.chars().all(safe) {
        return word.chars().map(|c| Piece::Bare(c.to_string())).collect();
    }
    word.chars()
        .map(|c| match c {
            '\n' => Piece::LineEnd,
            '\'' => Piece::Bare("\\'".to_owned()),
            c if is_harmless(c) => Piece::Quoted(c),
            c => {
                let mut bytes = [0; 4];
                let hex: String = c
                    .encode_utf8(&mut bytes)
                    .bytes()
                    .map(|byte| format!("\\x{byte:02x}"))
                    .collect();
                Piece::Bare(format!("$'{hex}'"))
            }
        })
        .collect()
}

/// A part of a shell word.
enum Piece {
    /// Stands as it is, outside quotes.
    Bare(String),
    /// Stands inside single quotes.
    Quoted(char),
    /// A line end inside single quotes.
    LineEnd,
}

/// A command as it can be pasted into a shell, in lines of at most `columns`, the first with `lead`
/// before it. Words go on after a backslash; a word that is longer than a line goes on at the very
/// beginning of the next one, since spaces there would end it.
pub fn command_lines(argv: &[String], lead: usize, columns: usize) -> Vec<String> {
    let columns = columns.max(lead + 12);
    let hang = lead + 2;
    let mut lines = Vec::new();
    let mut line = " ".repeat(lead);
    let mut used = lead;
    for (index, word) in argv.iter().enumerate() {
        let pieces = quoted(word);
        let length = single_line(&pieces);
        let last = usize::from(index + 1 < argv.len()) * 2;
        if index > 0 {
            let here = length.is_some_and(|length| used + 1 + length + last <= columns);
            let fresh = length.is_some_and(|length| hang + length + last <= columns);
            if here || (!fresh && used + 12 <= columns) {
                line.push(' ');
                used += 1;
            } else {
                lines.push(std::mem::take(&mut line) + " \\");
                line = " ".repeat(hang);
                used = hang;
            }
        }
        write_word(&pieces, word.is_empty(), columns, &mut lines, &mut line, &mut used);
    }
    lines.push(line);
    lines
}

/// The columns of a word without line ends; none where it has some.
fn single_line(pieces: &[Piece]) -> Option<usize> {
    let mut length = if pieces.is_empty() { 2 } else { 0 };
    let mut inside = false;
    for piece in pieces {
        match piece {
            Piece::Bare(text) => {
                length += width(text) + usize::from(inside);
                inside = false;
            }
            Piece::Quoted(c) => {
                length += c.width().unwrap_or(0) + usize::from(!inside);
                inside = true;
            }
            Piece::LineEnd => return None,
        }
    }
    Some(length + usize::from(inside))
}

fn write_word(
    pieces: &[Piece],
    empty: bool,
    columns: usize,
    lines: &mut Vec<String>,
    line: &mut String,
    used: &mut usize,
) {
    if empty {
        line.push_str("''");
        *used += 2;
        return;
    }
    let mut inside = false;
    for piece in pieces {
        let needed = match piece {
            // Room for a closing quote, the piece, ` \`.
            Piece::Bare(text) => width(text) + 3,
            Piece::Quoted(c) => c.width().unwrap_or(0) + 4,
            Piece::LineEnd => 1,
        };
        if *used + needed > columns {
            if inside {
                line.push('\'');
                inside = false;
            }
            line.push('\\');
            lines.push(std::mem::take(line));
            *used = 0;
        }
        match piece {
            Piece::Bare(text) => {
                if inside {
                    line.push('\'');
                    *used += 1;
                    inside = false;
                }
                line.push_str(text);
                *used += width(text);
            }
            Piece::Quoted(c) => {
                if !inside {
                    line.push('\'');
                    *used += 1;
                    inside = true;
                }
                line.push(*c);
                *used += c.width().unwrap_or(0);
            }
            Piece::LineEnd => {
                if !inside {
                    line.push('\'');
                    inside = true;
                }
                lines.push(std::mem::take(line));
                *used = 0;
            }
        }
    }
    if inside {
        line.push('\'');
        *used += 1;
    }
}

/// A page under way: every line that a view shows goes through here.
pub struct Page<'a> {
    style: &'a Style,
    out: String,
}

impl<'a> Page<'a> {
    /// An empty page.
    pub fn new(style: &'a Style) -> Page<'a> {
        Page { style, out: String::new() }
    }

    /// The style of the page.
    pub fn style(&self) -> Style {
        *self.style
    }

    /// The text, each line ended.
    pub fn finish(self) -> String {
        self.out
    }

    /// An empty line.
    pub fn blank(&mut self) {
        self.out.push('\n');
    }

    /// Adds lines that are ready.
    pub fn raw(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// `lead`, then the text, wrapped under itself.
    pub fn text(&mut self, lead: &str, paint: Paint, text: &str) {
        self.marked(Paint::Plain, lead, paint, text);
    }

    /// A lead in a colour of its own, then the text, wrapped under itself.
    pub fn marked(&mut self, lead_paint: Paint, lead: &str, paint: Paint, text: &str) {
        let hang = width(lead);
        let room = self.style.width.saturating_sub(hang);
        for (index, line) in wrap(&self.style.clean(text), room, room).iter().enumerate() {
            if index == 0 {
                self.push(&[(lead_paint, lead), (paint, line)]);
            } else {
                self.push(&[(Paint::Plain, &" ".repeat(hang)), (paint, line)]);
            }
        }
    }

    /// A line with a mark, an indent of two for the lines below it.
    pub fn headline(&mut self, mark: Mark, text: &str) {
        let paint = Style::paint_of(mark);
        self.marked(paint, &format!("{} ", self.style.mark(mark)), paint, text);
    }

    /// Left text after a lead, and a word at the right edge of its first line.
    pub fn sides(&mut self, lead: (Paint, &str), left: (Paint, &str), right: (Paint, &str)) {
        let (columns, hang) = (self.style.width, width(lead.1));
        let (left_text, right_text) = (self.style.clean(left.1), self.style.clean(right.1));
        let taken = width(&right_text);
        if right_text.is_empty() || hang + taken + 12 > columns {
            self.marked(lead.0, lead.1, left.0, &left_text);
            if !right_text.is_empty() {
                self.text(&" ".repeat(hang), right.0, &right_text);
            }
            return;
        }
        let room = columns - hang;
        for (index, line) in wrap(&left_text, room - taken - 2, room).iter().enumerate() {
            if index == 0 {
                let gap = " ".repeat(room - width(line) - taken);
                self.push(&[lead, (left.0, line), (Paint::Plain, &gap), (right.0, &right_text)]);
            } else {
                self.push(&[(Paint::Plain, &" ".repeat(hang)), (left.0, line)]);
            }
        }
    }

    /// A command after `$ `, so that it can be pasted.
    pub fn command(&mut self, indent: usize, argv: &[String]) {
        let lines = command_lines(argv, indent + 2, self.style.width);
        for (index, line) in lines.iter().enumerate() {
            let text = match line.get(indent + 2..) {
                Some(rest) if index == 0 => format!("{}$ {rest}", " ".repeat(indent)),
                _ => line.clone(),
            };
            // Not trimmed: spaces at the end of a script's line are the script's.
            self.out.push_str(&self.style.paint(Paint::Dim, &text));
            self.out.push('\n');
        }
    }

    /// A line of painted pieces, as they are.
    pub fn push(&mut self, pieces: &[(Paint, &str)]) {
        let end = pieces.iter().rposition(|(_, text)| !text.trim_end().is_empty());
        for (index, (paint, text)) in pieces.iter().enumerate() {
            match end {
                Some(end) if index < end => self.out.push_str(&self.style.paint(*paint, text)),
                Some(end) if index == end => {
                    self.out.push_str(&self.style.paint(*paint, text.trim_end()));
                }
                _ => break,
            }
        }
        self.out.push('\n');
    }
}
