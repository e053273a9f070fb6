//! The rule `sbom`: an image must have a list of what it is made of.

use super::complaint::Complaint;
use super::coverage::{Coverage, coverage, some_of, told};
use super::dossier::{Exhibit, What};
use super::named::Named;
use super::rule::Ask;
use super::signed_by::SignedBy;
use super::subject::{Needs, Subject};
use crate::attestation::{Claim, SbomFormat};
use crate::yaml::{Faults, Fields};

/// The rule's key.
pub(super) const NAME: &str = "sbom";

/// What `promote-bot explain sbom` prints.
pub(super) const EXPLANATION: &str = "\
sbom: an image must have a list of what it is made of

A bill of materials tells, on the day a vulnerability is known, which images have the package. It counts as a signed attestation on the image, or
on every image of an index.

  rules:
    sbom:
      formats: [spdx, cyclonedx]    # any one of these; either unless given
      signed_by: [release-key]      # any one of these; any signer of signers.yaml unless given
      level: deny                   # deny | warn | off

A list that nobody signed does not count; whether it is complete nobody can tell. To fix a finding:
  cosign attest --key release.key --type spdxjson --predicate sbom.spdx.json REPOSITORY@DIGEST
";

/// An image must have a list of what it is made of.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    formats: Vec<SbomFormat>,
    by: SignedBy,
}

impl Listed {
    pub(super) fn read(fields: &mut Fields<'_>, faults: &Faults) -> Option<Self> {
        let given = fields.strings("formats");
        let is_given = fields.optional("formats").is_some();
        let by = SignedBy::read(fields, "signed_by");
        let mut formats = Vec::new();
        for (node, text) in given {
            match text {
                "spdx" => formats.push(SbomFormat::Spdx),
                "cyclonedx" => formats.push(SbomFormat::CycloneDx),
                _ => faults.push(node, format!("`{text}` is no format of a bill of materials: spdx, cyclonedx")),
            }
        }
        if let Some(node) = fields.optional("formats").filter(|node| node.as_sequence().is_some_and(<[_]>::is_empty)) {
            faults.push(node, "`formats` names nothing");
        }
        match (formats.is_empty(), is_given) {
            (true, true) => None,
            (true, false) => Some(Self { formats: vec![SbomFormat::Spdx, SbomFormat::CycloneDx], by }),
            (false, _) => Some(Self { formats, by }),
        }
    }

    fn counts(&self, exhibit: &Exhibit) -> bool {
        let is_list = match &exhibit.what {
            What::Attestation(_, claim) => match claim.as_ref() {
                Claim::Sbom(sbom) => self.formats.contains(&sbom.format),
                _ => false,
            },
            _ => false,
        };
        is_list && self.by.takes(exhibit.signers())
    }

    fn told_formats(&self) -> String {
        self.formats.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
    }
}

/// Tells whether a predicate type is a bill's.
fn is_bill(predicate_type: &str) -> bool {
    predicate_type.starts_with("https://spdx.dev/Document") || predicate_type.starts_with("https://cyclonedx.org/bom")
}

impl Ask for Listed {
    fn needs(&self, needs: &mut Needs) {
        (needs.documents, needs.make) = (true, true);
    }

    fn judge(&self, subject: &Subject<'_>) -> Vec<Complaint> {
        let exhibits = match subject.exhibits() {
            Ok(exhibits) => exhibits,
            Err(complaint) => return vec![*complaint],
        };
        let (name, wanted) = (subject.candidate.to.repository(), self.told_formats());
        let message = match coverage(subject, exhibits, |exhibit| self.counts(exhibit)) {
            coverage if coverage.is_complete() => return Vec::new(),
            Coverage::Some(lacking) => {
                format!("{name} has a bill of materials ({wanted}) for a part only: {} lacks it", lacking.join(" and "))
            }
            _ => {
                let mut others: Vec<String> = exhibits.iter().filter_map(unreadable).collect();
                let bills = exhibits.iter().filter(|exhibit| {
                    matches!(&exhibit.what, What::Attestation(kind, claim) if is_bill(kind) && !matches!(claim.as_ref(), Claim::Unreadable { .. }))
                });
                others.extend(told(bills, "one"));
                match others.is_empty() {
                    true => format!("{name} has no signed bill of materials ({wanted})"),
                    false => format!(
                        "{name} has no bill of materials ({wanted}) by {}; it has {}",
                        self.by.told(),
                        some_of(&others, 3)
                    ),
                }
            }
        };
        let kind = if self.formats.contains(&SbomFormat::Spdx) { "spdxjson" } else { "cyclonedx" };
        let help = format!(
            "have one attested by {}: cosign attest --key KEY --type {kind} --predicate FILE {}",
            self.by.told(),
            subject.at_source()
        );
        vec![Complaint::new(subject.candidate, message, help)]
    }

