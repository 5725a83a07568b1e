//! Questions to the operator, on standard error, answered on standard input; both must be
//! terminals. The default is always the harmless answer.
//!
//! dialoguer gives the wording of the prompts and console the cursor. The reading is our own:
//! dialoguer ignores Ctrl-D, turns Ctrl-C into a signal to ourselves and answers with keys typed
//! before the question stood there. Here the terminal edits the line, Ctrl-C ends it as
//! [`Answer::Interrupted`], the end of input is no, and what was typed ahead is thrown away.
//!
//! The functions block; they are for a helper thread. [`restore_terminal`] ends them from outside.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};

use dialoguer::theme::{SimpleTheme, Theme as _};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::mode::{self, CTRL_C, LineMode};
use super::style::{self, Stream};
use super::{layout, sanitize};

/// How often a question that gets no sensible answer is put.
const TRIES: usize = 3;

/// Longer lines are no answer to anything.
const LINE_CAP: usize = 4096;

/// Grows when whoever waits for an answer must stop waiting.
static ENDED: AtomicUsize = AtomicUsize::new(0);

/// An answer to a yes-or-no question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Yes, in so many words.
    Yes,
    /// Anything else, the end of input and a lost terminal included.
    No,
    /// Ctrl-C, or [`restore_terminal`].
    Interrupted,
}

/// An answer in the operator's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// What was typed, trimmed and sanitized; never empty.
    Text(String),
    /// An empty line, the end of input, a lost terminal.
    Nothing,
    /// Ctrl-C, or [`restore_terminal`].
    Interrupted,
}

/// A key of a menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The key that was chosen.
    Key(char),
    /// None of them: an empty line, the end of input, a lost terminal.
    Nothing,
    /// Ctrl-C, or [`restore_terminal`].
    Interrupted,
}

/// Whether there is somebody to ask: standard input and standard error are terminals.
#[expect(clippy::disallowed_methods, reason = "the room of questions")]
pub fn can_prompt() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// `question [y/N]`: yes only for `y` or `yes`.
pub fn confirm(question: &str) -> Answer {
    let mut prompt = String::new();
    if SimpleTheme.format_confirm_prompt(&mut prompt, question, Some(false)).is_err() {
        return Answer::No;
    }
    for _ in 0..TRIES {
        match ask(&prompt) {
            Reply::Text(text) => match text.to_lowercase().as_str() {
                "y" | "yes" => return Answer::Yes,
                "n" | "no" => return Answer::No,
                _ => say("Please answer y or n."),
            },
            Reply::Nothing => return Answer::No,
            Reply::Interrupted => return Answer::Interrupted,
        }
    }
    Answer::No
}

/// The name must be typed exactly. An empty line is no; something else is asked about again.
pub fn type_name(question: &str, expected: &str) -> Answer {
    let mut prompt = String::new();
    if SimpleTheme.format_input_prompt(&mut prompt, question, None).is_err() {
        return Answer::No;
    }
    for try_number in 0..TRIES {
        match ask(&prompt) {
            Reply::Text(text) if text == expected => return Answer::Yes,
            Reply::Text(_) if try_number == 0 => {
                say(&format!("That is not it. Type {expected}, or press Enter to leave it."));
            }
            Reply::Text(_) => {}
            Reply::Nothing => return Answer::No,
            Reply::Interrupted => return Answer::Interrupted,
        }
    }
    Answer::No
}

/// A line of free text, such as who decided.
pub fn text(question: &str) -> Reply {
    let mut prompt = String::new();
    if SimpleTheme.format_input_prompt(&mut prompt, question, None).is_err() {
        return Reply::Nothing;
    }
    ask(&prompt)
}

