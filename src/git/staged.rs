//! What the index remembers of the files on disk, so that an untouched one is known without being read.

use std::collections::HashMap;
use std::path::Path;

use gix::bstr::ByteSlice;
use gix::index::entry::stat::Options;
use gix::index::entry::{Mode, Stage, Stat};
use gix::index::fs::Metadata;

use crate::domain::tree::{ContentId, TreePath};

/// Names and file attributes of what is staged.
#[derive(Debug, Default)]
pub(super) struct Staged {
    entries: HashMap<TreePath, (ContentId, Stat)>,
}

impl Staged {
    /// Reads the regular files of `index`. Those written in the second the index was, or later, are left out, as they may have
    /// changed since without a trace (<https://git-scm.com/docs/racy-git>).
    pub(super) fn of(index: &gix::index::State) -> Self {
        let is_plain = |entry: &&gix::index::Entry| {
            entry.stage() == Stage::Unconflicted
                && matches!(entry.mode, Mode::FILE | Mode::FILE_EXECUTABLE)
                && !entry.stat.is_racy(index.timestamp(), Options::default())
        };
        let known = |entry: &gix::index::Entry| {
            let path = TreePath::parse(&entry.path(index).to_str_lossy())?;
            let id = entry.id.as_bytes().try_into().ok().map(ContentId)?;
            Some((path, (id, entry.stat)))
        };
        Self { entries: index.entries().iter().filter(is_plain).filter_map(known).collect() }
    }

    /// Tells whether anything is remembered of `path`.
    pub(super) fn has(&self, path: &TreePath) -> bool {
        self.entries.contains_key(path)
    }

    /// Returns the hash of the file `path`, at `disk`, when it is as it was staged.
    pub(super) fn identity(&self, path: &TreePath, disk: &Path) -> Option<ContentId> {
        let (id, staged) = self.entries.get(path)?;
        let metadata = Metadata::from_path_no_follow(disk).ok().filter(Metadata::is_file)?;
        let stat = Stat::from_fs(&metadata).ok()?;
        staged.matches(&stat, Options { use_nsec: true, ..Options::default() }).then_some(*id)
    }
}
