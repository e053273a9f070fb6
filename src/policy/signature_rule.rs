//! The rule `signature`: whose signature an image must have.

use super::complaint::Complaint;
use super::coverage::{Coverage, coverage, garbage, some_of, told};
use super::dossier::{Exhibit, What};
use super::named::Named;
use super::rule::Ask;
use super::signed_by::SignedBy;
use super::subject::{Needs, Subject};
use crate::domain::{Candidate, ReferrerFilter, Severity};
use crate::signature::{Outcome, can_sign};
use crate::yaml::{Faults, Fields};

/// The rule's key.
pub(super) const NAME: &str = "signature";

/// What `promote-bot explain signature` prints.
pub(super) const EXPLANATION: &str = "\
signature: whose signature an image must have

A signature says that somebody who holds a key, or an identity, has named exactly this digest. Signers are declared in signers.yaml, beside
the policy:

  version: 1
  signers:
    release-key: {cosign_key: keys/release.pub}
    ci: {keyless: {issuer: \"https://token.actions.githubusercontent.com\",
                   identity: \"https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main\", trusted_root: public-good}}

  rules:
    signature:
      signed_by: [release-key]      # any one of these; any signer of signers.yaml unless given
      level: deny                   # deny | warn | off

Both of cosign's formats are read, by key and keyless: bundles that refer to the image, and tags sha256-….sig. An image for several platforms
needs the signature on its index, which covers every part. An attestation is no signature, whoever made it. Notation is not supported, and
said to be. What stands in the way is told apart: absent, by somebody else, broken, for another image, in a format that is not supported.

To fix a finding:  cosign sign --key release.key REPOSITORY@DIGEST
After a copy the signature is verified again at the destination: `referrers` of the environment has to let it go along.
";

/// Whose signature an image must have.
#[derive(Debug, Clone)]
pub(super) struct Signed {
    by: SignedBy,
}

impl Signed {
    pub(super) fn read(fields: &mut Fields<'_>, faults: &Faults) -> Self {
        let by = SignedBy::read(fields, "signed_by");
        if let Some(node) = fields.optional("signed_by").filter(|_| by.is_nobody()) {
            faults.push(node, "`signed_by` names nobody");
        }
        Self { by }
    }

    fn counts(&self, exhibit: &Exhibit) -> bool {
        matches!(exhibit.what, What::Signature) && self.by.takes(exhibit.signers())
    }

    fn complain(&self, subject: &Subject<'_>, exhibits: &[Exhibit], coverage: &Coverage) -> Complaint {
        let name = subject.candidate.to.repository();
        let help = format!("have it signed by {}: cosign sign --key KEY {}", self.by.told(), subject.at_source());
        let own = |exhibit: &&Exhibit| subject.digest == Some(&exhibit.subject);
        let signatures = exhibits.iter().filter(own).filter(|exhibit| {
            matches!(exhibit.what, What::Signature)
                || matches!((&exhibit.what, &exhibit.outcome), (What::Unknown, outcome) if *outcome != Outcome::NotSigned)
        });
        let others = told(signatures, "a signature");
        let attested: Vec<&Exhibit> = exhibits
            .iter()
            .filter(|exhibit| matches!(exhibit.what, What::Attestation(..)) && self.by.takes(exhibit.signers()))
            .collect();
        let message = if !others.is_empty() {
            format!("{name} has no signature by {}; it has {}", self.by.told(), some_of(&others, 4))
        } else if !matches!(coverage, Coverage::None) {
            format!("{name} is not signed: images of its index are, the index itself is not")
        } else if !attested.is_empty() {
            format!("{name} is not signed: an attestation by {} is no signature", attested[0].signers().join(" and "))
        } else {
            format!("{name} is not signed: it has no signature at all")
        };
        Complaint::new(subject.candidate, message, help)
    }
}

/// Complains of a signature that is not copied along. A narrowed index has another digest, and none that could be.
fn left_behind(candidate: &Candidate) -> Option<Complaint> {
    let options = &candidate.copy;
    candidate.from.as_ref().filter(|_| options.platforms.is_empty())?;
    let (name, environment) = (candidate.to.repository(), &candidate.environment);
    match &options.referrers {
        ReferrerFilter::Types(types) if !types.iter().any(|one| can_sign(one)) => Some(Complaint::new(
            candidate,
            format!(
                "the signature of {name} would not arrive: `referrers` of {environment} names no type of signatures"
            ),
            format!(
                "add application/vnd.dev.sigstore.bundle.v0.3+json to `referrers` of {environment}, and for cosign's old format \
                 application/vnd.dev.cosign.simplesigning.v1+json"
            ),
        )),
        ReferrerFilter::None => {
            let message = format!("the signature of {name} stays behind, unproved: `referrers: none` of {environment}");
            let help = format!("leave `referrers` out, so that {environment} can verify what it runs");
            Some(Complaint { most: Severity::Warning, ..Complaint::new(candidate, message, help) })
        }
        ReferrerFilter::All | ReferrerFilter::Types(_) => None,
    }
}

impl Ask for Signed {
    fn needs(&self, needs: &mut Needs) {
        (needs.documents, needs.make) = (true, true);
    }

    fn judge(&self, subject: &Subject<'_>) -> Vec<Complaint> {
        let exhibits = match subject.exhibits() {
            Ok(exhibits) => exhibits,
            Err(complaint) => return vec![*complaint],
        };
        match coverage(subject, exhibits, |exhibit| self.counts(exhibit)) {
            Coverage::Whole => garbage(subject, exhibits).into_iter().chain(left_behind(subject.candidate)).collect(),
            other => vec![self.complain(subject, exhibits, &other)],
        }
    }

    fn grounds(&self, subject: &Subject<'_>) -> String {
        let exhibits = subject.exhibits().unwrap_or_default();
        let signers = exhibits.iter().filter(|exhibit| self.counts(exhibit)).flat_map(|exhibit| exhibit.signers());
        let mut signers: Vec<&str> = signers.map(String::as_str).collect();
        signers.sort_unstable();
        signers.dedup();
        format!("signed by {}", signers.join(" and "))
    }

    fn signers(&self) -> Option<Vec<&Named>> {
        Some(self.by.names())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{candidate, complaints, digest, exhibit, index_of};
    use super::*;

    fn judged(exhibits: Vec<Exhibit>) -> Vec<(String, Severity)> {
        let one = candidate("prod.example/shop/api:1", None);
        let found = complaints("signature: {signed_by: [release-key]}", &one, |given| {
            given.digest = Some(digest());
            given.dossier.exhibits = Some(Ok(exhibits));
            given.dossier.make = Some(Ok(index_of(&["linux/amd64", "linux/arm64"])));
        });
        found.into_iter().map(|complaint| (complaint.message, complaint.most)).collect()
    }

    fn verified(by: &str) -> Outcome {
        Outcome::Verified { by: vec![by.to_owned()] }
    }

    fn only(exhibits: Vec<Exhibit>) -> String {
        let mut found = judged(exhibits);
        assert_eq!((found.len(), found[0].1), (1, Severity::Error), "{found:?}");
        found.remove(0).0
    }

    #[test]
    fn one_good_signature_is_enough_and_garbage_is_told() {
        assert!(judged(vec![exhibit(What::Signature, verified("release-key"))]).is_empty());
        let broken = exhibit(What::Unknown, Outcome::Broken { why: "it is not JSON".to_owned() });
        let found = judged(vec![broken, exhibit(What::Signature, verified("release-key"))]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1, Severity::Note);
        assert!(found[0].0.contains("it is not JSON"), "{found:?}");
    }

    #[test]
    fn a_signature_that_would_not_arrive_is_told_before_the_copy() {
        let judged = |referrers: ReferrerFilter| {
            let mut one = candidate("prod.example/shop/api:1", None);
            one.from = Some("dev.example/shop/api:1".parse().unwrap());
            one.copy.referrers = referrers;
            let found = complaints("signature: {}", &one, |given| {
                given.digest = Some(digest());
                given.dossier.exhibits = Some(Ok(vec![exhibit(What::Signature, verified("release-key"))]));
                given.dossier.make = Some(Ok(index_of(&["linux/amd64"])));
            });
            found.into_iter().map(|complaint| (complaint.most, complaint.message)).collect::<Vec<_>>()
        };
        let types = |one: &str| ReferrerFilter::Types(vec![one.to_owned()]);
        assert!(judged(ReferrerFilter::All).is_empty());
        assert!(judged(types("application/vnd.dev.sigstore.bundle.v0.3+json")).is_empty());
        assert_eq!(
            judged(types("application/spdx+json")),
            [(
                Severity::Error,
                "the signature of shop/api would not arrive: `referrers` of production names no type of signatures"
                    .to_owned()
            )]
        );
        assert_eq!(
            judged(ReferrerFilter::None),
            [(
                Severity::Warning,
                "the signature of shop/api stays behind, unproved: `referrers: none` of production".to_owned()
            )]
        );
    }

    #[test]
    fn every_way_to_lack_it_has_its_own_words() {
        for (outcome, words) in [
            (verified("somebody"), "a signature by somebody, whom the rule does not name"),
            (Outcome::SomebodyElse { who: "key x".to_owned() }, "a signature by somebody else (key x)"),
            (Outcome::Broken { why: "cut".to_owned() }, "a signature that is broken (cut)"),
            (Outcome::AnotherImage { whom: "sha256:1".to_owned() }, "a signature for another image (sha256:1)"),
            (
                Outcome::Unsupported { format: "COSE".to_owned() },
                "a signature in a format that is not supported (COSE)",
            ),
        ] {
            let told = only(vec![exhibit(What::Signature, outcome)]);
            assert_eq!(told, format!("shop/api has no signature by release-key; it has {words}"));
        }
        assert_eq!(only(Vec::new()), "shop/api is not signed: it has no signature at all");
    }

    #[test]
    fn an_attestation_is_no_signature() {
        let what =
            What::Attestation("https://slsa.dev/provenance/v1".to_owned(), Box::new(crate::attestation::Claim::Other));
        assert_eq!(
            only(vec![exhibit(what, verified("release-key"))]),
            "shop/api is not signed: an attestation by release-key is no signature"
        );
    }

    #[test]
    fn a_signed_part_does_not_stand_for_the_index() {
        let part = index_of(&["linux/amd64", "linux/arm64"]).images()[0].digest.clone();
        let one = Exhibit { subject: part, ..exhibit(What::Signature, verified("release-key")) };
        assert_eq!(only(vec![one]), "shop/api is not signed: images of its index are, the index itself is not");
    }

    #[test]
    fn evidence_that_is_missing_is_a_no() {
        let one = candidate("prod.example/shop/api:1", None);
        assert_eq!(complaints("signature: {}", &one, |_| ())[0].cause, crate::domain::Cause::Circumstance);
    }
}
