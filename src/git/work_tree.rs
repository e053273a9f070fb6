//! The files on disk.

use std::collections::HashSet;
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::objects::{MAX_FILE_BYTES, storage, too_large};
use super::staged::Staged;
use crate::domain::tree::{ContentId, EntryKind, Tree, TreeError, TreePath};

/// The name of what makes a directory a repository.
const DOT_GIT: &str = ".git";

/// The directory below a root: untracked and ignored files included, `.git` hidden. Files are read as they are at each call;
/// what is a directory stays one.
///
/// A directory that holds a `.git` of its own (a submodule, a linked worktree, a clone within the clone) is a
/// [`EntryKind::Submodule`], as Git would record it.
#[derive(Debug)]
pub(super) struct WorkTree {
    root: PathBuf,
    staged: Staged,
    directories: RwLock<HashSet<TreePath>>,
}

impl WorkTree {
    /// Opens the directory `root`, of which `staged` is known.
    pub(super) fn new(root: PathBuf, staged: Staged) -> Self {
        Self { root, staged, directories: RwLock::default() }
    }

    fn on_disk(&self, path: &TreePath) -> PathBuf {
        path.components().fold(self.root.clone(), |disk, name| disk.join(name))
    }

    /// Returns what stands at `path`; nothing below a link or a submodule is ever reached.
    fn find(&self, path: &TreePath) -> Result<Option<EntryKind>, TreeError> {
        let Some(parent) = path.parent() else {
            return match fs::metadata(&self.root) {
                Ok(_) => Ok(Some(EntryKind::Directory)),
                Err(source) => Err(storage(path, source)),
            };
        };
        if is_hidden(path.name()) || !self.is_directory(&parent)? {
            return Ok(None);
        }
        let kind = inspect(&self.on_disk(path)).map_err(|source| storage(path, source))?;
        if kind == Some(EntryKind::Directory) {
            self.directories.write().unwrap_or_else(PoisonError::into_inner).insert(path.clone());
        }
        Ok(kind)
    }

    /// Tells whether `path` is a directory, reached without a link. How deep it lies does not matter to the stack.
    fn is_directory(&self, path: &TreePath) -> Result<bool, TreeError> {
        let mut unknown = Vec::new();
        let mut at = path.clone();
        loop {
            let is_known = self.directories.read().unwrap_or_else(PoisonError::into_inner).contains(&at);
            match at.parent().filter(|_| !is_known) {
                Some(parent) => unknown.push(std::mem::replace(&mut at, parent)),
                None => break,
            }
        }
        while let Some(below) = unknown.pop() {
            if is_hidden(below.name()) {
                return Ok(false);
            }
            let kind = inspect(&self.on_disk(&below)).map_err(|source| storage(&below, source))?;
            if kind != Some(EntryKind::Directory) {
                return Ok(false);
            }
            self.directories.write().unwrap_or_else(PoisonError::into_inner).insert(below);
        }
        Ok(true)
    }
}

fn is_hidden(name: &str) -> bool {
    // Case-insensitive file systems find the repository under every spelling.
    name.eq_ignore_ascii_case(DOT_GIT)
}

/// Tells what is at `disk`; `None` for nothing, and for what Git does not record: sockets, pipes, devices.
fn inspect(disk: &Path) -> io::Result<Option<EntryKind>> {
    match fs::symlink_metadata(disk) {
        Ok(metadata) => Ok(kind_of(metadata.file_type(), disk)),
        Err(source) if is_absent(&source) => Ok(None),
        Err(source) => Err(source),
    }
}

fn kind_of(file_type: FileType, disk: &Path) -> Option<EntryKind> {
    if file_type.is_symlink() {
        Some(EntryKind::Symlink)
    } else if file_type.is_file() {
        Some(EntryKind::File)
    } else if !file_type.is_dir() {
        None
    } else if fs::symlink_metadata(disk.join(DOT_GIT)).is_ok() {
        Some(EntryKind::Submodule)
    } else {
        Some(EntryKind::Directory)
    }
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
        if !self.is_directory(path)? {
            return Err(TreeError::Missing(path.clone()));
        }
        let disk = self.on_disk(path);
        let failed = |source| storage(path, source);
        let mut entries = Vec::new();
        for entry in fs::read_dir(&disk).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_hidden(&name) {
                continue;
            }
            let file_type = entry.file_type().map_err(failed)?;
            entries.extend(kind_of(file_type, &entry.path()).map(|kind| (name, kind)));
        }
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut known = self.directories.write().unwrap_or_else(PoisonError::into_inner);
        let is_directory = |(_, kind): &&(String, EntryKind)| *kind == EntryKind::Directory;
        known.extend(entries.iter().filter(is_directory).filter_map(|(name, _)| path.child(name)));
        Ok(entries)
    }

    fn identity(&self, path: &TreePath) -> Result<Option<ContentId>, TreeError> {
        let is_reached = path.parent().map(|parent| self.is_directory(&parent)).transpose()?;
        Ok(self.staged.identity(path, &self.on_disk(path)).filter(|_| is_reached == Some(true)))
    }
}
