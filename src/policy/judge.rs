//! Asking every policy that is in force.

use std::collections::BTreeMap;

use super::approved::Verdict;
use super::read::Policy;
use super::rule::Subject;
use crate::domain::{Candidate, Cause, Finding, Plan, Settled, Severity, Step};

/// The policies an environment names.
#[derive(Debug, Clone, Default)]
pub struct InForce {
    /// The policies; all that fit an image must pass.
    pub policies: Vec<Policy>,
    /// Whether a folder was named: then an image that no policy is for is denied.
    pub from_folder: bool,
}

/// Judges every candidate of `plan`, external and refused ones too, by the policies of its environment. A no begins at the severity
/// `from`: what it denies cannot be another step's source.
#[must_use]
pub fn judge(plan: &Plan, in_force: &BTreeMap<String, InForce>, from: Severity) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (step, settled) in plan.settled.iter().enumerate() {
        let findings = in_force.get(&settled.candidate().environment).map_or_else(Vec::new, |set| ask(set, settled));
        verdicts.extend(findings.into_iter().map(|finding| Verdict { step, finding }));
        if let Some(source) = denied_source(plan, settled, &verdicts, from) {
            verdicts.push(Verdict { step, finding: source_denied(settled.candidate(), source) });
        }
    }
    verdicts
}

fn ask(set: &InForce, settled: &Settled) -> Vec<Finding> {
    let candidate = settled.candidate();
    let fits = |policy: &&Policy| policy.applies(&candidate.environment, candidate.to.repository());
    let fitting: Vec<&Policy> = set.policies.iter().filter(fits).collect();
    if set.from_folder && fitting.is_empty() {
        return vec![unjudged(candidate)];
    }
    let rules = fitting.iter().flat_map(|policy| policy.rules.iter().map(move |rule| (policy, rule)));
    rules.flat_map(|(policy, rule)| rule.judge(&policy.name, &Subject { candidate })).collect()
}

/// The candidate that was to bring about the source of `settled`, when it is denied itself.
fn denied_source<'a>(plan: &'a Plan, settled: &Settled, verdicts: &[Verdict], from: Severity) -> Option<&'a Candidate> {
    let Settled::Step(Step { after: Some(earlier), .. }) = settled else {
        return None;
    };
    let is_denied = verdicts.iter().any(|verdict| verdict.step == *earlier && verdict.denies(from));
    is_denied.then(|| plan.settled[*earlier].candidate())
}

fn source_denied(candidate: &Candidate, source: &Candidate) -> Finding {
    Finding {
        rule: "source-refused".to_owned(),
        severity: Severity::Error,
        cause: Cause::Change,
        message: format!(
            "{} would be copied from {}, which is denied in {}",
            candidate.to, source.to, source.environment
        ),
        help: format!("put right what is said of {} in {}", source.to.repository(), source.environment),
        image: Some(candidate.to.repository().to_owned()),
        location: Some(candidate.image_use().location.clone()),
        width: 0,
        excerpt: None,
    }
}

fn unjudged(candidate: &Candidate) -> Finding {
    Finding {
        rule: "no-policy".to_owned(),
        severity: Severity::Error,
        cause: Cause::Change,
        message: format!("no policy is for {} in {}", candidate.to.repository(), candidate.environment),
        help: "add it to the `images` of a policy in the environment's policy folder".to_owned(),
        image: Some(candidate.to.repository().to_owned()),
        location: Some(candidate.image_use().location.clone()),
        width: 0,
        excerpt: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::candidate;
    use super::super::{approve, read};
    use super::*;
    use crate::domain::{Digest, Expected};

    fn plan(images: &[&str]) -> Plan {
        let step = |image: &&str| {
            Settled::Step(Step {
                candidate: candidate(image, None),
                digest: Digest::of(b"x"),
                expected: Expected::Absent,
                present: false,
                content: None,
                after: None,
            })
        };
        Plan { settled: images.iter().map(step).collect() }
    }

    fn in_force(from_folder: bool) -> BTreeMap<String, InForce> {
        let text = "version: 1\npolicy: p\nimages: ['shop/**']\nrules: {tag: {forbid: [latest]}}\n";
        let policies = vec![read("p.yaml", text.as_bytes()).unwrap()];
        BTreeMap::from([("production".to_owned(), InForce { policies, from_folder })])
    }

    #[test]
    fn only_steps_that_no_rule_denies_are_approved() {
        let plan = plan(&["prod.example/shop/api:1", "prod.example/shop/worker:latest"]);
        let verdicts = judge(&plan, &in_force(false), Severity::Error);
        assert_eq!(verdicts[0].finding.rule, "p/tag");
        let approved = approve(plan, &verdicts, Severity::Error);
        assert_eq!(approved.steps().map(|(index, _)| index).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn a_folder_denies_what_no_policy_is_for() {
        let plan = plan(&["prod.example/other:1"]);
        assert!(judge(&plan, &in_force(false), Severity::Error).is_empty());
        assert_eq!(judge(&plan, &in_force(true), Severity::Error)[0].finding.rule, "no-policy");
    }

    #[test]
    fn a_step_goes_only_with_the_one_that_brings_its_source() {
        let mut plan = plan(&["prod.example/shop/a:latest", "prod.example/shop/b:1"]);
        if let Settled::Step(step) = &mut plan.settled[1] {
            step.after = Some(0);
        }
        let verdicts = judge(&plan, &in_force(false), Severity::Error);
        assert_eq!(verdicts[1].finding.rule, "source-refused");
        assert_eq!(approve(plan, &verdicts, Severity::Error).steps().count(), 0);
    }

    #[test]
    fn a_warning_denies_where_a_no_begins_there_and_stays_a_warning() {
        let text = "version: 1\npolicy: p\nrules: {tag: {forbid: [latest], level: warn}}\n";
        let policies = vec![read("p.yaml", text.as_bytes()).unwrap()];
        let in_force = BTreeMap::from([("production".to_owned(), InForce { policies, from_folder: false })]);
        let plan = plan(&["prod.example/shop/a:latest"]);
        let verdict = judge(&plan, &in_force, Severity::Error).remove(0);
        assert_eq!(verdict.finding.severity, Severity::Warning);
        assert!(!verdict.denies(Severity::Error) && verdict.denies(Severity::Warning));
    }
}
