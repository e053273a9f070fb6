//! The files on disk.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::objects::{MAX_FILE_BYTES, storage, too_large};
use crate::domain::tree::{EntryKind, Tree, TreeError, TreePath};

/// The name of what makes a directory a repository.
const DOT_GIT: &str = ".git";

/// The directory below a root, as it is at each call: untracked and ignored files included, `.git` hidden.
///
/// A directory that holds a `.git` of its own (a submodule, a linked worktree, a clone within the clone) is a
/// [`EntryKind::Submodule`], as Git would record it.
#[derive(Debug)]
pub(super) struct WorkTree {
    root: PathBuf,
}

impl WorkTree {
    /// Opens the directory `root`.
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    fn on_disk(&self, path: &TreePath) -> PathBuf {
        path.components().fold(self.root.clone(), |disk, name| disk.join(name))
    }

    /// Returns what stands at `path`; nothing below a link or a submodule is ever reached.
    fn find(&self, path: &TreePath) -> Result<Option<(EntryKind, Metadata)>, TreeError> {
        if path.components().any(is_hidden) {
            return Ok(None);
        }
        let mut disk = self.root.clone();
        let mut found = None;
        for (depth, name) in path.components().enumerate() {
            if depth > 0 && !matches!(found, Some((EntryKind::Directory, _))) {
                return Ok(None);
            }
            disk.push(name);
            found = inspect(&disk).map_err(|source| storage(path, source))?;
        }
        match path.as_str().is_empty() {
            true => match fs::metadata(&self.root) {
                Ok(metadata) => Ok(Some((EntryKind::Directory, metadata))),
                Err(source) => Err(storage(path, source)),
            },
            false => Ok(found),
        }
    }
}

fn is_hidden(name: &str) -> bool {
    // Case-insensitive file systems find the repository under every spelling.
    name.eq_ignore_ascii_case(DOT_GIT)
}

/// Tells what is at `disk`; `None` for nothing, and for what Git does not record: sockets, pipes, devices.
fn inspect(disk: &Path) -> io::Result<Option<(EntryKind, Metadata)>> {
    let metadata = match fs::symlink_metadata(disk) {
        Ok(metadata) => metadata,
        Err(source) if is_absent(&source) => return Ok(None),
        Err(source) => return Err(source),
    };
    let kind = if metadata.is_symlink() {
        EntryKind::Symlink
    } else if metadata.is_file() {
        EntryKind::File
    } else if !metadata.is_dir() {
        return Ok(None);
    } else if fs::symlink_metadata(disk.join(DOT_GIT)).is_ok() {
        EntryKind::Submodule
    } else {
        EntryKind::Directory
    };
    Ok(Some((kind, metadata)))
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename)
}

impl Tree for WorkTree {
    fn kind(&self, path: &TreePath) -> Result<Option<EntryKind>, TreeError> {
        Ok(self.find(path)?.map(|(kind, _)| kind))
    }

    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        let disk = self.on_disk(path);
        let content = match self.find(path)? {
            Some((EntryKind::File, metadata)) if metadata.len() > MAX_FILE_BYTES => {
                return Err(too_large(path, metadata.len()));
            }
            Some((EntryKind::File, _)) => fs::read(disk),
            Some((EntryKind::Symlink, _)) => {
                fs::read_link(disk).map(|target| target.into_os_string().into_encoded_bytes())
            }
            _ => return Err(TreeError::Missing(path.clone())),
        };
        content.map(Arc::from).map_err(|source| storage(path, source))
    }

    fn list(&self, path: &TreePath) -> Result<Vec<(String, EntryKind)>, TreeError> {
        if !matches!(self.find(path)?, Some((EntryKind::Directory, _))) {
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
            if let Some((kind, _)) = inspect(&entry.path()).map_err(failed)? {
                entries.push((name, kind));
            }
        }
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(entries)
    }
}
