//! The plan: steps, each pinned by digest, each with what it expects to find at the destination.

use super::candidate::{Candidate, Content};
use super::digest::Digest;
use super::finding::Finding;
use super::outcome::State;

/// What a step demands of the destination; anything else there stops the step and stays untouched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Nothing was there when the plan was made. The step's own digest may have arrived since (a concurrent run's work).
    Absent,
    /// Nothing, or this digest.
    AbsentOr(Digest),
}

impl Expected {
    /// Tells whether a step that writes `pinned` may go on when the destination holds `found`.
    #[must_use]
    pub fn allows(&self, found: Option<&Digest>, pinned: &Digest) -> bool {
        match (self, found) {
            (_, None) => true,
            (Self::Absent, Some(found)) => found == pinned,
            (Self::AbsentOr(expected), Some(found)) => found == expected,
        }
    }
}

/// One image to prove at its destination, and to copy there where it is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is about.
    pub candidate: Candidate,
    /// The digest that was resolved once and is copied whatever becomes of the tag.
    pub digest: Digest,
    /// What must be at the destination before it is written to.
    pub expected: Expected,
    /// Whether the destination held the digest already.
    pub present: bool,
    /// What the image is made of, where that was read.
    pub content: Option<Content>,
    /// The earlier step (its index in [`Plan::settled`]) that brings this step's source about.
    pub after: Option<usize>,
}

/// A candidate that cannot become a step: the verdict is no before any rule is asked, or nothing could be learnt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What it is about.
    pub candidate: Candidate,
    /// How the image stands.
    pub state: State,
    /// The digest at the source, where known.
    pub digest: Option<Digest>,
    /// Why, and the ways out.
    pub finding: Finding,
}

/// What became of a candidate when the evidence was weighed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It may go, if the rules agree.
    Step(Step),
    /// It may not.
    Refused(Refusal),
    /// It lies outside the environment's registry: never copied, and for rules to judge.
    External(Candidate),
}

impl Settled {
    /// Returns the candidate it is about.
    #[must_use]
    pub fn candidate(&self) -> &Candidate {
        match self {
            Self::Step(step) => &step.candidate,
            Self::Refused(refusal) => &refusal.candidate,
            Self::External(candidate) => candidate,
        }
    }
}

/// All candidates of a change, weighed; in promotion order, then in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// One for each candidate.
    pub settled: Vec<Settled>,
}

impl Plan {
    /// Returns the steps with their indexes in [`Plan::settled`].
    pub fn steps(&self) -> impl Iterator<Item = (usize, &Step)> {
        self.settled.iter().enumerate().filter_map(|(index, settled)| match settled {
            Settled::Step(step) => Some((index, step)),
            Settled::Refused(_) | Settled::External(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_never_writes_over_another_digest() {
        let (pinned, other) = (Digest::of(b"pinned"), Digest::of(b"other"));
        for expected in [Expected::Absent, Expected::AbsentOr(pinned.clone())] {
            assert!(expected.allows(None, &pinned));
            assert!(expected.allows(Some(&pinned), &pinned));
            assert!(!expected.allows(Some(&other), &pinned));
        }
    }
}
