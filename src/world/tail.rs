//! Follows a file that a child writes, in bounded memory, and gives it out clean: no escape
//! sequences, no secrets, also where a line, a flood or a chunk was cut in the middle of one.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;

use crate::terminal::redact::Redactor;
use crate::terminal::sanitize::{self, LINE_CAP, Sanitizer};

/// How much of each stream is handed back to the step; all of it stays in the run's directory.
const KEPT: u64 = 256 * 1024;
/// How much output one tick shows; what is older than that is only in the file.
const SHOWN: u64 = 64 * 1024;
/// What is passed over where a cut leaves no line end to begin at.
const BLIND: usize = LINE_CAP;

/// The end of a child's stream.
pub struct Tail {
    file: File,
    /// `stdout` or `stderr`.
    pub stream: &'static str,
    offset: u64,
    sanitizer: Sanitizer,
    /// Some of a line was passed over: nothing of it is shown.
    blind: bool,
}

impl Tail {
    /// Follows a file from its beginning.
    pub fn new(file: File, stream: &'static str) -> Tail {
        Tail { file, stream, offset: 0, sanitizer: Sanitizer::default(), blind: false }
    }

    /// The lines that are new; of a flood only the newest, and how much was passed over.
    pub fn lines(&mut self, redactor: &Redactor) -> Vec<String> {
        let Ok(length) = self.file.metadata().map(|meta| meta.len()) else { return Vec::new() };
        let mut lines = Vec::new();
        if length <= self.offset {
            return lines;
        }
        if length - self.offset > SHOWN {
            let passed = length - SHOWN - self.offset;
            lines.push(format!("… {passed} bytes of output not shown"));
            self.offset = length - SHOWN;
            self.sanitizer = Sanitizer::default();
            self.blind = true;
        }
        let chunk = read(&self.file, self.offset, length - self.offset);
        self.offset += chunk.len() as u64;
        let mut rest = chunk.as_slice();
        if self.blind {
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { return lines };
            rest = &rest[end + 1..];
            self.blind = false;
        }
        lines.extend(self.sanitizer.push(rest).iter().map(|line| clean(line, redactor)));
        lines
    }

    /// The line that was not ended, where there is one.
    pub fn last_line(&mut self, redactor: &Redactor) -> Option<String> {
        self.sanitizer.finish().map(|line| clean(&line, redactor)).filter(|line| !line.is_empty())
    }

    /// The end of the stream, as much of it as a step may want, without secrets.
    pub fn end(&self, redactor: &Redactor) -> Vec<u8> {
        let length = self.file.metadata().map_or(0, |meta| meta.len());
        let from = length.saturating_sub(KEPT);
        let mut bytes = read(&self.file, from, length - from);
        if redactor.is_empty() {
            return bytes;
        }
        if from > 0 {
            let begin = bytes.iter().position(|byte| *byte == b'\n').map_or(BLIND, |end| end + 1);
            bytes.drain(..begin.min(bytes.len()));
        }
        // Sanitized first: an escape inside a secret would hide it, and be gone when it is shown.
        let lines = sanitize::lines(&String::from_utf8_lossy(&bytes));
        let lines: Vec<String> = lines.iter().map(|line| clean(line, redactor)).collect();
        lines.join("\n").into_bytes()
    }

    /// Writes all of the stream, clean and without secrets.
    pub fn copy(&self, redactor: &Redactor, out: &mut impl Write) -> io::Result<()> {
        let mut sanitizer = Sanitizer::default();
        let mut offset = 0;
        loop {
            let chunk = read(&self.file, offset, SHOWN);
            let mut lines = sanitizer.push(&chunk);
            if chunk.is_empty() {
                lines.extend(sanitizer.finish());
            }
            for line in lines {
                writeln!(out, "{}", clean(&line, redactor))?;
            }
            if chunk.is_empty() {
                return Ok(());
            }
            offset += chunk.len() as u64;
        }
    }
}

fn read(file: &File, offset: u64, length: u64) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    let got = file.read_at(&mut bytes, offset).unwrap_or_default();
    bytes.truncate(got);
    bytes
}

/// A sanitized line without secrets. One that was cut may end in the first half of one.
fn clean(line: &str, redactor: &Redactor) -> String {
    match line.char_indices().nth(LINE_CAP) {
        Some((cut, _)) => redactor.stream().push(&line[..cut]) + &line[cut..],
        None => redactor.redact(line),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const SECRET: &str = "canary-7f3a9e21";

    fn shown(pieces: &[&[u8]]) -> String {
        let redactor = Redactor::new(vec![SECRET.to_owned()]);
        let mut file = tempfile::tempfile().expect("a file");
        let mut tail = Tail::new(file.try_clone().expect("a handle"), "stdout");
        let mut shown = Vec::new();
        for piece in pieces {
            file.write_all(piece).expect("written");
            shown.extend(tail.lines(&redactor));
        }
        shown.extend(tail.last_line(&redactor));
        shown.push(String::from_utf8(tail.end(&redactor)).expect("UTF-8"));
        let mut copy = Vec::new();
        tail.copy(&redactor, &mut copy).expect("copied");
        shown.push(String::from_utf8(copy).expect("UTF-8"));
        shown.join("\n")
    }

    /// No six characters of it anywhere.
    fn leaks(text: &str) -> bool {
        (0..SECRET.len() - 6).any(|at| text.contains(&SECRET[at..at + 6]))
    }

    #[test]
    fn a_secret_is_found_wherever_the_writes_the_line_or_the_flood_are_cut() {
        for cut in 0..SECRET.len() {
            let (head, tail) = SECRET.split_at(cut);
            assert!(!leaks(&shown(&[head.as_bytes(), tail.as_bytes(), b"\nmore"])), "writes {cut}");
            let long = "x".repeat(LINE_CAP - cut) + SECRET;
            assert!(!leaks(&shown(&[long.as_bytes()])), "line {cut}");
            let filler = "y".repeat(usize::try_from(SHOWN).expect("small") - tail.len());
            let flood = "z".repeat(1000) + SECRET + &filler;
            assert!(!leaks(&shown(&[flood.as_bytes()])), "flood {cut}");
            let filler = "y".repeat(usize::try_from(KEPT).expect("small") - tail.len());
            let flood = "z".repeat(1000) + SECRET + &filler;
            assert!(!leaks(&shown(&[flood.as_bytes()])), "end {cut}");
        }
        assert!(!leaks(&shown(&[b"canary\x1b[0m-7f3a9e21\n"])), "an escape inside");
    }
}
