//! What goes on beside a run and never stands in its way: who is told, and what is measured.

use std::path::Path;
use std::time::Duration;

use crate::cli::RunArgs;
use crate::error::{Error, Result};
use crate::output::notify::Notifier;
use crate::output::recorder::View;
use crate::output::samples::Sampler;
use crate::runbook::Settings;
use crate::runbook::catalog::Catalog;
use crate::runbook::parameters::Parameters;
use crate::runbook::watching::Watching;

use super::launch::Launch;

/// How long those who are told may take to hear of the end, after it was shown.
pub const TELL: Duration = Duration::from_secs(3);
/// How long a run waits for what is in `triggers.yaml`.
const WAIT: Duration = Duration::from_secs(1);

/// Lasts as long as the run.
pub struct Beside {
    _sampler: Option<Sampler>,
}

impl Beside {
    /// Begins to measure, and adds those who are told to the renderers of the run.
    pub fn begin(
        launch: &Launch<'_>,
        settings: &Settings,
        dir: &Path,
        views: &mut Vec<View>,
    ) -> Beside {
        if launch.simulated {
            return Beside { _sampler: None };
        }
        match read(&launch.catalog, settings) {
            Ok(watching) => {
                if !watching.notifications.is_empty() {
                    views.push(View::Told(Notifier::new(&watching, dir)));
                }
                Beside { _sampler: Some(Sampler::start(&watching, dir)) }
            }
            Err(error) => {
                let line =
                    crate::terminal::sanitize::line(error.lines().next().unwrap_or_default());
                launch.screen.say(&format!("note: nobody is told of this run: {line}"));
                Beside { _sampler: None }
            }
        }
    }
}

/// On a thread of its own: a secret may come from a command that takes its time.
fn read(catalog: &Catalog, settings: &Settings) -> std::result::Result<Watching, String> {
    let (catalog, settings) = (catalog.clone(), settings.clone());
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let read = || -> Result<Watching> {
            let mut watching = catalog.watching(&settings)?;
            watching.resolve(&settings, &Parameters::default().with_environment())?;
            Ok(watching)
        };
        let _ = sender.send(read().map_err(|error| error.to_string()));
    });
    let late = |_| Err("what triggers.yaml needs takes too long".to_owned());
    receiver.recv_timeout(WAIT).unwrap_or_else(late)
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
