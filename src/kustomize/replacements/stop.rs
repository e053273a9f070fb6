//! Why a path could not be followed; where kustomize goes on all the same, only some of it stops.

use crate::manifest::{Failure, Node, Place};

/// What stopped the way along a path.
#[derive(Debug)]
pub(super) enum Stop {
    /// The path does not fit the value.
    Misfit(Box<Failure>),
    /// Nothing can be made of it, whatever else is tried.
    Fatal(Box<Failure>),
}

impl Stop {
    /// The path does not fit.
    pub(super) fn wrong(message: impl Into<String>, place: &Place) -> Self {
        Self::Misfit(Failure::at(place, message, "correct the field path; kustomize fails on it too"))
    }

    /// The value is of another kind than the path expects.
    pub(super) fn wrong_kind(node: &Node, expected: &str) -> Self {
        Self::wrong(format!("the path expects {expected} here, found a {}", node.kind_name()), &node.place)
    }

    /// A part in brackets that is no condition.
    pub(super) fn malformed(part: &str, place: &Place) -> Self {
        Self::wrong(format!("`{part}` must be written as [key=value]"), place)
    }

    /// kustomize does not survive this.
    pub(super) fn crash(message: impl Into<String>, place: &Place) -> Self {
        Self::Fatal(Failure::at(place, message, "correct the field path; kustomize crashes on it"))
    }

    /// Nothing kustomize fails on, but more than is known here.
    pub(super) fn unsupported(message: impl Into<String>, place: &Place) -> Self {
        Self::Fatal(Failure::at(place, message, "name the element by a text, or by its index"))
    }

    /// The failure, whichever it is.
    pub(super) fn into_failure(self) -> Box<Failure> {
        match self {
            Self::Misfit(failure) | Self::Fatal(failure) => failure,
        }
    }
}
