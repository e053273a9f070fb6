//! What the index remembers of the files on disk, so that an untouched one is known without being read.

use std::path::Path;

use gix::index::entry::stat::Options;
use gix::index::entry::{Mode, Stage, Stat};
use gix::index::fs::Metadata;

use crate::domain::tree::{ContentId, TreePath};

/// Names and file attributes of what is staged.
#[derive(Debug, Default)]
pub(super) struct Staged {
    index: Option<gix::index::File>,
    is_filtered: bool,
}

/// What is remembered of one regular file.
pub(super) struct StagedFile<'s>(&'s gix::index::Entry);

impl Staged {
    /// Takes the index; where contents are filtered (`.gitattributes`), a file on disk is not the blob that was staged.
    pub(super) fn new(index: gix::index::File, is_filtered: bool) -> Self {
        Self { index: Some(index), is_filtered }
    }

    /// Tells whether files below the directory `path` are staged: then Git takes it for no repository of its own.
    pub(super) fn has_below(&self, path: &TreePath) -> bool {
        let index = self.index.as_ref();
        let entry = index.and_then(|index| index.entry_closest_to_directory_or_directory(path.as_str().into()));
        entry.is_some_and(|entry| !matches!(entry.mode, Mode::COMMIT | Mode::DIR))
    }

    /// Returns what is remembered of a regular file. Of one that was written in the second the index was, or later, it is nothing,
    /// as it may have changed since without a trace (<https://git-scm.com/docs/racy-git>).
    pub(super) fn find(&self, path: &TreePath) -> Option<StagedFile<'_>> {
        let index = self.index.as_ref().filter(|_| !self.is_filtered)?;
        let entry = index.entry_by_path_and_stage(path.as_str().into(), Stage::Unconflicted)?;
        let is_plain = matches!(entry.mode, Mode::FILE | Mode::FILE_EXECUTABLE);
        let is_racy = || entry.stat.is_racy(index.timestamp(), Options::default());
        (is_plain && !is_racy()).then_some(StagedFile(entry))
    }
}

impl StagedFile<'_> {
    /// Returns the hash of the file, which lies at `disk`, when it is as it was staged.
    pub(super) fn identity(&self, disk: &Path) -> Option<ContentId> {
        let metadata = Metadata::from_path_no_follow(disk).ok().filter(Metadata::is_file)?;
        let stat = Stat::from_fs(&metadata).ok()?;
        let is_as_staged = self.0.stat.matches(&stat, Options { use_nsec: true, ..Options::default() });
        is_as_staged.then_some(ContentId(self.0.id.as_bytes().try_into().ok()?))
    }
}
