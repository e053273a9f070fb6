//! `promote-bot/report/v1`: the machine format, frozen and additive within v1.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{self, Digest, Review, Revision};

/// The format's name.
pub const SCHEMA: &str = "promote-bot/report/v1";

/// A report.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// `promote-bot/report/v1`.
    pub schema: String,
    /// What made it.
    pub tool: Tool,
    /// What was compared.
    pub change: Change,
    /// `success`, `failure`, `error` or `noop`: the worst of the environments.
    pub result: String,
    /// Where the configuration came from.
    pub config: Config,
    /// Remarks about the run as a whole.
    pub notes: Vec<String>,
    /// The environments, in promotion order.
    pub environments: Vec<Environment>,
    /// Counts.
    pub stats: Stats,
}

/// What made a report.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `promote-bot`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What was compared.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// A commit's full object id, or `empty`.
    pub base: String,
    /// A commit's full object id, `worktree` or `index`.
    pub head: String,
    /// How the range was chosen.
    pub why: String,
}

/// Where the configuration came from.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Config {
    /// Its path from the root of the repository; null when there was none.
    pub path: Option<String>,
    /// A commit's full object id, `worktree`, `index` or `empty`.
    pub revision: String,
}

/// One environment.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// `success`, `failure`, `error` or `noop`.
    pub result: String,
    /// The registry, or the part of one, that its images live in; null where none is known.
    #[serde(default)]
    pub registry: Option<String>,
    /// Whether any policy is in force for it.
    pub has_policy: bool,
    /// Its images: changed ones first.
    pub images: Vec<Image>,
    /// What is to be said, worst first.
    pub findings: Vec<Finding>,
}

/// One image of one environment.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Image {
    /// The repository without its registry.
    pub name: String,
    /// `added`, `changed`, `removed` or `unchanged`.
    pub kind: String,
    /// The reference before, as written.
    pub before: Option<String>,
    /// The reference now.
    pub to: Option<String>,
    /// Where it is copied from.
    pub from: Option<String>,
    /// The digest that was resolved.
    pub digest: Option<String>,
    /// The size of all it is made of, in bytes; null where nobody needed to look.
    pub bytes: Option<u64>,
    /// Bytes this run sent.
    pub bytes_copied: u64,
    /// Bytes this run found there already, or mounted.
    #[serde(default)]
    pub bytes_reused: u64,
    /// Its platforms, `os/architecture[/variant]`, where they were read.
    pub platforms: Vec<String>,
    /// `missing`, `present`, `copied`, `conflict`, `no-source`, `external`, `failed`, `unknown` or `removed`.
    pub state: String,
    /// Whether a rule keeps it from being promoted.
    #[serde(default)]
    pub denied: bool,
    /// What refers to it and was promoted with it.
    pub referrers: Vec<Referrer>,
    /// The texts that decided it.
    pub locations: Vec<Location>,
}

/// A manifest that refers to an image: a signature, an attestation, a bill of materials.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Referrer {
    /// Its digest.
    pub digest: String,
    /// Its artifact type.
    pub artifact_type: String,
}

/// What a rule, or the weighing of evidence, has to say.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The rule's stable id.
    pub rule: String,
    /// `error`, `warning` or `note`.
    pub severity: String,
    /// `change` where the author must act, `circumstance` where nothing could be decided and running again is safe.
    #[serde(default = "change")]
    pub cause: String,
    /// What is the matter.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// The image's name it is about.
    pub image: Option<String>,
    /// Where to look.
    pub location: Option<Location>,
    /// How many characters from there are meant; 0 when not known.
    #[serde(default)]
    pub width: usize,
    /// The line at that place.
    #[serde(default)]
    pub excerpt: Option<String>,
    /// What lets the image pass in spite of it.
    #[serde(default)]
    pub exception: Option<Exception>,
    /// Equal for the same finding in two runs.
    pub fingerprint: String,
}

/// What lets an image pass that a rule denies.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Exception {
    /// `waiver` or `break-glass`.
    pub kind: String,
    /// The waiver's id; for broken glass the rule's.
    pub id: String,
    /// Who answers for it.
    pub by: String,
    /// Why it is, and until when.
    pub reason: String,
}

/// A place in a file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Location {
    /// The path from the root of the repository.
    pub path: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
}

/// Counts of a report.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
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
    #[serde(default)]
    pub waived: usize,
    /// Findings that pass since somebody broke the glass.
    #[serde(default)]
    pub glass_broken: usize,
    /// Bytes sent to destinations.
    pub bytes_copied: u64,
    /// Bytes that were there already or mounted.
    pub bytes_reused: u64,
    /// Wall time.
    pub seconds: f64,
}

fn change() -> String {
    domain::Cause::Change.word().to_owned()
}

/// Renders a review as one JSON object, indented, with a newline at its end.
///
/// # Errors
/// Never for a review: all its keys are strings.
pub fn json(review: &Review) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(&Report::from(review))? + "\n")
}

