//! The first-parent line of a branch: what was merged into it, in its order.

use super::error::Error;
use super::repository::Repository;
use super::resolve::resolve;

/// A commit of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landed {
    /// Its full id.
    pub id: String,
    /// When its committer says it was made, in seconds since 1970; never earlier than that of a commit before it on the line.
    pub committed: i64,
}

/// The line, from the newest commit back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstParents {
    /// The commits.
    pub commits: Vec<Landed>,
    /// Whether it goes on beyond what was read: the clone is shallow, or the line is longer than was asked for.
    pub is_cut: bool,
}

impl Repository {
    /// Reads at most `most` commits of the first-parent line that ends at `tip`.
    ///
    /// # Errors
    /// As [`Repository::commit`] for the tip; a commit that is not in the clone cuts the line.
    pub fn first_parents(&self, tip: &str, most: usize) -> Result<FirstParents, Error> {
        self.objects().with(|repository| {
            let mut next = Some(resolve(repository, tip)?.commit);
            let (mut commits, mut is_cut) = (Vec::new(), false);
            while let Some(id) = next.take() {
                let found = repository.find_commit(id).ok().and_then(|commit| {
                    let time = commit.time().ok()?;
                    Some((time.seconds, commit.parent_ids().next().map(gix::Id::detach)))
                });
                let Some((committed, parent)) = found.filter(|_| commits.len() < most) else {
                    is_cut = true;
                    break;
                };
                commits.push(Landed { id: id.to_string(), committed });
                next = parent;
            }
            // Nothing is merged before what it was merged onto.
            let mut latest = i64::MIN;
            for commit in commits.iter_mut().rev() {
                latest = latest.max(commit.committed);
                commit.committed = latest;
            }
            Ok(FirstParents { commits, is_cut })
        })
    }
}
