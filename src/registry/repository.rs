//! Repositories: where images are read and written, in a registry or in a layout on disk.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use reqwest::Url;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::call::next_chunk;
use super::error::Error;
use super::layout::{self, BlobFile};
use super::manifest::{Blob, Manifest, Name};
use super::remote::Remote;
use crate::domain::Digest;

/// Where images of one name are read and written.
#[derive(Debug, Clone)]
pub(super) enum Repository {
    /// A repository of a registry.
    Remote(Remote),
    /// The images of one name in a layout.
    Layout(layout::Images),
}

/// What became of the wish to bring a blob.
#[derive(Debug)]
pub(super) enum Opened {
    /// It is in the repository now.
    Mounted,
    /// The repository waits for its bytes.
    Session(Upload),
}

/// An upload that is open.
#[derive(Debug, Clone)]
pub(super) enum Upload {
    /// At a registry, where it said.
    At(Url),
    /// To a file.
    File,
}

/// A blob on its way.
#[derive(Debug)]
pub(super) struct Download {
    content: Incoming,
    /// How many bytes come that were received before: the registry does not resume.
    pub skip_bytes: u64,
}

#[derive(Debug)]
enum Incoming {
    Response(reqwest::Response),
    File(BlobFile),
}

impl Download {
    /// What a registry sends.
    pub(super) fn of_response(response: reqwest::Response, skip_bytes: u64) -> Self {
        Self { content: Incoming::Response(response), skip_bytes }
    }

    /// Reads the next piece; `None` at the end.
    pub(super) async fn next_chunk(&mut self, action: &str, registry: &str) -> Result<Option<Bytes>, Error> {
        match &mut self.content {
            Incoming::Response(response) => next_chunk(action, registry, response).await,
            Incoming::File(file) => file.next_chunk(action).await,
        }
    }
}

impl Repository {
    /// Returns the registry's host, or `oci:` and the layout's directory.
    pub(super) fn registry(&self) -> &str {
        match self {
            Self::Remote(remote) => &remote.host.name,
            Self::Layout(images) => images.store(),
        }
    }

