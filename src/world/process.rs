//! The only user of duct: children in a session of their own, output to files, a deadline with
//! TERM, grace and KILL for the whole group, and an environment reduced to what programs need.

mod environment;
mod groups;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use environment::environment;
pub use environment::{
    add_to_every_child, find_program, is_on_the_path, paths_from_here, variable,
};
pub use groups::{find_marked, group_exists, kill_marked, start_time};

/// How long a group may take to end after TERM before it is killed.
pub const GRACE: Duration = Duration::from_secs(10);

/// How much of a captured stream is kept.
const CAPTURE_CAP: u64 = 32 * 1024 * 1024;

/// A program with all that it is given. Never seen by a shell.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Added to the reduced environment.
    pub env: BTreeMap<String, String>,
    /// Where it runs; none means a neutral directory (`/`).
    pub cwd: Option<PathBuf>,
    /// Its standard input; empty means closed.
    pub stdin: Vec<u8>,
    /// How long it may run.
    pub timeout: Duration,
    /// Ends with the thread that starts it (Linux): for helpers such as `kubectl proxy`.
    pub dies_with_us: bool,
}

impl Invocation {
    /// A program with its arguments and a deadline.
    pub fn new<S: Into<String>>(
        argv: impl IntoIterator<Item = S>,
        timeout: Duration,
    ) -> Invocation {
        Invocation {
            argv: argv.into_iter().map(Into::into).collect(),
            timeout,
            ..Invocation::default()
        }
    }
}

/// How a child ended. A child's result is data, not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It exited with this status.
    Exit(i32),
    /// A signal ended it.
    Signal(i32),
    /// Its time was up; its group was ended.
    TimedOut,
    /// It was ended because the operator or a signal said so.
    Interrupted,
    /// It could not be started, and why.
    NotStarted(String),
}

impl Ending {
    /// Whether it exited with 0.
    pub fn success(&self) -> bool {
        *self == Ending::Exit(0)
    }

    /// For a sentence: `exit 3`, `killed by signal 9`, `no answer in time`.
    pub fn phrase(&self) -> String {
        match self {
            Ending::Exit(code) => format!("exit {code}"),
            Ending::Signal(signal) => format!("killed by signal {signal}"),
            Ending::TimedOut => "its time was up".to_owned(),
            Ending::Interrupted => "interrupted".to_owned(),
            Ending::NotStarted(why) => format!("could not be started: {why}"),
        }
    }
}

/// A child that has ended, with what it printed.
#[derive(Debug, Clone)]
pub struct Captured {
    /// How it ended.
    pub ending: Ending,
    /// Its standard output (at most 32 MiB of it).
    pub stdout: Vec<u8>,
    /// Its standard error (likewise).
    pub stderr: Vec<u8>,
    /// How long it ran.
    pub elapsed: Duration,
}

impl Captured {
    /// Standard output as text without its last line end.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end().to_owned()
    }

    /// Standard error as lines, for a failure's detail.
    pub fn complaint(&self) -> Vec<String> {
        String::from_utf8_lossy(&self.stderr).trim_end().lines().map(str::to_owned).collect()
    }
}

/// A child that runs.
#[derive(Debug, Clone)]
pub struct Running {
    handle: Arc<duct::Handle>,
    pid: Pid,
    started: Instant,
}

impl Running {
    /// Waits for the leader to end; none when `limit` passes first.
    pub fn wait(&self, limit: Duration) -> Option<Ending> {
        match self.handle.wait_timeout(limit) {
            Ok(None) => None,
            Ok(Some(output)) => Some(ending_of(output.status)),
            Err(error) => Some(Ending::NotStarted(error.to_string())),
        }
    }

    /// The same, but none as well as soon as the work of this thread is called off.
    fn wait_or_called_off(&self, limit: Duration) -> Option<Ending> {
        if !CALL_OFF.with_borrow(Option::is_some) {
            return self.wait(limit);
        }
        let begun = Instant::now();
        loop {
            let left = limit.saturating_sub(begun.elapsed());
            if let Some(ending) = self.wait(left.min(CALLED)) {
                return Some(ending);
            }
            if left.is_zero() || is_called_off() {
                return None;
            }
        }
    }

    /// Its process group (and session).
    pub fn group(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Since when.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Sends TERM to the whole group.
    pub fn terminate(&self) {
        let _ = kill_process_group(self.pid, Signal::TERM);
    }

    /// Sends KILL to the whole group, also when its leader is gone.
    pub fn kill(&self) {
        let _ = kill_process_group(self.pid, Signal::KILL);
        let _ = self.handle.kill();
    }

    /// Whether any process of the group is left.
    pub fn group_alive(&self) -> bool {
        group_exists(self.group())
    }

    /// Waits for the leader however long it takes; for a helper thread.
    pub fn wait_for_end(&self) -> Ending {
        match self.handle.wait() {
            Ok(output) => ending_of(output.status),
            Err(error) => Ending::NotStarted(error.to_string()),
        }
    }

    /// Kills what is left of the group once `until` has passed; the leader has ended already.
    pub fn sweep(&self, until: Instant) {
        while self.group_alive() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.kill();
    }

    /// TERM, grace, KILL; returns when the leader is reaped.
    pub fn end(&self, grace: Duration) {
        self.terminate();
        let until = Instant::now() + grace;
        let _ = self.wait(grace);
        self.sweep(until);
        let _ = self.wait(Duration::from_secs(1));
    }
}

fn ending_of(status: std::process::ExitStatus) -> Ending {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Exit(code),
        (None, Some(signal)) => Ending::Signal(signal),
        (None, None) => Ending::Exit(-1),
    }
}

