//! The files on disk.

use std::collections::HashMap;
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use super::objects::{MAX_FILE_BYTES, storage, too_large};
use super::staged::Staged;
use crate::domain::tree::{ContentId, EntryKind, Tree, TreeError, TreePath};

/// The name of what makes a directory a repository.
const DOT_GIT: &str = ".git";

/// The entries of a directory, sorted by name; none where there is no directory.
type Entries = Option<Arc<[(String, EntryKind)]>>;

/// The directory below a root: untracked and ignored files included, `.git` hidden. Files are read as they are at each call;
/// which there are is looked up once for each directory.
///
/// A directory that holds a `.git` of its own (a submodule, a linked worktree, a clone within the clone) is a
/// [`EntryKind::Submodule`], as Git would record it; not where files below it are staged.
#[derive(Debug)]
pub(super) struct WorkTree {
    root: PathBuf,
    staged: Staged,
    directories: RwLock<HashMap<TreePath, Entries>>,
}

impl WorkTree {
    /// Opens the directory `root`, of which `staged` is known.
    pub(super) fn new(root: PathBuf, staged: Staged) -> Self {
        Self { root, staged, directories: RwLock::default() }
    }

    fn on_disk(&self, path: &TreePath) -> PathBuf {
        let mut disk = self.root.clone();
        disk.extend(path.components());
        disk
    }

    /// Returns what stands at `path`; nothing below a link or a submodule is ever reached.
    fn find(&self, path: &TreePath) -> Result<Option<EntryKind>, TreeError> {
        let Some((parent, name)) = path.split() else {
            return Ok(self.entries(path)?.map(|_| EntryKind::Directory));
        };
        if let Some(known) = self.read().get(parent) {
            return Ok(kind_in(known, name));
        }
        Ok(kind_in(&self.entries(&path.parent().unwrap_or_default())?, name))
    }

    /// Returns the entries of `path` when it is a directory that is reached without a link. How deep it lies does not matter
    /// to the stack.
    fn entries(&self, path: &TreePath) -> Result<Entries, TreeError> {
        let mut unknown = Vec::new();
        let mut at = Some(path.clone());
        let mut above = None;
        while let Some(directory) = at {
            if let Some(known) = self.known(&directory) {
                above = Some(known);
                break;
            }
            at = directory.parent();
            unknown.push(directory);
        }
        while let Some(directory) = unknown.pop() {
            // Only the root has nothing above.
            let is_directory =
                above.is_none_or(|above| kind_in(&above, directory.name()) == Some(EntryKind::Directory));
            let found = if is_directory { self.look_up(&directory)? } else { None };
            let mut known = self.directories.write().unwrap_or_else(PoisonError::into_inner);
            above = Some(known.entry(directory).or_insert(found).clone());
        }
        Ok(above.flatten())
    }

    fn known(&self, directory: &TreePath) -> Option<Entries> {
        self.read().get(directory).cloned()
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<TreePath, Entries>> {
        self.directories.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whether files are staged below the directory `name` of `directory`.
    fn has_staged(&self, directory: &TreePath, name: &str) -> bool {
        directory.child(name).is_some_and(|path| self.staged.has_below(&path))
    }

    fn look_up(&self, directory: &TreePath) -> Result<Entries, TreeError> {
        let disk = self.on_disk(directory);
        let failed = |source| storage(directory, source);
        let listing = match fs::read_dir(&disk) {
            Ok(listing) => listing,
            Err(source) if is_absent(&source) => return Ok(None),
            Err(source) => return Err(failed(source)),
        };
        let mut entries = Vec::new();
        for entry in listing {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !is_hidden(&name) {
                let file_type = entry.file_type().map_err(failed)?;
                let is_repository = || !self.has_staged(directory, &name) && holds_repository(&entry.path());
                entries.extend(kind_of(file_type, is_repository).map(|kind| (name, kind)));
            }
        }
        entries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Ok(Some(entries.into()))
    }
}

fn kind_in(entries: &Entries, name: &str) -> Option<EntryKind> {
    let entries = entries.as_ref()?;
    let at = entries.binary_search_by(|(other, _)| other.as_str().cmp(name)).ok()?;
    entries.get(at).map(|(_, kind)| *kind)
}

fn is_hidden(name: &str) -> bool {
    // Case-insensitive file systems find the repository under every spelling.
    name.eq_ignore_ascii_case(DOT_GIT)
}

/// The kind of what Git records; `None` for what it does not: sockets, pipes, devices.
fn kind_of(file_type: FileType, is_repository: impl FnOnce() -> bool) -> Option<EntryKind> {
    if file_type.is_symlink() {
        Some(EntryKind::Symlink)
    } else if file_type.is_file() {
        Some(EntryKind::File)
    } else if !file_type.is_dir() {
        None
    } else if is_repository() {
        Some(EntryKind::Submodule)
    } else {
        Some(EntryKind::Directory)
    }
}

fn holds_repository(directory: &Path) -> bool {
    fs::symlink_metadata(directory.join(DOT_GIT)).is_ok()
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename)
}

impl Tree for WorkTree {
    fn kind(&self, path: &TreePath) -> Result<Option<EntryKind>, TreeError> {
        self.find(path)
    }

    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        let disk = self.on_disk(path);
        let content = match self.find(path)? {
            Some(EntryKind::File) => {
                let size_bytes = fs::metadata(&disk).map_err(|source| storage(path, source))?.len();
                if size_bytes > MAX_FILE_BYTES {
                    return Err(too_large(path, size_bytes));
                }
                fs::read(disk)
            }
            Some(EntryKind::Symlink) => fs::read_link(disk).map(|target| target.into_os_string().into_encoded_bytes()),
            _ => return Err(TreeError::Missing(path.clone())),
        };
        content.map(Arc::from).map_err(|source| storage(path, source))
    }

    fn list(&self, path: &TreePath) -> Result<Vec<(String, EntryKind)>, TreeError> {
        let entries = self.entries(path)?.ok_or_else(|| TreeError::Missing(path.clone()))?;
        Ok(entries.to_vec())
    }

    fn identity(&self, path: &TreePath) -> Result<Option<ContentId>, TreeError> {
        // A file that is staged may lie behind a link by now.
        let Some(staged) = self.staged.find(path) else { return Ok(None) };
        match self.find(path)? {
            Some(EntryKind::File) => Ok(staged.identity(&self.on_disk(path))),
            _ => Ok(None),
        }
    }
}
