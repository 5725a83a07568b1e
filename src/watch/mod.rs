//! When to roll back: the triggers evaluated, and the monitor that watches them. What decides is
//! pure (`decide`); what asks the world is in `evaluate`; what must survive a restart in `memory`.

pub mod decide;
pub mod evaluate;
pub mod memory;

use crate::runbook::{Action, Level, Runbook};

/// Whether a method may be run by the monitor by itself: flags, restarts and checks only, and
/// never the whole system. Gives the method's name.
pub fn allowed(runbook: &Runbook, method: Option<&str>) -> Result<String, String> {
    if runbook.target.level == Level::System {
        return Err("the whole system is never rolled back automatically".to_owned());
    }
    let found = match method {
        Some(name) => runbook.methods.iter().find(|method| method.name == name),
        None => runbook.methods.first(),
    };
    let Some(method) = found else {
        return Err(format!("`{}` has no such method", runbook.target));
    };
    for step in &method.steps {
        let harmless = match &step.action {
            Action::SetFlags(_)
            | Action::Restart(_)
            | Action::Http(_)
            | Action::Metric(_)
            | Action::Wait(_) => true,
            Action::Command(command) => command.check,
            _ => false,
        };
        if !harmless {
            return Err(format!(
                "`{}` of {} · {} is no flag, restart or check, and is never done automatically",
                step.name, runbook.target, method.name
            ));
        }
    }
    Ok(method.name.clone())
}
