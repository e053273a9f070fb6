//! The images of one name in a layout: the calls a repository answers.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::sync::Semaphore;

use super::super::error::Error;
use super::super::manifest::{Blob, LONGEST_MANIFEST, Links, Manifest, Name};
use super::{Layout, disk, lock};
use crate::domain::Digest;

/// How many bytes of a blob are read at a time.
const PIECE: usize = 256 << 10;

/// How many manifests are looked at to tell whether an image is whole.
const MOST_MANIFESTS: usize = 1_000;

/// How many indexes are looked through for one of their parts.
const MOST_INDEXES: usize = 20_000;

/// The images of one name.
#[derive(Debug, Clone)]
pub(in super::super) struct Images {
    layout: Arc<Layout>,
    /// The name without tag and digest, its registry's included.
    pub name: String,
}

/// A blob that is being read.
#[derive(Debug)]
pub(in super::super) struct BlobFile(Option<File>);

impl BlobFile {
    /// Reads the next piece; `None` at the end.
    pub(in super::super) async fn next_chunk(&mut self, action: &str) -> Result<Option<Bytes>, Error> {
        let Some(mut file) = self.0.take() else { return Ok(None) };
        let reading = move || {
            let mut piece = vec![0; PIECE];
            let read = file.read(&mut piece)?;
            piece.truncate(read);
            Ok((file, piece))
        };
        let (file, piece) =
            blocking(reading).await.map_err(|error| Error::Disk { action: action.to_owned(), source: error })?;
        self.0 = Some(file);
        Ok((!piece.is_empty()).then(|| piece.into()))
    }
}

impl Images {
    /// Names images of a layout.
    pub(in super::super) fn new(layout: Arc<Layout>, name: &str) -> Self {
        Self { layout, name: name.to_owned() }
    }

    pub(in super::super) fn store(&self) -> &str {
        &self.layout.name
    }

    pub(in super::super) fn streams(&self) -> &Semaphore {
        &self.layout.streams
    }

    pub(in super::super) fn small(&self) -> &Semaphore {
        &self.layout.small
    }

    /// Returns the digest that a tag or a digest resolves to.
    pub(in super::super) async fn head(&self, reference: &str) -> Result<Option<Digest>, Error> {
        let reference = reference.to_owned();
        self.with(move |images| {
            let digest = match reference.parse::<Digest>() {
                Ok(digest) => images.is_listed(&digest)?.then_some(digest),
                Err(_) => images.tagged(&reference)?,
            };
            if let Some(digest) = &digest {
                images.check_whole(digest)?;
            }
            Ok(digest)
        })
        .await
    }

    /// Reads a manifest by digest.
    pub(in super::super) async fn manifest(&self, digest: &Digest, limit_bytes: u64) -> Result<Manifest, Error> {
        let digest = digest.clone();
        self.with(move |images| images.read_manifest(&digest, limit_bytes.min(LONGEST_MANIFEST))).await
    }

    /// Reads the manifest under a tag.
    pub(in super::super) async fn named(&self, tag: &str) -> Result<Option<Manifest>, Error> {
        let tag = tag.to_owned();
        self.with(move |images| match images.tagged(&tag)? {
            Some(digest) => {
                images.check_whole(&digest)?;
                images.read_manifest(&digest, LONGEST_MANIFEST).map(Some)
            }
            None => Ok(None),
        })
        .await
    }

    /// Writes a manifest, and lists it where nothing else leads to it.
    pub(in super::super) async fn put_manifest(&self, name: Name<'_>, manifest: &Manifest) -> Result<(), Error> {
        let (whole, over) = match name {
            Name::Tag(tag, over) => (Some(format!("{}:{tag}", self.name)), over.cloned()),
            Name::Digest => (Some(format!("{}@{}", self.name, manifest.digest)), None),
            Name::Part => (None, None),
        };
        let is_listed = whole.is_some() || manifest.subject().is_some();
        self.write_blob(&manifest.digest, manifest.bytes.clone()).await?;
        let manifest = manifest.clone();
        self.with(move |images| match is_listed {
            true => images.layout.list(whole.as_deref(), over.as_ref(), &manifest),
            false => Ok(()),
        })
        .await
    }

    /// Lists the manifests that refer to `subject`.
    pub(in super::super) async fn referrers(&self, subject: &Digest) -> Result<Vec<Digest>, Error> {
        let subject = subject.clone();
        self.with(move |images| {
            let index = images.layout.index()?;
            let mut found = BTreeSet::new();
            for entry in index.entries() {
                if images.subject_of(&entry.digest)?.as_ref() == Some(&subject) {
                    found.insert(entry.digest.clone());
                }
            }
            Ok(found.into_iter().collect())
        })
        .await
    }

