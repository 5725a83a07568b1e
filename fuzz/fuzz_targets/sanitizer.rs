//! Any bytes, cut anywhere: what comes out only shows itself, and is the same wherever it was cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rollback::terminal::sanitize::{Sanitizer, is_harmless};

fuzz_target!(|bytes: &[u8]| {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let cut = usize::from(*cut).min(bytes.len());
    let mut pieces = Sanitizer::default();
    let mut lines = pieces.push(&bytes[..cut]);
    lines.extend(pieces.push(&bytes[cut..]));
    lines.extend(pieces.finish());
    assert!(lines.iter().flat_map(|line| line.chars()).all(is_harmless));
    let mut whole = Sanitizer::default();
    let mut once = whole.push(bytes);
    once.extend(whole.finish());
    assert_eq!(lines, once);
});
