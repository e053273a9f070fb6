//! Layouts: images in a directory on disk, in the form of the OCI image layout
//! (<https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md>), read and written as a registry is.
//!
//! A disk has no registry in front of it that refuses what is not whole, so more is looked at: an image counts as there when every
//! file it is made of is there with its length, a blob that is found is hashed before it is taken for brought, and files get their
//! places only when all of them is on disk. `index.json` is changed last, under a lock that holds between processes.

mod disk;
mod images;
mod index;

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

pub(super) use images::{BlobFile, Images};

use super::error::Error;
use super::manifest::Manifest;
use crate::domain::Digest;
use disk::{Disk, Kind, Stamp};
use index::Index;

/// How long `index.json` may be, in bytes: some ten thousand images.
const LONGEST_INDEX: u64 = 4 << 20;

/// How many files are read or written at a time.
const TURNS: usize = 8;

/// How many blobs are read at a time.
const STREAMS: usize = 4;

/// How many KiB all blobs that are held whole may have together.
const SMALL_KIB: usize = 6 << 10;

/// A directory that holds images.
#[derive(Debug)]
pub(super) struct Layout {
    /// `oci:` and the directory as the configuration writes it.
    name: String,
    disk: Disk,
    turns: Semaphore,
    streams: Semaphore,
    small: Semaphore,
    index: Mutex<Option<(Stamp, Arc<Index>)>>,
    /// Blobs that were hashed or written.
    known: Mutex<HashSet<Digest>>,
    /// What manifests that were read refer to.
    subjects: Mutex<HashMap<Digest, Option<Digest>>>,
}

impl Layout {
    /// Names a layout; nothing is looked at yet.
    pub(super) fn new(name: String, dir: PathBuf) -> Self {
        Self {
            name,
            disk: Disk { dir },
            turns: Semaphore::new(TURNS),
            streams: Semaphore::new(STREAMS),
            small: Semaphore::new(SMALL_KIB),
            index: Mutex::default(),
            known: Mutex::default(),
            subjects: Mutex::default(),
        }
    }

    /// Reads `index.json`, unless it is as it was; that of a directory that is not there is empty.
    fn index(&self) -> Result<Arc<Index>, Error> {
        match self.disk.kind().map_err(|error| self.failed("look into", error))? {
            Kind::Layout => {}
            Kind::Nothing => return Ok(Arc::default()),
            Kind::Other => return Err(self.wrong("it has no file oci-layout and is not empty".to_owned())),
        }
        let path = self.disk.dir.join("index.json");
        let stamp = self.disk.stamp(&path).map_err(|error| self.failed("look for the index.json of", error))?;
        let Some(stamp) = stamp else { return Ok(Arc::default()) };
        // Held while it is read, so that many who ask read it once.
        let mut kept = lock(&self.index);
        if let Some((before, index)) = &*kept
            && *before == stamp
        {
            return Ok(index.clone());
        }
        let bytes =
            self.disk.read(&path, LONGEST_INDEX).map_err(|error| self.failed("read the index.json of", error))?;
        let index = Index::parse(&bytes.unwrap_or_default()).map_err(|why| self.wrong(why))?;
        let index = Arc::new(index);
        *kept = Some((stamp, index.clone()));
        Ok(index)
    }

    /// Lists a manifest whose content is there, under a name if it has one: over nothing, or what was seen there.
    fn list(&self, name: Option<&str>, over: Option<&Digest>, manifest: &Manifest) -> Result<(), Error> {
        let failed = |error| self.failed("write the index.json of", error);
        let _alone = self.disk.lock().map_err(failed)?;
        let path = self.disk.dir.join("index.json");
        let mut index = match self.disk.read(&path, LONGEST_INDEX).map_err(failed)? {
            Some(bytes) => Index::parse(&bytes).map_err(|why| self.wrong(why))?,
            None => Index::default(),
        };
        if let Some(name) = name
            && let Some(found) = index.named(name).map_err(|why| self.wrong(why))?
            && *found != manifest.digest
            && Some(found) != over
        {
            return Err(Error::Overtaken { image: format!("{}/{name}", self.name), found: found.clone() });
        }
        match index.set(name, manifest) {
            true => self.disk.write(&path, &index.to_bytes()).map_err(failed),
            false => Ok(()),
        }
    }

    /// Makes the directory ready to be written to.
    fn prepare(&self) -> Result<(), Error> {
        let failed = |error| self.failed("write to", error);
        match self.disk.kind().map_err(failed)? {
            Kind::Layout => self.disk.tidy().map_err(failed),
            Kind::Nothing => self.disk.create().map_err(failed),
            Kind::Other => Err(self.wrong("it has no file oci-layout and is not empty".to_owned())),
        }
    }

    fn is_known(&self, digest: &Digest) -> bool {
        lock(&self.known).contains(digest)
    }

    fn note(&self, digest: &Digest) {
        lock(&self.known).insert(digest.clone());
    }

    fn wrong(&self, why: String) -> Error {
        Error::Layout { layout: self.name.clone(), why }
    }

    fn failed(&self, action: &str, error: io::Error) -> Error {
        Error::Disk { action: format!("{action} {}", self.name), source: error }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
