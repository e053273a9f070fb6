//! What is said where an environment does not want all platforms of an image.

use super::refusals::plain;
use crate::domain::{Candidate, Cause, Content, Digest, Finding, Narrowed, Platform, Severity, Step};

/// Tells whether an image is made for platforms, and for none that is wanted.
pub(super) fn fits_none(wanted: &[Platform], content: &Content) -> bool {
    let fits = |text: &String| text.parse::<Platform>().is_ok_and(|own| wanted.iter().any(|one| one.covers(&own)));
    !wanted.is_empty() && !content.platforms.is_empty() && !content.platforms.iter().any(fits)
}

pub(super) fn missing(candidate: &Candidate, content: &Content) -> Finding {
    let message = format!(
        "{} is made for {}, and {} wants {}",
        candidate.to,
        listed(&content.platforms),
        candidate.environment,
        listed(&candidate.copy.platforms)
    );
    let help = format!("build it for one of them, or correct `platforms` of {}", candidate.environment);
    plain("platform-missing", candidate, message, help)
}

/// For a reference that writes the digest of an index that would lose some of its platforms.
pub(super) fn pinned(candidate: &Candidate, written: &Digest, narrowed: &Narrowed) -> Finding {
    let message = format!(
        "{} writes the digest {written}, and the index would have the digest {} without {}, which {} does not want",
        candidate.to,
        narrowed.digest,
        listed(&narrowed.left_out),
        candidate.environment
    );
    let help = format!("leave the digest out of the reference, or `platforms` out of {}", candidate.environment);
    plain("platform-digest", candidate, message, help)
}

/// For a source that an earlier step brings about, with other platforms than are wanted here.
pub(super) fn not_there_yet(candidate: &Candidate, source: &Candidate) -> Finding {
    let message = format!(
        "{} keeps other platforms than {}, and {} is not there yet to be looked at",
        candidate.environment, source.environment, source.to
    );
    let help = format!("run again when it is in {}", source.environment);
    Finding { cause: Cause::Circumstance, ..plain("registry-unreadable", candidate, message, help) }
}

/// Says which platforms are not copied.
pub(super) fn left_out(step: &Step) -> Option<Finding> {
    let narrowed = step.content.as_ref()?.narrowed.as_ref()?;
    let message = format!(
        "{} is copied without {}: its index {} becomes {}, and what is signed for the whole stays behind",
        step.candidate.to,
        listed(&narrowed.left_out),
        narrowed.from,
        narrowed.digest
    );
    let help = format!("nothing to do: `platforms` of {} asks for it", step.candidate.environment);
    Some(Finding { severity: Severity::Note, ..plain("platforms-left-out", &step.candidate, message, help) })
}

fn listed<T: ToString>(platforms: &[T]) -> String {
    platforms.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}
