//! The only way to change the world: run commands with a permit, watched by the inbox, so that
//! Ctrl-C, a deadline and the output reach the operator while they run.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::event::{Live, Record};
use crate::inbox::{Inbox, Message, Stop, TICK};
use crate::journal::Permit;
use crate::output::recorder::Recorder;
use crate::terminal::redact::Redactor;
use crate::world::process::{self, Captured, Ending, Invocation, Running};

/// How much of each stream is handed back to the step; all of it stays in the run's directory.
const KEPT: u64 = 256 * 1024;
/// How much output one tick shows; what is older than that is only in the file.
const SHOWN: u64 = 64 * 1024;
/// A line longer than this is shown in pieces.
const LINE: usize = 4096;

/// What performs a step's commands. The main thread's; owns the inbox and the records.
pub struct Hands {
    /// Everything that can interrupt a wait.
    pub inbox: Inbox,
    /// Where records and live events go.
    pub recorder: Recorder,
    /// What must not be seen.
    pub redactor: Redactor,
    /// The directory for the output of commands; none keeps it nowhere.
    pub output_dir: Option<PathBuf>,
    /// The values of secrets, for the environment of commands that name them.
    pub secrets: BTreeMap<String, String>,
    step: String,
    deadline: Instant,
    files: u32,
}

/// One of the children that run together.
struct Child {
    running: Running,
    stdout: Tail,
    stderr: Tail,
    ending: Option<Ending>,
}

impl Hands {
    /// Hands that have nothing to do yet.
    pub fn new(inbox: Inbox, recorder: Recorder) -> Hands {
        Hands {
            inbox,
            recorder,
            redactor: Redactor::new(Vec::new()),
            output_dir: None,
            secrets: BTreeMap::new(),
            step: String::new(),
            deadline: Instant::now(),
            files: 0,
        }
    }

    /// Hands with a journal that is thrown away and a minute for whatever they do.
    #[cfg(test)]
    pub(crate) fn for_a_test() -> Hands {
        let dir = tempfile::tempdir().expect("a directory");
        let journal = crate::journal::Journal::create(dir.path(), "run").expect("a journal");
        let guard = crate::lock::Guard::for_a_test();
        let mut hands = Hands::new(Inbox::new(), Recorder::new(journal, Vec::new()).guarded(guard));
        hands.take_up("step", Instant::now() + Duration::from_secs(60));
        hands
    }

    /// Takes up a step: its commands end at `deadline` whatever their own timeouts say.
    pub fn take_up(&mut self, step: &str, deadline: Instant) {
        step.clone_into(&mut self.step);
        self.deadline = deadline;
        self.files = 0;
    }

    /// When the step's time is up.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Says how far the step is.
    pub fn progress(&mut self, text: &str) {
        let step = self.step.clone();
        self.recorder.live(&Live::Progress { step, text: text.to_owned() });
    }

    /// Runs the commands together (in parallel) and waits for all of them. Each ends at its own
    /// timeout or at the step's deadline, whichever is first.
    pub fn run(&mut self, permit: &Permit, invocations: &[Invocation]) -> Vec<Captured> {
        let mut children: Vec<Result<Child, Captured>> =
            (0..invocations.len()).map(|_| Err(not_started("not started"))).collect();
        for (number, invocation) in invocations.iter().enumerate() {
            children[number] = if self.inbox.stop() >= Stop::EndChild {
                Err(not_started("we were asked to stop"))
            } else if let Err(why) = permit.check() {
                Err(not_started(&why.to_string()))
            } else {
                self.start(permit, number, invocation)
                    .map_err(|error| not_started(&process::reason(invocation, &error)))
            };
        }
        self.attend(invocations, &mut children);
        children.into_iter().map(|child| self.close(child)).collect()
    }

    fn start(
        &mut self,
        permit: &Permit,
        number: usize,
        invocation: &Invocation,
    ) -> io::Result<Child> {
        let (stdout, stderr) = (self.output_file("out")?, self.output_file("err")?);
        self.files += 1;
        let running = process::spawn(invocation, &stdout, &stderr)?;
        // Not synced: it only has to outlive this process, and the kernel keeps it for that.
        let _ = self.recorder.append(Record::ChildStarted {
            step: permit.step().to_owned(),
            group: running.group(),
            started: process::start_time(running.group()).unwrap_or_default(),
            program: invocation.argv.first().cloned().unwrap_or_default(),
        });
        let waiter = running.clone();
        self.inbox.helper(move || {
            let ending = waiter.wait_for_end();
            Message::ChildEnded(number, ending)
        });
        Ok(Child {
            running,
            stdout: Tail::new(stdout, "stdout"),
            stderr: Tail::new(stderr, "stderr"),
            ending: None,
        })
    }

