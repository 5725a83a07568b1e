//! Keeps declared secrets out of everything that is shown or kept: their values, each line of them, and
//! the forms in which programs print them (`forms`).
//!
//! Values of fewer than four characters are left alone: blacking out every `1` or `no` would make
//! output unreadable and would give the value away by where the black is. Whoever loads the secrets says
//! so ([`is_too_short`]).
//!
//! Redaction comes after [`super::sanitize`]: an escape sequence inside a value must be gone before
//! the value can be recognised.

use std::sync::Arc;

mod forms;

/// What stands where a secret stood.
pub const STAND_IN: &str = "[redacted]";

/// The shortest value, in characters, that is looked for.
const SHORTEST: usize = 4;

/// What stands where a text was cut. A value that was cut by it is looked for as well.
const CUT: &str = "…";

/// The shortest part of a value, in bytes, that is looked for before such a cut.
const SHORTEST_PART: usize = 4;

/// Whether a value is left alone.
pub fn is_too_short(value: &str) -> bool {
    value.chars().count() < SHORTEST
}

/// Knows the secrets of a run.
#[derive(Clone, Default)]
pub struct Redactor {
    /// By first byte; within one byte the longest first.
    patterns: Arc<Vec<Vec<String>>>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

impl Redactor {
    /// Looks for these values and their usual forms.
    pub fn new(secrets: Vec<String>) -> Redactor {
        let mut all = Vec::new();
        for secret in secrets {
            let value = secret.trim_end_matches(['\n', '\r']);
            // Programs print a value line by line, and without the spaces around it.
            let mut parts = vec![value, value.trim()];
            parts.extend(value.lines().map(str::trim));
            parts.sort_unstable();
            parts.dedup();
            for part in parts.into_iter().filter(|part| !is_too_short(part)) {
                all.extend(forms::of(part));
            }
        }
        all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        all.dedup();
        let mut patterns = vec![Vec::new(); if all.is_empty() { 0 } else { 256 }];
        for pattern in all {
            if let Some(first) = pattern.as_bytes().first() {
                patterns[usize::from(*first)].push(pattern);
            }
        }
        Redactor { patterns: Arc::new(patterns) }
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The text without the secrets.
    pub fn redact(&self, text: &str) -> String {
        if self.patterns.is_empty() {
            return text.to_owned();
        }
        let mut stream = self.stream();
        let mut out = stream.push(text);
        out.push_str(&stream.finish());
        out
    }

    /// For text that comes in pieces.
    pub fn stream(&self) -> RedactStream {
        RedactStream { redactor: self.clone(), held: String::new(), known: 0, black: false }
    }

    fn starting_with(&self, byte: u8) -> &[String] {
        self.patterns.get(usize::from(byte)).map_or(&[], Vec::as_slice)
    }
}

/// Redacts text that comes in pieces: what may be the beginning of a secret is held back until the
/// next piece tells.
#[derive(Debug)]
pub struct RedactStream {
    redactor: Redactor,
    held: String,
    /// So many bytes of `held` are known to belong to a secret that began before them.
    known: usize,
    /// The last thing given out was a stand-in that goes on.
    black: bool,
}

impl RedactStream {
    /// Takes the next piece; gives what is certain.
    pub fn push(&mut self, piece: &str) -> String {
        self.held.push_str(piece);
        self.give(false)
    }

    /// The end: gives the rest.
    pub fn finish(&mut self) -> String {
        self.give(true)
    }

