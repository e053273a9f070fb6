//! The review: the one record every report is made from.

use super::change::ChangeKind;
use super::digest::Digest;
use super::finding::{ExceptionKind, Finding};
use super::location::Location;
use super::outcome::State;
use super::referrer::Referrer;
use super::revision::Revision;

/// How a review, or one environment of it, ended; of two, the greater speaks for both. A clear no outweighs what could not be
/// decided: running again would not change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReviewResult {
    /// Nothing to do.
    Noop,
    /// All allowed, or promoted and proved.
    Success,
    /// It could not be decided or finished; safe to run again.
    Error,
    /// The verdict is no.
    Failure,
}

impl ReviewResult {
    /// Returns the word reports use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Noop => "noop",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
        }
    }
}

/// The two revisions that were compared, and why these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The older side.
    pub base: Revision,
    /// The newer side.
    pub head: Revision,
    /// The tip of the branch the change goes into, as far as it is known: where rules come from in CI. Newer than `base` when
    /// the change branched off a while ago.
    pub target: Revision,
    /// How the range was chosen, for people.
    pub why: String,
}

/// Where the configuration was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigUsed {
    /// Its path; none when environments were taken from `overlays/<environment>`.
    pub path: Option<String>,
    /// The revision it was read from.
    pub revision: Revision,
}

/// One image of one environment, as reports show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageReview {
    /// The repository without its registry.
    pub name: String,
    /// What happened to it.
    pub kind: ChangeKind,
    /// The reference before, as written.
    pub before: Option<String>,
    /// The reference now.
    pub to: Option<String>,
    /// Where it is copied from.
    pub from: Option<String>,
    /// The digest that was resolved.
    pub digest: Option<Digest>,
    /// The size of all it is made of, in bytes, where that was read.
    pub size_bytes: Option<u64>,
    /// How many bytes this run sent.
    pub bytes_copied: u64,
    /// How many bytes this run found already there or mounted.
    pub bytes_reused: u64,
    /// Its platforms, where they were read.
    pub platforms: Vec<String>,
    /// What was promoted with it.
    pub referrers: Vec<Referrer>,
    /// How it stands.
    pub state: State,
    /// Whether a rule keeps it from being promoted.
    pub denied: bool,
    /// The texts that decided it.
    pub locations: Vec<Location>,
}

/// One environment's part of a review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentReview {
    /// The environment's name.
    pub name: String,
    /// The registry prefix its images live under, for people.
    pub registry: Option<String>,
    /// Whether any policy names this environment.
    pub has_policy: bool,
    /// How it ended.
    pub result: ReviewResult,
    /// Its images: changed ones first, by name.
    pub images: Vec<ImageReview>,
    /// What is to be said about them, worst first.
    pub findings: Vec<Finding>,
}

impl EnvironmentReview {
    /// Counts the findings that pass by exceptions of a kind.
    #[must_use]
    pub fn exceptions(&self, kind: ExceptionKind) -> usize {
        self.findings.iter().filter(|f| f.exception.as_ref().is_some_and(|exception| exception.kind == kind)).count()
    }
}

/// Counts of a whole review.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stats {
    /// Images that came, moved or went.
    pub changed: usize,
    /// Images that are missing at their destination and may go.
    pub to_promote: usize,
    /// Images this run copied.
    pub promoted: usize,
    /// Findings of severity error.
    pub errors: usize,
    /// Findings that a waiver lets pass.
    pub waived: usize,
    /// Findings that pass since somebody broke the glass.
    pub glass_broken: usize,
    /// Bytes sent to destinations.
    pub bytes_copied: u64,
    /// Bytes that were there already or mounted.
    pub bytes_reused: u64,
    /// Wall time.
    pub seconds: f64,
}

/// Everything one run learnt and did for one range of revisions.
#[derive(Debug, Clone, PartialEq)]
pub struct Review {
    /// What was compared.
    pub range: Range,
    /// Where the configuration came from.
    pub config: ConfigUsed,
    /// Remarks about the run as a whole: a configuration changed by the change itself, an offline run.
    pub notes: Vec<String>,
    /// The environments in promotion order.
    pub environments: Vec<EnvironmentReview>,
    /// How it ended: the worst of its environments.
    pub result: ReviewResult,
    /// Counts.
    pub stats: Stats,
}
