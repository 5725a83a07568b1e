//! Any bytes as a journal: read or refused, never a panic; what is read makes a state.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rollback::journal::read::parse;
use rollback::state::RunState;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(read) = parse(bytes) {
        assert_eq!(read.valid + read.torn, bytes.len() as u64);
        let _ = RunState::fold(&read.records);
    }
});
