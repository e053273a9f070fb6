//! Carrying out: all approved steps, several at a time, none stopped by another's failure.

use std::collections::BTreeMap;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::{Mutex, OnceCell, watch};

use super::blob::{Ferry, SMALL};
use super::error::Error;
use super::evidence::DigestTags;
use super::manifest::{Manifest, Name};
use super::repository::{Opened, Repository};
use super::slots::Slots;
use super::step;
use super::{Progress, Registries};
use crate::domain::{Digest, Outcome, Step};
use crate::policy::Approved;

/// What one run of [`carry_out`](Registries::carry_out) shares between its steps.
pub(super) struct Run<'a> {
    pub registries: &'a Registries,
    pub progress: &'a dyn Progress,
    jobs: usize,
    ends: BTreeMap<usize, watch::Sender<Option<bool>>>,
    // Each blob once per destination repository, whoever wants it.
    blobs: Slots<(String, Digest), OnceCell<()>>,
    // Which repositories of a registry have a blob by now: from there it is mounted. The lock is held while the first one
    // is brought.
    holders: Slots<(String, Digest), Mutex<Vec<String>>>,
    // docker-registry 2.8 fails when a manifest is written twice at once, under two tags for example.
    manifests: Slots<(String, Digest), Mutex<()>>,
    /// Tags that are merged, by repository and tag: one at a time.
    pub merges: Slots<(String, String), Mutex<()>>,
    /// The tags made of digests that repositories have, by repository.
    pub digest_tags: Slots<String, DigestTags>,
}

/// How a blob came to be at the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// Its bytes were sent.
    Copied,
    /// It was there, or was mounted.
    Reused,
}

impl<'a> Run<'a> {
    pub(super) fn new(registries: &'a Registries, approved: &Approved, progress: &'a dyn Progress) -> Self {
        Self {
            registries,
            progress,
            jobs: registries.jobs.max(1),
            ends: approved.steps().map(|(index, _)| (index, watch::Sender::new(None))).collect(),
            blobs: Slots::default(),
            holders: Slots::default(),
            manifests: Slots::default(),
            merges: Slots::default(),
            digest_tags: Slots::default(),
        }
    }

    /// Writes a manifest under a name; the same one is written once at a time to a repository.
    pub(super) async fn write(&self, to: &Repository, name: Name<'_>, manifest: &Manifest) -> Result<(), Error> {
        let slot = self.manifests.of((to.locator(), manifest.digest.clone()));
        let _alone = slot.lock().await;
        to.put_manifest(name, manifest).await
    }

    /// Carries out all steps and returns their outcomes in the order of the plan.
    pub(super) async fn carry_out(&self, approved: &Approved) -> Vec<(usize, Outcome)> {
        let mut steps = approved.steps();
        let mut outcomes = Vec::new();
        // Only so many at a time even wait: a step waits for an earlier one, which is begun by then.
        let mut begun = FuturesUnordered::new();
        loop {
            while begun.len() < self.jobs
                && let Some((index, step)) = steps.next()
            {
                begun.push(async move { (index, self.one(approved, index, step).await) });
            }
            match begun.next().await {
                Some(outcome) => outcomes.push(outcome),
                None => break,
            }
        }
        outcomes.sort_unstable_by_key(|(index, _)| *index);
        outcomes
    }

    async fn one(&self, approved: &Approved, index: usize, step: &Step) -> Outcome {
        let outcome = match self.source_is_there(index, step).await {
            true => {
                self.progress.begin(index, step, step.content.as_ref().map(|content| content.size_bytes));
                step::carry_out(self, index, step).await
            }
            false => {
                self.progress.begin(index, step, None);
                let earlier = approved.plan().steps().find(|(other, _)| Some(*other) == step.after);
                let source_image =
                    earlier.map_or_else(|| "its source".to_owned(), |(_, earlier)| earlier.candidate.to.to_string());
                step::failed(&Error::SourceStep { image: step.candidate.to.to_string(), source_image })
            }
        };
        self.progress.finish(index, &outcome);
        if let Some(end) = self.ends.get(&index) {
            end.send_replace(Some(matches!(outcome, Outcome::Present | Outcome::Copied { .. })));
        }
        outcome
    }

    /// Waits for the step that brings this one's source about; tells whether it succeeded.
    async fn source_is_there(&self, index: usize, step: &Step) -> bool {
        let Some(after) = step.after else { return true };
        let Some(end) = self.ends.get(&after).filter(|_| after < index) else {
            return false;
        };
        let mut end = end.subscribe();
        end.wait_for(Option::is_some).await.is_ok_and(|ended| *ended == Some(true))
    }

    /// Sees to it that the destination has a blob.
    pub(super) async fn bring(&self, ferry: &Ferry<'_>) -> Result<Came, Error> {
        let key = (ferry.destination.locator(), ferry.blob.digest.clone());
        let cell = self.blobs.of(key);
        let mut came = Came::Reused;
        cell.get_or_try_init(|| async {
            came = self.bring_once(ferry).await?;
            Ok::<_, Error>(())
        })
        .await?;
        if came == Came::Reused {
            (ferry.advance)(ferry.blob.size_bytes);
        }
        Ok(came)
    }

    async fn bring_once(&self, ferry: &Ferry<'_>) -> Result<Came, Error> {
        let Ferry { source, destination, blob, .. } = *ferry;
        let key = (destination.registry().to_owned(), blob.digest.clone());
        let holders = self.holders.of(key);
        let mut held = holders.lock().await;
        if let Some(from) = held.first().cloned() {
            // Known to be in the registry: mounts need not wait for each other.
            drop(held);
            return self.mount_or_carry(ferry, &from).await;
        }
        let came = if source.registry() == destination.registry() {
            self.mount_or_carry(ferry, source.name()).await?
        } else if blob.size_bytes <= SMALL {
            // Mounting from the destination itself asks and opens an upload in one request.
            self.mount_or_carry(ferry, destination.name()).await?
        } else if destination.has_blob(&blob.digest).await? {
            Came::Reused
        } else {
            ferry.carry(None).await?;
            Came::Copied
        };
        held.push(destination.name().to_owned());
        Ok(came)
    }

    async fn mount_or_carry(&self, ferry: &Ferry<'_>, from: &str) -> Result<Came, Error> {
        match ferry.destination.open(&ferry.blob.digest, Some(from)).await? {
            Opened::Mounted => Ok(Came::Reused),
            Opened::Session(session) => {
                ferry.carry(Some(session)).await?;
                Ok(Came::Copied)
            }
        }
    }
}
