//! The modes of the terminal: how it takes a line that answers a question, and how it takes keys that
//! nobody asked for. Whatever happens, it is given back as it was before the first of them.

use std::sync::OnceLock;

use console::Term;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush,
    tcgetattr, tcgetpgrp, tcsetattr,
};

/// What the terminal makes of Ctrl-C while a line is read.
pub const CTRL_C: u8 = 3;

/// How the terminal was before we touched it.
static BEFORE: OnceLock<Termios> = OnceLock::new();

/// Gives it back as it was before we touched it, with its cursor. Takes no lock and allocates nothing.
pub fn restore() {
    if let Some(before) = BEFORE.get() {
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, before);
        let _ = rustix::io::write(rustix::stdio::stderr(), b"\x1b[?25h");
    }
}

/// The terminal edits and echoes a line; Ctrl-C ends it and raises no signal. Dropped, it is as it
/// was before.
pub struct LineMode {
    before: Termios,
}

impl LineMode {
    /// From now on.
    pub fn enter() -> rustix::io::Result<LineMode> {
        let stdin = rustix::stdio::stdin();
        let before = tcgetattr(stdin)?;
        let _ = BEFORE.set(before.clone());
        let mut mode = before.clone();
        mode.local_modes.insert(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ECHOE);
        mode.local_modes.remove(LocalModes::ISIG);
        mode.input_modes.insert(InputModes::ICRNL | InputModes::IUTF8);
        mode.special_codes[SpecialCodeIndex::VEOL] = CTRL_C;
        tcsetattr(stdin, OptionalActions::Now, &mode)?;
        // What was typed before the question stood there is no answer to it.
        tcflush(stdin, QueueSelector::IFlush)?;
        Ok(LineMode { before })
    }
}

impl Drop for LineMode {
    fn drop(&mut self) {
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &self.before);
        let _ = Term::stderr().show_cursor();
    }
}

/// Keys are not echoed: an echoed Enter or `^C` moves the cursor, and what is redrawn would leave lines
/// behind. Ctrl-C and Ctrl-Z mean what they always mean. Dropped, the terminal is as it was before.
pub struct NoEcho {
    before: Termios,
}

impl NoEcho {
    /// From now on, where standard input is a terminal and we are in its foreground; who is in the
    /// background would be stopped for touching it.
    pub fn enter() -> Option<NoEcho> {
        let stdin = rustix::stdio::stdin();
        if !in_the_foreground() {
            return None;
        }
        let before = tcgetattr(stdin).ok()?;
        let _ = BEFORE.set(before.clone());
        let mut mode = before.clone();
        mode.local_modes.remove(LocalModes::ECHO);
        tcsetattr(stdin, OptionalActions::Now, &mode).ok()?;
        Some(NoEcho { before })
    }
}

impl Drop for NoEcho {
    fn drop(&mut self) {
        if in_the_foreground() {
            let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &self.before);
        }
    }
}

fn in_the_foreground() -> bool {
    tcgetpgrp(rustix::stdio::stdin()).is_ok_and(|group| group == rustix::process::getpgrp())
}
