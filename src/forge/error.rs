//! Errors: what a forge did not do, and why.

use std::time::Duration;

/// How much of a forge's own message is kept, in characters.
const MESSAGE_LENGTH: usize = 200;

/// A cause from below.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a forge could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No answer.
    #[error("cannot {action}: no answer from {forge}")]
    Unreachable {
        /// What was tried.
        action: String,
        /// The forge's host.
        forge: String,
        /// What the transport said.
        #[source]
        source: Cause,
    },
    /// It answered with an error.
    #[error("cannot {action}: {forge} answered {status} {message}")]
    Answered {
        /// What was tried.
        action: String,
        /// The forge's host.
        forge: String,
        /// The HTTP status.
        status: u16,
        /// Its own message, cut to size.
        message: String,
    },
    /// It asks for more patience than there is.
    #[error("cannot {action}: {forge} limits requests, and waiting {} s more is too long", .wait.as_secs())]
    Limited {
        /// What was tried.
        action: String,
        /// The forge's host.
        forge: String,
        /// How long it asks for.
        wait: Duration,
    },
    /// An answer that is not what its description says.
    #[error("cannot {action}: {forge} {what}")]
    Protocol {
        /// What was tried.
        action: String,
        /// The forge's host.
        forge: String,
        /// What it did.
        what: String,
    },
    /// The change is another by now than the one that was judged.
    #[error("cannot report on {change}: its head is {head} by now, and that is not what was checked out")]
    Moved {
        /// The change.
        change: String,
        /// Its head.
        head: String,
    },
    /// Credentials or addresses that cannot be used.
    #[error("{0}")]
    Setting(String),
}

impl Error {
    /// Returns an action the reader can take.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Answered { status: 401, forge, .. } => format!("give a token that {forge} knows, in GITHUB_TOKEN or GITLAB_TOKEN"),
            Self::Answered { .. } if self.is_forbidden() => {
                "give the job the permission: `statuses: write`, `checks: write` or `pull-requests: write`; a run for a fork has none"
                    .to_owned()
            }
            Self::Answered { status: 404, .. } => {
                "check the repository's name, and that the token may see it".to_owned()
            }
            Self::Moved { .. } => "run again on what it is now".to_owned(),
            Self::Unreachable { .. } | Self::Limited { .. } => "run again later".to_owned(),
            Self::Answered { forge, .. } | Self::Protocol { forge, .. } => format!("see the status page of {forge}, then run again"),
            Self::Setting(_) => return None,
        })
    }

    /// Tells whether the token lacks the right, as that of a fork's pull request does.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Answered { status: 403, .. })
    }

    /// Returns the message and its root cause in one line.
    #[must_use]
    pub fn reason(&self) -> String {
        let mut root: &dyn std::error::Error = self;
        while let Some(source) = root.source() {
            root = source;
        }
        match std::error::Error::source(self) {
            Some(_) => format!("{self}: {}", plain(&root.to_string())),
            None => self.to_string(),
        }
    }
}

/// Cuts hostile text to size and leaves only what is safe on one line.
pub(super) fn plain(text: &str) -> String {
    let safe = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().take(MESSAGE_LENGTH).map(safe).collect()
}
