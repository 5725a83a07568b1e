//! git, in a bare clone of our own.

/// A question to the git remote.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum GitRead {}

/// An answer of the git remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitFact {}

/// A handle to our clones; cheap to clone, safe to share with helper threads.
#[derive(Debug, Clone)]
pub struct Forge {}
