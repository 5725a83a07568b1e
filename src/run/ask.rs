//! Asking the operator: the prompt blocks on a helper thread, signals still reach us, and the
//! terminal is given back on every path.

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::Run;
use crate::inbox::{Answer, Inbox, Message, TICK, Ticket};
use crate::terminal::prompt;

/// A prompt that stands on the screen.
pub struct Open {
    ticket: Ticket,
    answers: Receiver<Answer>,
}

impl Open {
    fn new(inbox: &mut Inbox, prompt: impl FnOnce() -> Answer + Send + 'static) -> Open {
        let (sender, answers) = channel();
        let ticket = inbox.helper(move || {
            let _ = sender.send(prompt());
            Message::Finished
        });
        Open { ticket, answers }
    }

    /// The answer, or none when `until` passes first; a signal answers with
    /// [`Answer::Interrupted`]. Another wait may take this one's message: it looks again.
    pub fn wait(&self, inbox: &mut Inbox, until: Instant) -> Option<Answer> {
        loop {
            if let Ok(answer) = self.answers.try_recv() {
                // A terminal that was lost reads as the end of input just before the signal comes.
                if answer == Answer::No && signal_follows(inbox) {
                    return Some(Answer::Interrupted);
                }
                if answer == Answer::Interrupted {
                    inbox.interrupted_at_prompt();
                }
                return Some(answer);
            }
            let now = Instant::now();
            if now >= until {
                return None;
            }
            if let Some(Message::Signal(_)) = inbox.recv_until(until.min(now + TICK)) {
                self.close(inbox);
                return Some(Answer::Interrupted);
            }
        }
    }

    /// Takes the question back: nobody waits for its answer any more.
    pub fn close(&self, inbox: &mut Inbox) {
        prompt::restore_terminal();
        inbox.abandon(self.ticket);
    }
}

/// Waits for a prompt's answer, however long it takes.
fn ask(inbox: &mut Inbox, prompt: impl FnOnce() -> Answer + Send + 'static) -> Answer {
    let open = Open::new(inbox, prompt);
    loop {
        if let Some(answer) = open.wait(inbox, Instant::now() + Duration::from_secs(3600)) {
            return answer;
        }
    }
}

/// Whether a signal comes in the next moment.
fn signal_follows(inbox: &mut Inbox) -> bool {
    let until = Instant::now() + Duration::from_millis(50);
    while Instant::now() < until {
        if let Some(Message::Signal(_)) = inbox.recv_until(until) {
            return true;
        }
    }
    false
}

fn plain(answer: prompt::Answer) -> Answer {
    match answer {
        prompt::Answer::Yes => Answer::Yes,
        prompt::Answer::No => Answer::No,
        prompt::Answer::Interrupted => Answer::Interrupted,
    }
}

/// y/N; EOF is no.
pub fn confirm(inbox: &mut Inbox, question: &str) -> Answer {
    let question = question.to_owned();
    ask(inbox, move || plain(prompt::confirm(&question)))
}

/// The name must be typed; anything else is no.
pub fn name(inbox: &mut Inbox, question: &str, expected: &str) -> Answer {
    let (question, expected) = (question.to_owned(), expected.to_owned());
    ask(inbox, move || plain(prompt::type_name(&question, &expected)))
}

/// A line of text.
pub fn text(inbox: &mut Inbox, question: &str) -> Answer {
    let question = question.to_owned();
    ask(inbox, move || match prompt::text(&question) {
        prompt::Reply::Text(text) => Answer::Text(text),
        prompt::Reply::Nothing => Answer::No,
        prompt::Reply::Interrupted => Answer::Interrupted,
    })
}

/// One key of several.
pub fn menu(inbox: &mut Inbox, question: &str, keys: &[(char, String)]) -> Answer {
    ask(inbox, one_of(question, keys))
}

/// The same, left standing while something else is done.
pub fn open_menu(inbox: &mut Inbox, question: &str, keys: &[(char, String)]) -> Open {
    Open::new(inbox, one_of(question, keys))
}

fn one_of(question: &str, keys: &[(char, String)]) -> impl FnOnce() -> Answer + Send + 'static {
    let (question, keys) = (question.to_owned(), keys.to_vec());
    move || {
        let keys: Vec<(char, &str)> =
            keys.iter().map(|(key, label)| (*key, label.as_str())).collect();
        match prompt::menu(&question, &keys) {
            prompt::Choice::Key(key) => Answer::Key(key),
            prompt::Choice::Nothing => Answer::No,
            prompt::Choice::Interrupted => Answer::Interrupted,
        }
    }
}

impl Run {
    /// Gives the terminal to a prompt and takes it back.
    fn with_terminal(&mut self, prompt: impl FnOnce(&mut Inbox) -> Answer) -> Answer {
        self.hands.recorder.hide();
        let answer = prompt(&mut self.hands.inbox);
        self.hands.recorder.reveal();
        answer
    }

    pub(super) fn ask_confirm(&mut self, question: &str) -> Answer {
        self.with_terminal(|inbox| confirm(inbox, question))
    }

    pub(super) fn ask_name(&mut self, question: &str, expected: &str) -> Answer {
        self.with_terminal(|inbox| name(inbox, question, expected))
    }

    /// The failure menu.
    pub(super) fn ask_menu(&mut self, rung: Option<&str>) -> Answer {
        let mut keys = vec![('r', "retry".to_owned()), ('s', "skip".to_owned())];
        if let Some(rung) = rung {
            keys.push(('e', format!("escalate to {rung}")));
        }
        keys.push(('a', "abort".to_owned()));
        self.with_terminal(|inbox| menu(inbox, "", &keys))
    }

    /// A step in doubt: there is no default.
    pub(super) fn ask_doubt(&mut self, step: &str, why: &str) -> Answer {
        let keys =
            [('a', "applied".to_owned()), ('r', "run again".to_owned()), ('q', "quit".to_owned())];
        let question = format!("{step}: {why}. Was it applied?");
        self.with_terminal(|inbox| menu(inbox, &question, &keys))
    }
}