    /// Lists the tags that are made of a digest.
    pub(in super::super) async fn digest_tags(&self) -> Option<BTreeSet<String>> {
        self.with(|images| {
            let (index, before) = (images.layout.index()?, format!("{}:", images.name));
            let tags = index.entries().iter().filter_map(|entry| entry.name.as_deref()?.strip_prefix(&before));
            Ok(tags.filter(|tag| tag.starts_with("sha256-") || tag.starts_with("sha512-")).map(str::to_owned).collect())
        })
        .await
        .ok()
    }

    /// Tells whether a blob is there, and is what its digest says.
    pub(in super::super) async fn has_blob(&self, digest: &Digest) -> Result<bool, Error> {
        let digest = digest.clone();
        self.with(move |Self { layout, .. }| {
            if layout.is_known(&digest) {
                return Ok(true);
            }
            let holds =
                layout.disk.holds(&digest).map_err(|error| layout.failed(&format!("read blob {digest} of"), error))?;
            if holds {
                layout.note(&digest);
            }
            Ok(holds)
        })
        .await
    }

    /// Writes a blob whose digest was checked.
    pub(in super::super) async fn write_blob(&self, digest: &Digest, bytes: Bytes) -> Result<(), Error> {
        let digest = digest.clone();
        self.with(move |Self { layout, .. }| {
            layout.prepare()?;
            let written = layout.disk.write(&layout.disk.blob(&digest), &bytes);
            written.map_err(|error| layout.failed(&format!("write blob {digest} to"), error))?;
            layout.note(&digest);
            Ok(())
        })
        .await
    }

    /// Writes a blob as it comes; who sends it ends it only when its digest is right.
    pub(in super::super) async fn write_stream(&self, blob: &Blob, mut body: reqwest::Body) -> Result<(), Error> {
        let action = format!("write blob {} to", blob.digest);
        let mut file = self
            .with(|Self { layout, .. }| {
                layout.prepare()?;
                layout.disk.begin().map_err(|error| layout.failed("write to", error))
            })
            .await?;
        let mut written = 0;
        while let Some(frame) = body.frame().await {
            let cut = |error: reqwest::Error| self.layout.failed(&action, io::Error::other(error.without_url()));
            let Ok(piece) = frame.map_err(cut)?.into_data() else { continue };
            written += piece.len() as u64;
            let writing = move || file.write_all(&piece).map(|()| file);
            file = blocking(writing).await.map_err(|error| self.layout.failed(&action, error))?;
        }
        if written != blob.size_bytes {
            let short = format!("{written} bytes came instead of {}", blob.size_bytes);
            return Err(self.layout.failed(&action, io::Error::other(short)));
        }
        let digest = blob.digest.clone();
        self.with(move |Self { layout, .. }| {
            let kept = layout.disk.keep(file, &layout.disk.blob(&digest));
            kept.map_err(|error| layout.failed(&action, error))?;
            layout.note(&digest);
            Ok(())
        })
        .await
    }

    /// Reads a small blob whole and checks it.
    pub(in super::super) async fn read_blob(&self, digest: &Digest, size_bytes: u64) -> Result<Bytes, Error> {
        let digest = digest.clone();
        self.with(move |images| {
            let bytes = images.read_file(&digest, size_bytes)?;
            match bytes.len() as u64 == size_bytes && digest.matches(&bytes) {
                true => Ok(bytes),
                false => Err(images.corrupt(&digest, &bytes)),
            }
        })
        .await
    }

    /// Opens a blob after its first `offset` bytes.
    pub(in super::super) async fn open_blob(&self, digest: &Digest, offset: u64) -> Result<BlobFile, Error> {
        let digest = digest.clone();
        self.with(move |images| {
            let opened = || {
                let Some((mut file, _)) = disk::open(&images.layout.disk.blob(&digest))? else { return Ok(None) };
                file.seek(SeekFrom::Start(offset))?;
                Ok(Some(BlobFile(Some(file))))
            };
            let opened = opened().map_err(|error| images.layout.failed(&format!("read blob {digest} of"), error))?;
            opened.ok_or_else(|| images.missing(&digest))
        })
        .await
    }
}

/// What blocks.
impl Images {
    fn tagged(&self, tag: &str) -> Result<Option<Digest>, Error> {
        let index = self.layout.index()?;
        let found = index.named(&format!("{}:{tag}", self.name)).map_err(|why| self.layout.wrong(why))?;
        Ok(found.cloned())
    }

