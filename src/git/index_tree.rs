//! The files as staged.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::index::entry::{Flags, Mode, Stage};

use super::error::Error;
use super::objects::{Entry, Objects};
use crate::domain::tree::{ContentId, EntryKind, Tree, TreeError, TreePath};

/// The index as it was when opened: names from the index file, contents from the object database.
#[derive(Debug)]
pub(super) struct IndexTree {
    objects: Arc<Objects>,
    directories: HashMap<TreePath, BTreeMap<String, Entry>>,
}

impl IndexTree {
    /// Reads every entry of `index`; what is only intended to be added (`git add -N`) is not staged.
    pub(super) fn new(objects: Arc<Objects>, index: &gix::index::State) -> Result<Self, Error> {
        let mut tree = Self { objects, directories: HashMap::from([(TreePath::root(), BTreeMap::new())]) };
        for entry in index.entries() {
            let path = entry.path(index).to_str_lossy();
            if entry.stage() != Stage::Unconflicted {
                let path = path.into_owned();
                return Err(Error::Conflicted { path });
            }
            if entry.mode == Mode::DIR {
                let path = path.into_owned();
                return Err(Error::SparseIndex { path });
            }
            let is_staged = !entry.flags.contains(Flags::INTENT_TO_ADD);
            if let Some(path) = TreePath::parse(&path).filter(|_| is_staged) {
                let kind = kind_of(entry.mode);
                let id = entry.id;
                let is_executable = entry.mode == Mode::FILE_EXECUTABLE;
                tree.insert(&path, Entry { kind, id, is_executable });
            }
        }
        Ok(tree)
    }

    fn insert(&mut self, path: &TreePath, entry: Entry) {
        let (mut path, mut entry) = (path.clone(), entry);
        while let Some(parent) = path.parent() {
            let is_known = self.directories.contains_key(&parent);
            let directory = self.directories.entry(parent.clone()).or_default();
            directory.insert(path.name().to_owned(), entry);
            if is_known {
                return;
            }
            let kind = EntryKind::Directory;
            let id = ObjectId::null(entry.id.kind());
            (path, entry) = (parent, Entry { kind, id, is_executable: false });
        }
    }

    fn find(&self, path: &TreePath) -> Option<Entry> {
        self.directories.get(&path.parent()?)?.get(path.name()).copied()
    }
}

fn kind_of(mode: Mode) -> EntryKind {
    match mode {
        Mode::SYMLINK => EntryKind::Symlink,
        Mode::COMMIT => EntryKind::Submodule,
        _ => EntryKind::File,
    }
}

impl Tree for IndexTree {
    fn kind(&self, path: &TreePath) -> Result<Option<EntryKind>, TreeError> {
        Ok(match path.as_str().is_empty() {
            true => Some(EntryKind::Directory),
            false => self.find(path).map(|entry| entry.kind),
        })
    }

    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        let entry = self.find(path).ok_or_else(|| TreeError::Missing(path.clone()))?;
        entry.read(&self.objects, path)
    }

    fn list(&self, path: &TreePath) -> Result<Vec<(String, EntryKind)>, TreeError> {
        let directory = self.directories.get(path);
        let directory = directory.ok_or_else(|| TreeError::Missing(path.clone()))?;
        Ok(directory.iter().map(|(name, entry)| (name.clone(), entry.kind)).collect())
    }

    fn is_executable(&self, path: &TreePath) -> Result<bool, TreeError> {
        Ok(self.find(path).is_some_and(|entry| entry.is_executable))
    }

    fn identity(&self, path: &TreePath) -> Result<Option<ContentId>, TreeError> {
        Ok(self.find(path).filter(|entry| entry.kind != EntryKind::Directory).and_then(Entry::content_id))
    }
}
