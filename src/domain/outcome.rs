//! Outcomes: what became of each step.

use super::referrer::Referrer;

/// How an image stands at its destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not there yet; it can be copied.
    Missing,
    /// There, with the digest that was resolved.
    Present,
    /// Copied by this run and proved.
    Copied,
    /// The destination, or the reference itself, names another digest.
    Conflict,
    /// Neither at the destination nor where it would be copied from.
    NoSource,
    /// Outside the environment's registry; never copied.
    External,
    /// The copy was begun and not finished; nothing was named.
    Failed,
    /// Nobody could or did look.
    Unknown,
    /// No longer referenced.
    Removed,
}

impl State {
    /// Returns the word reports use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Present => "present",
            Self::Copied => "copied",
            Self::Conflict => "conflict",
            Self::NoSource => "no-source",
            Self::External => "external",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Removed => "removed",
        }
    }
}

/// What became of one approved step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The destination held it already; nothing was written.
    Present,
    /// It was copied, re-read, and is equal.
    Copied {
        /// Bytes sent to the destination.
        bytes_copied: u64,
        /// Bytes of blobs that were there already or were mounted.
        bytes_reused: u64,
        /// Whether the source's tag names another digest by now.
        source_moved: bool,
        /// What refers to it and was copied and proved along with it, by digest.
        referrers: Vec<Referrer>,
        /// What said it refers to it and was left behind, and why.
        passed_over: Vec<String>,
    },
    /// The destination held something else by the time it was to be written; untouched.
    Conflict {
        /// What was found there.
        found: String,
    },
    /// The registry says the destination's tag cannot be written, or the content is not what its digest says.
    Refused {
        /// What went wrong, with its causes.
        reason: String,
        /// What may help.
        hint: String,
    },
    /// It is at the destination, and what must be there with it is not.
    Unproved {
        /// What is missing.
        reason: String,
        /// What may help.
        hint: String,
    },
    /// It could not be finished; safe to run again.
    Failed {
        /// What went wrong, with its causes.
        reason: String,
        /// What may help.
        hint: String,
    },
}
