//! The settings of each rule.

use schemars::JsonSchema;

use super::OneOrMany;

/// What a tag may be.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) struct TagRule {
    /// Tags that are never allowed.
    forbid: Option<OneOrMany>,
    /// A range of versions the tag must be in, with or without a leading v.
    semver: Option<String>,
    /// Whether a pre-release counts as a version; false unless given.
    allow_prerelease: Option<bool>,
    /// A regular expression the tag must match.
    pattern: Option<String>,
    /// What a lower version than the one it replaces is; allowed unless given.
    downgrade: Option<Downgrade>,
    /// What a no weighs; deny unless given.
    level: Option<RuleLevel>,
}

/// The overlay names a digest.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) struct DigestRule {
    /// Whether it must.
    pinned: bool,
    /// What a no weighs; deny unless given.
    level: Option<RuleLevel>,
}

/// Which registries an image may come from.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) struct SourceRule {
    /// Prefixes `host[:port][/path]`.
    registries: OneOrMany,
    /// What a no weighs; deny unless given.
    level: Option<RuleLevel>,
}

/// Whose signature an image must have.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) struct SignatureRule {
    /// Whose signature counts, any one of them; any signer of signers.yaml unless given.
    signed_by: Option<OneOrMany>,
    /// What a no weighs; deny unless given.
    level: Option<RuleLevel>,
}

/// Where an image must have been built from.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) struct ProvenanceRule {
    /// Whose signature counts, any one of them; any signer of signers.yaml unless given.
    signed_by: Option<OneOrMany>,
    /// The repositories it may be built from; any unless given.
    repository: Option<OneOrMany>,
    /// Patterns of references; any but those of pull requests unless given.
    refs: Option<OneOrMany>,
    /// Patterns of builders' ids; any unless given.
    builders: Option<OneOrMany>,
    /// What a no weighs; deny unless given.
    level: Option<RuleLevel>,
}

/// What a scanner may have found in an image.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) struct VulnerabilitiesRule {
    /// How old a report may be; any age unless given.
    scan_no_older_than: Option<String>,
    /// What is not allowed.
    deny: Option<Vec<VulnerabilityClause>>,
    /// Whose signature counts, any one of them; any signer of signers.yaml unless given.
    signed_by: Option<OneOrMany>,
    /// Whose VEX statements count; nobody's unless given.
    vex_by: Option<OneOrMany>,
    /// Where reports are taken from: attestation, file; attestation unless given.
    reports: Option<OneOrMany>,
    /// A scanner that is run.
    scanner: Option<Scanner>,
    /// What a finding without a rating is; denied as the worst unless given.
    unrated: Option<Unrated>,
    /// What a no weighs; deny unless given.
    level: Option<RuleLevel>,
}

/// Findings that are not allowed: all that is said must be so.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) struct VulnerabilityClause {
    /// critical, high, medium, low, negligible or unknown: this and all above.
    severity: String,
    /// A time of grace.
    known_for: Option<String>,
    /// Whether there is a fix; either unless given.
    fixable: Option<bool>,
    /// What the time of grace begins with: published, or fix_available.
    since: Option<String>,
}

/// A scanner that is run, and prints Trivy's or Grype's JSON.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) struct Scanner {
    /// The program and its arguments; no shell reads it.
    command: Vec<String>,
    /// How long it may take, 10m at most.
    timeout: Option<String>,
}

/// An image must have a list of what it is made of.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) struct SbomRule {
    /// Any one of: spdx, cyclonedx; either unless given.
    formats: Option<OneOrMany>,
    /// Whose signature counts, any one of them; any signer of signers.yaml unless given.
    signed_by: Option<OneOrMany>,
    /// What a no weighs; deny unless given.
    level: Option<RuleLevel>,
}

/// An image must have been in another environment before.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) struct RanInRule {
    /// The environment.
    environment: String,
    /// For how long; now is enough unless given.
    at_least: Option<String>,
    /// Whose time is believed: any, or forge; any unless given.
    clock: Option<String>,
    /// What a no weighs; deny unless given.
    level: Option<RuleLevel>,
}

/// What an image must run on: all of these.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) enum PlatformsRule {
    List(Vec<String>),
    Rule(PlatformsEntry),
}

/// What an image must run on.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) struct PlatformsEntry {
    /// The platforms, `os/architecture[/variant]`.
    all_of: OneOrMany,
    /// What a no weighs; deny unless given.
    level: Option<RuleLevel>,
}

/// How old an image must be, and may be.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) struct AgeRule {
    /// The least.
    at_least: Option<String>,
    /// The most.
    at_most: Option<String>,
    /// What a no weighs; deny unless given.
    level: Option<RuleLevel>,
}

/// When nothing is promoted.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) struct FreezeRule {
    /// The times.
    windows: Vec<FreezeWindow>,
    /// What a no weighs; deny unless given.
    level: Option<RuleLevel>,
}

/// A time when nothing is promoted: from and to, or cron.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) struct FreezeWindow {
    /// The first day, or instant.
    from: Option<String>,
    /// The last day, or the instant after.
    to: Option<String>,
    /// A pattern of five fields; every minute it fits.
    cron: Option<String>,
    /// An IANA time zone; UTC unless given.
    zone: Option<String>,
    /// Why.
    reason: Option<String>,
}

/// What a program says of an image.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) struct ExecRule {
    /// The last part of the rule's id.
    id: String,
    /// The program and its arguments; no shell reads it.
    command: Vec<String>,
    /// How long it may take, 10m at most.
    timeout: Option<String>,
    /// What a no weighs; deny unless given.
    level: Option<RuleLevel>,
}

/// What an expression says of an image.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) struct ExprRule {
    /// The last part of the rule's id.
    id: String,
    /// The expression, which must be true.
    check: String,
    /// What is said when it is not.
    message: Option<String>,
    /// What a no weighs; deny unless given.
    level: Option<RuleLevel>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) enum Unrated {
    Deny,
    Allow,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) enum Downgrade {
    Allow,
    Warn,
    Deny,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) enum RuleLevel {
    Deny,
    Warn,
    Off,
}
