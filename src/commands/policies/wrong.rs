//! What is wrong with policies and the files beside them, collected so that one run tells it all.

use crate::commands::error::Error;
use crate::domain::Revision;
use crate::yaml::Fault;

/// How many files are named.
const MOST_NAMED: usize = 3;

/// All faults of files, and the first thing that is none.
#[derive(Debug, Default)]
pub(super) struct Wrong {
    faults: Vec<Fault>,
    files: Vec<String>,
    other: Option<Error>,
}

impl Wrong {
    /// Keeps what went wrong, and returns what did not.
    pub(super) fn note<T>(&mut self, result: Result<T, impl Into<Error>>) -> Option<T> {
        match result.map_err(Into::into) {
            Ok(value) => return Some(value),
            Err(Error::Faults { what, faults, .. }) => {
                if !self.files.contains(&what) {
                    self.files.push(what);
                }
                for fault in faults {
                    if !self.faults.contains(&fault) {
                        self.faults.push(fault);
                    }
                }
            }
            Err(other) => _ = self.other.get_or_insert(other),
        }
        None
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.faults.is_empty() && self.other.is_none()
    }

    /// Returns what was found, where something was.
    pub(super) fn into_result(self, revision: &Revision) -> Result<(), Error> {
        if self.faults.is_empty() {
            return self.other.map_or(Ok(()), Err);
        }
        let mut what = self.files.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join(", ");
        if self.files.len() > MOST_NAMED {
            what = format!("{what} and {} more", self.files.len() - MOST_NAMED);
        }
        Err(Error::Faults { what, faults: self.faults, revision: revision.clone() })
    }
}
