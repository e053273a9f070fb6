//! Reads a Git repository: which two revisions to compare, and the trees they name.
//!
//! No `git` binary is run, nothing is checked out and, [`Creation`] apart, nothing is written. Of the environment only `GIT_INDEX_FILE` is
//! heard (a pre-commit hook gets it), and of the configuration only the repository's own, and that only when the
//! repository belongs to the user who runs us. Hooks, filters and replacement objects are never used: what is read is
//! what the hash names.
//!
//! A clone that lacks history is never guessed around: what is missing is an [`Error`] whose [hint](Error::hint) is the
//! command that fetches it, because a comparison with the wrong base promotes everything or nothing.

mod commit_tree;
mod create;
mod error;
mod facts;
mod first_parents;
mod index_tree;
mod objects;
mod range;
mod repository;
mod resolve;
mod revision;
mod staged;
mod work_tree;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use create::Creation;
pub use error::{Cause, Error};
pub use first_parents::{FirstParents, Landed};
pub use range::{CiRange, RangeRequest};
pub use repository::Repository;
pub use revision::CommitId;
