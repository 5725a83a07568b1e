//! Any bytes as a journal, as they are and with the checksums that their lines would have: read or
//! refused, never a panic; what is read makes a state.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rollback::journal::read::parse;
use rollback::state::RunState;
use sha2::{Digest as _, Sha256};

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    read(&sealed(bytes));
});

fn read(bytes: &[u8]) {
    if let Ok(read) = parse(bytes) {
        assert_eq!(read.valid + read.torn, bytes.len() as u64);
        let _ = RunState::fold(&read.records);
    }
}

/// Each line that looks like an object, with the checksum of its fields in place of its own.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in String::from_utf8_lossy(bytes).lines() {
        let end = line.rfind(",\"sum\":").or_else(|| line.rfind('}')).unwrap_or(line.len());
        let fields = &line[..end];
        let sum: String = Sha256::digest(fields)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        out.extend_from_slice(format!("{fields},\"sum\":\"{sum}\"}}\n").as_bytes());
    }
    out
}
