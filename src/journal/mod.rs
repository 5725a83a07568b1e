//! The journal of a run, and the permits that only it can give.

/// Proof that a step's intent is durable and that the lock is still ours. Every change of the
/// world takes one; only the journal makes them, so no survey can write and no effect comes before
/// its intent.
#[derive(Debug)]
pub struct Permit {
    /// The intent's sequence number.
    seq: u64,
}

impl Permit {
    /// The sequence number of the intent.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    #[cfg(test)]
    pub(crate) fn for_a_test() -> Permit {
        Permit { seq: 0 }
    }
}
