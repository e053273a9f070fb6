//! Findings: what a rule, or the weighing of evidence, has to say to the author of a change.

use super::location::Location;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Worth changing; denies only under `--fail-on warning`.
    Warning,
    /// The verdict is no.
    Error,
}

impl Severity {
    /// Returns the word reports use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What a finding comes from, which tells whether running again may end otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The change, the rules, or what registries hold: the author must act.
    Change,
    /// A registry or the repository's storage out of reach: nothing was decided, and running again is safe.
    Circumstance,
}

impl Cause {
    /// Returns the word reports use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Circumstance => "circumstance",
        }
    }
}

/// Something the author of a change should know: a verdict with its place and its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's stable id: `<policy>/<rule>` for a policy's rule, one word for what is built in.
    pub rule: String,
    /// How much it weighs.
    pub severity: Severity,
    /// What it comes from.
    pub cause: Cause,
    /// What is the matter, with expected and actual; one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// The image's name it is about.
    pub image: Option<String>,
    /// Where to look, at the first character of what is wrong.
    pub location: Option<Location>,
    /// How many characters from there are wrong; 0 when not known.
    pub width: usize,
    /// The line of text at `location`, for reports that show it.
    pub excerpt: Option<String>,
    /// What lets the image pass in spite of it.
    pub exception: Option<Exception>,
}

/// What lets an image pass that a rule denies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// What kind of exception.
    pub kind: ExceptionKind,
    /// The waiver's id; for broken glass the rule's.
    pub id: String,
    /// Who answers for it.
    pub by: String,
    /// Why it is, and until when.
    pub reason: String,
}

/// The kinds of exceptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExceptionKind {
    /// A waiver of the base revision.
    Waiver,
    /// --break-glass.
    BreakGlass,
}

impl ExceptionKind {
    /// Returns the word reports use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiver => "waiver",
            Self::BreakGlass => "break-glass",
        }
    }
}

impl Finding {
    /// Returns what is the matter and, after `between`, what to do about it where that is known.
    #[must_use]
    pub fn told(&self, between: &str) -> String {
        match self.help.as_str() {
            "" => self.message.clone(),
            help => format!("{}{between}{help}", self.message),
        }
    }
}
