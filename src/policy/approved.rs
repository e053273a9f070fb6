//! The only way to a write.

use std::collections::BTreeSet;

use crate::domain::{ExceptionKind, Finding, Plan, Severity, Step};

/// What one rule says of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The step's index in [`Plan::settled`].
    pub step: usize,
    /// The rule's word, its severity already as the policy's level has it.
    pub finding: Finding,
}

impl Verdict {
    /// Tells whether this verdict keeps the step from being carried out, where a no begins at the severity `from`.
    #[must_use]
    pub fn denies(&self, from: Severity) -> bool {
        self.finding.severity >= from && self.finding.exception.is_none()
    }

    /// Tells whether it would deny, had nobody decided to skip its rule.
    #[must_use]
    pub fn is_through_broken_glass(&self) -> bool {
        self.finding.exception.as_ref().is_some_and(|exception| exception.kind == ExceptionKind::BreakGlass)
    }
}

/// The steps of a plan that no rule denies.
///
/// Made by [`approve`] alone; [`registry::carry_out`](crate::registry) takes nothing else, so what was not judged cannot be
/// written.
#[derive(Debug)]
pub struct Approved {
    plan: Plan,
    allowed: BTreeSet<usize>,
}

impl Approved {
    /// Returns the approved steps in promotion order, with their indexes in [`Plan::settled`].
    pub fn steps(&self) -> impl Iterator<Item = (usize, &Step)> {
        self.plan.steps().filter(|(index, _)| self.allowed.contains(index))
    }

    /// Returns the whole plan, refused and denied parts included, for the report.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
}

/// Approves the steps of `plan` that none of `verdicts` denies, a no beginning at the severity `from`. A step whose source another step brings about goes only with that
/// one: [`judge`](super::judge()) has a verdict against it, and it is not taken here either.
#[must_use]
pub fn approve(plan: Plan, verdicts: &[Verdict], from: Severity) -> Approved {
    let denied: BTreeSet<usize> =
        verdicts.iter().filter(|verdict| verdict.denies(from)).map(|verdict| verdict.step).collect();
    let mut allowed = BTreeSet::new();
    for (index, step) in plan.steps() {
        if !denied.contains(&index) && step.after.is_none_or(|earlier| allowed.contains(&earlier)) {
            allowed.insert(index);
        }
    }
    Approved { plan, allowed }
}
