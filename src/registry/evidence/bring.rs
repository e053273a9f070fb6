//! Bringing: evidence to the destination, and the proof that it is found there.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures_util::future::try_join_all;
use serde_json::Value;

use super::super::error::Error;
use super::super::manifest::{Manifest, Name};
use super::super::passage::Passage;
use super::super::repository::{Opened, Repository};
use super::super::tree::LONGEST_CONFIG;
use super::merge::{self, Merged};
use super::{Attached, Attachment, fallback_tag};
use crate::domain::Digest;

/// How often a tag is merged that somebody else writes to at the same time.
const TRIES: usize = 4;

/// Brings what belongs to an image and lets the destination show it.
///
/// # Errors
/// A registry's; [`Error::Evidence`] where the destination holds something else; [`Error::Unproved`] where it does not show
/// what was written.
pub(in super::super) async fn bring(passage: &Passage<'_>, attached: &Attached) -> Result<(), Error> {
    let (referrers, tagged) = tokio::try_join!(
        try_join_all(attached.referrers.iter().map(|one| passage.bring_parts(&one.tree))),
        try_join_all(attached.tagged.iter().map(|one| passage.bring_parts(&one.tree))),
    )?;
    let mut by_subject: BTreeMap<&Digest, Vec<&Attachment>> = BTreeMap::new();
    for (attachment, manifest) in attached.referrers.iter().zip(referrers) {
        passage.put(manifest).await?;
        by_subject.entry(&attachment.subject).or_default().push(attachment);
    }
    let lists = by_subject.iter().map(|(subject, all)| list(passage, subject, all, attached.indexes.get(*subject)));
    // A tag holds at least what it holds at the source.
    let wishes: Vec<(&str, Wish<'_>)> =
        attached.tagged.iter().zip(tagged).map(|(one, manifest)| (one.tag.as_str(), Wish::Layers(manifest))).collect();
    let tags = wishes.iter().map(|(tag, wish)| settle(passage, tag, wish));
    tokio::try_join!(try_join_all(lists), try_join_all(tags))?;
    Ok(())
}

/// Sees to it that the destination lists what refers to `subject`. `at_source` is the source's own list of just these.
async fn list(
    passage: &Passage<'_>,
    subject: &Digest,
    attachments: &[&Attachment],
    at_source: Option<&Manifest>,
) -> Result<(), Error> {
    let destination = &passage.destination;
    let wanted: BTreeSet<&Digest> = attachments.iter().map(|one| &one.tree.top).collect();
    let listed: BTreeSet<Digest> = destination.referrers(subject).await?.into_iter().flatten().collect();
    if wanted.iter().all(|digest| listed.contains(*digest)) {
        return Ok(());
    }
    let entries = attachments.iter().map(|one| one.descriptor.clone()).collect();
    settle(passage, &fallback_tag(subject), &Wish::Listed { entries, at_source }).await
}

/// What a tag is to hold.
enum Wish<'a> {
    /// An index with these entries; the source's own where there is none yet.
    Listed { entries: Vec<Value>, at_source: Option<&'a Manifest> },
    /// The layers of this manifest.
    Layers(&'a Manifest),
}

impl Wish<'_> {
    /// Returns what has to be written so that the tag, which holds `there`, holds all that is wished; `None` when it does.
    async fn lacking(
        &self,
        destination: &Repository,
        tag: &str,
        there: Option<&Manifest>,
    ) -> Result<Option<Manifest>, Error> {
        match (self, there) {
            (Self::Layers(source), None) => Ok(Some((*source).clone())),
            (Self::Layers(source), Some(there)) if there.digest == source.digest => Ok(None),
            (Self::Layers(source), Some(there)) => match merge::layers(&there.bytes, &source.bytes) {
                Some(Merged::Whole) => Ok(None),
                Some(Merged::New(merged)) => with_configuration(destination, there, merged).await.map(Some),
                None => Err(taken(destination, tag, "no signatures")),
            },
            (Self::Listed { at_source: Some(index), .. }, None) => Ok(Some((*index).clone())),
            (Self::Listed { entries, .. }, there) => match merge::index(there.map(|there| &there.bytes[..]), entries) {
                Some(Merged::Whole) => Ok(None),
                Some(Merged::New(index)) => manifest_of(destination, &index).map(Some),
                None => Err(taken(destination, tag, "no list of referrers")),
            },
        }
    }
}

/// Merges into a tag until it shows all that is wished.
async fn settle(passage: &Passage<'_>, tag: &str, wish: &Wish<'_>) -> Result<(), Error> {
    let destination = &passage.destination;
    let slot = passage.run.merges.of((destination.locator(), tag.to_owned()));
    let _alone = slot.lock().await;
    let mut tries = 0;
    loop {
        let there = destination.named(tag).await?;
        let Some(manifest) = wish.lacking(destination, tag, there.as_ref()).await? else { return Ok(()) };
        if tries == TRIES {
            let found = there.map_or_else(|| "nothing".to_owned(), |there| there.digest.to_string());
            let image = format!("{}:{tag}", destination.locator());
            return Err(Error::Unproved { image, expected: manifest.digest, found });
        }
        let name = Name::Tag(tag, there.as_ref().map(|there| &there.digest));
        match passage.run.write(destination, name, &manifest).await {
            Ok(()) => passage.sent(&manifest),
            // Somebody else was faster: it is merged with theirs.
            Err(Error::Overtaken { .. }) => {}
            Err(error) => return Err(error),
        }
        tries += 1;
    }
}

/// Gives merged signatures a configuration that names them all, where the one at the destination is of that kind.
async fn with_configuration(destination: &Repository, there: &Manifest, mut merged: Value) -> Result<Manifest, Error> {
    let content = match there.blobs().first() {
        Some(config) if config.size_bytes > LONGEST_CONFIG => {
            return Err(taken(destination, &there.digest.to_string(), "too long to be merged with"));
        }
        Some(config) => destination.read_blob(&config.digest, config.size_bytes).await?,
        None => Bytes::new(),
    };
    if let Some(content) = merge::configuration(&content, &merged) {
        let digest = Digest::of(&content);
        merge::set_configuration(&mut merged, &content);
        if let Opened::Session(session) = destination.open(&digest, Some(destination.name())).await? {
            destination.commit(session, &digest, content.into()).await?;
        }
    }
    manifest_of(destination, &merged)
}

fn manifest_of(destination: &Repository, value: &Value) -> Result<Manifest, Error> {
    let bytes = Bytes::from(value.to_string());
    Manifest::parse(&destination.locator(), &Digest::of(&bytes), None, bytes)
}

fn taken(destination: &Repository, tag: &str, what: &str) -> Error {
    let image = format!("{}:{tag}", destination.locator());
    Error::Evidence { image, why: format!("what is there is {what}, and is not written over") }
}