/// One line of choices, `[r]etry  [s]kip >`. There is no default.
pub fn menu(question: &str, choices: &[(char, &str)]) -> Choice {
    let words: Vec<String> = choices.iter().map(|(key, label)| choice_words(*key, label)).collect();
    let gap = if question.is_empty() { "" } else { "  " };
    let prompt = format!("{question}{gap}{} > ", words.join("  "));
    for _ in 0..TRIES {
        match ask(&prompt) {
            Reply::Text(text) => {
                let text = text.to_lowercase();
                let found = choices.iter().find(|(key, label)| {
                    text == key.to_lowercase().to_string() || text == label.to_lowercase()
                });
                if let Some((key, _)) = found {
                    return Choice::Key(*key);
                }
                let keys: Vec<String> = choices.iter().map(|(key, _)| key.to_string()).collect();
                say(&format!("Please answer with one of {}.", keys.join(", ")));
            }
            Reply::Nothing => return Choice::Nothing,
            Reply::Interrupted => return Choice::Interrupted,
        }
    }
    Choice::Nothing
}

/// `[r]etry` where the label begins with the key, else `[r] try again`.
fn choice_words(key: char, label: &str) -> String {
    match label.strip_prefix(key) {
        Some(rest) => format!("[{key}]{rest}"),
        None => format!("[{key}] {label}"),
    }
}

/// Gives the terminal back as it was before we touched it, with its cursor, and ends the
/// questions that are still open. Takes no lock and allocates nothing: a signal path may call it.
pub fn restore_terminal() {
    ENDED.fetch_add(1, Ordering::SeqCst);
    mode::restore();
}

/// A line of ours between two tries.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{}", sanitize::line(text));
}

/// Puts a question once.
fn ask(prompt: &str) -> Reply {
    let ended = ENDED.load(Ordering::SeqCst);
    let Ok(_mode) = LineMode::enter() else { return Reply::Nothing };
    let mut err = io::stderr();
    let shown = folded(&sanitize::line(prompt), style::columns(Stream::Stderr));
    if err.write_all(shown.as_bytes()).and_then(|()| err.flush()).is_err() {
        return Reply::Nothing;
    }
    let reply = read_line(ended);
    // Enter ended the line on the screen by itself; nothing else does.
    if !matches!(&reply, Line::Whole(_)) {
        let _ = err.write_all(b"\n");
    }
    match reply {
        Line::Whole(bytes) => {
            let text = sanitize::line(&String::from_utf8_lossy(&bytes));
            let text = text.trim();
            if text.is_empty() { Reply::Nothing } else { Reply::Text(text.to_owned()) }
        }
        Line::End => Reply::Nothing,
        Line::Interrupted => Reply::Interrupted,
    }
}

/// A question over as many lines as it needs, broken between words; the space that parts it from the
/// answer stays.
fn folded(prompt: &str, columns: Option<usize>) -> String {
    let Some(columns) = columns else { return prompt.to_owned() };
    let space = if prompt.ends_with(' ') { " " } else { "" };
    let room = columns.saturating_sub(2);
    format!("{}{space}", layout::wrap(prompt.trim_end(), room, room).join("\n"))
}

enum Line {
    Whole(Vec<u8>),
    End,
    Interrupted,
}

fn read_line(ended: usize) -> Line {
    let stdin = rustix::stdio::stdin();
    let mut line = Vec::new();
    let mut buffer = [0; 256];
    loop {
        if ENDED.load(Ordering::SeqCst) != ended {
            return Line::Interrupted;
        }
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        let a_moment = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
        match poll(&mut fds, Some(&a_moment)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(_) => return Line::End,
        }
        let count = match rustix::io::read(stdin, &mut buffer) {
            Ok(0) => return Line::End,
            Ok(count) => count,
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => continue,
            Err(_) => return Line::End,
        };
        for byte in &buffer[..count] {
            match *byte {
                CTRL_C => return Line::Interrupted,
                b'\n' => return Line::Whole(line),
                byte if line.len() < LINE_CAP => line.push(byte),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_question_is_broken_between_words() {
        let question = "Who decided: Engineering Lead, CTO? ";
        assert_eq!(folded(question, Some(24)), "Who decided:\nEngineering Lead, CTO? ");
        assert_eq!(folded(question, Some(80)), question);
        assert_eq!(folded(question, None), question);
    }

    #[test]
    fn a_choice_shows_its_key() {
        assert_eq!(choice_words('r', "retry"), "[r]etry");
        assert_eq!(choice_words('q', "stop here"), "[q] stop here");
    }
}