/// Starts a child whose output goes to the two files.
#[expect(clippy::disallowed_methods, reason = "the room of processes")]
pub fn spawn(invocation: &Invocation, stdout: &File, stderr: &File) -> io::Result<Running> {
    let (program, arguments) = invocation
        .argv
        .split_first()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no program"))?;
    let cwd = invocation.cwd.as_deref().unwrap_or(Path::new("/"));
    if !cwd.is_dir() {
        let text = format!("its directory {} is not there", cwd.display());
        return Err(io::Error::other(text));
    }
    let mut expression = duct::cmd(executable(program, cwd), arguments)
        .unchecked()
        .stdout_file(stdout.try_clone()?)
        .stderr_file(stderr.try_clone()?)
        .full_env(environment(program, &invocation.env))
        .dir(cwd);
    expression = if invocation.stdin.is_empty() {
        expression.stdin_null()
    } else {
        let mut file = tempfile::tempfile()?;
        file.write_all(&invocation.stdin)?;
        file.rewind()?;
        expression.stdin_file(file)
    };
    let dies_with_us = invocation.dies_with_us;
    let expression = expression.before_spawn(move |command| {
        own_session(command, dies_with_us);
        Ok(())
    });
    let handle = expression.start()?;
    let pid = handle.pids().first().copied().unwrap_or_default();
    let pid = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| io::Error::other("the child has no process id"))?;
    Ok(Running { handle: Arc::new(handle), pid, started: Instant::now() })
}

/// A program with a slash is a path from where it runs, as in a shell, and never from where we are.
fn executable(program: &str, cwd: &Path) -> OsString {
    if program.contains('/') { cwd.join(program).into() } else { program.into() }
}

/// A session of its own: no terminal to prompt on, one group to signal.
#[allow(unsafe_code)]
fn own_session(command: &mut std::process::Command, dies_with_us: bool) {
    // SAFETY: runs in the child between fork and exec; setsid and prctl are async-signal-safe and
    // touch no memory of ours.
    unsafe {
        command.pre_exec(move || {
            rustix::process::setsid()?;
            #[cfg(target_os = "linux")]
            if dies_with_us {
                rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
            }
            let _ = dies_with_us;
            Ok(())
        });
    }
}

thread_local! {
    /// Set by somebody else when what this thread does is not wanted any more.
    static CALL_OFF: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// How soon a thread sees that its work is called off.
const CALLED: Duration = Duration::from_millis(50);

/// Does work of which others may call off the rest: what [`capture`] runs on this thread then ends,
/// and nothing more is started.
pub fn until_called_off<T>(call_off: Arc<AtomicBool>, work: impl FnOnce() -> T) -> T {
    CALL_OFF.set(Some(call_off));
    let done = work();
    CALL_OFF.set(None);
    done
}

fn is_called_off() -> bool {
    CALL_OFF.with_borrow(|off| off.as_ref().is_some_and(|off| off.load(Ordering::SeqCst)))
}

/// Runs a read to its end and returns what it printed. Blocks; for helper threads and short reads.
pub fn capture(invocation: &Invocation) -> Captured {
    let begun = Instant::now();
    match try_capture(invocation) {
        Ok(captured) => captured,
        Err(error) => Captured {
            ending: Ending::NotStarted(reason(invocation, &error)),
            stdout: Vec::new(),
            stderr: Vec::new(),
            elapsed: begun.elapsed(),
        },
    }
}

fn try_capture(invocation: &Invocation) -> io::Result<Captured> {
    let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    if is_called_off() {
        return Ok(Captured {
            ending: Ending::Interrupted,
            stdout: Vec::new(),
            stderr: Vec::new(),
            elapsed: Duration::ZERO,
        });
    }
    let running = spawn(invocation, &stdout, &stderr)?;
    let ending = running.wait_or_called_off(invocation.timeout).unwrap_or_else(|| {
        running.end(Duration::from_secs(1));
        if is_called_off() { Ending::Interrupted } else { Ending::TimedOut }
    });
    Ok(Captured {
        ending,
        stdout: slurp(&mut stdout)?,
        stderr: slurp(&mut stderr)?,
        elapsed: running.elapsed(),
    })
}

fn slurp(file: &mut File) -> io::Result<Vec<u8>> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.take(CAPTURE_CAP).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Why a program could not be started, in a sentence.
pub fn reason(invocation: &Invocation, error: &io::Error) -> String {
    let program = invocation.argv.first().map_or("", String::as_str);
    match error.kind() {
        io::ErrorKind::NotFound if program.contains('/') => format!("`{program}` is not there"),
        io::ErrorKind::NotFound => format!("`{program}` is not on the PATH"),
        io::ErrorKind::PermissionDenied => format!("`{program}` is not executable"),
        _ => format!("`{program}`: {error}"),
    }
}

#[cfg(test)]
mod tests;
