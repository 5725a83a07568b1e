//! Lines that fit: widths, wrapping with a hanging indent, two-sided lines, commands that can be
//! pasted, and [`Page`], which every view writes on. Text from elsewhere is cleaned here.

use std::time::Duration;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::shell::command_lines;
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

    /// A line with a mark, and where at its right edge; the lines below it are indented by two.
    pub fn headline(&mut self, mark: Mark, text: &str, place: &str) {
        let paint = Style::paint_of(mark);
        let lead = format!("{} ", self.style.mark(mark));
        self.sides((paint, &lead), (paint, text), (Paint::Strong, place));
    }

    /// Left text after a lead, and a word at the right edge. Text that wraps gets whole lines, so that
    /// the word stands in the middle of no sentence: it is at the edge of the last line, or below it.
    pub fn sides(&mut self, lead: (Paint, &str), left: (Paint, &str), right: (Paint, &str)) {
        let (hang, right_text) = (width(lead.1), self.style.clean(right.1));
        let room = self.style.width.saturating_sub(hang);
        let left_text = self.style.clean(left.1);
        if right_text.is_empty() {
            self.marked(lead.0, lead.1, left.0, &left_text);
            return;
        }
        let mut lines = wrap(&left_text, room, room);
        let last = lines.pop().unwrap_or_default();
        let indent = " ".repeat(hang);
        for (index, line) in lines.iter().enumerate() {
            let lead = if index == 0 { lead } else { (Paint::Plain, indent.as_str()) };
            self.push(&[lead, (left.0, line)]);
        }
        let lead = if lines.is_empty() { lead } else { (Paint::Plain, indent.as_str()) };
        let taken = width(&last) + width(&right_text);
        if taken + 2 <= room {
            let gap = " ".repeat(room - taken);
            self.push(&[lead, (left.0, &last), (Paint::Plain, &gap), (right.0, &right_text)]);
            return;
        }
        self.push(&[lead, (left.0, &last)]);
        for line in wrap(&right_text, room, room) {
            let gap = " ".repeat(self.style.width.saturating_sub(width(&line)));
            self.push(&[(Paint::Plain, &gap), (right.0, &line)]);
        }
    }

    /// A command after `$ `, so that it can be pasted.
    pub fn command(&mut self, indent: usize, argv: &[String]) {
        let lines = command_lines(argv, indent + 2, self.style.width, self.style.unicode);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_as_exact_as_they_are_useful() {
        let shown: Vec<String> =
            [0, 40, 112, 9_960, 14_600, 30_000, 125_000, 300_000, 3_780_000, 7_200_000]
                .map(millis)
                .into();
        let expected = ["0s", "0.0s", "0.1s", "10.0s", "14s", "30s", "2m05s", "5m", "1h03m", "2h"];
        assert_eq!(shown, expected);
        assert_eq!(ago(Duration::from_secs(250)), "4 min ago");
    }

    #[test]
    fn long_words_break_at_the_joints_of_urls_and_paths() {
        let url = "see https://staging.netra.ai/health/agents?verbose=true now";
        assert_eq!(
            wrap(url, 30, 30),
            ["see https://staging.netra.ai/", "health/agents?verbose=true now"]
        );
        assert_eq!(wrap(&"x".repeat(25), 10, 10), ["xxxxxxxxxx", "xxxxxxxxxx", "xxxxx"]);
        assert_eq!(wrap("漢字漢字", 5, 5), ["漢字", "漢字"]);
        assert_eq!(wrap("", 5, 5), [""]);
        assert_eq!(wrap("  two  spaces", 40, 40), ["two  spaces"]);
    }

    #[test]
    fn a_cut_text_says_that_it_was_cut() {
        let ascii = Style { unicode: false, ..Style::plain() };
        assert_eq!(cut("abcdef", 4, &Style::plain()), "abc…");
        assert_eq!(cut("abcdef", 5, &ascii), "ab...");
        assert_eq!(cut("abcdef", 6, &ascii), "abcdef");
    }
}
