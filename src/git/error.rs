//! Why Git could not answer, and what to do about it.

use std::fmt;
use std::path::PathBuf;

/// What the library below said, on one line: its chain of errors without the markers it sorts them by.
#[derive(Debug)]
pub struct Cause(String);

impl std::error::Error for Cause {}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<gix::Error> for Cause {
    fn from(error: gix::Error) -> Self {
        let mut texts: Vec<String> = error.iter_errors().map(ToString::to_string).collect();
        texts.dedup();
        Self(texts.join(": "))
    }
}

impl From<std::io::Error> for Cause {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

/// Why a repository, a revision or a tree could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No repository holds the directory.
    #[error("cannot open a Git repository at {}", dir.display())]
    NotARepository {
        /// The directory asked for.
        dir: PathBuf,
        /// What Git's storage said.
        #[source]
        source: Cause,
    },
    /// Several are named so, and they are not the same.
    #[error("the revision {rev} may be {}", names.join(" or "))]
    Ambiguous {
        /// The revision as given.
        rev: String,
        /// The full names.
        names: Vec<String>,
    },
    /// Nothing is named so here.
    #[error("cannot find the revision {rev}")]
    UnknownRevision {
        /// The revision as given.
        rev: String,
        /// Whether the clone is shallow, so that a fetch may bring it.
        shallow: bool,
        /// What the parser of revisions said.
        #[source]
        source: Cause,
    },
    /// The clone stops before this part of the history.
    #[error("cannot read {what}: this clone is shallow and does not hold it")]
    MissingInShallowClone {
        /// What is missing, as in "the revision abc".
        what: String,
        /// The command that fetches it.
        command: String,
    },
    /// An object is missing though the clone is not shallow: a partial clone, or a damaged one.
    #[error("cannot read {rev}: the object {id} is missing")]
    MissingObject {
        /// The revision or path it was needed for.
        rev: String,
        /// The full hash of the object.
        id: String,
    },
    /// The revision names something other than one commit.
    #[error("cannot use {rev} as a revision: it is {found}, not a commit")]
    NotACommit {
        /// The revision as given.
        rev: String,
        /// What it is, with its article.
        found: String,
    },
    /// A bare repository has neither a work tree nor an index.
    #[error("cannot read the {asked}: the repository is bare")]
    NoWorkTree {
        /// "work tree" or "index".
        asked: &'static str,
    },
    /// Two commits share no history.
    #[error("cannot find a merge base of {head} and {base}: their histories are unrelated")]
    Unrelated {
        /// The branch on the base side.
        base: String,
        /// The head.
        head: String,
    },
    /// Nothing tells what the head is to be compared with.
    #[error("cannot choose a base for {head}: no default branch is here ({tried})")]
    NoDefaultBranch {
        /// The head.
        head: String,
        /// The names looked for, joined by commas.
        tried: String,
        /// Whether the clone is shallow.
        shallow: bool,
    },
    /// The branch the CI says the change goes into is not here.
    #[error("cannot find {target}, the branch this change goes into")]
    TargetMissing {
        /// Its short name.
        target: String,
    },
    /// The head is all zeros: the event deleted the branch.
    #[error("cannot judge an all-zero head: the branch was deleted")]
    DeletedHead,
    /// The index holds a merge that is not resolved.
    #[error("cannot read the index: {path} has a merge conflict")]
    Conflicted {
        /// The first path in conflict.
        path: String,
    },
    /// The index holds whole directories as one entry.
    #[error("cannot read the index: {path} is a sparse directory entry")]
    SparseIndex {
        /// The first such directory.
        path: String,
    },
    /// Git's storage failed.
    #[error("cannot read {what}")]
    Storage {
        /// What was being read.
        what: String,
        /// What the storage said.
        #[source]
        source: Cause,
    },
}

impl Error {
    /// Tells whether fetching more history would help: the clone is shallow and what was asked for is not in it.
    #[must_use]
    pub fn is_shallow_gap(&self) -> bool {
        match self {
            Self::MissingInShallowClone { .. } => true,
            Self::UnknownRevision { shallow, .. } | Self::NoDefaultBranch { shallow, .. } => *shallow,
            _ => false,
        }
    }

    /// Says what to do, where something can be done.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotARepository { .. } => "run it inside a Git repository, or name one with -C".to_owned(),
            Self::UnknownRevision { rev, .. } => unknown_hint(rev),
            Self::Ambiguous { .. } => {
                "write the full name of the one that is meant; whoever may push tags made the other".to_owned()
            }
            Self::MissingInShallowClone { command, .. } => {
                format!("run `{command}`; in GitHub Actions set `fetch-depth: 0` on actions/checkout")
            }
            Self::MissingObject { id, .. } => format!("run `git fetch origin {id}`, or clone again without a filter"),
            Self::NotACommit { .. } => "give one commit, branch or tag".to_owned(),
            Self::NoWorkTree { .. } => "name a commit with --head".to_owned(),
            Self::Unrelated { .. } => {
                "name the base with --base, or count everything as new with `--base empty`".to_owned()
            }
            Self::NoDefaultBranch { shallow, .. } => no_default_branch_hint(*shallow),
            Self::TargetMissing { target } => {
                let shown = if is_plain(target) { target.as_str() } else { "BRANCH" };
                format!("run `git fetch origin {shown}:refs/remotes/origin/{shown}`, or name the base with --base")
            }
            Self::DeletedHead => "skip the run when a branch is deleted".to_owned(),
            Self::Conflicted { .. } => "resolve the conflict and `git add` the file".to_owned(),
            Self::SparseIndex { .. } => "run `git sparse-checkout reapply --no-sparse-index`".to_owned(),
            Self::Storage { .. } => return None,
        })
    }

    /// Wraps what the storage said while reading `what`.
    pub(super) fn storage<E: Into<Cause>>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |source| Self::Storage { what, source: source.into() }
    }
}

/// Tells whether a revision, which is foreign text, may stand in a command line: no shell reads anything else into it.
fn is_plain(rev: &str) -> bool {
    !rev.is_empty()
        && !rev.starts_with('-')
        && rev.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._/-".contains(&byte))
}

/// Names the fetch that would bring `rev`, where it can be told from the name.
fn unknown_hint(rev: &str) -> String {
    match rev.strip_prefix("origin/") {
        Some(branch) if is_plain(rev) => format!("run `git fetch origin {branch}:refs/remotes/origin/{branch}`"),
        None if is_plain(rev) => format!("check the name, or run `git fetch origin {rev}`"),
        _ => "check the name with `git rev-parse`, or fetch it".to_owned(),
    }
}

fn no_default_branch_hint(shallow: bool) -> String {
    let base = "name the base with --base";
    match shallow {
        true => format!("{base}, or run `git fetch --unshallow`; in GitHub Actions set `fetch-depth: 0`"),
        false => format!("{base}, or run `git fetch origin` and `git remote set-head origin --auto`"),
    }
}