    fn grounds(&self, subject: &Subject<'_>) -> String {
        let exhibits = subject.exhibits().unwrap_or_default();
        let first = exhibits.iter().find(|exhibit| self.counts(exhibit));
        let by = first.map(|exhibit| exhibit.signers().join(" and ")).unwrap_or_default();
        format!("it has a bill of materials ({}) by {by}", self.told_formats())
    }

    fn signers(&self) -> Option<Vec<&Named>> {
        Some(self.by.names())
    }
}

/// Says why a believed bill cannot be read.
fn unreadable(exhibit: &Exhibit) -> Option<String> {
    match &exhibit.what {
        What::Attestation(kind, claim) if is_bill(kind) => match claim.as_ref() {
            Claim::Unreadable { why } => Some(format!("one that cannot be read ({why})")),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{candidate, complaints, digest, exhibit, index_of};
    use super::*;
    use crate::attestation::Sbom;
    use crate::signature::Outcome;

    fn bill(format: SbomFormat, by: &str) -> Exhibit {
        let kind = match format {
            SbomFormat::Spdx => "https://spdx.dev/Document",
            SbomFormat::CycloneDx => "https://cyclonedx.org/bom",
        };
        let claim = Claim::Sbom(Sbom { format, version: None, components: 3, vex: None });
        exhibit(What::Attestation(kind.to_owned(), Box::new(claim)), Outcome::Verified { by: vec![by.to_owned()] })
    }

    fn messages(rule: &str, exhibits: Vec<Exhibit>) -> Vec<String> {
        let one = candidate("prod.example/shop/api:1", None);
        let found = complaints(&format!("sbom: {rule}"), &one, |given| {
            given.digest = Some(digest());
            given.dossier.exhibits = Some(Ok(exhibits));
            given.dossier.make = Some(Ok(index_of(&["linux/amd64", "linux/arm64"])));
        });
        found.into_iter().map(|complaint| complaint.message).collect()
    }

    #[test]
    fn a_bill_of_a_wanted_format_by_a_named_signer_counts() {
        assert!(messages("{formats: [spdx], signed_by: [ci]}", vec![bill(SbomFormat::Spdx, "ci")]).is_empty());
        assert!(messages("{}", vec![bill(SbomFormat::CycloneDx, "ci")]).is_empty());
        assert_eq!(
            messages("{formats: [spdx], signed_by: [ci]}", vec![bill(SbomFormat::Spdx, "b")]),
            ["shop/api has no bill of materials (spdx) by ci; it has one by b, whom the rule does not name"]
        );
        assert_eq!(messages("{}", Vec::new()), ["shop/api has no signed bill of materials (spdx or cyclonedx)"]);
    }

    #[test]
    fn every_image_of_an_index_may_have_its_own() {
        let parts = index_of(&["linux/amd64", "linux/arm64"]);
        let on =
            |index: usize| Exhibit { subject: parts.images()[index].digest.clone(), ..bill(SbomFormat::Spdx, "ci") };
        assert!(messages("{}", vec![on(0), on(1)]).is_empty());
        assert_eq!(
            messages("{}", vec![on(1)]),
            ["shop/api has a bill of materials (spdx or cyclonedx) for a part only: linux/amd64 lacks it"]
        );
    }
}
