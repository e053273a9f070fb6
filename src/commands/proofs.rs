//! After the copy: the signature is verified again where the image went, and the promotion is recorded there.

use std::collections::BTreeMap;

use super::error::Error;
use super::evidence::gap;
use super::judge::{Inputs, Judged};
use super::settings::secret_of;
use super::workspace::Workspace;
use crate::attestation::VERIFICATION_SUMMARY;
use crate::domain::{Cause, Finding, Outcome, ReferrerFilter, Severity, Step};
use crate::policy::{self, Approved, Dossier, Facts, InForce, Make, Promotion, Verdict};
use crate::registry::Registries;
use crate::signature::{Content, InvalidKey, Means, Outcome as Proved, Signer, SigningKey, examine};

/// The name of our own key among signers.
const OURS: &str = "promote-bot";

/// Reads the key that records are signed with; none where none are wanted.
pub(super) fn signing_key(inputs: &Inputs<'_>, workspace: &Workspace) -> Result<Option<SigningKey>, Error> {
    // Rules that nobody agreed to yet are nothing to vouch for.
    let record = workspace.config.record.as_ref().filter(|_| !workspace.judges_itself);
    let Some(record) = record else { return Ok(None) };
    let key = secret_of(&record.key, "the promotion record's key", inputs.variable)?;
    let password =
        record.password.as_ref().map(|source| secret_of(source, "the key's password", inputs.variable)).transpose()?;
    let key = SigningKey::from_pem(key.expose(), password.as_ref().map_or("", |password| password.expose()));
    key.map(Some).map_err(|error| {
        let hint = match (&error, &record.password) {
            (InvalidKey::Password, None) => "it is encrypted: name its password as `record.password`, env:NAME or file:PATH",
            (InvalidKey::Password, Some(_)) => "the password is what `record.password` names: see that it is this key's",
            (InvalidKey::Label { label, .. }, _) if label.ends_with("PRIVATE KEY") => {
                "have it in PKCS#8: openssl pkcs8 -topk8 -nocrypt -in KEY -out NEW"
            }
            (InvalidKey::SeveralBlocks { .. }, _) => "have it alone, in PKCS#8: openssl pkcs8 -topk8 -nocrypt -in KEY -out NEW",
            _ => "make one with: cosign generate-key-pair, or openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
        };
        Error::usage(format!("the key of the promotion record cannot be used: {error}"), hint)
    })
}

/// What is done after the copy.
pub(super) struct Proofs<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) judged: &'a Judged,
    pub(super) registries: &'a Registries,
    pub(super) approved: &'a Approved,
    pub(super) key: Option<SigningKey>,
}

