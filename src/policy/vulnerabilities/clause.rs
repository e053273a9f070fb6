//! What of a scanner's findings is not allowed.

use jiff::{SignedDuration, Timestamp};

use crate::attestation::{Severity, Vulnerability};
use crate::policy::span::{read_span, told};
use crate::yaml::{Faults, Fields, Node};

/// What of a scanner's findings is not allowed: all that is said must be so.
#[derive(Debug, Clone)]
pub(super) struct Clause {
    severity: Severity,
    known_for: Option<SignedDuration>,
    fixable: Option<bool>,
    since_fix: bool,
}

impl Clause {
    pub(super) fn read(node: &Node, faults: &Faults) -> Option<Self> {
        let mut fields = Fields::of(node, "an entry of `deny`", faults)?;
        let word = fields.required_string("severity");
        let severity = word.map(Severity::read);
        if let (Some(Severity::Unknown), Some(node)) = (severity, fields.optional("severity"))
            && word != Some("unknown")
        {
            faults.push(node, "`severity` must be one of: critical, high, medium, low, negligible, unknown");
        }
        let known_for = read_span(&mut fields, "known_for", faults);
        let fixable = fields.bool("fixable");
        let since = fields.non_empty_string("since");
        let since_node = fields.optional("since");
        fields.finish();
        if let (Some(text), Some(node)) = (since, since_node)
            && !matches!(text, "published" | "fix_available")
        {
            faults.push(node, "`since` must be `published` or `fix_available`");
        }
        Some(Self { severity: severity?, known_for, fixable, since_fix: since == Some("fix_available") })
    }

    /// Tells whether it is about a finding. What has no date counts as old; what has no rating, where `unrated_counts`, as bad.
    pub(super) fn is_about(&self, one: &Vulnerability, unrated_counts: bool, now: Timestamp) -> bool {
        let is_bad = one.severity >= self.severity || (unrated_counts && one.severity == Severity::Unknown);
        let has_fix = self.fixable.is_none_or(|wanted| wanted == one.fixed_in.is_some());
        let is_old = match (self.known_for, self.since(one)) {
            (Some(known_for), Some(since)) => now.duration_since(since) >= known_for,
            (Some(_), None) | (None, _) => true,
        };
        is_bad && has_fix && is_old
    }

    fn since(&self, one: &Vulnerability) -> Option<Timestamp> {
        if self.since_fix { one.fix_available } else { one.published }
    }

    /// Says a finding for people, after `has`.
    pub(super) fn told(&self, one: &Vulnerability, now: Timestamp) -> String {
        let package = format!("{} {}", one.package, one.version);
        let since = match (self.since(one), self.since_fix) {
            (Some(since), true) => format!(", its fix known for {}", told(now.duration_since(since))),
            (Some(since), false) => format!(", known for {}", told(now.duration_since(since))),
            (None, _) => ", known since nobody says when".to_owned(),
        };
        let fix = one.fixed_in.as_ref().map_or_else(|| ", without a fix".to_owned(), |fix| format!(", fixed in {fix}"));
        let severity = match one.severity {
            Severity::Unknown => "unrated".to_owned(),
            rated => rated.to_string(),
        };
        format!("{} ({severity}) in {}{since}{fix}", one.id, package.trim())
    }
}
