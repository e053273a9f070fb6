//! How much a rule's "no" weighs.

use crate::domain::Severity;
use crate::yaml::{Faults, Fields};

/// `level: deny | warn | off`, which every rule takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Level {
    /// A "no" keeps the image from being promoted.
    #[default]
    Deny,
    /// A "no" is said and does not decide.
    Warn,
    /// The rule is not asked.
    Off,
}

impl Level {
    /// Returns the severity of a finding at this level; none when the rule is off.
    #[must_use]
    pub(super) fn severity(self) -> Option<Severity> {
        match self {
            Self::Deny => Some(Severity::Error),
            Self::Warn => Some(Severity::Warning),
            Self::Off => None,
        }
    }

    /// Reads the level under `key`, whose three words are `words` in the order deny, warn, off.
    pub(super) fn read(fields: &mut Fields<'_>, key: &'static str, words: [&str; 3], faults: &Faults) -> Option<Self> {
        let node = fields.optional(key)?;
        match node.as_str() {
            Some(text) if text == words[0] => Some(Self::Deny),
            Some(text) if text == words[1] => Some(Self::Warn),
            Some(text) if text == words[2] => Some(Self::Off),
            _ => {
                faults.push(node, format!("`{key}` must be `{}`, `{}` or `{}`", words[0], words[1], words[2]));
                None
            }
        }
    }
}
