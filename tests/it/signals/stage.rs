//! A run at a real terminal, and somebody who answers its questions.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rexpect::process::PtyProcess;

use crate::scenario::{Endpoint, Scenario};

/// What a run must do within; longer is a hang.
const LIMIT: Duration = Duration::from_secs(90);

/// A run at a terminal, with all that it has printed.
pub struct Terminal {
    process: PtyProcess,
    keys: File,
    printed: Receiver<Vec<u8>>,
    bytes: Vec<u8>,
    /// What it printed.
    pub text: String,
    /// How many questions were answered.
    answered: usize,
    /// How it ended; the system tells that once only.
    status: Option<String>,
}

impl Terminal {
    /// Starts a command of ours at a terminal.
    pub fn start(scenario: &Scenario, arguments: &[&str]) -> Terminal {
        Terminal::of(scenario.command(arguments))
    }

    /// The same for a command that is ready to be run.
    pub fn of(mut command: Command) -> Terminal {
        command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
        command.env("TERM", "xterm");
        let process = PtyProcess::new(command).expect("a terminal");
        let keys = process.get_file_handle().expect("a handle");
        // Ctrl-C makes a terminal drop what was printed and not read yet: here all of it is judged.
        let mut modes = rustix::termios::tcgetattr(&keys).expect("a terminal");
        modes.local_modes |= rustix::termios::LocalModes::NOFLSH;
        rustix::termios::tcsetattr(&keys, rustix::termios::OptionalActions::Now, &modes)
            .expect("a terminal");
        let mut screen = process.get_file_handle().expect("a handle");
        let (sender, printed) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count) = screen.read(&mut buffer)
                && count > 0
                && sender.send(buffer[..count].to_vec()).is_ok()
            {}
        });
        let (bytes, text) = (Vec::new(), String::new());
        Terminal { process, keys, printed, bytes, text, answered: 0, status: None }
    }

    /// Types.
    pub fn send(&mut self, keys: &str) {
        let _ = self.keys.write_all(keys.as_bytes());
    }

    /// Whether the terminal shows what is typed.
    pub fn echoes(&self) -> bool {
        let modes = rustix::termios::tcgetattr(&self.keys).expect("a terminal");
        modes.local_modes.contains(rustix::termios::LocalModes::ECHO)
    }

    /// Sends a signal to our process alone.
    pub fn signal(&self, name: &str) {
        let pid = self.process.child_pid.to_string();
        Command::new("kill").args(["-s", name, &pid]).status().expect("kill");
    }

    /// Sends a signal to all in the terminal's foreground.
    pub fn signal_all(&self, name: &str) {
        let group = format!("-{}", self.process.child_pid);
        Command::new("kill").args(["-s", name, "--", &group]).status().expect("kill");
    }

    /// Takes what was printed since.
    pub fn look(&mut self) {
        while let Ok(piece) = self.printed.try_recv() {
            self.bytes.extend(piece);
        }
        self.text = String::from_utf8_lossy(&self.bytes).into_owned();
    }

    /// Whether it has ended.
    pub fn over_now(&mut self) -> bool {
        if self.status.is_none() {
            let status = format!("{:?}", self.process.status());
            let alive = status.contains("StillAlive") || status.contains("Stopped");
            self.status = Some(status).filter(|_| !alive);
        }
        self.status.is_some()
    }

    /// Waits for a text.
    pub fn expect(&mut self, needle: &str) {
        let until = Instant::now() + LIMIT;
        loop {
            self.look();
            if self.text.contains(needle) {
                return;
            }
            assert!(Instant::now() < until, "waited for {needle:?}\n{}", self.text);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Answers each question with yes as soon as it stands there.
    pub fn answer(&mut self, keys: &str) {
        let asked = self.text.matches("[y/N] ").count();
        if asked > self.answered {
            self.answered = asked;
            self.send(keys);
        }
    }

    /// Waits for the end; gives all that was printed and the exit code (128 and more: a signal).
    pub fn end(mut self) -> (String, i32) {
        let until = Instant::now() + LIMIT;
        loop {
            self.look();
            if !self.over_now() {
                assert!(Instant::now() < until, "it hangs\n{}", self.text);
                std::thread::sleep(Duration::from_millis(5));
                continue;
            }
            let status = self.status.take().unwrap_or_default();
            // The reader ends with the terminal.
            while let Ok(piece) = self.printed.recv_timeout(Duration::from_secs(2)) {
                self.bytes.extend(piece);
            }
            self.look();
            let numbers: Vec<i32> = status
                .split(|c: char| !c.is_ascii_digit())
                .filter_map(|number| number.parse().ok())
                .collect();
            let code = if status.contains("Exited") { numbers.get(1).copied() } else { None };
            return (self.text, code.unwrap_or(-1));
        }
    }
}

/// Whether the cursor was left as it was found.
pub fn cursor_is_shown(text: &str) -> bool {
    match (text.rfind("\u{1b}[?25l"), text.rfind("\u{1b}[?25h")) {
        (Some(hidden), Some(shown)) => shown > hidden,
        (Some(_), None) => false,
        (None, _) => true,
    }
}

/// A run that asks, surveys, works, waits, polls and asks again. Each command appends to `witness`.
pub fn busy(endpoint: &Endpoint) -> Scenario {
    let asked = std::sync::atomic::AtomicU32::new(0);
    endpoint.answers(move |_| {
        let number = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        (if number % 4 == 3 { 200 } else { 503 }, String::new())
    });
    let scenario = Scenario::new();
    let witness = scenario.path("witness").display().to_string();
    scenario.component(
        "busy",
        &format!(
            "methods:\n  flag:\n    steps:\n      - id: one\n        name: Do one\n        \
             command: [sh, -c, \"sleep 0.25; echo one >> {witness}\"]\n        \
             probe: [sh, -c, \"sleep 0.1; grep -q one {witness}\"]\n      - id: two\n        \
             name: Do two\n        confirm: yes\n        \
             command: [sh, -c, \"sleep 0.1; echo two >> {witness}\"]\n        \
             probe: [grep, -q, two, {witness}]\n      - name: Wait\n        wait: 200ms\n      \
             - name: Ask\n        http: {{ url: \"{}\" }}\n      - id: look\n        \
             name: Look\n        manual: Does it work?\n",
            endpoint.url("/")
        ),
    )
}
