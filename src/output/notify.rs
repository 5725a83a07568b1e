//! Who is told: Slack-compatible webhooks, webhooks that get JSON, commands, silences. Each has a
//! thread of its own with retries; nothing waits for them and nothing fails by them. Who was told,
//! and who could not be, is sent back: a run's recorder journals it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use crate::event::{Envelope, Notified, Outcome, Record, RunStarted};
use crate::runbook::watching::{Notification, Watching};
use crate::world::clock;
use crate::world::metrics::Server;
use crate::world::process::{Captured, Invocation, capture, until_called_off};
use crate::world::web::{Fetch, fetch};

/// How long one delivery may take.
const LIMIT: Duration = Duration::from_secs(5);
/// The waits before the second and the third try.
const RETRY: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];
/// How long the commands of this process may take to end at its own end.
const END: Duration = Duration::from_secs(2);
/// How long an alert stays silenced for a run.
const SILENCE: Duration = Duration::from_secs(3600);

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
    /// Why the run goes without the approval that it needs, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<String>,
    /// The verdict, at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
}

/// What is under way beside a run: who is told of what; none is the measuring.
pub type Pending = super::pending::Pending<Option<(String, String)>>;

/// The commands that tell somebody, so that none outlives this process.
#[derive(Debug, Clone, Default)]
pub struct Commands {
    call_off: Arc<AtomicBool>,
    at_work: super::pending::Pending<()>,
}

impl Commands {
    fn run(&self, invocation: &Invocation) -> Captured {
        self.at_work.begin(());
        let captured = until_called_off(Arc::clone(&self.call_off), || capture(invocation));
        self.at_work.end(&());
        captured
    }

    /// Ends those that still run, with all that they started.
    pub fn end(&self) {
        self.call_off.store(true, Ordering::SeqCst);
        self.at_work.wait(END);
    }
}

/// Tells everybody, in the background.
#[derive(Debug)]
pub struct Notifier {
    channels: Vec<(String, Vec<String>, Sender<Message>)>,
    pending: Pending,
    commands: Commands,
    about: Message,
}

impl Notifier {
    /// For a watching file; what came of each delivery is sent to `records`.
    pub fn new(watching: &Watching, records: &Sender<Record>, pending: &Pending) -> Notifier {
        let alertmanager = watching.alertmanager().ok();
        let commands = Commands::default();
        let channels = watching
            .notifications
            .iter()
            .map(|told| {
                let (sender, receiver) = channel::<Message>();
                let (told, alertmanager) = (told.clone(), alertmanager.clone());
                let (name, on) = (told.name.clone(), told.on.clone());
                let (records, pending) = (records.clone(), pending.clone());
                let commands = commands.clone();
                let redactor = watching.redactor();
                std::thread::spawn(move || {
                    for message in receiver {
                        let mut came_of =
                            deliver(&told, alertmanager.as_ref(), &commands, &message);
                        came_of.why = redactor.redact(&came_of.why);
                        let done = Some((told.name.clone(), message.occasion.clone()));
                        let _ = records.send(Record::Notified(came_of));
                        pending.end(&done);
                    }
                });
                (name, on, sender)
            })
            .collect();
        Notifier { channels, pending: pending.clone(), commands, about: Message::default() }
    }

    /// Its commands.
    pub fn commands(&self) -> Commands {
        self.commands.clone()
    }

    /// The run that the records are of, where its start was recorded by another process.
    pub fn about(&mut self, run_id: &str, start: &RunStarted) {
        self.about = Message {
            target: format!("{} · {}", start.target, start.method),
            run_id: Some(run_id.to_owned()),
            trigger: start.trigger.clone(),
            break_glass: start.approval.as_ref().and_then(|it| it.break_glass.clone()),
            ..Message::default()
        };
    }

    /// Tells everybody who wants to know of this. Returns at once.
    pub fn tell(&self, message: &Message) {
        for (name, on, sender) in &self.channels {
            if !on.is_empty() && !on.contains(&message.occasion) {
                continue;
            }
            let what = Some((name.clone(), message.occasion.clone()));
            self.pending.begin(what.clone());
            if sender.send(message.clone()).is_err() {
                self.pending.end(&what);
            }
        }
    }

    /// Tells of a record, where it is worth it.
    pub fn record(&mut self, envelope: &Envelope) {
        if let Record::RunStarted(start) = &envelope.record {
            self.about(&envelope.run_id, start);
        }
        let mut message = self.about.clone();
        let (occasion, text) = match &envelope.record {
            Record::RunStarted(start) => {
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
            Record::Resumed { operator, .. } => {
                ("start", format!("rollback of {} goes on, by {operator}", message.target))
            }
            Record::RunPaused { why, resume, .. } => {
                let go_on = resume.join(" ");
                ("failure", format!("rollback of {} stops: {why}; {go_on}", message.target))
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
        message.text = match &message.break_glass {
            Some(why) => format!("BREAK GLASS, without the approval that it needs ({why}): {text}"),
            None => text,
        };
        self.tell(&message);
    }
}

fn deliver(
    told: &Notification,
    alertmanager: Option<&Server>,
    commands: &Commands,
    message: &Message,
) -> Notified {
    let mut came_of = Notified {
        name: told.name.clone(),
        occasion: message.occasion.clone(),
        delivered: false,
        attempts: 0,
        why: String::new(),
    };
    for wait in [Duration::ZERO].into_iter().chain(RETRY) {
        std::thread::sleep(wait);
        came_of.attempts += 1;
        let once = once(told, alertmanager, commands, message);
        came_of.delivered = once.is_ok();
        came_of.why = once.unwrap_or_else(|why| why);
        if came_of.delivered {
            break;
        }
    }
    came_of
}

/// One delivery. What failed is said without the address: it may be a secret.
fn once(
    told: &Notification,
    alertmanager: Option<&Server>,
    commands: &Commands,
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
        let captured = commands.run(&invocation);
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
