//! What goes on beside a run and never stands in its way: who is told, and what is measured.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::cli::RunArgs;
use crate::error::{Error, Result};
use crate::event::{Notified, Record};
use crate::output::notify::{Commands, Notifier, Pending};
use crate::output::recorder::{Recorder, View};
use crate::output::samples::Sampler;
use crate::runbook::catalog::Catalog;
use crate::runbook::parameters::Parameters;
use crate::runbook::watching::Watching;
use crate::state::RunState;
use crate::terminal::redact::Redactor;

use super::ahead::known_params;
use super::screen::Screen;

/// How long those who are told may take to hear of the end, after it was shown.
const TELL: Duration = Duration::from_secs(3);
/// How long a run waits for what is in `triggers.yaml`.
const WAIT: Duration = Duration::from_secs(1);

/// Lasts as long as the run.
#[derive(Debug, Default)]
pub struct Beside {
    sampler: Option<Sampler>,
    pending: Pending,
    commands: Commands,
    secrets: Vec<String>,
}

impl Beside {
    /// Begins to measure, and adds those who are told to the renderers of a run that starts here or,
    /// with the state that it stopped in, goes on here. What they find is for the run's recorder.
    pub fn begin(
        screen: &Screen,
        catalog: &Catalog,
        params: &[String],
        stopped: Option<&RunState>,
        views: &mut Vec<View>,
    ) -> (Beside, Receiver<Record>) {
        let (sender, receiver) = channel();
        let mut beside = Beside::default();
        match read(catalog, params) {
            Ok(watching) => {
                if !watching.notifications.is_empty() {
                    let mut notifier = Notifier::new(&watching, &sender, &beside.pending);
                    if let Some(state) = stopped {
                        notifier.about(&state.run_id, &state.start);
                    }
                    beside.commands = notifier.commands();
                    views.push(View::Told(notifier));
                }
                beside.secrets.clone_from(&watching.secrets);
                let fresh = stopped.is_none();
                beside.sampler = Some(Sampler::start(&watching, fresh, sender, &beside.pending));
            }
            Err(why) => note(screen, &why),
        }
        (beside, receiver)
    }

    /// The same for a run whose catalog stands in its journal.
    pub fn again(
        screen: &Screen,
        state: &RunState,
        views: &mut Vec<View>,
    ) -> (Beside, Receiver<Record>) {
        match Catalog::open(Path::new(&state.start.catalog)) {
            Ok(catalog) => Beside::begin(screen, &catalog, &parameters(state), Some(state), views),
            Err(error) => {
                note(screen, &error.to_string());
                (Beside::default(), channel().1)
            }
        }
    }

    /// Hides the secrets of the run, and those that only they who are told and asked need.
    pub fn redactor(&self, secrets: &BTreeMap<String, String>) -> Redactor {
        Redactor::new(secrets.values().chain(&self.secrets).cloned().collect())
    }

    /// After the end was shown: a moment for those who are told, and for the last numbers.
    pub fn end(self, screen: &Screen, recorder: &mut Recorder) {
        drop(self.sampler);
        for told in recorder.settle(&self.pending, TELL) {
            let Notified { name, occasion, why, .. } = told;
            screen.say(&format!("note: {name} could not be told of the {occasion}: {why}"));
        }
        self.commands.end();
    }
}

fn note(screen: &Screen, why: &str) {
    let line = crate::terminal::sanitize::line(why.lines().next().unwrap_or_default());
    screen.say(&format!("note: nobody is told of this run, and nothing is measured: {line}"));
}

/// On a thread of its own: a secret may come from a command that takes its time.
fn read(catalog: &Catalog, params: &[String]) -> std::result::Result<Watching, String> {
    let (catalog, params) = (catalog.clone(), params.to_vec());
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let read = || -> Result<Watching> {
            let settings = catalog.settings()?;
            let mut watching = catalog.watching(&settings)?;
            // A runbook's own parameters mean nothing here.
            let params = known_params(&params, &settings.parameters);
            watching.resolve(&settings, &Parameters::parse(&params)?.with_environment())?;
            Ok(watching)
        };
        let _ = sender.send(read().map_err(|error| error.to_string()));
    });
    let late = |_| Err("what triggers.yaml needs takes too long".to_owned());
    receiver.recv_timeout(WAIT).unwrap_or_else(late)
}

/// The parameters of a run, as its command line gave them.
fn parameters(state: &RunState) -> Vec<String> {
    let known = state.plan().map(|plan| plan.parameters).unwrap_or_default();
    known.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

/// What is measured of a run that is over, as far as its catalog can still be read.
pub fn watching(state: &RunState) -> Option<Watching> {
    let catalog = Catalog::open(Path::new(&state.start.catalog)).ok()?;
    read(&catalog, &parameters(state)).ok().filter(|watching| !watching.metrics.is_empty())
}

/// A misspelt trigger is refused, where the catalog's triggers can be read at all.
pub fn refuse_unknown_trigger(args: &RunArgs, catalog: &Catalog) -> Result<()> {
    let Some(given) = &args.trigger else { return Ok(()) };
    let Ok(watching) = catalog.settings().and_then(|settings| catalog.watching(&settings)) else {
        return Ok(());
    };
    if watching.triggers.is_empty() || watching.triggers.contains_key(given) {
        return Ok(());
    }
    let error = Error::usage(format!("there is no trigger `{given}`"));
    let names = watching.triggers.keys().map(String::as_str);
    Err(match crate::error::nearest(given, names) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("see: rollback triggers"),
    }
    .into())
}
