//! Which findings of a report VEX statements cover.

use super::Vulnerabilities;
use crate::attestation::{Claim, ImageIdentity, Verdicts, VexStatement, Vulnerability};
use crate::policy::dossier::{Exhibit, Make, What};
use crate::policy::signed_by::SignedBy;
use crate::policy::subject::Subject;

/// The statements that may cover the findings of one report: those on the whole image, and on what the report is about. For a report on
/// a whole index a finding is covered, too, where it is covered in every image of it.
pub(super) struct Covers<'e> {
    locator: String,
    own: Scope<'e>,
    parts: Vec<Scope<'e>>,
    /// All statements of those the rule names, whether they are about this image or not.
    said: Vec<&'e VexStatement>,
}

/// The statements on some of an image, and the digests they may name.
struct Scope<'e> {
    digests: Vec<String>,
    verdicts: Verdicts<'e>,
}

impl<'e> Covers<'e> {
    pub(super) fn new(
        rule: &Vulnerabilities,
        subject: &Subject<'_>,
        make: &Make,
        exhibits: &'e [Exhibit],
        about: &str,
    ) -> Self {
        let whole = subject.digest.map(ToString::to_string).unwrap_or_default();
        let scope = |about: &str| Scope::new(&rule.vex_by, exhibits, &whole, about);
        let is_whole_index = about == whole && make.is_index();
        let parts = make.images().iter().filter(|_| is_whole_index).map(|image| scope(&image.digest.to_string()));
        Self {
            locator: subject.candidate.to.locator(),
            own: scope(about),
            parts: parts.collect(),
            said: statements(exhibits.iter(), exhibits, &rule.vex_by),
        }
    }

    /// Tells whether there is a statement on a finding, covering or not.
    pub(super) fn speaks_of(&self, one: &Vulnerability) -> bool {
        let is_named = |name: &String| one.names().any(|own| own.eq_ignore_ascii_case(name));
        self.said.iter().any(|statement| statement.vulnerability.iter().any(is_named))
    }

    /// Tells whether a finding need not be looked at.
    pub(super) fn covered(&self, one: &Vulnerability) -> bool {
        let covers = |scope: &Scope<'_>| scope.covers(&self.locator, one);
        covers(&self.own) || (!self.parts.is_empty() && self.parts.iter().all(covers))
    }
}

impl<'e> Scope<'e> {
    fn new(by: &SignedBy, exhibits: &'e [Exhibit], whole: &str, about: &str) -> Self {
        // What is said of one part says nothing of another.
        let is_about = |exhibit: &&Exhibit| {
            let hangs_on = exhibit.subject.to_string();
            hangs_on == whole || hangs_on == about
        };
        let mut digests = vec![whole.to_owned(), about.to_owned()];
        digests.dedup();
        Self { digests, verdicts: Verdicts::new(statements(exhibits.iter().filter(is_about), exhibits, by)) }
    }

    fn covers(&self, locator: &str, one: &Vulnerability) -> bool {
        let identity = ImageIdentity { repository: locator, digests: &self.digests };
        self.verdicts.of(one, &identity).is_some_and(VexStatement::covers)
    }
}

/// Says why a statement cannot be read that somebody the rule names made.
pub(super) fn unreadable<'e>(exhibits: &'e [Exhibit], by: &SignedBy) -> Option<&'e str> {
    let of = |exhibit: &'e Exhibit| match &exhibit.what {
        What::Attestation(kind, claim)
            if kind.starts_with("https://openvex.dev/") || kind.starts_with("https://cyclonedx.org/") =>
        {
            match claim.as_ref() {
                Claim::Unreadable { why } => Some(why.as_str()),
                _ => None,
            }
        }
        _ => None,
    };
    exhibits.iter().filter(|exhibit| by.takes(exhibit.signers())).find_map(of)
}

/// The statements that somebody the rule names made; none where one of them cannot be read.
fn statements<'e>(
    exhibits: impl Iterator<Item = &'e Exhibit>,
    all: &'e [Exhibit],
    by: &SignedBy,
) -> Vec<&'e VexStatement> {
    if unreadable(all, by).is_some() {
        return Vec::new();
    }
    let of = |exhibit: &'e Exhibit| match &exhibit.what {
        What::Attestation(_, claim) => match claim.as_ref() {
            Claim::Vex(vex) => vex.statements.as_slice(),
            Claim::Sbom(sbom) => sbom.vex.as_ref().map(|vex| vex.statements.as_slice()).unwrap_or_default(),
            _ => &[],
        },
        _ => &[],
    };
    exhibits.filter(|exhibit| by.takes(exhibit.signers())).flat_map(of).collect()
}