    /// Tells whether a digest is listed, or is part of an index that is.
    fn is_listed(&self, digest: &Digest) -> Result<bool, Error> {
        let index = self.layout.index()?;
        if index.entries().iter().any(|entry| entry.digest == *digest) {
            return Ok(true);
        }
        if self.read_manifest(digest, LONGEST_MANIFEST).is_err() {
            return Ok(false);
        }
        let indexes = index.entries().iter().filter(|entry| entry.is_index).map(|entry| entry.digest.clone());
        let mut seen: BTreeSet<Digest> = indexes.collect();
        let mut open: Vec<Digest> = seen.iter().cloned().collect();
        while let Some(next) = open.pop() {
            if seen.len() > MOST_INDEXES {
                return Err(self.layout.wrong(format!("it has more than {MOST_INDEXES} indexes to look through")));
            }
            let children = self.read_manifest(&next, LONGEST_MANIFEST);
            let children = children.map(|manifest| manifest.children().to_vec()).unwrap_or_default();
            if children.iter().any(|child| child.digest == *digest) {
                return Ok(true);
            }
            let indexes = children.into_iter().filter(|child| child.is_index()).map(|child| child.digest);
            open.extend(indexes.filter(|index| seen.insert(index.clone())));
        }
        Ok(false)
    }

    /// Says what is missing of an image that is listed.
    fn check_whole(&self, top: &Digest) -> Result<(), Error> {
        let lacks =
            |digest: &Digest| self.layout.wrong(format!("it lists {top} and lacks {digest}, which that is made of"));
        let (mut open, mut seen) = (vec![top.clone()], BTreeSet::from([top.clone()]));
        while let Some(next) = open.pop() {
            let manifest = match self.read_manifest(&next, LONGEST_MANIFEST) {
                Err(Error::Missing { digest, .. }) => return Err(lacks(&digest)),
                manifest => manifest?,
            };
            match manifest.links {
                Links::Image(blobs) => {
                    for blob in blobs {
                        let there = self.layout.disk.has_length(&blob.digest, blob.size_bytes);
                        if !there.map_err(|error| self.layout.failed("look into", error))? {
                            return Err(lacks(&blob.digest));
                        }
                    }
                }
                Links::Index(children) => {
                    open.extend(
                        children.into_iter().map(|child| child.digest).filter(|child| seen.insert(child.clone())),
                    );
                }
            }
            if seen.len() > MOST_MANIFESTS {
                return Err(self.layout.wrong(format!("{top} is made of more than {MOST_MANIFESTS} manifests")));
            }
        }
        Ok(())
    }

    fn read_manifest(&self, digest: &Digest, limit_bytes: u64) -> Result<Manifest, Error> {
        let bytes = self.read_file(digest, limit_bytes)?;
        match digest.matches(&bytes) {
            true => Manifest::parse(&self.locator(), digest, None, bytes),
            false => Err(self.corrupt(digest, &bytes)),
        }
    }

    fn read_file(&self, digest: &Digest, limit_bytes: u64) -> Result<Bytes, Error> {
        let disk = &self.layout.disk;
        let read = disk.read(&disk.blob(digest), limit_bytes);
        let read = read.map_err(|error| self.layout.failed(&format!("read {digest} of"), error))?;
        read.map(Bytes::from).ok_or_else(|| self.missing(digest))
    }

    fn subject_of(&self, digest: &Digest) -> Result<Option<Digest>, Error> {
        if let Some(subject) = lock(&self.layout.subjects).get(digest) {
            return Ok(subject.clone());
        }
        let subject = match self.read_manifest(digest, LONGEST_MANIFEST) {
            Ok(manifest) => manifest.subject(),
            // Of a kind we do not know: nothing of it is ours to bring. What is damaged may be a signature.
            Err(Error::Manifest { .. }) => None,
            Err(error) => return Err(error),
        };
        lock(&self.layout.subjects).insert(digest.clone(), subject.clone());
        Ok(subject)
    }

    fn locator(&self) -> String {
        format!("{}/{}", self.layout.name, self.name)
    }

    fn missing(&self, digest: &Digest) -> Error {
        Error::Missing { digest: digest.clone(), repository: self.locator() }
    }

    fn corrupt(&self, digest: &Digest, bytes: &[u8]) -> Error {
        let action = format!("read {digest} of {}", self.locator());
        Error::Corrupt { action, expected: digest.clone(), found: Digest::of(bytes).to_string() }
    }

    /// Does what blocks where it may.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let images = self.clone();
        // Never closed; without a permit there would only be more at once.
        let _turn = self.layout.turns.acquire().await;
        blocking(move || Ok(work(&images))).await.map_err(|error| self.layout.failed("look into", error))?
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
