//! Any bytes as a runbook and as settings: loaded or refused with problems that can be shown.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use rollback::runbook::load::{runbook, settings};
use rollback::runbook::names::Known;

fuzz_target!(|bytes: &[u8]| {
    let loaded = runbook(Path::new("fuzz.yaml"), bytes, &Known::default());
    assert!(loaded.value.is_some() || !loaded.problems.is_empty());
    for problem in loaded.problems {
        let shown = problem.render(false);
        assert!(!shown.chars().any(|c| c.is_control() && c != '\n'));
    }
    for problem in settings(Path::new("rollback.yaml"), bytes).problems {
        let _ = problem.render(true);
    }
});
