//! The passage of one step: what goes from its source to its destination, counted and shown.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::try_join_all;

use super::blob::Ferry;
use super::carry_out::{Came, Run};
use super::error::Error;
use super::manifest::{Blob, Manifest, Name};
use super::order;
use super::repository::Repository;
use super::tree::Tree;
use crate::domain::Digest;

/// Bytes a step sent, and bytes it did not have to.
#[derive(Default)]
struct Count {
    copied: AtomicU64,
    reused: AtomicU64,
}

/// A step on its way: where from, where to, and what it has moved so far.
pub(super) struct Passage<'a> {
    pub run: &'a Run<'a>,
    pub source: Repository,
    pub destination: Repository,
    index: usize,
    count: Count,
}

impl<'a> Passage<'a> {
    pub(super) fn new(run: &'a Run<'a>, index: usize, source: Repository, destination: Repository) -> Self {
        Self { run, index, source, destination, count: Count::default() }
    }

    /// Brings all of a tree but its top manifest, which is returned: blobs first, then manifests, children before what points at
    /// them.
    pub(super) async fn bring_parts<'t>(&self, tree: &'t Tree) -> Result<&'t Manifest, Error> {
        let writes = order::writes(tree).ok_or_else(|| self.missing(&tree.top))?;
        try_join_all(writes.blobs.into_iter().map(|blob| self.bring(blob))).await?;
        for stage in writes.manifests {
            try_join_all(stage.into_iter().map(|manifest| self.put(manifest))).await?;
        }
        Ok(writes.name)
    }

    /// Returns how many bytes were sent, and how many did not have to be.
    pub(super) fn bytes(&self) -> (u64, u64) {
        (self.count.copied.load(Ordering::Relaxed), self.count.reused.load(Ordering::Relaxed))
    }

    async fn bring(&self, blob: &Blob) -> Result<(), Error> {
        let advance = |bytes| self.run.progress.advance(self.index, bytes);
        let (source, destination, shelf) = (&self.source, &self.destination, &self.run.registries.shelf);
        let counter = match self.run.bring(&Ferry { source, destination, blob, shelf, advance: &advance }).await? {
            Came::Copied => &self.count.copied,
            Came::Reused => &self.count.reused,
        };
        counter.fetch_add(blob.size_bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Writes a manifest under its digest.
    pub(super) async fn put(&self, manifest: &Manifest) -> Result<(), Error> {
        self.run.write(&self.destination, Name::Part, manifest).await?;
        self.sent(manifest);
        Ok(())
    }

    /// Counts a manifest that was written.
    pub(super) fn sent(&self, manifest: &Manifest) {
        let size_bytes = manifest.bytes.len() as u64;
        self.count.copied.fetch_add(size_bytes, Ordering::Relaxed);
        self.run.progress.advance(self.index, size_bytes);
    }

    fn missing(&self, digest: &Digest) -> Error {
        Error::Missing { digest: digest.clone(), repository: self.source.locator() }
    }
}
