//! The files of a commit.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::objs::tree;

use super::objects::{Entry, Objects, failed, lock, missing, storage};
use crate::domain::tree::{ContentId, EntryKind, Tree, TreeError, TreePath};

/// The names in one directory. A name that is not UTF-8 is held with replacement characters.
type Listing = BTreeMap<String, Entry>;

/// The tree of a commit, read from the object database; directories are kept once read.
#[derive(Debug)]
pub(super) struct CommitTree {
    objects: Arc<Objects>,
    root: ObjectId,
    directories: Mutex<HashMap<ObjectId, Arc<Listing>>>,
}

impl CommitTree {
    /// Opens the tree object `root`.
    pub(super) fn new(objects: Arc<Objects>, root: ObjectId) -> Self {
        Self { objects, root, directories: Mutex::default() }
    }

    fn find(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        let mut reached = Entry { kind: EntryKind::Directory, id: self.root };
        for name in path.components() {
            if reached.kind != EntryKind::Directory {
                return Ok(None);
            }
            match self.directory(path, reached.id)?.get(name) {
                Some(entry) => reached = *entry,
                None => return Ok(None),
            }
        }
        Ok(Some(reached))
    }

    /// Reads the directory `id`, met on the way to `path`.
    fn directory(&self, path: &TreePath, id: ObjectId) -> Result<Arc<Listing>, TreeError> {
        if let Some(known) = lock(&self.directories).get(&id) {
            return Ok(known.clone());
        }
        let listing = Arc::new(self.objects.with(|repository| decode(repository, path, id))?);
        lock(&self.directories).insert(id, listing.clone());
        Ok(listing)
    }
}

fn decode(repository: &gix::Repository, path: &TreePath, object_id: ObjectId) -> Result<Listing, TreeError> {
    let object = repository.try_find_object(object_id).map_err(failed(path))?;
    let object = object.ok_or_else(|| storage(path, missing(path, object_id)))?;
    let tree = object.try_into_tree().map_err(failed(path))?;
    let mut listing = Listing::new();
    for entry in tree.iter() {
        let entry = entry.map_err(failed(path))?;
        let kind = match entry.kind() {
            tree::EntryKind::Tree => EntryKind::Directory,
            tree::EntryKind::Blob | tree::EntryKind::BlobExecutable => EntryKind::File,
            tree::EntryKind::Link => EntryKind::Symlink,
            tree::EntryKind::Commit => EntryKind::Submodule,
        };
        let id = entry.object_id();
        let name = entry.filename().to_str_lossy().into_owned();
        if TreePath::root().child(&name).is_none() {
            let fault = std::io::Error::other(format!("the tree {} has an entry called `{name}`", object_id));
            return Err(storage(path, fault));
        }
        listing.insert(name, Entry { kind, id });
    }
    Ok(listing)
}

impl Tree for CommitTree {
    fn kind(&self, path: &TreePath) -> Result<Option<EntryKind>, TreeError> {
        Ok(self.find(path)?.map(|entry| entry.kind))
    }

    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        let entry = self.find(path)?.ok_or_else(|| TreeError::Missing(path.clone()))?;
        entry.read(&self.objects, path)
    }

    fn list(&self, path: &TreePath) -> Result<Vec<(String, EntryKind)>, TreeError> {
        match self.find(path)? {
            Some(entry) if entry.kind == EntryKind::Directory => {
                let listing = self.directory(path, entry.id)?;
                Ok(listing.iter().map(|(name, entry)| (name.clone(), entry.kind)).collect())
            }
            _ => Err(TreeError::Missing(path.clone())),
        }
    }

    fn identity(&self, path: &TreePath) -> Result<Option<ContentId>, TreeError> {
        Ok(self.find(path)?.and_then(Entry::content_id))
    }
}