    /// A file for a stream: in the run's directory, or unlinked when secrets could be in it.
    fn output_file(&self, stream: &str) -> io::Result<File> {
        let Some(dir) = self.output_dir.as_ref().filter(|_| self.secrets.is_empty()) else {
            return tempfile::tempfile();
        };
        for take in self.files.. {
            let path = dir.join(format!("{}-{take}.{stream}", self.step));
            let mut options = OpenOptions::new();
            options.read(true).write(true).append(true).create_new(true).mode(0o600);
            match options.open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                other => return other,
            }
        }
        Err(io::Error::other("no free name"))
    }

    fn attend(&mut self, invocations: &[Invocation], children: &mut [Result<Child, Captured>]) {
        let mut ended_by: Option<(Ending, Instant)> = None;
        let mut killed = false;
        while children.iter().flatten().any(|child| child.ending.is_none()) {
            let limit = children
                .iter()
                .zip(invocations)
                .filter_map(|(child, invocation)| Some((child.as_ref().ok()?, invocation)))
                .filter(|(child, _)| child.ending.is_none())
                .map(|(child, invocation)| {
                    self.deadline.min(Instant::now() + left(invocation.timeout, &child.running))
                })
                .min()
                .unwrap_or(self.deadline);
            let next = match &ended_by {
                None => limit.min(Instant::now() + TICK),
                Some((_, until)) => (*until).min(Instant::now() + TICK),
            };
            match self.inbox.recv_until(next) {
                Some(Message::ChildEnded(number, ending)) => {
                    if let Some(Ok(child)) = children.get_mut(number) {
                        let cause = ended_by.as_ref().map(|(cause, _)| cause.clone());
                        child.ending = Some(cause.unwrap_or(ending));
                    }
                }
                Some(Message::Signal(_)) => self.say_stop(),
                Some(Message::Notice(text)) => self.notice(text),
                _ => {}
            }
            let stop = self.inbox.stop();
            if ended_by.is_none() {
                let cause = if stop >= Stop::EndChild {
                    Some(Ending::Interrupted)
                } else if Instant::now() >= limit {
                    Some(Ending::TimedOut)
                } else {
                    None
                };
                if let Some(cause) = cause {
                    ended_by = Some((cause, Instant::now() + process::GRACE));
                    children.iter().flatten().for_each(|child| child.running.terminate());
                }
            }
            let grace_over = ended_by.as_ref().is_some_and(|(_, until)| Instant::now() >= *until);
            if (grace_over || stop == Stop::KillChild) && !killed {
                killed = true;
                children.iter().flatten().for_each(|child| child.running.kill());
            }
            self.show(children);
        }
        // What the leader left in its group after we ended it must not go on behind our back.
        if let Some((_, until)) = ended_by {
            for child in children.iter().flatten() {
                child.running.sweep(until);
            }
        }
        self.show(children);
    }

    /// A word to the operator after a signal.
    pub fn say_stop(&mut self) {
        let text = match self.inbox.stop() {
            Stop::No => return,
            Stop::AfterStep => format!(
                "{}: this step is finished first, then the run stops; Ctrl-C again ends the step now",
                self.inbox.reason()
            ),
            Stop::EndChild => {
                format!("{}: ending the running command; once more kills it", self.inbox.reason())
            }
            Stop::KillChild => "killing the running command".to_owned(),
        };
        self.recorder.live(&Live::Notice { text });
    }

    /// Waits for the next message, which only signals and notices answer to.
    pub fn wait_until(&mut self, until: Instant) {
        match self.inbox.recv_until(until) {
            Some(Message::Signal(_)) => self.say_stop(),
            Some(Message::Notice(text)) => self.notice(text),
            _ => {}
        }
    }

    /// A word to the operator that changes nothing.
    pub fn notice(&mut self, text: String) {
        self.recorder.live(&Live::Notice { text });
    }

    fn show(&mut self, children: &mut [Result<Child, Captured>]) {
        for child in children.iter_mut().flatten() {
            for tail in [&mut child.stdout, &mut child.stderr] {
                let stream = tail.stream;
                for line in tail.lines() {
                    self.recorder.live(&Live::Output {
                        step: self.step.clone(),
                        stream: stream.to_owned(),
                        text: self.redactor.redact(&crate::terminal::sanitize::line(&line)),
                    });
                }
            }
        }
        self.recorder.tick();
    }

    fn close(&mut self, child: Result<Child, Captured>) -> Captured {
        match child {
            Err(captured) => captured,
            Ok(mut child) => {
                for tail in [&mut child.stdout, &mut child.stderr] {
                    if let Some(text) = tail.last_line() {
                        self.recorder.live(&Live::Output {
                            step: self.step.clone(),
                            stream: tail.stream.to_owned(),
                            text: self.redactor.redact(&crate::terminal::sanitize::line(&text)),
                        });
                    }
                }
                let captured = Captured {
                    ending: child.ending.unwrap_or(Ending::Interrupted),
                    stdout: self.redacted(child.stdout.end()),
                    stderr: self.redacted(child.stderr.end()),
                    elapsed: child.running.elapsed(),
                };
                self.keep_redacted(&captured);
                captured
            }
        }
    }

    fn redacted(&self, bytes: Vec<u8>) -> Vec<u8> {
        if self.secrets.is_empty() {
            return bytes;
        }
        self.redactor.redact(&String::from_utf8_lossy(&bytes)).into_bytes()
    }

    /// The output of a step that handles secrets is kept only redacted, and only its end.
    fn keep_redacted(&self, captured: &Captured) {
        let Some(dir) = self.output_dir.as_ref().filter(|_| !self.secrets.is_empty()) else {
            return;
        };
        for (stream, bytes) in [("out", &captured.stdout), ("err", &captured.stderr)] {
            let path = dir.join(format!("{}-{}.{stream}", self.step, self.files));
            let mut options = OpenOptions::new();
            options.write(true).create_new(true).mode(0o600);
            let _ = options.open(path).and_then(|mut file| file.write_all(bytes));
        }
    }
}