impl From<&Review> for Report {
    fn from(review: &Review) -> Self {
        let stats = &review.stats;
        Self {
            schema: SCHEMA.to_owned(),
            tool: Tool { name: "promote-bot".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
            change: Change {
                base: review.range.base.to_string(),
                head: review.range.head.to_string(),
                why: review.range.why.clone(),
            },
            result: review.result.word().to_owned(),
            config: Config { path: review.config.path.clone(), revision: Revision::to_string(&review.config.revision) },
            notes: review.notes.clone(),
            environments: review.environments.iter().map(Environment::from).collect(),
            stats: Stats {
                changed: stats.changed,
                to_promote: stats.to_promote,
                promoted: stats.promoted,
                errors: stats.errors,
                waived: stats.waived,
                glass_broken: stats.glass_broken,
                bytes_copied: stats.bytes_copied,
                bytes_reused: stats.bytes_reused,
                seconds: (stats.seconds * 1000.0).round() / 1000.0,
            },
        }
    }
}

impl From<&domain::EnvironmentReview> for Environment {
    fn from(environment: &domain::EnvironmentReview) -> Self {
        let finding = |finding| Finding::of(&environment.name, finding);
        Self {
            name: environment.name.clone(),
            result: environment.result.word().to_owned(),
            registry: environment.registry.clone(),
            has_policy: environment.has_policy,
            images: environment.images.iter().map(Image::from).collect(),
            findings: environment.findings.iter().map(finding).collect(),
        }
    }
}

impl From<&domain::ImageReview> for Image {
    fn from(image: &domain::ImageReview) -> Self {
        Self {
            name: image.name.clone(),
            kind: image.kind.word().to_owned(),
            before: image.before.clone(),
            to: image.to.clone(),
            from: image.from.clone(),
            digest: image.digest.as_ref().map(Digest::to_string),
            bytes: image.size_bytes,
            bytes_copied: image.bytes_copied,
            bytes_reused: image.bytes_reused,
            platforms: image.platforms.clone(),
            state: image.state.word().to_owned(),
            denied: image.denied,
            referrers: image.referrers.iter().map(Referrer::from).collect(),
            locations: image.locations.iter().map(Location::from).collect(),
        }
    }
}

impl From<&domain::Referrer> for Referrer {
    fn from(referrer: &domain::Referrer) -> Self {
        Self { digest: referrer.digest.to_string(), artifact_type: referrer.artifact_type.clone() }
    }
}

/// Returns what is equal for the same finding in two runs: 32 hexadecimal digits.
pub(super) fn fingerprint(environment: &str, finding: &domain::Finding) -> String {
    let path = finding.location.as_ref().map(|location| location.path.as_str()).unwrap_or_default();
    let image = finding.image.as_deref().unwrap_or_default();
    let identity = [environment, &finding.rule, image, path, &timeless(&finding.message)].join("\0");
    Digest::of(identity.as_bytes()).hex().chars().take(32).collect()
}

/// Leaves spans of time out of a message: they differ from run to run.
fn timeless(message: &str) -> String {
    const UNITS: [&str; 8] = ["day", "days", "hour", "hours", "minute", "minutes", "second", "seconds"];
    let words: Vec<&str> = message.split(' ').collect();
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let is_unit = |word: &str| UNITS.contains(&word.trim_end_matches(|c: char| !c.is_ascii_alphabetic()));
    let is_time = |index: usize| {
        let pair = |at: usize| {
            words.get(at).is_some_and(|word| is_number(word)) && words.get(at + 1).is_some_and(|word| is_unit(word))
        };
        pair(index) || index.checked_sub(1).is_some_and(pair)
    };
    let lasting = words.iter().enumerate().filter(|(index, _)| !is_time(*index)).map(|(_, word)| *word);
    lasting.collect::<Vec<_>>().join(" ")
}

impl Finding {
    fn of(environment: &str, finding: &domain::Finding) -> Self {
        Self {
            rule: finding.rule.clone(),
            severity: finding.severity.word().to_owned(),
            cause: finding.cause.word().to_owned(),
            message: finding.message.clone(),
            help: finding.help.clone(),
            image: finding.image.clone(),
            location: finding.location.as_ref().map(Location::from),
            width: finding.width,
            excerpt: finding.excerpt.clone(),
            exception: finding.exception.as_ref().map(Exception::from),
            fingerprint: fingerprint(environment, finding),
        }
    }
}

impl From<&domain::Exception> for Exception {
    fn from(exception: &domain::Exception) -> Self {
        let domain::Exception { kind, id, by, reason } = exception.clone();
        Self { kind: kind.word().to_owned(), id, by, reason }
    }
}

impl From<&domain::Location> for Location {
    fn from(location: &domain::Location) -> Self {
        Self { path: location.path.clone(), line: location.line, column: location.column }
    }
}

/// Returns the JSON schema of a report.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(Report).to_value()
}