impl Proofs<'_> {
    /// Verifies and records; what is not proved changes its outcome, and what could not be recorded is returned as findings,
    /// beside how many promotions were recorded.
    pub(super) async fn run(&self, outcomes: &mut BTreeMap<usize, Outcome>) -> (Vec<(String, Finding)>, usize) {
        let (mut findings, mut recorded) = (Vec::new(), 0);
        let desk = self.registries.papers();
        for (index, step) in self.approved.steps() {
            let is_there = matches!(outcomes.get(&index), Some(Outcome::Copied { .. } | Outcome::Present));
            let verifies = is_there && self.has_signature(step);
            if !is_there || !(verifies || self.key.is_some()) {
                continue;
            }
            let mut read = desk.read(&step.candidate.to, &step.digest, true).await;
            // What was signed after it was copied has not gone along yet.
            if verifies
                && matches!(outcomes.get(&index), Some(Outcome::Present))
                && read.as_ref().is_ok_and(|papers| self.against(index, step, papers).is_some())
                && self.registries.complete(self.approved, index).await.is_ok_and(|brought| brought)
            {
                read = self.registries.papers().read(&step.candidate.to, &step.digest, true).await;
            }
            let papers = match read {
                Ok(papers) => papers,
                Err(error) => {
                    let gap = gap(&error);
                    outcomes.insert(
                        index,
                        Outcome::Failed {
                            reason: format!("what hangs on it could not be read again: {}", gap.reason),
                            hint: gap.hint,
                        },
                    );
                    continue;
                }
            };
            if verifies && let Some(why) = self.against(index, step, &papers) {
                outcomes.insert(index, why);
                continue;
            }
            if let Some(key) = &self.key {
                match self.record(key, index, step, &papers).await {
                    Ok(is_new) => recorded += usize::from(is_new),
                    Err(finding) => findings.push((step.candidate.environment.clone(), *finding)),
                }
            }
        }
        (findings, recorded)
    }

    fn set(&self, step: &Step) -> Option<&InForce> {
        self.judged.rulebook.in_force.get(&step.candidate.environment)
    }

    /// Tells whether a signature has to be at the destination: a rule asks for it, and it is carried.
    fn has_signature(&self, step: &Step) -> bool {
        let is_narrowed = step.content.as_ref().is_some_and(|content| content.narrowed.is_some());
        let applies =
            |policy: &&policy::Policy| policy.applies(&step.candidate.environment, step.candidate.to.repository());
        let asks = self.set(step).is_some_and(|set| {
            set.policies.iter().filter(applies).any(|policy| policy.rules.iter().any(policy::Rule::is_signature))
        });
        asks && !is_narrowed && step.candidate.copy.referrers != ReferrerFilter::None
    }

    /// Asks the rules on signatures once more, of what is at the destination.
    fn against(&self, index: usize, step: &Step, papers: &crate::domain::Papers) -> Option<Outcome> {
        let set = self.set(step)?;
        let now = self.inputs.scope.now;
        let dossier = Dossier {
            digest: Some(step.digest.clone()),
            make: Some(Ok(Make::of(papers))),
            exhibits: Some(Ok(policy::examine(papers, &set.signers, now))),
            passed_over: papers.passed_over.clone(),
            ..Dossier::default()
        };
        let was_excused = |rule: &str| {
            let is_it = |verdict: &&Verdict| verdict.step == index && verdict.finding.rule == rule;
            self.judged.verdicts.iter().filter(is_it).any(|verdict| verdict.finding.exception.is_some())
        };
        let facts = Facts {
            in_force: &self.judged.rulebook.in_force,
            dossiers: &[],
            now,
            break_glass: None,
            deny_from: self.judged.fail_on.threshold(),
            offline: false,
        };
        let threshold = self.judged.fail_on.threshold();
        let said = policy::signature_findings(step, &dossier, &facts);
        let finding = said.into_iter().find(|finding| finding.severity >= threshold && !was_excused(&finding.rule))?;
        let hint =
            "see what goes along (`referrers`), and that nothing at the destination removes what hangs on images";
        Some(Outcome::Unproved { reason: finding.message, hint: hint.to_owned() })
    }

    /// Records the promotion, unless it is recorded already; tells whether it was not.
    async fn record(
        &self,
        key: &SigningKey,
        index: usize,
        step: &Step,
        papers: &crate::domain::Papers,
    ) -> Result<bool, Box<Finding>> {
        // Where nobody judged there is nothing to vouch for.
        let Some(set) = self.set(step) else { return Ok(false) };
        let workspace = &self.judged.workspace;
        let promotion = Promotion {
            at: &self.inputs.scope.now.to_string(),
            by: &self.inputs.actor,
            base: &workspace.range.base.to_string(),
            head: &workspace.range.head.to_string(),
            policy_revision: &self.judged.rulebook.revision.to_string(),
        };
        let verdicts: Vec<_> = self.judged.verdicts.iter().filter(|verdict| verdict.step == index).collect();
        let dossier = self.judged.dossiers.get(index).cloned().unwrap_or_default();
        let statement = policy::statement(step, set, &dossier, &verdicts, &promotion);
        let ours = [Signer { name: OURS.to_owned(), means: Means::Key(key.key()) }];
        let is_there = papers.documents.iter().any(|document| {
            let proof = examine(document, &ours);
            match (proof.outcome, proof.content) {
                (Proved::Verified { .. }, Content::Attestation { predicate_type, predicate }) => {
                    document.subject == step.digest
                        && predicate_type == VERIFICATION_SUMMARY
                        && policy::is_same_record(&predicate, &statement["predicate"])
                }
                _ => false,
            }
        });
        if is_there {
            return Ok(false);
        }
        let bundle = key.seal(statement.to_string().as_bytes());
        let attached = self.registries.attach(self.approved, index, bundle, VERIFICATION_SUMMARY).await;
        attached.map(|_| true).map_err(|error| {
            let image = &step.candidate.to;
            Box::new(Finding {
                rule: "record-missing".to_owned(),
                severity: Severity::Error,
                cause: Cause::Circumstance,
                message: format!(
                    "{image} is promoted and proved, and its promotion record could not be written: {}",
                    error.reason()
                ),
                help: error
                    .hint()
                    .unwrap_or_else(|| "run again: what is promoted stays, and the record is added".to_owned()),
                image: Some(image.repository().to_owned()),
                location: Some(step.candidate.image_use().location.clone()),
                width: 0,
                excerpt: None,
                exception: None,
            })
        })
    }
}
