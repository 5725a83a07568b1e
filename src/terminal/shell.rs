//! Commands as they can be pasted into a shell: quoted, and wrapped without changing a byte.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::sanitize::is_harmless;

/// What runs a `shell:` step; its script follows.
const SCRIPT: [&str; 4] = ["bash", "-euo", "pipefail", "-c"];

/// A part of a shell word that must not be broken.
enum Piece {
    /// Stands as it is, outside quotes.
    Bare(String),
    /// Stands inside single quotes.
    Quoted(char),
    /// A line end inside single quotes.
    LineEnd,
}

/// One argument as a shell reads it back. Only a script keeps its lines: any other line end could
/// pass for a line of ours.
fn quoted(word: &str, unicode: bool, script: bool) -> Vec<Piece> {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(safe) && !word.starts_with('=') {
        return word.chars().map(|c| Piece::Bare(c.to_string())).collect();
    }
    word.chars()
        .map(|c| match c {
            '\n' if script => Piece::LineEnd,
            '\n' => Piece::Bare("$'\\n'".to_owned()),
            '\'' => Piece::Bare("\\'".to_owned()),
            c if is_harmless(c) && (unicode || c.is_ascii()) => Piece::Quoted(c),
            c => Piece::Bare(format!("$'{}'", escaped(c))),
        })
        .collect()
}

