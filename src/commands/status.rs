//! `rollback status`: who is rolling back an environment, read from the lock in the cluster and from
//! the one on this machine.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli::{Global, Output, StatusArgs};
use crate::error::{Error, Exit, Result};
use crate::facts::Unread;
use crate::inbox::{Inbox, Message, Stop};
use crate::journal;
use crate::lock::{self, Holder, Lease, Life, Observer, Seen};
use crate::step::Setting;
use crate::world::cluster::Cluster;

use super::entry::catalog;
use super::screen::Screen;
use super::under_lock::place;

/// How often a holder is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// What is known of an environment's lock.
struct Status {
    environment: String,
    lease: String,
    /// Who holds the Lease, or why it could not be read.
    seen: std::result::Result<Option<Seen>, Unread>,
    /// What watching it has shown, where it was watched.
    life: Option<Life>,
    /// Who holds the lock of this machine.
    local: Option<Holder>,
}

/// Shows who is at work.
pub fn status(global: &Global, screen: &Screen, args: &StatusArgs) -> Result<Exit> {
    let setting = place(|| catalog(global, screen), &args.place)?;
    let environment = environment(&setting);
    let cluster = Cluster::start(setting.context.clone(), setting.namespace.clone());
    let lease = Lease::new(&cluster, lock::DURATION);
    let mut inbox = Inbox::new();
    inbox.hear_signals()?;
    let mut seen = lease.read();
    let mut life = None;
    if args.observe
        && let Ok(Some(first)) = seen.clone()
    {
        screen.say(&format!(
            "watching run {} for {} at most",
            first.holder.run_id,
            crate::runbook::duration::format(first.duration)
        ));
        (seen, life) = observe(&mut inbox, &lease, first);
    }
    cluster.close();
    if inbox.stop() != Stop::No {
        let exit = if inbox.terminated() { Exit::Terminated } else { Exit::Interrupted };
        let why = format!("{}: whether its holder lives was not seen", inbox.reason());
        return Err(Error::new(exit, why).into());
    }
    let local = lock::local_holder(&journal::state_dir()?, &environment);
    let status = Status { environment, lease: lease.name().to_owned(), seen, life, local };
    match screen.output {
        Output::Text => screen.result(&status.text()),
        Output::Json => screen.result(&serde_json::to_string_pretty(&status.json())?),
        Output::Jsonl => screen.result(&status.json().to_string()),
    }
    Ok(if status.seen.is_err() { Exit::Unknown } else { Exit::Success })
}

/// The words for a context and a namespace, as plans have them.
pub fn environment(setting: &Setting) -> String {
    let context = setting.context.as_deref().unwrap_or("the current context");
    format!("{context} / {}", setting.namespace)
}

/// Watches a holder until it renews, is gone, or has been silent for as long as its lock lasts.
pub fn observe(
    inbox: &mut Inbox,
    lease: &Lease,
    first: Seen,
) -> (std::result::Result<Option<Seen>, Unread>, Option<Life>) {
    let mut observer = Observer::default();
    let mut life = observer.see(&first);
    let mut last = first;
    while matches!(life, Life::Unknown(_)) {
        let until = Instant::now() + LOOK;
        while Instant::now() < until {
            if let Some(Message::Signal(_)) = inbox.recv_until(until) {
                return (Ok(Some(last)), Some(life));
            }
        }
        match lease.read() {
            Ok(Some(seen)) => {
                life = observer.see(&seen);
                last = seen;
            }
            other => return (other, None),
        }
    }
    (Ok(Some(last)), Some(life))
}

impl Status {
    fn text(&self) -> String {
        let mut text = format!("{}\n", self.environment);
        match &self.seen {
            Err(why) => {
                let _ = writeln!(text, "  the lock cannot be read: {}", why.sentence());
            }
            Ok(None) => text.push_str("  nobody is rolling it back\n"),
            Ok(Some(seen)) => {
                let holder = &seen.holder;
                let mut line = |name: &str, value: &str| {
                    let _ = writeln!(text, "  {name:<10} {value}");
                };
                line("who", &holder.who());
                line("what", &holder.what());
                line("for", &format!("{} (this step: {})", holder.age(), lock::age(&holder.since)));
                line("renewed", &format!("{} ago, by the clocks", lock::age(&seen.renewed)));
                if let Some(by) = &holder.asked_to_stop {
                    line("asked", &format!("to stop after this step, by {by}"));
                }
                let silent = crate::runbook::duration::format(seen.duration);
                match self.life {
                    Some(Life::Lives) => line("lives", "it was seen to renew its lock"),
                    Some(Life::Suspect) => {
                        line("suspect", &format!("no sign of life for {silent}"));
                        line("next", &format!("rollback unlock {}", holder.run_id));
                    }
                    Some(Life::Unknown(_)) | None => {}
                }
            }
        }
        if let Some(local) = &self.local
            && !matches!(&self.seen, Ok(Some(seen)) if seen.holder.run_id == local.run_id)
        {
            let _ = writeln!(text, "  on this machine: {}", local.sentence());
        }
        text
    }

    fn json(&self) -> Value {
        let mut value = json!({
            "v": crate::event::VERSION, "type": "status",
            "environment": self.environment, "lease": self.lease,
            "held": self.seen.as_ref().map(Option::is_some).ok(),
        });
        match &self.seen {
            Err(why) => value["problem"] = json!(why.sentence()),
            Ok(None) => {}
            Ok(Some(seen)) => {
                value["holder"] = json!(seen.holder);
                value["renewed"] = json!(seen.renewed);
                value["lasts_ms"] = json!(crate::run::millis(seen.duration));
                value["suspect"] = match self.life {
                    Some(Life::Suspect) => json!(true),
                    Some(Life::Lives) => json!(false),
                    Some(Life::Unknown(_)) | None => Value::Null,
                };
            }
        }
        if let Some(local) = &self.local {
            value["this_machine"] = json!(local);
        }
        value
    }
}
