//! Makes text from elsewhere harmless: no escape sequences, no control or invisible formatting
//! characters, no broken UTF-8, no endless lines. Works on streams cut anywhere.

/// How many characters of a line are kept.
pub const LINE_CAP: usize = 4096;

/// Where in an escape sequence the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Ordinary text.
    Text,
    /// After ESC.
    Escape,
    /// After ESC [ (or its 8-bit form).
    Csi,
    /// In the payload of OSC, DCS, SOS, PM or APC; it ends at its terminator, or with the line.
    Payload,
}

/// Cuts a stream of bytes into clean lines.
#[derive(Debug)]
pub struct Sanitizer {
    state: State,
    /// The beginning of a character whose end has not come yet.
    partial: Vec<u8>,
    line: String,
    chars: usize,
    cap: usize,
    /// The rest of this line is dropped; its beginning is out already.
    cut: bool,
    /// The last character was a carriage return.
    after_return: bool,
}

impl Default for Sanitizer {
    fn default() -> Sanitizer {
        Sanitizer::new(LINE_CAP)
    }
}

impl Sanitizer {
    /// One that keeps `cap` characters of a line.
    pub fn new(cap: usize) -> Sanitizer {
        Sanitizer {
            state: State::Text,
            partial: Vec::new(),
            line: String::new(),
            chars: 0,
            cap: cap.max(1),
            cut: false,
            after_return: false,
        }
    }

    /// Takes the next bytes; gives the lines that they complete. A carriage return ends a line too.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        let joined;
        let mut rest = if self.partial.is_empty() {
            bytes
        } else {
            self.partial.extend_from_slice(bytes);
            joined = std::mem::take(&mut self.partial);
            &joined
        };
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.text(text, &mut lines);
                    return lines;
                }
                Err(error) => {
                    let (good, bad) = rest.split_at(error.valid_up_to());
                    self.text(std::str::from_utf8(good).unwrap_or_default(), &mut lines);
                    let Some(length) = error.error_len() else {
                        self.partial = bad.to_vec();
                        return lines;
                    };
                    for byte in &bad[..length] {
                        // A lone byte of the 8-bit control range acts as that control.
                        let c = if (0x80..=0x9f).contains(byte) {
                            char::from(*byte)
                        } else {
                            char::REPLACEMENT_CHARACTER
                        };
                        self.take(c, &mut lines);
                    }
                    rest = &bad[length..];
                }
            }
        }
    }

    /// The end of the stream: the line that was not ended, where there is one.
    pub fn finish(&mut self) -> Option<String> {
        let mut lines = Vec::new();
        if !self.partial.is_empty() {
            self.partial.clear();
            self.take(char::REPLACEMENT_CHARACTER, &mut lines);
        }
        self.state = State::Text;
        self.cut = false;
        if self.line.is_empty() { lines.pop() } else { Some(self.end_line()) }
    }

    fn text(&mut self, text: &str, lines: &mut Vec<String>) {
        for c in text.chars() {
            self.take(c, lines);
        }
    }

    fn take(&mut self, c: char, lines: &mut Vec<String>) {
        let after_return = std::mem::take(&mut self.after_return);
        match c {
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                // Whatever was unterminated ends with its line: it cannot swallow the rest.
                self.state = State::Text;
                self.after_return = c == '\r';
                if c == '\n' && after_return {
                    return;
                }
                if std::mem::take(&mut self.cut) {
                    return;
                }
                lines.push(self.end_line());
                return;
            }
            '\u{18}' | '\u{1a}' => {
                self.state = State::Text;
                return;
            }
            '\u{1b}' => {
                self.state = State::Escape;
                return;
            }
            '\u{9b}' => {
                self.state = State::Csi;
                return;
            }
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => {
                self.state = State::Payload;
                return;
            }
            '\u{9c}' => {
                self.state = State::Text;
                return;
            }
            _ => {}
        }
        match self.state {
            State::Text => self.keep(c, lines),
            State::Escape => match c {
                '[' => self.state = State::Csi,
                ']' | 'P' | 'X' | '^' | '_' => self.state = State::Payload,
                ' '..='/' => {}
                '0'..='~' => self.state = State::Text,
                _ => {
                    self.state = State::Text;
                    self.keep(c, lines);
                }
            },
            State::Csi => match c {
                ' '..='?' => {}
                '@'..='~' => self.state = State::Text,
                c if c.is_control() => {}
                _ => {
                    self.state = State::Text;
                    self.keep(c, lines);
                }
            },
            State::Payload => {
                if c == '\u{7}' {
                    self.state = State::Text;
                }
            }
        }
    }

    fn keep(&mut self, c: char, lines: &mut Vec<String>) {
        if self.cut {
            return;
        }
        if c == '\t' {
            let spaces = 8 - self.chars % 8;
            self.line.extend(std::iter::repeat_n(' ', spaces));
            self.chars += spaces;
        } else if is_harmless(c) {
            self.line.push(c);
            self.chars += 1;
        }
        if self.chars >= self.cap {
            let note = format!("… (line cut after {} characters)", self.cap);
            let mut line = self.end_line();
            line.push_str(&note);
            lines.push(line);
            self.cut = true;
        }
    }

    fn end_line(&mut self) -> String {
        self.chars = 0;
        std::mem::take(&mut self.line)
    }
}