    fn give(&mut self, all: bool) -> String {
        let text = std::mem::take(&mut self.held);
        let bytes = text.as_bytes();
        let mut end = text.len();
        // [start, end) of what is secret, in order of start.
        let mut secret = vec![(0, self.known)];
        for (at, byte) in bytes.iter().enumerate() {
            let rest = &bytes[at..];
            for pattern in self.redactor.starting_with(*byte) {
                if rest.starts_with(pattern.as_bytes()) {
                    secret.push((at, at + pattern.len()));
                    break;
                }
                let mut cut = shared(rest, pattern.as_bytes());
                while !text.is_char_boundary(at + cut) {
                    cut -= 1;
                }
                if cut >= SHORTEST_PART && rest[cut..].starts_with(CUT.as_bytes()) {
                    secret.push((at, at + cut));
                    break;
                }
                let begun = cut == rest.len()
                    || (cut >= SHORTEST_PART && CUT.as_bytes().starts_with(&rest[cut..]));
                if !all && rest.len() < pattern.len() + CUT.len() && begun {
                    end = end.min(at);
                }
            }
        }
        let mut out = String::with_capacity(end);
        let mut at = 0;
        let mut reach = self.known;
        for (start, stop) in secret {
            if start >= end {
                break;
            }
            reach = reach.max(stop);
            if stop <= at {
                continue;
            }
            if start > at {
                out.push_str(&text[at..start]);
                self.black = false;
            }
            if !self.black {
                out.push_str(STAND_IN);
                self.black = true;
            }
            at = stop;
        }
        if at < end {
            out.push_str(&text[at..end]);
            self.black = false;
        }
        self.known = reach.saturating_sub(end);
        text[end..].clone_into(&mut self.held);
        out
    }
}

/// How many bytes two texts begin with in common.
fn shared(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(secret: &str, text: &str) -> String {
        Redactor::new(vec![secret.to_owned()]).redact(text)
    }

    #[test]
    fn a_secret_is_replaced_wherever_it_stands() {
        assert_eq!(one("hunter2!", "a hunter2! and xhunter2!x"), "a [redacted] and x[redacted]x");
    }

    #[test]
    fn a_secret_that_was_cut_is_still_one() {
        assert_eq!(one("hunter2!", "a token hunte… (wanted 1)"), "a token [redacted]… (wanted 1)");
        assert_eq!(one("hunt€r2!", "a token hunt… (wanted 1)"), "a token [redacted]… (wanted 1)");
        assert_eq!(one("hunter2!", "the hunt goes on"), "the hunt goes on");
        let redactor = Redactor::new(vec!["hunter2!".to_owned()]);
        let mut stream = redactor.stream();
        let pieces = ["a hun", "ter", "\u{2026} z"].map(|piece| stream.push(piece));
        assert_eq!(pieces.concat() + &stream.finish(), "a [redacted]… z");
    }

    #[test]
    fn the_forms_in_which_programs_print_a_secret_are_found() {
        let secret = "p@ss wörd\"/1";
        for text in [
            "cEBzcyB3w7ZyZCIvMQ==",
            "p%40ss%20w%C3%B6rd%22%2F1",
            "p%40ss%20w%c3%b6rd%22%2f1",
            "p%40ss+w%C3%B6rd%22%2F1",
            "p@ss wörd\\\"/1",
            "p@ss wörd\\\"\\/1",
            "p@ss w\\u00f6rd\\\"/1",
        ] {
            assert_eq!(one(secret, &format!("<{text}>")), "<[redacted]>", "{text}");
        }
    }

    #[test]
    fn each_line_of_a_secret_is_one_however_short() {
        let secret = "abc1234\nXYZ9876\n  four  \nlongerline-0123456789";
        let text = "abc1234\nXYZ9876\n  four  \nlongerline-0123456789\n";
        assert_eq!(one(secret, text), "[redacted]\n");
        for line in ["abc1234", "XYZ9876", "four", "longerline-0123456789"] {
            assert_eq!(one(secret, &format!("1: {line}.")), "1: [redacted].");
        }
        assert_eq!(one("  hunter2!  ", "it is hunter2!"), "it is [redacted]");
    }

    #[test]
    fn basic_authentication_gives_no_secret_away() {
        // user:hunter2hunter2 and admin:hunter2hunter2: two alignments of the same password.
        for text in ["dXNlcjpodW50ZXIyaHVudGVyMg==", "YWRtaW46aHVudGVyMmh1bnRlcjI="] {
            let shown = one("hunter2hunter2", text);
            assert!(shown.contains(STAND_IN), "{shown}");
            assert!(shown.len() < text.len(), "{shown}");
        }
    }

    #[test]
    fn each_line_of_a_key_is_a_secret() {
        let key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n";
        assert_eq!(one(key, "2: kqhkiG9w0BAQEF"), "2: [redacted]");
    }

    #[test]
    fn a_short_value_is_left_alone() {
        let redactor = Redactor::new(vec!["no".to_owned(), String::new()]);
        assert_eq!(redactor.redact("no news"), "no news");
        assert!(redactor.is_empty());
    }

    #[test]
    fn overlapping_secrets_leave_nothing_over() {
        let redactor = Redactor::new(vec!["abcdef".to_owned(), "defghi".to_owned()]);
        assert_eq!(redactor.redact("xabcdefghiy"), "x[redacted]y");
        let mut stream = redactor.stream();
        let pieces = ["xabcd", "ef", "ghiy"].map(|piece| stream.push(piece));
        assert_eq!(pieces.concat() + &stream.finish(), "x[redacted]y");
    }

    #[test]
    fn a_debug_print_names_no_secret() {
        let redactor = Redactor::new(vec!["hunter2!".to_owned()]);
        assert!(!format!("{redactor:?} {:?}", Redactor::default()).contains("hunter2"));
    }

    proptest! {
        #[test]
        fn no_secret_comes_through_however_it_is_cut(
            secrets in proptest::collection::vec("[ab\"é/]{4,9}", 1..4),
            around in proptest::collection::vec("[abé\"/ x]{0,6}", 4),
            sizes in proptest::collection::vec(1usize..5, 1..30),
        ) {
            let text: String = around.iter().zip(secrets.iter().cycle())
                .flat_map(|(before, secret)| [before.as_str(), secret.as_str()]).collect();
            let redactor = Redactor::new(secrets.clone());
            let whole = redactor.redact(&text);
            for secret in &secrets {
                prop_assert!(!whole.contains(secret.as_str()), "{whole}");
            }
            let chars: Vec<char> = text.chars().collect();
            let mut stream = redactor.stream();
            let (mut out, mut at) = (String::new(), 0);
            for size in sizes.iter().cycle() {
                if at >= chars.len() { break; }
                let stop = (at + size).min(chars.len());
                out.push_str(&stream.push(&chars[at..stop].iter().collect::<String>()));
                at = stop;
            }
            out.push_str(&stream.finish());
            prop_assert_eq!(out, whole);
        }

        #[test]
        fn text_without_secrets_comes_through_unchanged(text: String) {
            prop_assert_eq!(one("\u{1}never\u{1}", &text), text.clone());
            prop_assert_eq!(Redactor::default().redact(&text), text);
        }
    }
}
