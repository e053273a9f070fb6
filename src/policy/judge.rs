//! Asking every policy that is in force.

use std::collections::BTreeMap;

use super::approved::Verdict;
use super::read::Policy;
use super::rule::Subject;
use crate::domain::{Finding, Plan, Severity};

/// The policies an environment names.
#[derive(Debug, Clone, Default)]
pub struct InForce {
    /// The policies; all that fit an image must pass.
    pub policies: Vec<Policy>,
    /// Whether a folder was named: then an image that no policy is for is denied.
    pub from_folder: bool,
}

/// Judges every candidate of `plan`, external and refused ones too, by the policies of its environment.
#[must_use]
pub fn judge(plan: &Plan, in_force: &BTreeMap<String, InForce>) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (step, settled) in plan.settled.iter().enumerate() {
        let candidate = settled.candidate();
        let Some(set) = in_force.get(&candidate.environment) else {
            continue;
        };
        let repository = candidate.to.repository();
        let fitting = || set.policies.iter().filter(|policy| policy.applies(&candidate.environment, repository));
        if set.from_folder && fitting().next().is_none() {
            verdicts.push(Verdict { step, finding: unjudged(candidate) });
        }
        for policy in fitting() {
            let findings = policy.rules.iter().flat_map(|rule| rule.judge(&policy.name, &Subject { candidate }));
            verdicts.extend(findings.map(|finding| Verdict { step, finding }));
        }
    }
    verdicts
}

fn unjudged(candidate: &crate::domain::Candidate) -> Finding {
    Finding {
        rule: "no-policy".to_owned(),
        severity: Severity::Error,
        message: format!("no policy is for {} in {}", candidate.to.repository(), candidate.environment),
        help: "add it to the `images` of a policy in the environment's policy folder".to_owned(),
        image: Some(candidate.to.repository().to_owned()),
        location: Some(candidate.sites[0].image_use.location.clone()),
        width: 0,
        excerpt: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::candidate;
    use super::super::{approve, read};
    use super::*;
    use crate::domain::{Digest, Expected, Settled, Step};

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
        let verdicts = judge(&plan, &in_force(false));
        assert_eq!(verdicts[0].finding.rule, "p/tag");
        let approved = approve(plan, &verdicts);
        assert_eq!(approved.steps().map(|(index, _)| index).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn a_folder_denies_what_no_policy_is_for() {
        let plan = plan(&["prod.example/other:1"]);
        assert!(judge(&plan, &in_force(false)).is_empty());
        assert_eq!(judge(&plan, &in_force(true))[0].finding.rule, "no-policy");
    }

    #[test]
    fn a_step_goes_only_with_the_one_that_brings_its_source() {
        let mut plan = plan(&["prod.example/shop/a:latest", "prod.example/shop/b:1"]);
        if let Settled::Step(step) = &mut plan.settled[1] {
            step.after = Some(0);
        }
        let verdicts = judge(&plan, &in_force(false));
        assert_eq!(approve(plan, &verdicts).steps().count(), 0);
    }
}
