//! The files of a commit.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::objs::tree;

use super::objects::{Entry, Objects, failed, missing, storage};
use crate::domain::tree::{ContentId, EntryKind, Tree, TreeError, TreePath};

/// The names in one directory, sorted. A name that is not UTF-8 is held with replacement characters.
#[derive(Debug)]
struct Listing(Vec<(Box<str>, Entry)>);

impl Listing {
    /// Sorts the entries; Git sorts directories as if their names ended with a `/`. Of several with one name the last is taken.
    fn new(mut entries: Vec<(Box<str>, Entry)>) -> Self {
        entries.reverse();
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        entries.dedup_by(|(one, _), (other, _)| one == other);
        Self(entries)
    }

    fn get(&self, name: &str) -> Option<Entry> {
        let at = self.0.binary_search_by(|(other, _)| (**other).cmp(name)).ok()?;
        self.0.get(at).map(|(_, entry)| *entry)
    }
}

/// The tree of a commit, read from the object database; directories are kept once read.
#[derive(Debug)]
pub(super) struct CommitTree {
    objects: Arc<Objects>,
    root: ObjectId,
    /// What is listed at a path; none where no directory is.
    directories: RwLock<HashMap<TreePath, Option<Arc<Listing>>>>,
}

impl CommitTree {
    /// Opens the tree object `root`.
    pub(super) fn new(objects: Arc<Objects>, root: ObjectId) -> Self {
        Self { objects, root, directories: RwLock::default() }
    }

    fn find(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        let Some((parent, name)) = path.split() else {
            return Ok(Some(Entry { kind: EntryKind::Directory, id: self.root, is_executable: false }));
        };
        let in_listing = |listing: &Option<Arc<Listing>>| listing.as_ref()?.get(name);
        if let Some(known) = self.read().get(parent) {
            return Ok(in_listing(known));
        }
        Ok(in_listing(&self.directory(&path.parent().unwrap_or_default())?))
    }

    /// Lists the directory `path`; none where no directory is. How deep it lies does not matter to the stack.
    fn directory(&self, path: &TreePath) -> Result<Option<Arc<Listing>>, TreeError> {
        let mut unknown = Vec::new();
        let mut at = path.clone();
        let mut known = loop {
            if let Some(known) = self.known(&at) {
                break known;
            }
            match at.parent() {
                Some(parent) => unknown.push(std::mem::replace(&mut at, parent)),
                None => {
                    break self.list_object(
                        &at,
                        Some(Entry { kind: EntryKind::Directory, id: self.root, is_executable: false }),
                    )?;
                }
            }
        };
        while let Some(below) = unknown.pop() {
            let entry = known.and_then(|listing| listing.get(below.name()));
            known = self.list_object(&below, entry)?;
        }
        Ok(known)
    }

    fn known(&self, path: &TreePath) -> Option<Option<Arc<Listing>>> {
        self.read().get(path).cloned()
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<TreePath, Option<Arc<Listing>>>> {
        self.directories.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists what `entry` at `path` is, and keeps that.
    fn list_object(&self, path: &TreePath, entry: Option<Entry>) -> Result<Option<Arc<Listing>>, TreeError> {
        let listing = match entry.filter(|entry| entry.kind == EntryKind::Directory) {
            Some(entry) => Some(Arc::new(self.objects.with(|repository| decode(repository, path, entry.id))?)),
            None => None,
        };
        self.directories.write().unwrap_or_else(PoisonError::into_inner).insert(path.clone(), listing.clone());
        Ok(listing)
    }
}

fn decode(repository: &gix::Repository, path: &TreePath, object_id: ObjectId) -> Result<Listing, TreeError> {
    let object = repository.try_find_object(object_id).map_err(failed(path))?;
    let object = object.ok_or_else(|| storage(path, missing(path, object_id)))?;
    let tree = object.try_into_tree().map_err(failed(path))?;
    let mut entries = Vec::new();
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
        let is_executable = entry.kind() == tree::EntryKind::BlobExecutable;
        entries.push((name.into_boxed_str(), Entry { kind, id, is_executable }));
    }
    Ok(Listing::new(entries))
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
        let listing = self.directory(path)?.ok_or_else(|| TreeError::Missing(path.clone()))?;
        Ok(listing.0.iter().map(|(name, entry)| (name.to_string(), entry.kind)).collect())
    }

    fn is_executable(&self, path: &TreePath) -> Result<bool, TreeError> {
        Ok(self.find(path)?.is_some_and(|entry| entry.is_executable))
    }

    fn identity(&self, path: &TreePath) -> Result<Option<ContentId>, TreeError> {
        Ok(self.find(path)?.and_then(Entry::content_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_git_s_order_and_the_last_of_one_name_stands() {
        let entry = |kind| Entry { kind, is_executable: false, id: ObjectId::null(gix::hash::Kind::Sha1) };
        let (file, directory) = (entry(EntryKind::File), entry(EntryKind::Directory));
        let names = [("a.b", file), ("a", directory), ("a0", file), ("c", file), ("c", directory)];
        let listing = Listing::new(names.into_iter().map(|(name, entry)| (name.into(), entry)).collect());
        let kind = |name: &str| listing.get(name).map(|entry| entry.kind);
        assert_eq!([kind("a"), kind("a.b"), kind("b")], [Some(EntryKind::Directory), Some(EntryKind::File), None]);
        assert_eq!((kind("c"), listing.0.len()), (Some(EntryKind::Directory), 4));
    }
}
