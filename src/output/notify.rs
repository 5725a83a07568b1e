//! Who is told: Slack-compatible webhooks, webhooks that get JSON, commands, silences. Each has a
//! thread of its own with retries; nothing waits for them and nothing fails by them. Who was told,
//! and who could not be, is written beside the journal of the run (`told.jsonl`).

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;

use crate::event::{Envelope, Outcome, Record};
use crate::journal::own_file;
use crate::runbook::watching::{Notification, Watching};
use crate::world::clock;
use crate::world::process::{Invocation, capture};
use crate::world::signals::Server;
use crate::world::web::{Fetch, fetch};

/// How long one delivery may take.
const LIMIT: Duration = Duration::from_secs(5);
/// The waits before the second and the third try.
const RETRY: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];
/// How long an alert stays silenced for a run.
const SILENCE: Duration = Duration::from_secs(3600);
/// The file of who was told.
pub const TOLD: &str = "told.jsonl";

/// What somebody is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Message {
    /// `start`, `escalation`, `failure`, `verdict`, `trigger`.
    pub occasion: String,
    /// One line for people.
    pub text: String,
    /// What is rolled back, or would be.
    pub target: String,
    /// The run, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The trigger, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// The verdict, at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
}

/// Tells everybody, in the background.
#[derive(Debug)]
pub struct Notifier {
    channels: Vec<(Vec<String>, Sender<Message>)>,
    open: Arc<(Mutex<usize>, Condvar)>,
    about: Message,
}

impl Notifier {
    /// For a watching file; who was told is written to `dir`.
    pub fn new(watching: &Watching, dir: &Path) -> Notifier {
        let open: Arc<(Mutex<usize>, Condvar)> = Arc::default();
        let file = own_file(OpenOptions::new().create(true).append(true), &dir.join(TOLD)).ok();
        let file = Arc::new(Mutex::new(file));
        let alertmanager = watching.alertmanager().ok();
        let channels = watching
            .notifications
            .iter()
            .map(|told| {
                let (sender, receiver) = channel::<Message>();
                let (told, alertmanager) = (told.clone(), alertmanager.clone());
                let on = told.on.clone();
                let (file, open) = (file.clone(), open.clone());
                std::thread::spawn(move || {
                    for message in receiver {
                        deliver(&told, alertmanager.as_ref(), &message, &file);
                        if let Ok(mut open_now) = open.0.lock() {
                            *open_now = open_now.saturating_sub(1);
                        }
                        open.1.notify_all();
                    }
                });
                (on, sender)
            })
            .collect();
        Notifier { channels, open, about: Message::default() }
    }

    /// Tells everybody who wants to know of this. Returns at once.
    pub fn tell(&self, message: &Message) {
        for (on, sender) in &self.channels {
            if !on.is_empty() && !on.contains(&message.occasion) {
                continue;
            }
            if let Ok(mut open) = self.open.0.lock() {
                *open += 1;
            }
            let _ = sender.send(message.clone());
        }
    }

    /// Tells of a record, where it is worth it.
    pub fn record(&mut self, envelope: &Envelope) {
        let mut message = self.about.clone();
        let (occasion, text) = match &envelope.record {
            Record::RunStarted(start) => {
                self.about = Message {
                    target: format!("{} · {}", start.target, start.method),
                    run_id: Some(envelope.run_id.clone()),
                    trigger: start.trigger.clone(),
                    ..Message::default()
                };
                message = self.about.clone();
                let why = start.trigger.as_ref().or(start.reason.as_ref());
                let why = why.map_or(String::new(), |why| format!(" ({why})"));
                let by = &start.operator;
                (
                    "start",
                    format!(
                        "rollback of {} in {} begins{why}, by {by}",
                        message.target, start.context
                    ),
                )
            }
            Record::StepEnded {
                step, outcome: Outcome::Failed | Outcome::TimedOut, why, ..
            } => ("failure", format!("rollback of {}: {step} failed: {why}", message.target)),
            Record::EscalationOffered { target, method, .. } => (
                "escalation",
                format!("rollback of {} was not enough; next: {target} · {method}", message.target),
            ),
            Record::RunFinished { verdict, why, .. } => {
                message.verdict = Some(verdict.as_str().to_owned());
                ("verdict", format!("rollback of {}: {}: {why}", message.target, verdict.as_str()))
            }
            _ => return,
        };
        occasion.clone_into(&mut message.occasion);
        message.text = text;
        self.tell(&message);
    }

    /// Waits until everybody was told, or the limit; for after the end.
    pub fn wait(&self, limit: Duration) {
        let until = Instant::now() + limit;
        let Ok(mut open) = self.open.0.lock() else { return };
        while *open > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let Ok((again, _)) = self.open.1.wait_timeout(open, left) else { return };
            open = again;
        }
    }
}

fn deliver(
    told: &Notification,
    alertmanager: Option<&Server>,
    message: &Message,
    file: &Mutex<Option<File>>,
) {
    let mut why = String::new();
    let mut attempts = 0;
    for wait in [Duration::ZERO].into_iter().chain(RETRY) {
        std::thread::sleep(wait);
        attempts += 1;
        match once(told, alertmanager, message) {
            Ok(said) => {
                why = said;
                return note(told, message, attempts, true, &why, file);
            }
            Err(failed) => why = failed,
        }
    }
    note(told, message, attempts, false, &why, file);
}

/// One delivery. What failed is said without the address: it may be a secret.
fn once(
    told: &Notification,
    alertmanager: Option<&Server>,
    message: &Message,
) -> Result<String, String> {
    let document = || {
        let mut value = json!(message);
        value["v"] = 1.into();
        value["ts"] = clock::now().into();
        value.to_string()
    };
    if let Some(argv) = &told.exec {
        let mut invocation = Invocation::new(argv.clone(), LIMIT);
        invocation.stdin = document().into_bytes();
        let captured = capture(&invocation);
        return if captured.ending.success() {
            Ok("exit 0".to_owned())
        } else {
            Err(captured.ending.phrase())
        };
    }
    if let Some(alert) = &told.silence {
        if message.occasion != "start" {
            return Ok("nothing to silence".to_owned());
        }
        let server = alertmanager.ok_or("triggers.yaml names no `alertmanager`")?;
        let id = server.silence(alert, SILENCE, "rollback", &message.text)?;
        return Ok(format!("silence {id}"));
    }
    let (url, body) = match (&told.slack, &told.webhook) {
        (Some(url), _) => (url, json!({ "text": message.text }).to_string()),
        (None, Some(url)) => (url, document()),
        (None, None) => return Err("it says not how".to_owned()),
    };
    let (status, _) = fetch(&Fetch {
        url: url.clone(),
        post: Some(("application/json", body)),
        headers: told.headers.clone().into_iter().collect(),
        limit: LIMIT,
    })?;
    if (200..300).contains(&status) {
        Ok(status.to_string())
    } else {
        Err(format!("it answers {status}"))
    }
}

fn note(
    told: &Notification,
    message: &Message,
    attempts: u32,
    delivered: bool,
    why: &str,
    file: &Mutex<Option<File>>,
) {
    let line = json!({
        "v": 1, "ts": clock::now(), "name": told.name, "occasion": message.occasion,
        "delivered": delivered, "attempts": attempts, "why": why,
    });
    if let Ok(mut file) = file.lock()
        && let Some(file) = file.as_mut()
    {
        let _ = file.write_all(format!("{line}\n").as_bytes());
    }
}
