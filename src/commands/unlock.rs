//! `rollback unlock RUN_ID`: frees the lock that a dead run has left behind. Whoever frees it names
//! the run, sees what it was doing, and has watched it for as long as its lock lasts.

use crate::cli::{Global, Output, UnlockArgs};
use crate::error::{Error, Exit, Result};
use crate::inbox::{Inbox, Stop};
use crate::journal::{self, read};
use crate::lock::{self, Lease, Life, Seen};
use crate::runbook::duration;
use crate::state::RunState;
use crate::world::cluster::{Cluster, NotWritten};

use super::entry::catalog;
use super::screen::Screen;
use super::status::{environment, observe};
use super::under_lock::place;

/// The shortest part of a run's id that names it.
const SHORTEST: usize = 8;

/// How often a lock that is renewed under our hands is freed again, with `--force`.
const TRIES: u32 = 5;

/// Frees a dead run's lock.
pub fn unlock(global: &Global, screen: &Screen, args: &UnlockArgs) -> Result<Exit> {
    let setting = place(|| catalog(global, screen), &args.place)?;
    let environment = environment(&setting);
    let cluster = Cluster::start(setting.context.clone(), setting.namespace.clone());
    let lease = Lease::new(&cluster, lock::DURATION);
    let freed = free(screen, args, &lease, &environment);
    cluster.close();
    freed
}

fn free(screen: &Screen, args: &UnlockArgs, lease: &Lease, environment: &str) -> Result<Exit> {
    let unread = |why: &crate::facts::Unread| {
        Error::blocked(format!("the lock of {environment} cannot be read: {}", why.sentence()))
            .hint("nothing was freed")
    };
    let Some(seen) = lease.read().map_err(|why| unread(&why))? else {
        return nobody(screen, environment);
    };
    if !names(&args.run, &seen.holder.run_id) {
        return Err(Error::new(
            Exit::LockHeld,
            format!("{environment} is not locked by run {}", args.run),
        )
        .hint(format!("it is locked by {}", seen.holder.sentence()))
        .hint("nothing was freed")
        .into());
    }
    screen.say(&format!("{environment} is locked by {}", seen.holder.sentence()));
    let seen = if args.force {
        seen
    } else if let Some(silent) = wait_for_silence(screen, lease, seen, environment)? {
        silent
    } else {
        return nobody(screen, environment);
    };
    let seen = match free_now(lease, seen, args.force) {
        Ok(seen) => seen,
        Err(NotWritten::Gone) => return nobody(screen, environment),
        Err(NotWritten::Unread(why)) => return Err(unread(&why).into()),
        Err(NotWritten::Conflict) => {
            return Err(Error::new(
                Exit::LockHeld,
                format!("the lock of {environment} changed while it was freed: its holder lives"),
            )
            .hint("see who has it: rollback status")
            .into());
        }
    };
    let run_id = &seen.holder.run_id;
    let next = if is_over(run_id) {
        "it is over".to_owned()
    } else {
        format!("go on with it: rollback resume {run_id}")
    };
    let text = format!("freed: run {run_id} does not hold {environment} any more; {next}");
    tell(screen, environment, Some(run_id), &text);
    Ok(Exit::Success)
}

/// Whether the journal of this machine says that a run has ended.
fn is_over(run_id: &str) -> bool {
    let state = journal::state_dir().and_then(|dir| read::read_run(&dir, run_id));
    let state = state.ok().and_then(|read| RunState::fold(&read.records));
    state.is_some_and(|state| state.finish.is_some())
}

fn free_now(lease: &Lease, mut seen: Seen, force: bool) -> std::result::Result<Seen, NotWritten> {
    let mut tries = if force { TRIES } else { 1 };
    loop {
        tries -= 1;
        match lease.free(&seen) {
            Ok(()) => return Ok(seen),
            Err(NotWritten::Conflict) if tries > 0 => match lease.read() {
                Ok(Some(now)) if now.holder.run_id == seen.holder.run_id => seen = now,
                Ok(None) => return Err(NotWritten::Gone),
                Ok(Some(_)) => return Err(NotWritten::Conflict),
                Err(why) => return Err(NotWritten::Unread(why)),
            },
            Err(why) => return Err(why),
        }
    }
}

/// Watches the holder; one that renews is not robbed, and one that has ended leaves nothing to free.
fn wait_for_silence(
    screen: &Screen,
    lease: &Lease,
    seen: Seen,
    environment: &str,
) -> Result<Option<Seen>> {
    let mut inbox = Inbox::new();
    inbox.hear_signals()?;
    let lasts = duration::format(seen.duration);
    screen.say(&format!("watching whether it lives, for {lasts} at most (--force does not watch)"));
    let (now, life) = observe(&mut inbox, lease, seen);
    if inbox.stop() != Stop::No {
        let exit = if inbox.terminated() { Exit::Terminated } else { Exit::Interrupted };
        return Err(Error::new(exit, format!("{}: nothing was freed", inbox.reason())).into());
    }
    match (now, life) {
        (Ok(Some(seen)), Some(Life::Suspect)) => {
            screen.say(&format!("suspect: no sign of life for {lasts}"));
            Ok(Some(seen))
        }
        (Ok(Some(seen)), _) => Err(Error::new(
            Exit::LockHeld,
            format!(
                "run {} lives: it was seen to renew the lock of {environment}",
                seen.holder.run_id
            ),
        )
        .hint(format!("it is at {}", seen.holder.place()))
        .hint("wait for it: --lock-timeout 5m; or stop it in its terminal: Ctrl-C")
        .hint(format!(
            "to take the lock from it all the same: rollback unlock {} --force",
            seen.holder.run_id
        ))
        .hint("nothing was freed")
        .into()),
        (Ok(None), _) => Ok(None),
        (Err(why), _) => Err(Error::blocked(format!(
            "the lock of {environment} cannot be read: {}",
            why.sentence()
        ))
        .hint("nothing was freed")
        .into()),
    }
}

/// Nobody has the Lease; the lock on this machine is the system's, which frees it by itself.
fn nobody(screen: &Screen, environment: &str) -> Result<Exit> {
    match lock::local_holder(&journal::state_dir()?, environment) {
        None => {
            tell(screen, environment, None, &format!("{environment} is not locked"));
            Ok(Exit::Success)
        }
        Some(holder) => Err(Error::new(
            Exit::LockHeld,
            format!("{environment} is locked on this machine by {}", holder.sentence()),
        )
        .hint(format!(
            "its process {} lives, and its lock ends with it: Ctrl-C in its terminal, or kill {}",
            holder.pid, holder.pid
        ))
        .into()),
    }
}

/// What came of it: that nobody holds the environment now, and whose lock was freed.
fn tell(screen: &Screen, environment: &str, freed: Option<&str>, text: &str) {
    if screen.output == Output::Text {
        return screen.result(text);
    }
    let value = serde_json::json!({
        "v": crate::event::VERSION, "type": "unlocked",
        "environment": environment, "freed": freed,
        "resume": freed.map(|run_id| ["rollback", "resume", run_id]),
    });
    screen.result(&value.to_string());
}

fn names(given: &str, run_id: &str) -> bool {
    given == run_id
        || (given.len() >= SHORTEST && (run_id.starts_with(given) || run_id.ends_with(given)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_named_by_its_id_or_enough_of_it() {
        let id = "0195a1b2-c3d4-7000-8000-0123456789ab";
        assert!(names(id, id) && names("0195a1b2", id) && names("456789ab", id));
        assert!(!names("0195", id) && !names("", id) && !names("c3d4-7000", id));
        assert!(names("r1", "r1"));
    }
}
