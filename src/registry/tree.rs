//! Manifest trees: an index with everything below it, read by digest and within bounds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::try_join_all;

use super::error::Error;
use super::manifest::{Child, LONGEST_MANIFEST, Manifest, platform_of};
use super::repository::Repository;
use crate::domain::{Content, Digest};

/// How deep indexes may stand in indexes.
const DEEPEST: usize = 4;

/// How many manifests one image may have.
const MOST_MANIFESTS: usize = 1_000;

/// How many blobs one image may have.
const MOST_BLOBS: usize = 10_000;

/// How long all manifests of one image may be together, in bytes.
const LONGEST_TREE: u64 = 64 << 20;

/// The longest configuration that is read for its platform, in bytes.
pub(super) const LONGEST_CONFIG: u64 = 4 << 20;

/// How much small content is kept from the gathering for the copy, in bytes.
const SHELF: usize = 32 << 20;

/// A manifest and all below it.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    /// The digest everything hangs on.
    pub top: Digest,
    /// Each manifest once.
    pub manifests: BTreeMap<Digest, Manifest>,
}

impl Tree {
    /// Reads the tree below `top`.
    ///
    /// # Errors
    /// A registry's, or [`Error::Manifest`] when it is too deep, too large, lacks a part or disagrees with itself.
    pub(super) async fn read(repository: &Repository, top: &Digest, shelf: &Shelf) -> Result<Self, Error> {
        let refuse = |digest: &Digest, why: String| Error::Manifest {
            digest: digest.clone(),
            repository: repository.locator(),
            why,
        };
        let first = shelf.manifest(repository, top, LONGEST_MANIFEST).await?;
        let mut level = first.children().to_vec();
        let mut tree = Self { top: top.clone(), manifests: BTreeMap::from([(top.clone(), first)]) };
        for depth in 0.. {
            let mut asked = BTreeSet::new();
            level.retain(|child| !tree.manifests.contains_key(&child.digest) && asked.insert(child.digest.clone()));
            tree.check_bounds(&level, depth).map_err(|why| refuse(top, why))?;
            if level.is_empty() {
                break;
            }
            let reads = level.iter().map(|child| shelf.manifest(repository, &child.digest, child.size_bytes));
            let read = try_join_all(reads).await?;
            for (child, manifest) in level.iter().zip(&read) {
                check(child, manifest).map_err(|why| refuse(&child.digest, why))?;
            }
            level = read.iter().flat_map(|manifest| manifest.children().to_vec()).collect();
            tree.manifests.extend(read.into_iter().map(|manifest| (manifest.digest.clone(), manifest)));
        }
        Ok(tree)
    }

    /// Tells how many MiB the manifests of a tree may be long together, by what its top says, and hold until it is read.
    pub(super) async fn weight_mib(repository: &Repository, top: &Digest, shelf: &Shelf) -> Result<u32, Error> {
        let top = shelf.manifest(repository, top, LONGEST_MANIFEST).await?;
        let below = top.children().iter().map(|child| child.size_bytes).fold(0, u64::saturating_add);
        let has_indexes = top.children().iter().any(Child::is_index);
        let size_bytes = if has_indexes { LONGEST_TREE } else { below.saturating_add(top.bytes.len() as u64) };
        Ok(u32::try_from(size_bytes.min(LONGEST_TREE) >> 20).unwrap_or(u32::MAX) + 1)
    }

    /// Says no before the next level is read, by what its index says of it.
    fn check_bounds(&self, next: &[Child], depth: usize) -> Result<(), String> {
        let read = self.manifests.values().map(|manifest| manifest.bytes.len() as u64);
        let size_bytes = read.chain(next.iter().map(|child| child.size_bytes)).fold(0, u64::saturating_add);
        let blobs = self.manifests.values().map(|manifest| manifest.blobs().len()).sum::<usize>();
        if depth >= DEEPEST && !next.is_empty() {
            return Err(format!("its indexes stand more than {DEEPEST} deep"));
        }
        if self.manifests.len() + next.len() > MOST_MANIFESTS {
            return Err(format!("it is made of more than {MOST_MANIFESTS} manifests"));
        }
        if size_bytes > LONGEST_TREE {
            return Err(format!("its manifests are longer than {LONGEST_TREE} bytes together"));
        }
        match blobs > MOST_BLOBS {
            true => Err(format!("it is made of more than {MOST_BLOBS} blobs")),
            false => Ok(()),
        }
    }

