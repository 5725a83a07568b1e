//! The first look at a file, before anything is built from it: size, encoding, depth, aliases,
//! documents, tags, duplicate and merge keys. What passes is small and means what it looks like.

use std::path::Path;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};

use super::problem::{Problem, Source};
use super::tree::Span;

/// The largest file.
pub const SIZE: usize = 1 << 20;
/// The deepest nesting.
pub const DEPTH: usize = 32;
const LEVELS: &str = "a runbook needs about 8 levels; take out some brackets";
/// The most aliases (`*name`).
pub const ALIASES: usize = 100;

/// The text of a file: small enough, UTF-8, without its byte order mark.
pub fn text<'b>(file: &Path, bytes: &'b [u8]) -> Result<&'b str, Problem> {
    if bytes.len() > SIZE {
        return Err(too_large(file, bytes.len() as u64));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Problem::of_file(file, "the file is UTF-16, not UTF-8")
            .help("save it as UTF-8: `iconv -f UTF-16 -t UTF-8`"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = error.valid_up_to();
        let line = bytes[..good].split(|byte| *byte == b'\n').count();
        let message = format!(
            "the file is not UTF-8: byte {good} (line {line}) is 0x{:02x}",
            bytes.get(good).copied().unwrap_or_default()
        );
        let mut problem = Problem::of_file(file, message);
        problem.place.line = line;
        let start = bytes[..good].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        problem.place.column = String::from_utf8_lossy(&bytes[start..good]).chars().count() + 1;
        problem.help("save it as UTF-8: `iconv -f LATIN1 -t UTF-8`")
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The one error about a file that is too large; also used before such a file is read.
pub fn too_large(file: &Path, bytes: u64) -> Problem {
    let kib = bytes.div_ceil(1024);
    Problem::of_file(
        file,
        format!("the file has {kib} KiB; a file of the catalog has at most 1 MiB"),
    )
    .help("move it out of the catalog, or split it")
}

/// One level of nesting.
enum Frame {
    Seq,
    Map { keys: Vec<(String, Span)>, key_next: bool },
}

/// The events of a file, each one checked.
pub struct Guard<'s> {
    source: Source<'s>,
    parser: Parser<'s, StrInput<'s>>,
    frames: Vec<Frame>,
    aliases: usize,
    documents: usize,
    /// What was found so far; reading goes on where that makes sense.
    pub problems: Vec<Problem>,
    stopped: bool,
}

impl<'s> Guard<'s> {
    /// A guard over the whole text.
    pub fn new(source: Source<'s>) -> Guard<'s> {
        Guard {
            source,
            parser: Parser::new_from_str(source.text),
            frames: Vec::new(),
            aliases: 0,
            documents: 0,
            problems: Vec::new(),
            stopped: false,
        }
    }

    /// Notes what is wrong and ends the events.
    pub fn stop(&mut self, problem: Problem) {
        self.problems.push(problem);
        self.stopped = true;
    }

    /// The node that comes next is a key; `Some` where it is a scalar's text.
    fn node(&mut self, key: Option<&str>, span: Span) {
        let Some(Frame::Map { keys, key_next }) = self.frames.last_mut() else { return };
        let is_key = *key_next;
        *key_next = !is_key;
        if !is_key {
            return;
        }
        let Some(key) = key else {
            let problem = self.source.problem(span, "a key is a word, not a list or a map");
            return self.stop(problem.help("write `key: value`"));
        };
        if key == "<<" {
            let problem = self.source.problem(span, "merge keys (`<<`) are not part of the format");
            self.problems.push(problem.help("write the keys out where they are used"));
        } else if let Some((_, first)) = keys.iter().find(|(name, _)| name == key) {
            let message = format!("the key `{key}` stands here twice");
            let help = format!("the first one is on line {}; remove one of the two", first.line);
            self.problems.push(self.source.problem(span, message).help(help));
        } else {
            keys.push((key.to_owned(), span));
        }
    }

    fn open(&mut self, frame: Frame, span: Span) {
        self.frames.push(frame);
        if self.frames.len() > DEPTH {
            let message = format!("nested more than {DEPTH} levels deep");
            self.stop(self.source.problem(span, message).help(LEVELS));
        }
    }

    fn check(&mut self, event: &Event<'s>, span: Span) {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let problem =
                        self.source.problem(span, "a second document starts here (`---`)");
                    self.stop(
                        problem.help("one file is one document: put it in a file of its own"),
                    );
                }
            }
            Event::Alias(_) => {
                self.aliases += 1;
                if self.aliases > ALIASES {
                    let message = format!("more than {ALIASES} aliases (`*name`)");
                    let problem = self.source.problem(span, message);
                    return self.stop(problem.help("write the values out"));
                }
                self.node(None, span);
            }
            Event::Scalar(text, _, _, tag) => {
                self.tag(tag.as_deref(), span);
                self.node(Some(text.as_ref()), span);
            }
            Event::SequenceStart(_, tag) => {
                self.tag(tag.as_deref(), span);
                self.node(None, span);
                self.open(Frame::Seq, span);
            }
            Event::MappingStart(_, tag) => {
                self.tag(tag.as_deref(), span);
                self.node(None, span);
                self.open(Frame::Map { keys: Vec::new(), key_next: true }, span);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.frames.pop();
            }
            _ => {}
        }
    }

    fn tag(&mut self, tag: Option<&saphyr_parser::Tag>, span: Span) {
        let Some(tag) = tag else { return };
        let word =
            if tag.is_yaml_core_schema() { format!("!!{}", tag.suffix) } else { tag.to_string() };
        let problem =
            self.source.problem(span, format!("the tag `{word}` is not part of the format"));
        self.problems.push(problem.help("remove it; quote the value where it must be text"));
    }
}

impl<'s> Iterator for Guard<'s> {
    type Item = (Event<'s>, Span);

    fn next(&mut self) -> Option<(Event<'s>, Span)> {
        if self.stopped {
            return None;
        }
        match self.parser.next_event()? {
            Ok((event, at)) => {
                let span = Span::from(at);
                self.check(&event, span);
                if self.stopped { None } else { Some((event, span)) }
            }
            Err(error) => {
                let mark = error.marker();
                let span = Span {
                    line: mark.line(),
                    column: mark.col() + 1,
                    start: mark.index(),
                    end: mark.index() + 1,
                };
                let problem =
                    self.source.problem(span, format!("not valid YAML: {}", error.info()));
                self.stop(yaml_help(problem, error.info()));
                None
            }
        }
    }
}

/// What usually causes a syntax error.
fn yaml_help(problem: Problem, info: &str) -> Problem {
    if info.contains("tab") {
        problem.help("YAML is indented with spaces, never with tabs")
    } else {
        problem.help("check the indentation, and quote values that hold `: `, `#`, `{` or `[`")
    }
}

/// Whether a scalar was written without quotes, so that its text may be a number or a boolean.
pub fn is_plain(style: ScalarStyle) -> bool {
    matches!(style, ScalarStyle::Plain)
}
