//! What a rule has against an image.

use crate::domain::{Candidate, Cause, Finding, Location, Severity};

/// What a rule has against a subject; the policy adds the rule's id and its level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Complaint {
    /// Whether the author must act, or nothing could be decided.
    pub(super) cause: Cause,
    /// The most it weighs, whatever the rule's level.
    pub(super) most: Severity,
    /// What is the matter, one sentence.
    pub(super) message: String,
    /// What would satisfy the rule.
    pub(super) help: String,
    /// Where to look.
    pub(super) location: Option<Location>,
    /// How many characters from there are meant.
    pub(super) width: usize,
    /// The vulnerability it is about, by which waivers tell complaints apart.
    pub(super) vulnerability: Option<Vulnerable>,
}

/// A vulnerability that is complained of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Vulnerable {
    /// Its id, and what else it is called.
    pub(super) names: Vec<String>,
    /// What it is and where, for people: to be said after `has`.
    pub(super) told: String,
}

impl Vulnerable {
    /// Tells whether it is called `name`.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

impl Complaint {
    /// Complains of the image, where it is named.
    pub(super) fn new(candidate: &Candidate, message: impl Into<String>, help: impl Into<String>) -> Self {
        let (location, width) = name_place(candidate);
        Self {
            cause: Cause::Change,
            most: Severity::Error,
            message: message.into(),
            help: help.into(),
            location,
            width,
            vulnerability: None,
        }
    }

    /// Complains of the tag, where one is written.
    pub(super) fn of_tag(candidate: &Candidate, message: impl Into<String>, help: impl Into<String>) -> Self {
        let (location, width) = tag_place(candidate);
        Self { location, width, ..Self::new(candidate, message, help) }
    }

    /// Makes a finding of it under the id of its rule.
    pub(super) fn into_finding(self, rule: &str, candidate: &Candidate) -> Finding {
        Finding {
            rule: rule.to_owned(),
            severity: self.most,
            cause: self.cause,
            message: self.message,
            help: self.help,
            image: Some(candidate.to.repository().to_owned()),
            location: self.location,
            width: self.width,
            excerpt: None,
            exception: None,
        }
    }

    /// Says that nothing could be decided, and that running again is safe.
    pub(super) fn undecided(candidate: &Candidate, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { cause: Cause::Circumstance, ..Self::new(candidate, message, help) }
    }
}

/// The tag or the digest, whichever decides what runs, else the name.
fn name_place(candidate: &Candidate) -> (Option<Location>, usize) {
    let origins = &candidate.image_use().origins;
    match &origins.digest {
        Some(location) => (Some(location.clone()), candidate.to.digest().map_or(0, |digest| digest.to_string().len())),
        None => tag_place(candidate),
    }
}

/// The tag where one is written, else the name that lacks it.
fn tag_place(candidate: &Candidate) -> (Option<Location>, usize) {
    let origins = &candidate.image_use().origins;
    match (&origins.tag, candidate.to.tag(), &origins.digest) {
        (Some(location), Some(tag), _) => (Some(location.clone()), tag.len()),
        (_, _, Some(location)) => (Some(location.clone()), 0),
        _ => (Some(origins.name.clone()), 0),
    }
}