    /// Says what the image is made of; reads the configuration of a single image for its platform.
    pub(super) async fn content(&self, repository: &Repository, shelf: &Shelf) -> Content {
        let blobs: BTreeMap<_, _> =
            self.manifests.values().flat_map(Manifest::blobs).map(|blob| (&blob.digest, blob.size_bytes)).collect();
        let manifests = self.manifests.values().map(|manifest| manifest.bytes.len() as u64);
        let size_bytes = manifests.chain(blobs.into_values()).fold(0, u64::saturating_add);
        let foreign_layers = self.manifests.values().map(|manifest| manifest.foreign_layers).sum();
        Content { size_bytes, platforms: self.platforms(repository, shelf).await, foreign_layers, narrowed: None }
    }

    async fn platforms(&self, repository: &Repository, shelf: &Shelf) -> Vec<String> {
        let Some(top) = self.manifests.get(&self.top) else {
            return Vec::new();
        };
        if !top.children().is_empty() {
            return self.platforms_below(top, 0);
        }
        match top.blobs().first() {
            Some(config) if config.size_bytes <= LONGEST_CONFIG && config.media_type.ends_with("+json") => {
                let bytes = shelf.blob(repository, &config.digest, config.size_bytes).await;
                bytes.ok().and_then(|bytes| platform_of(&bytes)).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Tree {
    /// The platforms of an index, those of the indexes in it in their place. `depth` bounds what a crafted tree could ask.
    fn platforms_below(&self, index: &Manifest, depth: usize) -> Vec<String> {
        let of_child = |child: &Child| match (&child.platform, self.manifests.get(&child.digest)) {
            (Some(platform), _) => vec![platform.clone()],
            (None, Some(inner)) if depth < DEEPEST => self.platforms_below(inner, depth + 1),
            _ => Vec::new(),
        };
        index.children().iter().flat_map(of_child).collect()
    }
}

fn check(child: &Child, manifest: &Manifest) -> Result<(), String> {
    if manifest.bytes.len() as u64 != child.size_bytes {
        return Err(format!("its index gives it {} bytes, it has {}", child.size_bytes, manifest.bytes.len()));
    }
    match manifest.media_type == child.media_type {
        true => Ok(()),
        false => Err(format!("its index calls it {}, it is {}", child.media_type, manifest.media_type)),
    }
}

/// Small content that was read and checked once, by repository and digest: what the gathering read, the copy need not read
/// again.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    manifests: HashMap<(String, Digest), Manifest>,
    blobs: HashMap<(String, Digest), Bytes>,
    size_bytes: usize,
}

impl Shelf {
    /// Returns a manifest, read from the repository at most once while there is room.
    pub(super) async fn manifest(
        &self,
        repository: &Repository,
        digest: &Digest,
        limit_bytes: u64,
    ) -> Result<Manifest, Error> {
        let key = (repository.locator(), digest.clone());
        if let Some(manifest) = self.lock().manifests.get(&key) {
            return Ok(manifest.clone());
        }
        let manifest = repository.manifest(digest, limit_bytes).await?;
        self.keep(repository, &manifest);
        Ok(manifest)
    }

    /// Keeps a manifest that was read and checked, while there is room.
    pub(super) fn keep(&self, repository: &Repository, manifest: &Manifest) {
        let mut kept = self.lock();
        let key = (repository.locator(), manifest.digest.clone());
        if !kept.manifests.contains_key(&key) && kept.makes_room(manifest.bytes.len()) {
            kept.manifests.insert(key, manifest.clone());
        }
    }

    /// Returns a small blob, read from the repository at most once while there is room.
    pub(super) async fn blob(&self, repository: &Repository, digest: &Digest, size_bytes: u64) -> Result<Bytes, Error> {
        let key = (repository.locator(), digest.clone());
        if let Some(bytes) = self.lock().blobs.get(&key) {
            return Ok(bytes.clone());
        }
        let bytes = repository.read_blob(digest, size_bytes).await?;
        let mut kept = self.lock();
        if kept.makes_room(bytes.len()) {
            kept.blobs.insert(key, bytes.clone());
        }
        Ok(bytes)
    }

    /// Returns a small blob that is kept already.
    pub(super) fn kept_blob(&self, repository: &Repository, digest: &Digest) -> Option<Bytes> {
        self.lock().blobs.get(&(repository.locator(), digest.clone())).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn makes_room(&mut self, size_bytes: usize) -> bool {
        let fits = self.size_bytes + size_bytes <= SHELF;
        self.size_bytes += if fits { size_bytes } else { 0 };
        fits
    }
}
