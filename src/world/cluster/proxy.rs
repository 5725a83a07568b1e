//! The one `kubectl proxy` of a run: started at once, awaited by whoever reads first, ended with its
//! last handle. Why it could not start is turned into a sentence here.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use crate::error::nearest;
use crate::facts::Unread;
use crate::world::leftovers::{self, Room};
use crate::world::process::{Ending, Invocation, Running, capture, reason, spawn};

/// How long one look at the socket or at the child waits for the child's end.
const GLANCE: Duration = Duration::from_millis(1);

/// Longest path that a Unix socket may have on every system that we run on.
const SOCKET_PATH_MAX: usize = 100;

/// How often a proxy that served and then ended is started again.
pub(super) const RELAUNCHES: u32 = 3;

/// What became of the proxy.
#[derive(Debug)]
enum State {
    /// Started; nobody has seen it answer.
    Starting(Child),
    /// Its socket takes connections.
    Serving(Child),
    /// It cannot serve, and why.
    Gone(Unread),
}

#[derive(Debug)]
struct Child {
    running: Running,
    stdout: File,
    stderr: File,
    /// Keeps the thread that started it alive, where that is not the main thread.
    _keeper: Option<Sender<()>>,
}

/// A proxy to the API server of one context, on a socket that only we can reach.
#[derive(Debug)]
pub(super) struct Proxy {
    base: Vec<String>,
    context: Option<String>,
    socket: PathBuf,
    state: Mutex<State>,
    dir: Mutex<Option<Room>>,
    relaunches: AtomicU32,
}

impl Proxy {
    /// Starts it and returns at once. The thread that calls this must outlive the proxy: where the
    /// system has parent-death signals, they fire at the end of the thread.
    pub(super) fn start(base: Vec<String>, context: Option<String>) -> Proxy {
        let dir = match private_dir() {
            Ok(dir) => dir,
            Err(error) => {
                let why = format!("no private directory for the socket of kubectl proxy: {error}");
                return Proxy::gone(base, context, Unread::Failed(why));
            }
        };
        let socket = dir.path().join("api");
        let state = launch(&base, &socket).map_or_else(State::Gone, State::Starting);
        Proxy {
            base,
            context,
            socket,
            state: Mutex::new(state),
            dir: Mutex::new(Some(dir)),
            relaunches: AtomicU32::new(0),
        }
    }

    /// A proxy that is never started.
    pub(super) fn unneeded() -> Proxy {
        let why = Unread::Failed("no step of this plan needs a cluster".to_owned());
        Proxy::gone(Vec::new(), None, why)
    }

    fn gone(base: Vec<String>, context: Option<String>, why: Unread) -> Proxy {
        Proxy {
            base,
            context,
            socket: PathBuf::new(),
            state: Mutex::new(State::Gone(why)),
            dir: Mutex::new(None),
            relaunches: AtomicU32::new(0),
        }
    }

    /// The socket's path.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Waits until it serves; at the deadline, or when it ended, says why it does not. A slow login
    /// is no end: the next read waits for it again.
    pub(super) fn ready(&self, deadline: Instant) -> Result<(), Unread> {
        loop {
            let mut state = self.lock();
            match &mut *state {
                State::Serving(_) => return Ok(()),
                State::Gone(why) => return Err(why.clone()),
                State::Starting(child) => {
                    if UnixStream::connect(&self.socket).is_ok() {
                        let previous = std::mem::replace(
                            &mut *state,
                            State::Gone(Unread::Failed(String::new())),
                        );
                        if let State::Starting(child) = previous {
                            *state = State::Serving(child);
                        }
                        return Ok(());
                    }
                    if let Some(ending) = child.running.wait(GLANCE) {
                        let complaint = complaint(child);
                        let why = self.why_ended(&ending, &complaint);
                        *state = State::Gone(why.clone());
                        return Err(why);
                    }
                    if Instant::now() >= deadline {
                        let group = child.running.group();
                        return Err(Unread::Unreachable(self.pending(group)));
                    }
                }
            }
        }
    }

    /// Why an answer is late: a login program that is still running, or a silent server.
    pub(super) fn why_late(&self, waited: Duration) -> String {
        let group = self.group();
        match group.and_then(login_program) {
            Some(_) => self.pending(group.unwrap_or_default()),
            None => format!(
                "no answer from the API server{} in {}: unreachable or overloaded",
                self.of_context(),
                seconds(waited)
            ),
        }
    }

