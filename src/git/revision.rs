//! The names of what can be compared.

use std::fmt;

use crate::domain::Revision;

/// How many hex digits of a hash are shown when the repository cannot say how many it needs.
const SHORT_LENGTH: usize = 7;

/// The full hash of a commit that was found together with its tree.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitId(String);

impl CommitId {
    /// Names a commit that was found.
    pub(super) fn new(id: gix::ObjectId) -> Self {
        Self(id.to_hex().to_string())
    }

    /// Names a commit of a repository that exists in a test only.
    #[cfg(test)]
    pub(super) fn fake(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// Returns the full hash in hex.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first seven digits.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..SHORT_LENGTH).unwrap_or(&self.0)
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<CommitId> for Revision {
    fn from(commit: CommitId) -> Self {
        Self::Commit(commit.0)
    }
}
