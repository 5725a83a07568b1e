//! The only way to change the world: run commands with a permit, watched by the inbox, so that
//! Ctrl-C, a deadline and the output reach the operator while they run.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::event::{Envelope, Live, Record};
use crate::inbox::{Inbox, Message, Stop, TICK};
use crate::journal::Permit;
use crate::output::recorder::Recorder;
use crate::terminal::redact::Redactor;
use crate::world::process::{self, Captured, Ending, Invocation, Running};
use crate::world::tail::Tail;

/// What performs a step's commands. The main thread's; owns the inbox and the records.
pub struct Hands {
    /// Everything that can interrupt a wait.
    pub inbox: Inbox,
    /// Where records and live events go.
    pub recorder: Recorder,
    /// What must not be seen; see [`Hands::redact`].
    redactor: Redactor,
    /// The directory for the output of commands; none keeps it nowhere.
    pub output_dir: Option<PathBuf>,
    /// The records of the children that were started, for the run's state.
    pub begun: Vec<Envelope>,
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
            begun: Vec::new(),
            step: String::new(),
            deadline: Instant::now(),
            files: 0,
        }
    }

    /// Hands with a journal that is thrown away and a minute for whatever they do.
    #[cfg(test)]
    pub(crate) fn for_a_test() -> Hands {
        let dir = tempfile::tempdir().expect("a directory");
        // Of its own, since what a step leaves is looked for by the run's id.
        let id = crate::world::clock::run_id();
        let journal = crate::journal::Journal::create(dir.path(), &id).expect("a journal");
        let guard = crate::lock::Guard::for_a_test();
        let mut hands = Hands::new(Inbox::new(), Recorder::new(journal, Vec::new()).guarded(guard));
        hands.take_up("step", Instant::now() + Duration::from_secs(60));
        hands
    }

    /// What must not be seen from now on.
    pub fn redact(&mut self, redactor: Redactor) {
        self.recorder.redact(redactor.clone());
        self.redactor = redactor;
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

    /// Does work that changes nothing out there, such as making a commit in our own clone, on a
    /// helper thread: signals are heard, and a second Ctrl-C or the step's deadline ends it. Gives
    /// why there is no result.
    pub fn aside<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Ending> {
        let call_off = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = channel();
        let off = Arc::clone(&call_off);
        self.inbox.helper(move || {
            let _ = sender.send(process::until_called_off(off, work));
            Message::Finished
        });
        let mut cause = None;
        loop {
            match self.inbox.recv_until(Instant::now() + TICK) {
                Some(Message::Finished) => break,
                Some(Message::Signal(_)) => self.say_stop(),
                Some(Message::Notice(text)) => self.notice(text),
                _ => self.recorder.tick(),
            }
            if cause.is_none() {
                cause = if self.inbox.stop() >= Stop::EndChild {
                    Some(Ending::Interrupted)
                } else if Instant::now() >= self.deadline {
                    Some(Ending::TimedOut)
                } else {
                    None
                };
                call_off.store(cause.is_some(), Ordering::SeqCst);
            }
        }
        match cause {
            Some(cause) => Err(cause),
            None => receiver
                .recv()
                .map_err(|_| Ending::NotStarted("a thread of ours has ended".to_owned())),
        }
    }

    fn start(
        &mut self,
        permit: &Permit,
        number: usize,
        invocation: &Invocation,
    ) -> io::Result<Child> {
        let (stdout, stderr) = (self.output_file("out")?, self.output_file("err")?);
        self.files += 1;
        let mut invocation = invocation.clone();
        let mark = marker(self.recorder.journal().run_id(), permit.step());
        if let Some((name, value)) = mark.split_once('=') {
            invocation.env.insert(name.to_owned(), value.to_owned());
        }
        let running = process::spawn(&invocation, &stdout, &stderr)?;
        // Not synced: it only has to outlive this process, and the kernel keeps it for that.
        let record = self.recorder.append(Record::ChildStarted {
            step: permit.step().to_owned(),
            group: running.group(),
            started: process::start_time(running.group()).unwrap_or_default(),
            program: invocation.argv.first().cloned().unwrap_or_default(),
        });
        self.begun.extend(record);
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
        if !self.redactor.is_empty() {
            return tempfile::tempfile();
        }
        self.kept_file(stream)
    }

    /// A new file for a stream in the run's directory.
    fn kept_file(&self, stream: &str) -> io::Result<File> {
        let Some(dir) = &self.output_dir else { return tempfile::tempfile() };
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
            process::kill_marked(&marker(self.recorder.journal().run_id(), &self.step));
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
                for line in tail.lines(&self.redactor) {
                    self.recorder.live(&Live::Output {
                        step: self.step.clone(),
                        stream: stream.to_owned(),
                        text: line,
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
                    if let Some(text) = tail.last_line(&self.redactor) {
                        self.recorder.live(&Live::Output {
                            step: self.step.clone(),
                            stream: tail.stream.to_owned(),
                            text,
                        });
                    }
                }
                self.keep_redacted(&child);
                Captured {
                    ending: child.ending.unwrap_or(Ending::Interrupted),
                    stdout: child.stdout.end(&self.redactor),
                    stderr: child.stderr.end(&self.redactor),
                    elapsed: child.running.elapsed(),
                }
            }
        }
    }

    /// The output of a run that has secrets is kept only redacted.
    fn keep_redacted(&self, child: &Child) {
        if self.redactor.is_empty() || self.output_dir.is_none() {
            return;
        }
        for (stream, tail) in [("out", &child.stdout), ("err", &child.stderr)] {
            let _ = self.kept_file(stream).and_then(|file| {
                let mut out = io::BufWriter::new(file);
                tail.copy(&self.redactor, &mut out)
            });
        }
    }
}

/// What every command of a step carries in its environment, so that it is found again.
pub fn marker(run_id: &str, step: &str) -> String {
    format!("ROLLBACK_DOES={run_id}/{step}")
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
