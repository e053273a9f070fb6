//! Gathering: what registries have of each candidate.

use futures_util::stream::{FuturesOrdered, StreamExt as _};
use tokio::sync::OnceCell;

use super::Registries;
use super::error::Error;
use super::narrow::narrow;
use super::slots::Slots;
use super::tree::Tree;
use crate::domain::{Candidate, Content, Digest, Evidence, ImageRef, Platform, Seen, Sighting};

/// How many candidates are looked up at a time: more than requests go at a time, and few enough to hold.
const AT_A_TIME: usize = 256;

/// The look-ups of one run, each made once.
#[derive(Debug)]
pub(super) struct Lookups<'a> {
    registries: &'a Registries,
    seen: Slots<ImageRef, OnceCell<Seen>>,
}

impl<'a> Lookups<'a> {
    pub(super) fn new(registries: &'a Registries) -> Self {
        Self { registries, seen: Slots::default() }
    }

    /// Gathers the evidence of all candidates, in their order.
    pub(super) async fn gather(&self, candidates: &[Candidate]) -> Vec<Evidence> {
        let mut evidence = Vec::with_capacity(candidates.len());
        let mut begun = FuturesOrdered::new();
        let mut candidates = candidates.iter();
        loop {
            while begun.len() < AT_A_TIME
                && let Some(candidate) = candidates.next()
            {
                begun.push_back(self.evidence(candidate));
            }
            match begun.next().await {
                Some(found) => evidence.push(found),
                None => return evidence,
            }
        }
    }

    async fn evidence(&self, candidate: &Candidate) -> Evidence {
        let destination = self.sighting(&candidate.to).await;
        let source = match &candidate.from {
            Some(from) => {
                // What will have to be read anyway need not be asked for first.
                if destination.tag == Seen::Absent
                    && let Some(tagged) = from.at_tag()
                {
                    self.seen_by(tagged, true).await;
                }
                self.sighting(from).await
            }
            None => Sighting::UNASKED,
        };
        let (Some(from), Some(pinned)) = (&candidate.from, missing(candidate, &source, &destination)) else {
            return Evidence { source, destination, content: None };
        };
        match self.content(from, &pinned, &candidate.copy.platforms).await {
            Ok(content) => Evidence { source, destination, content: Some(content) },
            // What stands in the way will stand in the copy's way too, and is told there.
            Err(error) if candidate.copy.platforms.is_empty() => {
                tracing::debug!(%from, reason = %error.reason(), "no content");
                Evidence { source, destination, content: None }
            }
            // Without it nobody knows which digest is to be at the destination.
            Err(error) => Evidence { source: Sighting { tag: unknown(&error), ..source }, destination, content: None },
        }
    }

    async fn sighting(&self, image: &ImageRef) -> Sighting {
        let by_digest = image.digest().map(|digest| image.at_digest(digest.clone()));
        let (tag, digest) = tokio::join!(self.seen(image.at_tag()), self.seen(by_digest));
        Sighting { tag, digest }
    }

    async fn seen(&self, image: Option<ImageRef>) -> Seen {
        match image {
            Some(image) => self.seen_by(image, false).await,
            None => Seen::Unasked,
        }
    }

    /// Looks an image up; `reads` its manifest in doing so, and keeps that.
    async fn seen_by(&self, image: ImageRef, reads: bool) -> Seen {
        let cell = self.seen.of(image.clone());
        let look = async {
            let found = match reads {
                true => self.registries.read(&image).await,
                false => self.registries.resolve(&image).await,
            };
            match found {
                Ok(Some(digest)) => Seen::Holds(digest),
                Ok(None) => Seen::Absent,
                Err(error) => unknown(&error),
            }
        };
        cell.get_or_init(|| look).await.clone()
    }

    /// Reads what an image is made of, as much of it as is wanted.
    async fn content(&self, from: &ImageRef, digest: &Digest, wanted: &[Platform]) -> Result<Content, Error> {
        let (repository, shelf) = (self.registries.wire.reading(from)?, &self.registries.shelf);
        let _weight = self.registries.make_room(&repository, digest).await?;
        let tree = Tree::read(&repository, digest, shelf).await?;
        Ok(match narrow(&tree, wanted, &repository.locator())? {
            Some((rest, narrowed)) => Content { narrowed: Some(narrowed), ..rest.content(&repository, shelf).await },
            None => tree.content(&repository, shelf).await,
        })
    }
}

fn unknown(error: &Error) -> Seen {
    Seen::Unknown { reason: error.reason(), hint: error.hint().unwrap_or_default() }
}

/// Returns the digest that the source has and the destination lacks where the overlay looks for it, as far as digests tell.
fn missing(candidate: &Candidate, source: &Sighting, destination: &Sighting) -> Option<Digest> {
    let pinned = match candidate.to.digest() {
        Some(_) => source.digest.digest(),
        None => source.tag.digest(),
    }?;
    let there = if candidate.to.effective_tag().is_some() { &destination.tag } else { &destination.digest };
    let is_missing = match there {
        Seen::Absent => true,
        Seen::Holds(found) => found != pinned,
        Seen::Unasked | Seen::Unknown { .. } => false,
    };
    is_missing.then(|| pinned.clone())
}
