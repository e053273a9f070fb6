//! A repository on disk, opened for reading.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix::sec::trust::Mapping;

use super::commit_tree::CommitTree;
use super::error::{Cause, Error};
use super::facts::GitFacts;
use super::index_tree::IndexTree;
use super::objects::Objects;
use super::range::{RangeRequest, choose};
use super::resolve::resolve;
use super::revision::CommitId;
use super::staged::Staged;
use super::work_tree::WorkTree;
use crate::domain::tree::{MemoryTree, Tree, TreePath};
use crate::domain::{Range, Revision};

/// A Git repository, bare or with a work tree; may be shared between threads.
#[derive(Debug)]
pub struct Repository {
    objects: Arc<Objects>,
    root: Option<PathBuf>,
    prefix: TreePath,
    index_file: PathBuf,
}

impl Repository {
    /// Opens the repository that holds `dir`, looking upward as `git -C dir` does.
    ///
    /// `GIT_DIR` is not heard: hooks run inside the repository they belong to, and there it is found anyway.
    ///
    /// # Errors
    /// [`Error::NotARepository`] when `dir` is not inside one, or it cannot be read.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with_index(dir.as_ref(), std::env::var_os("GIT_INDEX_FILE"))
    }

    /// Opens the repository with the index that a hook was told to read, if it is one of this repository.
    pub(super) fn open_with_index(dir: &Path, index_file: Option<OsString>) -> Result<Self, Error> {
        let not_a_repository = |source: Cause| Error::NotARepository { dir: dir.to_owned(), source };
        let start = dir.canonicalize().map_err(|source| not_a_repository(source.into()))?;
        let shared =
            gix::ThreadSafeRepository::discover_opts(&start, gix::discover::upwards::Options::default(), trust())
                .map_err(|source| not_a_repository(source.into()))?;
        let local = shared.to_thread_local();
        let root = local.workdir().map(|root| root.canonicalize().unwrap_or_else(|_| root.to_owned()));
        Ok(Self {
            prefix: prefix_of(&start, root.as_deref()),
            index_file: index_file_of(&local, index_file),
            objects: Arc::new(Objects::new(shared)),
            root,
        })
    }

    /// Returns the root of the work tree without symbolic links; `None` for a bare repository.
    #[must_use]
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// Returns the directory that was opened, relative to the root; the root itself for a bare repository.
    #[must_use]
    pub fn prefix(&self) -> &TreePath {
        &self.prefix
    }

    /// Finds the one commit `rev` names (`HEAD~2`, a tag, a short hash, `origin/main`, `@{upstream}` …) and makes sure
    /// that its tree is here too.
    ///
    /// # Errors
    /// [`Error::UnknownRevision`], [`Error::NotACommit`], and for what is not in the clone
    /// [`Error::MissingInShallowClone`] or [`Error::MissingObject`].
    pub fn commit(&self, rev: &str) -> Result<CommitId, Error> {
        self.objects.with(|repository| resolve(repository, rev)).map(|resolved| CommitId::new(resolved.commit))
    }

    /// Chooses the two revisions to compare: the flags, else the CI event, else the history.
    ///
    /// # Errors
    /// As [`Repository::commit`]; [`Error::Unrelated`] and [`Error::NoDefaultBranch`] when there is nothing to compare
    /// with; [`Error::DeletedHead`].
    pub fn range(&self, request: &RangeRequest) -> Result<Range, Error> {
        self.objects.with(|repository| choose(request, &GitFacts { repository }))
    }

    /// Opens the files of a revision.
    ///
    /// A commit and the index are read as they are now; the work tree is read anew at each call.
    ///
    /// # Errors
    /// As [`Repository::commit`]; [`Error::NoWorkTree`] in a bare repository; [`Error::Conflicted`] and
    /// [`Error::SparseIndex`] for an index that is not one tree of files.
    pub fn tree(&self, revision: &Revision) -> Result<Arc<dyn Tree>, Error> {
        Ok(match revision {
            Revision::Empty => Arc::new(MemoryTree::default()),
            Revision::Commit(id) => {
                let root = self.objects.with(|repository| resolve(repository, id))?.tree;
                Arc::new(CommitTree::new(self.objects.clone(), root))
            }
            Revision::Index => Arc::new(self.index_tree()?),
            Revision::Worktree => {
                let root = self.work_tree_root("work tree")?.to_owned();
                let is_filtered = root.join(".gitattributes").exists();
                // An index that cannot be read tells nothing, and every file is read.
                let staged = self.index().ok().map(|index| Staged::new(index, is_filtered));
                Arc::new(WorkTree::new(root, staged.unwrap_or_default()))
            }
        })
    }

    pub(super) fn objects(&self) -> &Objects {
        &self.objects
    }

    fn work_tree_root(&self, asked: &'static str) -> Result<&Path, Error> {
        self.root().ok_or(Error::NoWorkTree { asked })
    }

    fn index_tree(&self) -> Result<IndexTree, Error> {
        self.work_tree_root("index")?;
        let index = self.index()?;
        IndexTree::new(self.objects.clone(), &index)
    }

    /// Reads the index; a repository without commits may have none yet.
    fn index(&self) -> Result<gix::index::File, Error> {
        let hash = self.objects.with(gix::Repository::object_hash);
        let options = gix::index::decode::Options::default();
        gix::index::File::at_or_default(&self.index_file, hash, false, options).map_err(Error::storage("the index"))
    }
}

/// Reads only the repository's own configuration, and trusts it only when the repository belongs to us: so a foreign
/// checkout (a container job, a shared disk) can be read whatever `safe.directory` says, and cannot steer us.
fn trust() -> Mapping<gix::open::Options> {
    // Replacement objects would show other files than the hash stands for.
    let options = gix::open::Options::isolated().config_overrides(["core.useReplaceRefs=false"]);
    Mapping { full: options.clone(), reduced: options }
}

/// Returns where `start` lies below `root`; the root when it does not, as inside `.git`.
fn prefix_of(start: &Path, root: Option<&Path>) -> TreePath {
    root.and_then(|root| start.strip_prefix(root).ok())
        .map(|below| below.components().map(|part| part.as_os_str().to_string_lossy()))
        .and_then(|mut parts| parts.try_fold(TreePath::root(), |path, name| path.join(&name)))
        .unwrap_or_default()
}

/// Chooses the index file. `git commit -a` and `git commit FILE` stage into another file of the Git directory and tell
/// their hooks in `GIT_INDEX_FILE`; one that lies elsewhere belongs to another repository.
fn index_file_of(repository: &gix::Repository, from_environment: Option<OsString>) -> PathBuf {
    let own = repository.git_dir().canonicalize().ok();
    let told = from_environment.and_then(|path| std::path::absolute(path).ok());
    let told = told.filter(|path| {
        let directory = path.parent().and_then(|directory| directory.canonicalize().ok());
        directory.is_some() && directory == own
    });
    told.unwrap_or_else(|| repository.index_path())
}