fn left(timeout: Duration, running: &Running) -> Duration {
    timeout.saturating_sub(running.elapsed())
}

fn not_started(why: &str) -> Captured {
    Captured {
        ending: Ending::NotStarted(why.to_owned()),
        stdout: Vec::new(),
        stderr: Vec::new(),
        elapsed: Duration::ZERO,
    }
}

/// Follows a file that a child writes, in bounded memory.
struct Tail {
    file: File,
    stream: &'static str,
    offset: u64,
    partial: Vec<u8>,
}

impl Tail {
    fn new(file: File, stream: &'static str) -> Tail {
        Tail { file, stream, offset: 0, partial: Vec::new() }
    }

    /// The whole lines that are new; of a flood only the newest, and how much was passed over.
    fn lines(&mut self) -> Vec<String> {
        let Ok(length) = self.file.metadata().map(|meta| meta.len()) else { return Vec::new() };
        let mut lines = Vec::new();
        if length <= self.offset {
            return lines;
        }
        if length - self.offset > SHOWN {
            let passed = length - SHOWN - self.offset;
            lines.push(format!("… {passed} bytes of output not shown"));
            self.offset = length - SHOWN;
            self.partial.clear();
        }
        let mut chunk = vec![0; usize::try_from(length - self.offset).unwrap_or_default()];
        let got = self.file.read_at(&mut chunk, self.offset).unwrap_or_default();
        self.offset += got as u64;
        for byte in &chunk[..got] {
            if *byte == b'\n' || self.partial.len() >= LINE {
                lines.push(String::from_utf8_lossy(&self.partial).into_owned());
                self.partial.clear();
            }
            if *byte != b'\n' {
                self.partial.push(*byte);
            }
        }
        lines
    }

    fn last_line(&mut self) -> Option<String> {
        let text = String::from_utf8_lossy(&std::mem::take(&mut self.partial)).into_owned();
        Some(text).filter(|text| !text.is_empty())
    }

    /// The end of the stream, as much of it as a step may want.
    fn end(&self) -> Vec<u8> {
        let length = self.file.metadata().map_or(0, |meta| meta.len());
        let from = length.saturating_sub(KEPT);
        let mut bytes = vec![0; usize::try_from(length - from).unwrap_or_default()];
        let got = self.file.read_at(&mut bytes, from).unwrap_or_default();
        bytes.truncate(got);
        bytes
    }
}