/// Whether a character only shows itself: no control, no text direction, no invisible formatting.
pub fn is_harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Text as one clean line; line ends become spaces.
pub fn line(text: &str) -> String {
    if text.chars().all(is_harmless) {
        return text.to_owned();
    }
    lines(text).join(" ")
}

/// Text as clean lines, each with its cap.
pub fn lines(text: &str) -> Vec<String> {
    let mut sanitizer = Sanitizer::default();
    let mut lines = sanitizer.push(text.as_bytes());
    lines.extend(sanitizer.finish());
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(bytes: &[u8]) -> Vec<String> {
        let mut sanitizer = Sanitizer::new(200);
        let mut lines = sanitizer.push(bytes);
        lines.extend(sanitizer.finish());
        lines
    }

    #[test]
    fn colours_titles_and_device_strings_are_gone_and_the_text_stays() {
        let text =
            "\x1b[31mred\x1b[0m \x1b]0;title\x07a\x1b]8;;http://x\x1b\\b\x1bP1;2q#0\x1b\\c\x1b(Bd";
        assert_eq!(line(text), "red abcd");
    }

    #[test]
    fn eight_bit_controls_are_sequences_too() {
        assert_eq!(whole(b"a\x9b31mb\x9d0;t\x9cc"), ["abc"]);
        assert_eq!(line("a\u{9b}31mb"), "ab");
    }

    #[test]
    fn an_unterminated_title_ends_with_its_line() {
        assert_eq!(whole(b"a\x1b]0;evil\nnext"), ["a", "next"]);
        assert_eq!(whole(b"a\x1b[31\nnext"), ["a", "next"]);
    }

    #[test]
    fn text_direction_and_invisible_characters_are_dropped() {
        assert_eq!(line("a\u{202e}b\u{2066}c\u{200b}d\u{feff}e\u{e0041}"), "abcde");
    }

    #[test]
    fn broken_utf8_becomes_the_replacement_character() {
        assert_eq!(whole(b"a\xffb\xe2\x82"), ["a\u{fffd}b\u{fffd}"]);
    }

    #[test]
    fn a_character_cut_between_two_writes_is_whole() {
        let mut sanitizer = Sanitizer::default();
        assert!(sanitizer.push(b"a\xe2\x82").is_empty());
        assert_eq!(sanitizer.push(b"\xacb\n"), ["a€b"]);
    }

    #[test]
    fn an_endless_line_is_cut_once_and_says_so() {
        let mut sanitizer = Sanitizer::new(5);
        let mut lines = sanitizer.push(b"abcdefgh");
        lines.extend(sanitizer.push(b"ijkl"));
        lines.extend(sanitizer.push(b"m\nnext\n"));
        assert_eq!(lines, ["abcde… (line cut after 5 characters)", "next"]);
    }

    #[test]
    fn a_progress_bar_of_carriage_returns_is_lines_and_crlf_is_one_end() {
        assert_eq!(whole(b"10%\r20%\r\ndone\r\n"), ["10%", "20%", "done"]);
        assert_eq!(line("a\tb"), "a       b");
    }

    proptest! {
        #[test]
        fn nothing_but_harmless_characters_comes_out(bytes: Vec<u8>) {
            for line in whole(&bytes) {
                prop_assert!(line.chars().all(is_harmless), "{line:?}");
            }
        }

        #[test]
        fn escape_soup_is_harmless_and_cut_anywhere_it_is_the_same(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just("\x1b".to_owned()), Just("\x1b[".to_owned()), Just("\x1b]0;".to_owned()),
                    Just("\u{9b}".to_owned()), Just("\x07".to_owned()), Just("\r".to_owned()),
                    Just("\n".to_owned()), Just("\u{202e}".to_owned()), ".{0,8}",
                ], 0..40),
            size in 1usize..7,
        ) {
            let bytes = parts.concat().into_bytes();
            let mut sanitizer = Sanitizer::new(200);
            let mut lines: Vec<String> =
                bytes.chunks(size).flat_map(|chunk| sanitizer.push(chunk)).collect();
            lines.extend(sanitizer.finish());
            prop_assert!(lines.iter().all(|line| line.chars().all(is_harmless)));
            prop_assert_eq!(lines, whole(&bytes));
        }
    }
}
