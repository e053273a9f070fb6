//! What a repository says to the [choice of a range](super::range).

use gix::ObjectId;

use super::error::Error;
use super::range::{Branch, Facts};
use super::resolve::{is_shallow, resolve, verify};
use super::revision::CommitId;

/// The facts of one repository, read as they are asked for.
#[derive(Debug)]
pub(super) struct GitFacts<'a> {
    pub(super) repository: &'a gix::Repository,
}

impl GitFacts<'_> {
    fn object_id(&self, commit: &CommitId) -> Result<ObjectId, Error> {
        resolve(self.repository, commit.as_str()).map(|resolved| resolved.commit)
    }
}

impl Facts for GitFacts<'_> {
    fn is_bare(&self) -> bool {
        self.repository.workdir().is_none()
    }

    fn is_shallow(&self) -> bool {
        is_shallow(self.repository)
    }

    fn commit(&self, rev: &str) -> Result<CommitId, Error> {
        resolve(self.repository, rev).map(|resolved| CommitId::new(resolved.commit))
    }

    fn head(&self) -> Result<Option<CommitId>, Error> {
        let head = self.repository.head().map_err(Error::storage("HEAD"))?;
        match head.is_unborn() {
            true => Ok(None),
            false => self.commit("HEAD").map(Some),
        }
    }

    fn upstream(&self) -> Result<Option<Branch>, Error> {
        let head = self.repository.head().map_err(Error::storage("HEAD"))?;
        let Some(name) = head.referent_name() else {
            return Ok(None);
        };
        let fetch = gix::remote::Direction::Fetch;
        // A remote that is misconfigured follows nothing, as one that is not configured.
        match self.repository.branch_remote_tracking_ref_name(name, fetch) {
            Some(Ok(tracked)) => self.branch(&tracked.as_bstr().to_string()),
            Some(Err(_)) | None => Ok(None),
        }
    }

    fn branch(&self, full_name: &str) -> Result<Option<Branch>, Error> {
        let storage = || Error::storage(format!("the reference {full_name}"));
        let found = self.repository.try_find_reference(full_name).map_err(storage())?;
        // `main` alone would also be found as `refs/tags/main`.
        let Some(mut reference) = found.filter(|found| found.name().as_bstr() == full_name) else {
            return Ok(None);
        };
        while let Some(target) = reference.follow() {
            reference = match target {
                Ok(target) => target,
                // `origin/HEAD` outlives the branch it names.
                Err(error) if error.is_not_found() => return Ok(None),
                Err(error) => return Err(storage()(error)),
            };
        }
        let name = reference.name().shorten().to_string();
        let id = reference.id().detach();
        let commit = CommitId::new(verify(self.repository, &name, id)?.commit);
        Ok(Some(Branch { name, commit }))
    }

    fn merge_base(&self, one: &CommitId, other: &CommitId) -> Result<Option<CommitId>, Error> {
        let (one_id, other_id) = (self.object_id(one)?, self.object_id(other)?);
        let base = self.repository.merge_base(one_id, other_id);
        let what = format!("the history of {} and {}", one.short(), other.short());
        base.map(|base| base.map(|id| CommitId::new(id.detach()))).map_err(Error::storage(what))
    }

    fn first_parent(&self, commit: &CommitId) -> Result<Option<CommitId>, Error> {
        let storage = Error::storage(format!("the commit {commit}"));
        let found = self.repository.find_commit(self.object_id(commit)?).map_err(storage)?;
        let Some(parent) = found.parent_ids().next() else {
            return Ok(None);
        };
        let rev = format!("{}^1", commit.short());
        let parent = verify(self.repository, &rev, parent.detach())?;
        Ok(Some(CommitId::new(parent.commit)))
    }
}
