//! SHA-256 in hex: digests of plans, checksums of journal lines, names of lock files and caches.

use sha2::{Digest as _, Sha256};

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// All 256 bits.
pub fn of(bytes: &[u8]) -> String {
    digits(&Sha256::digest(bytes))
}

/// The first 64 bits.
pub fn short(bytes: &[u8]) -> String {
    digits(&Sha256::digest(bytes)[..8])
}

/// Bytes, two digits each.
pub fn digits(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_digest_of_nothing_is_known() {
        assert!(super::of(b"").starts_with("e3b0c44298fc1c149afbf4c8996fb924"));
        assert_eq!(super::short(b""), "e3b0c44298fc1c14");
    }
}
