//! Objects by their hash, for many threads at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gix::ObjectId;

use super::error::{Cause, Error};
use crate::domain::tree::{ContentId, EntryKind, TreeError, TreePath};

/// The largest file that is read, 64 MiB: nothing Kustomize reads comes near.
pub(super) const MAX_FILE_BYTES: u64 = 64 << 20;

/// What each thread keeps of decoded objects, 4 MiB; without a cache a diff reads the same trees again and again.
const OBJECT_CACHE_BYTES: usize = 4 << 20;

/// An object database shared by threads: each takes a handle, and puts it back with its cache warm.
#[derive(Debug)]
pub(super) struct Objects {
    shared: gix::ThreadSafeRepository,
    idle: Mutex<Vec<gix::Repository>>,
    /// Handles without a cache: a blob is read once, and a copy kept of it would only be thrown away.
    for_blobs: Mutex<Vec<gix::Repository>>,
}

impl Objects {
    pub(super) fn new(shared: gix::ThreadSafeRepository) -> Self {
        Self { shared, idle: Mutex::default(), for_blobs: Mutex::default() }
    }

    /// Lends a handle of this thread's own to `work`.
    pub(super) fn with<T>(&self, work: impl FnOnce(&gix::Repository) -> T) -> T {
        let idle = lock(&self.idle).pop();
        let repository = idle.unwrap_or_else(|| self.handle());
        let answer = work(&repository);
        lock(&self.idle).push(repository);
        answer
    }

    fn handle(&self) -> gix::Repository {
        let mut repository = self.shared.to_thread_local();
        repository.object_cache_size_if_unset(OBJECT_CACHE_BYTES);
        repository
    }

    /// Reads the blob that stands at `path`.
    pub(super) fn blob(&self, path: &TreePath, id: ObjectId) -> Result<Arc<[u8]>, TreeError> {
        let idle = lock(&self.for_blobs).pop();
        let repository = idle.unwrap_or_else(|| self.shared.to_thread_local());
        let content = read_blob(&repository, path, id);
        lock(&self.for_blobs).push(repository);
        content
    }
}

fn read_blob(repository: &gix::Repository, path: &TreePath, id: ObjectId) -> Result<Arc<[u8]>, TreeError> {
    let header = repository.try_find_header(id).map_err(failed(path))?;
    let header = header.ok_or_else(|| storage(path, missing(path, id)))?;
    let size_bytes = header.size();
    if size_bytes > MAX_FILE_BYTES {
        return Err(too_large(path, size_bytes));
    }
    let blob = repository.find_blob(id).map_err(failed(path))?;
    Ok(Arc::from(blob.data.as_slice()))
}

/// Locks even after a panic elsewhere: every value kept behind these locks is whole at all times.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What stands under one name of a directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) kind: EntryKind,
    pub(super) id: ObjectId,
    pub(super) is_executable: bool,
}

impl Entry {
    /// The hash of what stands there.
    pub(super) fn content_id(self) -> Option<ContentId> {
        self.id.as_bytes().try_into().ok().map(ContentId)
    }

    /// Reads the entry as a file or a link; a directory or a submodule has no content of its own.
    pub(super) fn read(self, objects: &Objects, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        match self.kind {
            EntryKind::File | EntryKind::Symlink => objects.blob(path, self.id),
            EntryKind::Directory | EntryKind::Submodule => Err(TreeError::Missing(path.clone())),
        }
    }
}

/// Wraps what the storage said of `path`.
pub(super) fn storage(path: &TreePath, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> TreeError {
    TreeError::Storage { path: path.clone(), source: Arc::from(source.into()) }
}

/// Says that the file at `path` is larger than what is read.
pub(super) fn too_large(path: &TreePath, size_bytes: u64) -> TreeError {
    TreeError::TooLarge { path: path.clone(), size_bytes, limit_bytes: MAX_FILE_BYTES }
}

/// Says that the object at `path` is absent, as in a partial clone.
pub(super) fn missing(path: &TreePath, id: ObjectId) -> Error {
    Error::MissingObject { rev: path.to_string(), id: id.to_string() }
}

/// Wraps an error of the object database met at `path`.
pub(super) fn failed(path: &TreePath) -> impl FnOnce(gix::Error) -> TreeError {
    let path = path.clone();
    move |source| storage(&path, Cause::from(source))
}
