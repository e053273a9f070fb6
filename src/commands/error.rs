//! What keeps a command from giving an answer, and the exit codes.

use crate::domain::tree::TreeError;
use crate::domain::{Cause, Revision};
use crate::forge;
use crate::git;
use crate::registry;
use crate::yaml::Fault;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Nothing to do, or all allowed, or promoted and proved.
    Success,
    /// The verdict is no.
    No,
    /// Wrong usage, or a configuration or policy that cannot be read.
    Usage,
    /// Could not decide or not finish; safe to run again.
    Undecided,
    /// Stopped by SIGINT.
    Interrupted,
    /// Stopped by SIGTERM.
    Terminated,
}

impl Exit {
    /// Returns the process's exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Undecided => 3,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

/// What keeps a command from giving an answer. A verdict is never an error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was asked for something that makes no sense.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
    /// A configuration or policy file has faults.
    #[error("{what} cannot be read")]
    Faults {
        /// Which file.
        what: String,
        /// All of them.
        faults: Vec<Fault>,
        /// The revision it was read from.
        revision: Revision,
    },
    /// The repository could not be read.
    #[error("cannot compare the revisions")]
    Git(#[from] git::Error),
    /// A tree could not be read.
    #[error("cannot read the repository's files")]
    Tree(#[from] TreeError),
    /// The registries' settings do not work.
    #[error("cannot set up the registries")]
    Registries(#[from] registry::Error),
    /// The forge could not be read or written.
    #[error("cannot report at the forge")]
    Forge(#[from] forge::Error),
    /// Something outside the repository could not be read or written.
    #[error("cannot {what}")]
    Io {
        /// What was tried, with the subject: "write promote-bot.yaml".
        what: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A report could not be put into its format.
    #[error("cannot write the report")]
    Format(#[from] serde_json::Error),
}

fn begins_with_hash(rev: &str) -> bool {
    rev.len() >= 40 && rev.bytes().take(40).all(|byte| byte.is_ascii_hexdigit())
}

impl Error {
    pub(super) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: hint.into() }
    }

    /// Wraps what the system said of `what`, a verb with its subject.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        |source| Self::Io { what, source }
    }

    /// Returns how the program ends.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } | Self::Faults { .. } | Self::Registries(_) | Self::Io { .. } => Exit::Usage,
            // A full hash that is not here may come with a fetch; a name that is not known was mistyped.
            Self::Git(git::Error::UnknownRevision { rev, shallow: false, .. }) if !begins_with_hash(rev) => Exit::Usage,
            Self::Git(
                git::Error::Ambiguous { .. }
                | git::Error::NotACommit { .. }
                | git::Error::NoWorkTree { .. }
                | git::Error::NotARepository { .. },
            ) => Exit::Usage,
            Self::Tree(error) if error.cause() == Cause::Change => Exit::Usage,
            Self::Forge(forge::Error::Setting(_)) => Exit::Usage,
            Self::Git(_) | Self::Tree(_) | Self::Format(_) | Self::Forge(_) => Exit::Undecided,
        }
    }

    /// Returns an action the reader can take.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } => Some(hint.clone()),
            Self::Git(error) => error.hint(),
            Self::Registries(error) => error.hint(),
            Self::Forge(error) => error.hint(),
            Self::Faults { revision: Revision::Commit(commit), .. } => {
                let commit = commit.get(..7).unwrap_or(commit);
                Some(format!(
                    "this is the version at {commit}, which judges here; a change to it counts after the merge"
                ))
            }
            Self::Faults { .. } => None,
            Self::Tree(_) => Some("check the path, its permissions, and the links on the way to it".to_owned()),
            Self::Io { .. } | Self::Format(_) => None,
        }
    }
}
