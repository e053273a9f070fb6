//! The rules: a closed set, each in a file of its own.

use super::tag::{self, Tag};
use crate::domain::{Candidate, Cause, Finding, Severity};
use crate::yaml::{Faults, Fields};

/// Rules of the policy language that this version does not know yet: named so that a file which asks for one is refused
/// with its reason, never read as if it had not asked.
const NOT_YET: [&str; 12] = [
    "digest",
    "source",
    "signature",
    "provenance",
    "vulnerabilities",
    "sbom",
    "ran_in",
    "platforms",
    "age",
    "freeze",
    "exec",
    "expr",
];

/// What a rule judges.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The image, where it goes and where it comes from.
    pub candidate: &'a Candidate,
}

/// What a rule has against a subject; the policy adds its id and its level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) severity: Severity,
    pub(super) message: String,
    pub(super) help: String,
    pub(super) location: Option<crate::domain::Location>,
    pub(super) width: usize,
}

/// One rule of a policy.
#[derive(Debug, Clone)]
pub enum Rule {
    /// What a tag may be.
    Tag(Tag),
}

impl Rule {
    /// Returns the rule's name: its key under `rules`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Tag(_) => tag::NAME,
        }
    }

    /// Judges one subject under the id `<policy>/<rule>`.
    #[must_use]
    pub fn judge(&self, policy: &str, subject: &Subject<'_>) -> Vec<Finding> {
        let complaints = match self {
            Self::Tag(tag) => tag.judge(subject),
        };
        let finding = |complaint: Complaint| Finding {
            rule: format!("{policy}/{}", self.name()),
            severity: complaint.severity,
            cause: Cause::Change,
            message: complaint.message,
            help: complaint.help,
            image: Some(subject.candidate.to.repository().to_owned()),
            location: complaint.location,
            width: complaint.width,
            excerpt: None,
        };
        complaints.into_iter().map(finding).collect()
    }

    /// Reads all rules of a mapping `rules`; what is not known is a fault.
    pub(super) fn read_all(mut fields: Fields<'_>, faults: &Faults) -> Vec<Self> {
        let mut rules = Vec::new();
        if let Some(node) = fields.optional(tag::NAME) {
            rules.extend(Tag::read(node, faults).map(Self::Tag));
        }
        for name in NOT_YET {
            if let Some(node) = fields.optional(name) {
                faults.push_with_hint(
                    node,
                    format!("the rule `{name}` is not supported by this version"),
                    "take it out, or use a version that has it: a rule that is not asked must not seem to be",
                );
            }
        }
        fields.finish();
        rules
    }
}

/// Explains a rule by its name: what it asks, its settings, an example.
#[must_use]
pub fn explain(rule: &str) -> Option<&'static str> {
    (rule == tag::NAME).then_some(tag::EXPLANATION)
}
