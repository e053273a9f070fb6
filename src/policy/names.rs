//! Names that policies, signers and waivers have for each other: what names something that is not there is a fault.

use std::collections::BTreeSet;

use super::judge::InForce;
use super::read::Policy;
use super::rule::Rule;
use crate::yaml::Fault;

impl InForce {
    /// Returns what names something that is not there; `environments` are all of the configuration.
    #[must_use]
    pub fn faults<'e>(&self, environments: impl Iterator<Item = &'e str>) -> Vec<Fault> {
        let known: BTreeSet<&str> = self.signers.iter().map(|signer| signer.name.as_str()).collect();
        let environments: BTreeSet<&str> = environments.collect();
        let mut faults = Vec::new();
        for (policy, rule) in
            self.policies.iter().flat_map(|policy| policy.rules.iter().map(move |rule| (policy, rule)))
        {
            faults.extend(unknown_signers(policy, rule, &known));
            if let Some(named) = rule.environment().filter(|named| !environments.contains(&*named.name)) {
                let all = environments.iter().copied().collect::<Vec<_>>().join(", ");
                faults.push(
                    named.fault(format!("there is no environment `{}`", named.name), format!("environments: {all}")),
                );
            }
        }
        for (index, policy) in self.policies.iter().enumerate() {
            if let Some(other) = self.policies[..index].iter().find(|other| other.name == policy.name) {
                faults.push(policy.named_twice(&other.file));
            }
        }
        faults.extend(self.waivers.iter().filter_map(|waiver| self.unknown_rule(waiver)));
        faults.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        faults.dedup();
        faults
    }

    fn unknown_rule(&self, waiver: &super::waivers::Waiver) -> Option<Fault> {
        let has = |policy: &Policy| {
            let rest = waiver.rule.strip_prefix(&policy.name).and_then(|rest| rest.strip_prefix('/'));
            rest.is_some_and(|rest| policy.rules.iter().any(|rule| rule.name() == rest))
        };
        if self.policies.iter().any(has) {
            return None;
        }
        // The folder may serve several environments: what another's policy is named is none of this one's concern.
        let policy = waiver.rule.split('/').next().unwrap_or_default();
        self.policies.iter().any(|own| own.name == policy).then(|| Fault {
            file: waiver.file.clone(),
            line: waiver.line,
            column: 1,
            message: format!("the waiver `{}` is for `{}`, which is no rule", waiver.id, waiver.rule),
            hint: Some(format!("rules: {}", self.rule_ids().join(", "))),
        })
    }

    fn rule_ids(&self) -> Vec<String> {
        let of = |policy: &Policy| {
            policy.rules.iter().map(|rule| format!("{}/{}", policy.name, rule.name())).collect::<Vec<_>>()
        };
        self.policies.iter().flat_map(of).collect()
    }
}

fn unknown_signers(policy: &Policy, rule: &Rule, known: &BTreeSet<&str>) -> Vec<Fault> {
    let Some(names) = rule.signers() else { return Vec::new() };
    let all = known.iter().copied().collect::<Vec<_>>().join(", ");
    if known.is_empty() {
        let message =
            format!("the rule `{}/{}` asks for signatures, and no signer is declared", policy.name, rule.name());
        let hint =
            "declare them in signers.yaml beside the policy (policies/signers.yaml for built-in policies)".to_owned();
        return vec![match names.first() {
            Some(first) => first.fault(message, hint),
            None => of_policy(policy, message, hint),
        }];
    }
    let unknown = names.into_iter().filter(|name| !known.contains(&*name.name));
    unknown.map(|name| name.fault(format!("there is no signer `{}`", name.name), format!("signers: {all}"))).collect()
}

impl Policy {
    /// The fault of a policy that is called what the one of `other` is called.
    #[must_use]
    pub fn named_twice(&self, other: &str) -> Fault {
        let message = format!("the policy `{}` is there twice: {other} has that name too", self.name);
        of_policy(self, message, "its rules' ids must tell them apart: give it another name".to_owned())
    }
}

fn of_policy(policy: &Policy, message: String, hint: String) -> Fault {
    Fault { file: policy.file.clone(), line: 1, column: 1, message, hint: Some(hint) }
}