    /// Its process group, as long as it runs.
    pub(super) fn group(&self) -> Option<u32> {
        match &*self.lock() {
            State::Starting(child) | State::Serving(child) => Some(child.running.group()),
            State::Gone(_) => None,
        }
    }

    /// Asked when its socket refuses us or breaks off: starts it again where it served and has
    /// ended, else says why it does not answer.
    pub(super) fn revive(&self) -> Result<(), Unread> {
        let mut state = self.lock();
        let (State::Starting(child) | State::Serving(child)) = &mut *state else {
            let State::Gone(why) = &*state else { return Ok(()) };
            return Err(why.clone());
        };
        // Somebody else may have started it again already, or it is only just ending.
        let Some(ending) = child.running.wait(GLANCE * 30) else {
            return match UnixStream::connect(&self.socket) {
                Ok(_) => Ok(()),
                Err(_) if matches!(&*state, State::Starting(_)) => Ok(()),
                Err(error) => {
                    let why = format!("kubectl proxy takes no connections: {error}");
                    Err(Unread::Unreachable(why))
                }
            };
        };
        let complaint = complaint(child);
        let why = self.why_ended(&ending, &complaint);
        if self.relaunches.fetch_add(1, Ordering::SeqCst) >= RELAUNCHES {
            *state = State::Gone(why.clone());
            return Err(why);
        }
        let _ = std::fs::remove_file(&self.socket);
        *state = match relaunch(&self.base, &self.socket) {
            Ok(child) => State::Starting(child),
            Err(why) => State::Gone(why),
        };
        Ok(())
    }

    /// Ends its group and removes its socket. Later reads say that it was closed.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        let closed = State::Gone(Unread::Failed("the cluster's proxy is closed".to_owned()));
        if let State::Starting(child) | State::Serving(child) =
            std::mem::replace(&mut *state, closed)
        {
            child.running.kill();
            let _ = child.running.wait(Duration::from_millis(500));
        }
        drop(state);
        self.dir.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// ` of context X`, for sentences.
    pub(super) fn of_context(&self) -> String {
        self.context.as_deref().map_or_else(String::new, |context| format!(" of context {context}"))
    }

    fn pending(&self, group: u32) -> String {
        let of_context = self.of_context();
        match login_program(group) {
            Some(program) => format!(
                "login pending: `{program}`{of_context} has not finished; log in from another \
                 terminal (any `kubectl get` does it) and try again"
            ),
            None => format!(
                "kubectl proxy{of_context} is not ready yet: kubectl is slow, or waits for a login or \
                     for a server that does not answer; \
                 try `kubectl version` in another terminal"
            ),
        }
    }

    fn why_ended(&self, ending: &Ending, complaint: &str) -> Unread {
        let lower = complaint.to_lowercase();
        if lower.contains("context") && lower.contains("does not exist") {
            // Known for certain: every step that needs this context fails.
            let why = wrong_context(&self.base, self.context.as_deref().unwrap_or_default());
            return Unread::Missing(why, None);
        }
        let sentence = if lower.contains("unknown flag") || lower.contains("unknown command") {
            "this kubectl is too old for `proxy --unix-socket --append-server-path`; install 1.23 or \
             newer"
                .to_owned()
        } else if lower.contains("enter username") || lower.contains("enter password") {
            format!(
                "kubectl has no credentials{} (it asked for a user name); log in first",
                self.of_context()
            )
        } else {
            format!("kubectl proxy{} ended ({}): {complaint}", self.of_context(), ending.phrase())
        };
        Unread::Unreachable(sentence)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.close();
    }
}

