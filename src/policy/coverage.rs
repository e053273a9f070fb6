//! Which of an image's parts something hangs on.

use std::collections::BTreeSet;

use super::complaint::Complaint;
use super::dossier::Exhibit;
use super::subject::Subject;
use crate::domain::Digest;
use crate::signature::Outcome;

/// What has what is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Coverage {
    /// The image itself: its manifest, or the index.
    Whole,
    /// Every image of the index.
    Parts,
    /// Some images of the index; the platforms, or digests, of those that lack it.
    Some(Vec<String>),
    /// Nothing.
    None,
}

impl Coverage {
    /// Tells whether nothing of the image is left out.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self, Self::Whole | Self::Parts)
    }
}

/// Finds what of an image has an exhibit that `counts`.
pub(super) fn coverage(subject: &Subject<'_>, exhibits: &[Exhibit], counts: impl Fn(&Exhibit) -> bool) -> Coverage {
    let has: BTreeSet<&Digest> = exhibits.iter().filter(|exhibit| counts(exhibit)).map(|one| &one.subject).collect();
    covered(subject, |digest| has.contains(digest))
}

/// Finds what of an image has what is asked for.
pub(super) fn covered(subject: &Subject<'_>, has: impl Fn(&Digest) -> bool) -> Coverage {
    if subject.digest.is_some_and(&has) {
        return Coverage::Whole;
    }
    let images = subject.make().map(|make| make.images()).unwrap_or_default();
    let without: Vec<String> = images
        .iter()
        .filter(|image| !has(&image.digest))
        .map(|image| image.platform.clone().unwrap_or_else(|| image.digest.to_string()))
        .collect();
    match (images.len(), without.len()) {
        (0, _) => Coverage::None,
        (_, 0) => Coverage::Parts,
        (all, lacking) if all == lacking => Coverage::None,
        _ => Coverage::Some(without),
    }
}

/// Says, each in its own words, what is wrong with exhibits that were not taken.
pub(super) fn told<'a>(exhibits: impl Iterator<Item = &'a Exhibit>, what: &str) -> Vec<String> {
    let mut told = Vec::new();
    for exhibit in exhibits {
        let words = match &exhibit.outcome {
            Outcome::Verified { by } => format!("{what} by {}, whom the rule does not name", by.join(" and ")),
            Outcome::SomebodyElse { who } => format!("{what} by somebody else ({who})"),
            Outcome::Broken { why } => format!("{what} that is broken ({why})"),
            Outcome::AnotherImage { whom } => format!("{what} for another image ({whom})"),
            Outcome::Unsupported { format } => format!("{what} in a format that is not supported ({format})"),
            Outcome::NotSigned => format!("{what} that nobody signed"),
        };
        if !told.contains(&words) {
            told.push(words);
        }
    }
    told
}

/// A note on what claims to belong to an image and cannot be used, beside what is good.
pub(super) fn garbage(subject: &Subject<'_>, exhibits: &[Exhibit]) -> Option<Complaint> {
    let broken = exhibits.iter().filter_map(|exhibit| match &exhibit.outcome {
        Outcome::Broken { why } => Some(format!("{} is broken: {why}", exhibit.manifest)),
        Outcome::AnotherImage { whom } => Some(format!("{} is for another image: {whom}", exhibit.manifest)),
        _ => None,
    });
    let all: Vec<String> = broken.chain(subject.dossier.passed_over.iter().cloned()).collect();
    let first = all.first()?;
    let more = match all.len() {
        1 => String::new(),
        count => format!(", and {} more", count - 1),
    };
    let message = format!(
        "beside what is good, {} carries what cannot be used: {first}{more}",
        subject.candidate.to.repository()
    );
    let complaint =
        Complaint::new(subject.candidate, message, "it counts for nothing; see who pushed it, and remove it");
    Some(Complaint { most: crate::domain::Severity::Note, ..complaint })
}

/// Shortens a list for people.
pub(super) fn some_of(words: &[String], most: usize) -> String {
    let shown = words.iter().take(most).cloned().collect::<Vec<_>>().join("; ");
    match words.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}
