//! The two sides of a comparison.

use std::fmt;

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revision {
    /// Nothing: every reference on the other side counts as new.
    Empty,
    /// A commit, by its full object id.
    Commit(String),
    /// What is staged.
    Index,
    /// The files on disk.
    Worktree,
}

impl Revision {
    /// Returns the name for people: seven characters of a commit, or the word.
    #[must_use]
    pub fn short(&self) -> &str {
        match self {
            Self::Commit(id) => id.get(..7).unwrap_or(id),
            other => other.word(),
        }
    }

    /// Reads what it is displayed as.
    #[must_use]
    pub fn of_word(word: &str) -> Self {
        match word {
            "empty" => Self::Empty,
            "index" => Self::Index,
            "worktree" => Self::Worktree,
            commit => Self::Commit(commit.to_owned()),
        }
    }

    fn word(&self) -> &str {
        match self {
            Self::Empty => "empty",
            Self::Index => "index",
            Self::Worktree => "worktree",
            Self::Commit(id) => id,
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