/// A character that must not reach a terminal, as `$'…'` of a shell names it.
fn escaped(c: char) -> String {
    let mut bytes = [0; 4];
    c.encode_utf8(&mut bytes).bytes().fold(String::new(), |mut out, byte| {
        out.push_str("\\x");
        out.extend(
            [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')),
        );
        out
    })
}

/// A command on one line, however long, to be pasted from a sentence.
pub fn command_line(argv: &[String]) -> String {
    command_lines(argv, 0, usize::from(u16::MAX), true).concat()
}

/// A command in lines of at most `columns`, the first with `lead` spaces before it. Words go on
/// after a backslash; a word that is longer than a line stands at the very beginning of the next
/// ones, since spaces inside it would change it. Without `unicode`, what is not ASCII is escaped.
pub fn command_lines(argv: &[String], lead: usize, columns: usize, unicode: bool) -> Vec<String> {
    let columns = columns.max(lead + 12);
    let hang = lead + 2;
    let mut sheet = Sheet { columns, lines: Vec::new(), line: " ".repeat(lead), used: lead };
    let script = |index: usize| index == SCRIPT.len() && argv[..index] == SCRIPT;
    let words: Vec<Vec<Piece>> =
        argv.iter().enumerate().map(|(index, word)| quoted(word, unicode, script(index))).collect();
    let lengths: Vec<Option<usize>> = words.iter().map(|pieces| single_line(pieces)).collect();
    for (index, pieces) in words.iter().enumerate() {
        if index > 0 {
            // An option and its value stay together where a line holds both.
            let option = argv[index].starts_with('-') && !argv[index].contains('=');
            let value = argv.get(index + 1).filter(|next| option && !next.starts_with('-'));
            let both = value.and(lengths[index].zip(lengths.get(index + 1).copied().flatten()));
            let both =
                both.map(|(one, two)| one + 1 + two).filter(|both| hang + both + 2 <= columns);
            // A backslash, or room for one: words are broken as if another followed.
            let length = both.or(lengths[index]);
            let here = length.is_some_and(|length| sheet.used + 1 + length + 2 <= columns);
            let fresh = length.is_some_and(|length| hang + length + 2 <= columns);
            let script = lengths[index].is_none() && sheet.used + 12 <= columns;
            if here || script {
                sheet.line.push(' ');
                sheet.used += 1;
            } else {
                sheet.end(" \\");
                if fresh {
                    sheet.line = " ".repeat(hang);
                    sheet.used = hang;
                }
            }
        }
        sheet.word(pieces);
    }
    sheet.end("");
    sheet.lines
}

/// The columns of a word without line ends; none where it has some.
fn single_line(pieces: &[Piece]) -> Option<usize> {
    let mut length = if pieces.is_empty() { 2 } else { 0 };
    let mut inside = false;
    for piece in pieces {
        match piece {
            Piece::Bare(text) => {
                length += text.width() + usize::from(inside);
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

/// Lines under way.
struct Sheet {
    columns: usize,
    lines: Vec<String>,
    line: String,
    used: usize,
}

impl Sheet {
    fn end(&mut self, with: &str) {
        let mut line = std::mem::take(&mut self.line);
        line.push_str(with);
        self.lines.push(line);
        self.used = 0;
    }

    fn push(&mut self, text: &str) {
        self.line.push_str(text);
        self.used += text.width();
    }

    fn word(&mut self, mut pieces: &[Piece]) {
        if pieces.is_empty() {
            self.push("''");
        }
        while !pieces.is_empty() {
            let count = self.fitting(pieces);
            let (now, later) = pieces.split_at(count);
            let inside = self.pieces(now);
            if inside {
                self.push("'");
            }
            if !later.is_empty() {
                self.end("\\");
            }
            pieces = later;
        }
    }

    /// How many pieces this line takes, with their quotes and a backslash; broken after a comma, a
    /// space or the like where one stands near the end.
    fn fitting(&self, pieces: &[Piece]) -> usize {
        let (mut used, mut inside, mut nice) = (self.used, false, 0);
        for (index, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Bare(text) => {
                    used += text.width() + usize::from(inside);
                    inside = false;
                }
                Piece::Quoted(c) => {
                    used += c.width().unwrap_or(0) + usize::from(!inside);
                    inside = true;
                }
                Piece::LineEnd => {
                    (used, inside, nice) = (0, true, index + 1);
                    continue;
                }
            }
            // A closing quote, and ` \` where another word follows.
            if used + usize::from(inside) + 2 > self.columns {
                // Something must stand on a line that is still empty.
                let most = if self.used > 0 { index } else { index.max(1) };
                return if nice * 2 > most { nice } else { most };
            }
            if matches!(piece, Piece::Quoted(',' | ' ' | ';' | '&' | '/' | ':' | '{')) {
                nice = index + 1;
            }
        }
        pieces.len()
    }

    /// Writes pieces; gives whether a quote is open afterwards.
    fn pieces(&mut self, pieces: &[Piece]) -> bool {
        let mut inside = false;
        for piece in pieces {
            let quoted = !matches!(piece, Piece::Bare(_));
            if quoted != inside {
                self.push("'");
                inside = quoted;
            }
            match piece {
                Piece::Bare(text) => self.push(text),
                Piece::Quoted(c) => self.push(c.encode_utf8(&mut [0; 4])),
                Piece::LineEnd => self.end(""),
            }
        }
        inside
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    /// The argv that bash makes of the lines.
    #[allow(
        clippy::disallowed_methods,
        reason = "a test: the shell itself says whether it reads the same"
    )]
    fn read_back(argv: &[String], lead: usize, columns: usize, unicode: bool) -> Vec<String> {
        let text = command_lines(argv, lead, columns, unicode).join("\n");
        let script = format!("show() {{ printf '%s\\0' \"$@\"; }}\nshow {}", text.trim_start());
        let output = Command::new("bash").arg("-c").arg(&script).output().expect("bash runs");
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        text.split_terminator('\0').map(str::to_owned).collect()
    }

    #[test]
    fn an_option_stays_with_its_value() {
        let argv =
            ["rollback", "component", "x", "--skip-blocked", "restart-backend"].map(str::to_owned);
        let lines = command_lines(&argv, 2, 40, true);
        assert_eq!(lines, ["  rollback component x \\", "    --skip-blocked restart-backend"]);
    }

    #[test]
    fn a_script_keeps_its_lines() {
        let mut argv = SCRIPT.map(str::to_owned).to_vec();
        argv.push("set -u\nfor x in 1 2; do\n  echo \"$x\"\ndone".to_owned());
        assert_eq!(
            command_lines(&argv, 2, 80, true),
            ["  bash -euo pipefail -c 'set -u", "for x in 1 2; do", "  echo \"$x\"", "done'"]
        );
        let argv = ["echo".to_owned(), "x\n\n  2  Restart   already there".to_owned()];
        let lines = command_lines(&argv, 2, 80, true);
        assert_eq!(lines, ["  echo 'x'$'\\n'$'\\n''  2  Restart   already there'"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_shown_is_what_a_shell_runs(
            words in proptest::collection::vec("[a-z\"'$`\\\\ \n!{}é漢\u{1b}\u{202e}=-]{0,70}", 1..5),
            columns in 30usize..100,
            unicode: bool,
        ) {
            let argv: Vec<String> = words;
            prop_assert_eq!(read_back(&argv, 4, columns, unicode), argv.clone());
            for line in command_lines(&argv, 4, columns, unicode) {
                prop_assert!(line.width() <= columns, "{}: {}", line.width(), line);
                prop_assert!(line.chars().all(is_harmless));
                prop_assert!(unicode || line.is_ascii());
            }
        }
    }
}
