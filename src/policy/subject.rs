//! What a rule judges: an image on its way, what was learnt of it, and the time.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::complaint::Complaint;
use super::dossier::{Dossier, Exhibit, Gap, Make};
use crate::domain::{Candidate, Digest};

/// What a rule judges.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The name of the policy that judges it.
    pub policy: &'a str,
    /// The image, where it goes and where it comes from.
    pub candidate: &'a Candidate,
    /// Whether it is referenced from a registry of others, and not copied.
    pub is_external: bool,
    /// The digest that was resolved and is copied.
    pub digest: Option<&'a Digest>,
    /// The size of all it is made of, in bytes, where it was read.
    pub size_bytes: Option<u64>,
    /// What was learnt of it, as far as rules asked.
    pub dossier: &'a Dossier,
    /// When it is judged.
    pub now: Timestamp,
}

impl<'a> Subject<'a> {
    /// Returns what the image is made of; where that is not known, the complaint that says so.
    pub(super) fn make(&self) -> Result<&'a Make, Box<Complaint>> {
        match &self.dossier.make {
            Some(Ok(make)) => Ok(make),
            Some(Err(gap)) => Err(Box::new(self.unknown(gap, "what it is made of"))),
            None => Err(Box::new(self.unasked("what it is made of"))),
        }
    }

    /// Returns what hangs on the image; where that is not known, the complaint that says so.
    pub(super) fn exhibits(&self) -> Result<&'a [Exhibit], Box<Complaint>> {
        match &self.dossier.exhibits {
            Some(Ok(exhibits)) => Ok(exhibits),
            Some(Err(gap)) => Err(Box::new(self.unknown(gap, "what hangs on it"))),
            None => Err(Box::new(self.unasked("what hangs on it"))),
        }
    }

    /// Names the image where it comes from, by digest: what has to be signed or attested.
    pub(super) fn at_source(&self) -> String {
        let source = self.dossier.place.as_ref().or(self.candidate.from.as_ref()).unwrap_or(&self.candidate.to);
        let digest = self.digest.map_or_else(|| "DIGEST".to_owned(), ToString::to_string);
        format!("{}@{digest}", source.locator())
    }

    /// Says that something could not be learnt.
    pub(super) fn unknown(&self, gap: &Gap, what: &str) -> Complaint {
        let name = self.candidate.to.repository();
        let message = format!("{name} cannot be judged: {what} could not be read: {}", gap.reason);
        Complaint { cause: gap.cause, ..Complaint::new(self.candidate, message, gap.hint.clone()) }
    }

    /// Says that nobody asked for something.
    pub(super) fn unasked(&self, what: &str) -> Complaint {
        let message = format!("{} cannot be judged: {what} was not asked for", self.candidate.to.repository());
        Complaint::undecided(self.candidate, message, "run again where the registries can be asked")
    }
}

/// What the rules that apply to an image have to know of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// What it is made of: its parts, their platforms, labels and times.
    pub make: bool,
    /// What hangs on it: signatures, attestations.
    pub documents: bool,
    /// Since when these environments reference it.
    pub ran_in: BTreeSet<RanInNeed>,
    /// What these programs say of it.
    pub programs: Vec<Program>,
    /// Reports that the command line was given.
    pub reports: bool,
    /// What its tag names, beside the digest it is referenced by.
    pub tag: bool,
}

impl Needs {
    /// Tells whether a registry has to be asked.
    #[must_use]
    pub fn asks_registry(&self) -> bool {
        self.make || self.documents
    }

    /// Tells whether nothing has to be learnt.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How far back an environment's history is of interest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RanInNeed {
    /// The environment.
    pub environment: String,
    /// How long is long enough.
    pub at_least: jiff::SignedDuration,
}

/// A program that is asked about an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The id of the rule that asks it, `<policy>/<rule>/<id>`.
    pub rule: String,
    /// The program and its arguments; `{image}`, `{digest}`, `{destination}` and `{environment}` stand for what they say.
    pub command: Vec<String>,
    /// How long it may take.
    pub timeout: std::time::Duration,
    /// How much of what it prints is read, in bytes.
    pub most_bytes: u64,
    /// Whether what it prints is needed whole.
    pub reads_output: bool,
}

impl Program {
    /// Returns the id that its end is kept by, where it was asked about one image of an index.
    #[must_use]
    pub fn rule_on(&self, part: &Digest) -> String {
        rule_on(&self.rule, part)
    }
}

/// The id that a program's end is kept by, where it was asked about one image of an index.
pub(super) fn rule_on(rule: &str, part: &Digest) -> String {
    format!("{rule}@{part}")
}