fn launch(base: &[String], socket: &Path) -> Result<Child, Unread> {
    let mut argv = base.to_vec();
    // Servers behind a gateway have a path of their own, which the proxy drops unless told.
    argv.extend(["proxy", "--append-server-path"].map(str::to_owned));
    argv.push(format!("--unix-socket={}", socket.display()));
    let mut invocation = Invocation::new(argv, Duration::MAX);
    invocation.dies_with_us = true;
    let failed = |error: std::io::Error| {
        let why = reason(&invocation, &error);
        if error.kind() == std::io::ErrorKind::NotFound {
            let advice = "install kubectl, or put its directory on the PATH".to_owned();
            return Unread::Missing(why, Some(advice));
        }
        Unread::Failed(why)
    };
    let (stdout, stderr) =
        (tempfile::tempfile().map_err(failed)?, tempfile::tempfile().map_err(failed)?);
    let running = spawn(&invocation, &stdout, &stderr).map_err(failed)?;
    Ok(Child { running, stdout, stderr, _keeper: None })
}

/// Starts it from a thread that lives as long as the child is wanted: the caller's may end sooner,
/// and a parent-death signal fires at the end of the starting thread.
fn relaunch(base: &[String], socket: &Path) -> Result<Child, Unread> {
    let (base, socket) = (base.to_vec(), socket.to_owned());
    let (answer, launched) = channel();
    let (keeper, kept) = channel::<()>();
    std::thread::spawn(move || {
        let _ = answer.send(launch(&base, &socket));
        // Nothing is ever sent: this ends when the other side is dropped.
        let _ = kept.recv();
    });
    let child = launched.recv().unwrap_or_else(|_| {
        Err(Unread::Failed("kubectl proxy could not be started again".to_owned()))
    })?;
    Ok(Child { _keeper: Some(keeper), ..child })
}

/// A directory of mode 0700 whose path is short enough for a socket.
fn private_dir() -> std::io::Result<Room> {
    let mut last = std::io::Error::other("no directory for temporary files");
    for root in leftovers::roots() {
        match Room::below(&root, "proxy") {
            Ok(dir) if dir.path().as_os_str().len() + 4 <= SOCKET_PATH_MAX => return Ok(dir),
            Ok(_) => {}
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// What it printed last, in one line, with the prompt that it may have made before.
fn complaint(child: &mut Child) -> String {
    let mut text = String::new();
    for file in [&mut child.stdout, &mut child.stderr] {
        let _ = file.rewind();
        let _ = file.take(16 * 1024).read_to_string(&mut text);
    }
    let line = text.trim().lines().last().unwrap_or_default().trim();
    super::plain(line.strip_prefix("error: ").unwrap_or(line))
}

/// The contexts that kubectl knows, in its order.
pub(super) fn contexts(base: &[String]) -> Vec<String> {
    // With a wrong `--context` kubectl lists nothing.
    let mut argv: Vec<String> =
        base.iter().take_while(|argument| *argument != "--context").cloned().collect();
    argv.extend(["config", "get-contexts", "-o", "name"].map(str::to_owned));
    capture(&Invocation::new(argv, Duration::from_secs(3)))
        .text()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn wrong_context(base: &[String], context: &str) -> String {
    let known = contexts(base);
    let near = nearest(context, known.iter().map(String::as_str))
        .map_or_else(String::new, |name| format!("; did you mean {name}?"));
    if known.is_empty() {
        format!("kubectl knows no context {context}: its kubeconfig has none; set KUBECONFIG")
    } else {
        let shown = known.iter().take(12).map(String::as_str).collect::<Vec<_>>().join(", ");
        format!("kubectl knows no context {context}{near} (it knows: {shown})")
    }
}

/// The name of a program that kubectl runs in its own group: a credential plugin.
#[cfg(target_os = "linux")]
fn login_program(group: u32) -> Option<String> {
    let entries = std::fs::read_dir("/proc").ok()?;
    entries.flatten().find_map(|entry| {
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let (head, tail) = stat.rsplit_once(')')?;
        let (pid, name) = head.split_once('(')?;
        let mut fields = tail.split_whitespace();
        let (state, _parent, its_group) = (fields.next()?, fields.next()?, fields.next()?);
        let ours = its_group.parse() == Ok(group) && pid.trim().parse() != Ok(group);
        (ours && state != "Z" && !name.starts_with("kubectl")).then(|| name.to_owned())
    })
}

#[cfg(not(target_os = "linux"))]
fn login_program(_group: u32) -> Option<String> {
    None
}

/// `5s`, `0.5s`.
fn seconds(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{}s", duration.as_secs())
    } else {
        format!("{:.1}s", duration.as_secs_f64())
    }
}
