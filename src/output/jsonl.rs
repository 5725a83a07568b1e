//! A run while it happens, as JSON Lines: each record and each live event one object on one line,
//! flushed at once. A reader that went away silences the stream and stops nothing.

use std::io::Write;
use std::time::{Duration, SystemTime};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Map, Value, json};

use crate::event::{Envelope, Live, VERSION};

/// How long a reader may take nothing before it counts as gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// A pipe that can be written to takes at least so many bytes without waiting (POSIX).
const PIECE: usize = 512;

/// The stream of a run.
pub struct JsonLines {
    out: Box<dyn Write + Send>,
    run_id: String,
    after: u64,
    dead: bool,
    now: fn() -> SystemTime,
}

impl JsonLines {
    /// On standard output.
    pub fn stdout(run_id: impl Into<String>) -> JsonLines {
        JsonLines::on(run_id, Box::new(PatientStdout))
    }

    /// On a writer.
    pub fn on(run_id: impl Into<String>, out: Box<dyn Write + Send>) -> JsonLines {
        JsonLines { out, run_id: run_id.into(), after: 0, dead: false, now: SystemTime::now }
    }

    /// The same with another clock, for tests.
    #[must_use]
    pub fn with_clock(mut self, now: fn() -> SystemTime) -> JsonLines {
        self.now = now;
        self
    }

    /// Whether nobody reads it any more.
    pub fn is_dead(&self) -> bool {
        self.dead
    }

    /// A record was written.
    pub fn record(&mut self, envelope: &Envelope) {
        self.after = envelope.seq;
        let line = serde_json::to_string(envelope).unwrap_or_default();
        self.line(line);
    }

    /// Something happened between two records; it says after which.
    pub fn live(&mut self, live: &Live) {
        let Ok(Value::Object(fields)) = serde_json::to_value(live) else { return };
        let ts = humantime::format_rfc3339_millis((self.now)()).to_string();
        let mut object = Map::new();
        object.insert("v".to_owned(), json!(VERSION));
        object.insert("after".to_owned(), json!(self.after));
        object.insert("ts".to_owned(), json!(ts));
        object.insert("run_id".to_owned(), json!(self.run_id));
        object.extend(fields);
        self.line(Value::Object(object).to_string());
    }

    fn line(&mut self, mut line: String) {
        if self.dead || line.is_empty() {
            return;
        }
        line = super::json::inert(&line);
        line.push('\n');
        let written = self.out.write_all(line.as_bytes()).and_then(|()| self.out.flush());
        self.dead = written.is_err();
    }
}

/// Standard output that gives a reader some time, and then gives it up.
struct PatientStdout;

impl Write for PatientStdout {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let stdout = rustix::stdio::stdout();
        let mut fds = [PollFd::new(&stdout, PollFlags::OUT)];
        let seconds = i64::try_from(PATIENCE.as_secs()).unwrap_or(1);
        let patience = Timespec { tv_sec: seconds, tv_nsec: 0 };
        if poll(&mut fds, Some(&patience))? == 0 {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        let piece = &bytes[..bytes.len().min(PIECE)];
        Ok(rustix::io::write(stdout, piece)?)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