    /// Returns the name inside the registry.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Remote(remote) => &remote.name,
            Self::Layout(images) => &images.name,
        }
    }

    /// Returns registry and name.
    pub(super) fn locator(&self) -> String {
        format!("{}/{}", self.registry(), self.name())
    }

    /// Waits for a permit to read a blob.
    pub(super) async fn stream(&self) -> Option<SemaphorePermit<'_>> {
        match self {
            Self::Remote(remote) => remote.host.permits.stream().await,
            Self::Layout(images) => images.streams().acquire().await.ok(),
        }
    }

    /// Room for blobs that are read whole, in KiB.
    pub(super) fn small(&self) -> &Semaphore {
        match self {
            Self::Remote(remote) => &remote.host.small,
            Self::Layout(images) => images.small(),
        }
    }

    /// Returns the digest that a tag or a digest resolves to; `None` when there is nothing.
    pub(super) async fn head(&self, reference: &str) -> Result<Option<Digest>, Error> {
        match self {
            Self::Remote(remote) => remote.head(reference).await,
            Self::Layout(images) => images.head(reference).await,
        }
    }

    /// Reads a manifest of at most `limit_bytes` by digest.
    pub(super) async fn manifest(&self, digest: &Digest, limit_bytes: u64) -> Result<Manifest, Error> {
        match self {
            Self::Remote(remote) => remote.manifest(digest, limit_bytes).await,
            Self::Layout(images) => images.manifest(digest, limit_bytes).await,
        }
    }

    /// Reads the manifest under a tag; `None` when there is nothing.
    pub(super) async fn named(&self, tag: &str) -> Result<Option<Manifest>, Error> {
        match self {
            Self::Remote(remote) => remote.named(tag).await,
            Self::Layout(images) => images.named(tag).await,
        }
    }

    /// Writes a manifest whose content is there.
    pub(super) async fn put_manifest(&self, name: Name<'_>, manifest: &Manifest) -> Result<(), Error> {
        match self {
            Self::Remote(remote) => remote.put_manifest(name, manifest).await,
            Self::Layout(images) => images.put_manifest(name, manifest).await,
        }
    }

    /// Lists the manifests that refer to `subject`; `None` where no such list is kept.
    pub(super) async fn referrers(&self, subject: &Digest) -> Result<Option<Vec<Digest>>, Error> {
        match self {
            Self::Remote(remote) => remote.referrers(subject).await,
            Self::Layout(images) => images.referrers(subject).await.map(Some),
        }
    }

    /// Lists the tags that are made of a digest; `None` where not all can be listed.
    pub(super) async fn digest_tags(&self) -> Option<BTreeSet<String>> {
        match self {
            Self::Remote(remote) => remote.digest_tags().await,
            Self::Layout(images) => images.digest_tags().await,
        }
    }

    /// Tells whether the repository has a blob.
    pub(super) async fn has_blob(&self, digest: &Digest) -> Result<bool, Error> {
        match self {
            Self::Remote(remote) => remote.has_blob(digest).await,
            Self::Layout(images) => images.has_blob(digest).await,
        }
    }

    /// Opens an upload; `from` names a repository of the same registry that may have the blob already.
    pub(super) async fn open(&self, digest: &Digest, from: Option<&str>) -> Result<Opened, Error> {
        match self {
            Self::Remote(remote) => remote.open(digest, from).await,
            Self::Layout(images) => match images.has_blob(digest).await? {
                true => Ok(Opened::Mounted),
                false => Ok(Opened::Session(Upload::File)),
            },
        }
    }

    /// Ends an upload with all its bytes at once.
    pub(super) async fn commit(&self, upload: Upload, digest: &Digest, bytes: Bytes) -> Result<(), Error> {
        match (self, upload) {
            (Self::Remote(remote), Upload::At(session)) => remote.commit(session, digest, bytes).await,
            (Self::Layout(images), Upload::File) => images.write_blob(digest, bytes).await,
            _ => Err(self.foreign_upload(digest)),
        }
    }

    /// Ends an upload of which `has_bytes` arrived with a stream of the rest, which moves on with `moved`.
    pub(super) async fn commit_stream(
        &self,
        upload: Upload,
        blob: &Blob,
        has_bytes: u64,
        body: reqwest::Body,
        moved: &AtomicU64,
    ) -> Result<(), Error> {
        match (self, upload) {
            (Self::Remote(remote), Upload::At(session)) => {
                remote.commit_stream(session, blob, has_bytes, body, moved).await
            }
            (Self::Layout(images), Upload::File) => images.write_stream(blob, body).await,
            _ => Err(self.foreign_upload(&blob.digest)),
        }
    }

    /// Asks how much of a broken upload arrived, and where it goes on; `None` when it is to be begun anew.
    pub(super) async fn upload_state(&self, upload: &Upload, blob: &Blob) -> Option<(Upload, u64)> {
        match (self, upload) {
            (Self::Remote(remote), Upload::At(session)) => {
                let (session, has_bytes) = remote.upload_state(session, blob).await?;
                Some((Upload::At(session), has_bytes))
            }
            _ => None,
        }
    }

    /// Reads a small blob whole and checks it.
    pub(super) async fn read_blob(&self, digest: &Digest, size_bytes: u64) -> Result<Bytes, Error> {
        match self {
            Self::Remote(remote) => remote.read_blob(digest, size_bytes).await,
            Self::Layout(images) => images.read_blob(digest, size_bytes).await,
        }
    }

    /// Begins to read a blob after its first `offset` bytes.
    pub(super) async fn download(&self, digest: &Digest, offset: u64) -> Result<Download, Error> {
        match self {
            Self::Remote(remote) => remote.download(digest, offset).await,
            Self::Layout(images) => {
                let file = images.open_blob(digest, offset).await?;
                Ok(Download { content: Incoming::File(file), skip_bytes: 0 })
            }
        }
    }

    fn foreign_upload(&self, digest: &Digest) -> Error {
        Error::Protocol {
            action: format!("upload blob {digest} to {}", self.locator()),
            registry: self.registry().to_owned(),
            what: "did not open this upload".to_owned(),
        }
    }
}
