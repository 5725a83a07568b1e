//! Any text as a template: resolved or refused, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rollback::runbook::template::{late, references, resolve};

fuzz_target!(|text: &str| {
    let _ = references(text);
    if let Ok(resolved) = resolve(text, |_| None) {
        let _ = late(&resolved);
    }
    let _ = rollback::late::names(text);
});
