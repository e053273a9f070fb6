//! The promotion record: a statement on what was judged, by what, and that it passed
//! (<https://slsa.dev/spec/v1.0/verification_summary>).

use serde_json::{Value, json};

use super::approved::Verdict;
use super::dossier::Dossier;
use super::judge::{InForce, digest_of};
use crate::attestation::VERIFICATION_SUMMARY;
use crate::domain::{Digest, ExceptionKind, Settled, Step};

/// What a promotion record says beside the step itself.
#[derive(Debug, Clone, Copy)]
pub struct Promotion<'a> {
    /// When it was judged, RFC 3339.
    pub at: &'a str,
    /// Who ran it.
    pub by: &'a str,
    /// The revisions that were compared.
    pub base: &'a str,
    /// The newer of them.
    pub head: &'a str,
    /// The revision the policies are of.
    pub policy_revision: &'a str,
}

/// Returns the digest of all that judges an environment: two records with the same one were judged by the same rules.
#[must_use]
pub fn policy_digest(set: &InForce) -> Digest {
    let lines: Vec<String> = set.files.iter().map(|(path, digest)| format!("{digest} {path}\n")).collect();
    Digest::of(lines.concat().as_bytes())
}

/// Makes the statement on a promoted step, an in-toto statement as JSON.
#[must_use]
pub fn statement(
    step: &Step,
    set: &InForce,
    dossier: &Dossier,
    verdicts: &[&Verdict],
    promotion: &Promotion<'_>,
) -> Value {
    let candidate = &step.candidate;
    let evidence_at = candidate.from.as_ref().unwrap_or(&candidate.to);
    let exhibits = dossier.exhibits.as_ref().and_then(|exhibits| exhibits.as_ref().ok());
    let inputs: Vec<Value> = exhibits
        .into_iter()
        .flatten()
        .filter(|exhibit| !exhibit.signers().is_empty())
        .map(|exhibit| json!({"uri": format!("oci://{}", evidence_at.locator()), "digest": of_digest(&exhibit.manifest)}))
        .collect();
    let exceptions = |kind: ExceptionKind| -> Vec<Value> {
        let all = verdicts
            .iter()
            .filter_map(|verdict| verdict.finding.exception.as_ref().map(|e| (&verdict.finding.rule, e)));
        all.filter(|(_, exception)| exception.kind == kind)
            .map(|(rule, exception)| json!({"rule": rule, "id": exception.id, "by": exception.by, "reason": exception.reason}))
            .collect()
    };
    let policies: Vec<&str> = set.policies.iter().map(|policy| policy.name.as_str()).collect();
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": candidate.to.locator(), "digest": of_digest(&step.digest)}],
        "predicateType": VERIFICATION_SUMMARY,
        "predicate": {
            "verifier": {"id": env!("CARGO_PKG_REPOSITORY"), "version": {"promote-bot": env!("CARGO_PKG_VERSION")}},
            "timeVerified": promotion.at,
            "resourceUri": format!("oci://{}@{}", candidate.to.locator(), step.digest),
            "policy": {"uri": format!("git+{}", promotion.policy_revision), "digest": of_digest(&policy_digest(set))},
            "inputAttestations": inputs,
            "verificationResult": "PASSED",
            "verifiedLevels": ["SLSA_BUILD_LEVEL_UNEVALUATED"],
            "slsaVersion": "1.0",
            "promotion": {
                "environment": candidate.environment,
                "image": candidate.to.to_string(),
                "from": candidate.from.as_ref().map(ToString::to_string),
                "by": promotion.by,
                "change": {"base": promotion.base, "head": promotion.head},
                "policies": policies,
                "waivers": exceptions(ExceptionKind::Waiver),
                "glassBroken": exceptions(ExceptionKind::BreakGlass),
                "judged": digest_of(&Settled::Step(step.clone())).map(ToString::to_string),
            },
        },
    })
}

/// Tells whether two records' predicates say the same of a promotion: the same image and environment, the same rules, the same
/// exceptions. Who ran it, and when, makes no other record.
#[must_use]
pub fn is_same_record(there: &Value, ours: &Value) -> bool {
    let parts = [
        "/policy/digest",
        "/verificationResult",
        "/promotion/environment",
        "/promotion/image",
        "/promotion/waivers",
        "/promotion/glassBroken",
    ];
    parts.into_iter().all(|part| there.pointer(part).is_some() && there.pointer(part) == ours.pointer(part))
}

fn of_digest(digest: &Digest) -> Value {
    json!({digest.algorithm().name(): digest.hex()})
}

#[cfg(test)]
mod tests {
    use super::super::complaint::Complaint;
    use super::super::testing::{candidate, digest, policy};
    use super::*;
    use crate::domain::{Exception, Expected, Finding};

    fn step() -> Step {
        Step {
            candidate: candidate("prod.example/shop/api:1", None),
            digest: digest().clone(),
            expected: Expected::Absent,
            present: false,
            content: None,
            after: None,
        }
    }

    #[test]
    fn a_record_says_what_where_by_which_rules_and_which_exceptions() {
        let files = vec![("policies/p.yaml".to_owned(), Digest::of(b"text"))];
        let set = InForce { policies: vec![policy("tag: {forbid: x}")], files, ..InForce::default() };
        let mut finding: Finding = Complaint::new(&step().candidate, "m", "h").into_finding("p/tag", &step().candidate);
        finding.exception = Some(Exception {
            kind: ExceptionKind::Waiver,
            id: "w1".to_owned(),
            by: "ann".to_owned(),
            reason: "why".to_owned(),
        });
        let verdict = Verdict { step: 0, finding };
        let promotion = Promotion { at: "2026-11-27T12:00:00Z", by: "ci", base: "b", head: "h", policy_revision: "r" };
        let statement = statement(&step(), &set, &Dossier::default(), &[&verdict], &promotion);
        assert_eq!(statement["subject"][0]["digest"]["sha256"], digest().hex());
        let predicate = &statement["predicate"];
        assert_eq!(predicate["verificationResult"], "PASSED");
        assert_eq!(predicate["promotion"]["waivers"][0]["id"], "w1");
        assert_eq!(predicate["promotion"]["glassBroken"], json!([]));
        assert!(is_same_record(predicate, predicate));
        let changes = [
            ("/promotion/environment", json!("staging")),
            ("/promotion/waivers", json!([])),
            ("/policy/digest", json!({})),
        ];
        for (pointer, other) in changes {
            let mut changed = predicate.clone();
            *changed.pointer_mut(pointer).unwrap() = other;
            assert!(!is_same_record(&changed, predicate), "{pointer}");
        }
        assert!(!is_same_record(&json!({}), predicate));
    }
}
