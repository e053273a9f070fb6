//! Which two revisions to compare: the decision, free of Git.
//!
//! The first that speaks wins: the flags, the CI event, the history. [`choose`] asks [`Facts`] and nothing else, so each
//! rule is tested without a repository. A base that cannot be found is an error, never an empty one.

use std::collections::HashSet;

use super::error::Error;
use super::revision::CommitId;
use crate::domain::{Range, Revision};

/// What the caller asks to be compared.
#[derive(Debug, Clone, Default)]
pub struct RangeRequest {
    /// `--base`: a revision, or `empty`.
    pub base: Option<String>,
    /// `--head`: a revision, `worktree` or `index`.
    pub head: Option<String>,
    /// What the CI event says; `None` on a laptop.
    pub ci: Option<CiRange>,
}

/// The range a CI event names.
#[derive(Debug, Clone, Default)]
pub struct CiRange {
    /// The base; all zeros for a new branch.
    pub base: Option<String>,
    /// The head; `HEAD` when absent, all zeros for a deleted branch.
    pub head: Option<String>,
    /// Whether `base` may be gone (a forced push replaced it); then the history tells the base.
    pub base_may_be_gone: bool,
    /// The short name of the branch the change goes into. Without `base` it must be here; beside it, its tip has the rules
    /// where it is here.
    pub target: Option<String>,
    /// Whether `target` has the rules whatever `base` is, and so must be here.
    pub needs_target: bool,
    /// The short name of the default branch.
    pub default_branch: Option<String>,
    /// Where this comes from, such as "pull_request event".
    pub why: String,
}

/// A reference with the commit it points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Branch {
    /// The short name, as in `origin/main`.
    pub(super) name: String,
    /// The commit.
    pub(super) commit: CommitId,
}

/// What the decision needs to know of a repository.
pub(super) trait Facts {
    /// Tells whether there is no work tree.
    fn is_bare(&self) -> bool;
    /// Tells whether the history is cut off.
    fn is_shallow(&self) -> bool;
    /// Finds the commit `rev` names.
    fn commit(&self, rev: &str) -> Result<CommitId, Error>;
    /// Returns the commit checked out; `None` before the first one.
    fn head(&self) -> Result<Option<CommitId>, Error>;
    /// Returns the branch that the current one follows, when it is here.
    fn upstream(&self) -> Result<Option<Branch>, Error>;
    /// Returns the reference with this full name, symbolic ones followed.
    fn branch(&self, full_name: &str) -> Result<Option<Branch>, Error>;
    /// Returns the best common ancestor that is here.
    fn merge_base(&self, one: &CommitId, other: &CommitId) -> Result<Option<CommitId>, Error>;
    /// Returns the first parent; `None` for a commit without parents, an error when it is absent.
    fn first_parent(&self, commit: &CommitId) -> Result<Option<CommitId>, Error>;
}

/// Chooses the revisions to compare.
pub(super) fn choose(request: &RangeRequest, facts: &dyn Facts) -> Result<Range, Error> {
    let chooser = Chooser { request, facts };
    let head = chooser.head()?;
    let Base { revision, tip, why } = chooser.base(&head)?;
    Ok(Range { target: tip.unwrap_or_else(|| revision.clone()), base: revision, head, why })
}

/// The older side, the tip of the branch it was found by, and how it was chosen.
struct Base {
    revision: Revision,
    tip: Option<Revision>,
    why: String,
}

impl Base {
    fn new(revision: impl Into<Revision>, why: impl Into<String>) -> Self {
        Self { revision: revision.into(), tip: None, why: why.into() }
    }

    /// The commit where a change left `branch`.
    fn on(branch: &Branch, revision: CommitId, why: String) -> Self {
        Self { revision: revision.into(), tip: Some(branch.commit.clone().into()), why }
    }
}

struct Chooser<'a> {
    request: &'a RangeRequest,
    facts: &'a dyn Facts,
}

impl Chooser<'_> {
    fn head(&self) -> Result<Revision, Error> {
        let ci = self.request.ci.as_ref();
        match self.request.head.as_deref() {
            Some("worktree") => self.on_disk(Revision::Worktree, "work tree"),
            Some("index") => self.on_disk(Revision::Index, "index"),
            Some(rev) => self.head_commit(rev),
            None if ci.is_some() => self.head_commit(ci.and_then(|ci| ci.head.as_deref()).unwrap_or("HEAD")),
            None if !self.facts.is_bare() => Ok(Revision::Worktree),
            None => Ok(self.facts.head()?.map_or(Revision::Empty, Revision::from)),
        }
    }

    fn on_disk(&self, revision: Revision, asked: &'static str) -> Result<Revision, Error> {
        match self.facts.is_bare() {
            true => Err(Error::NoWorkTree { asked }),
            false => Ok(revision),
        }
    }

    fn head_commit(&self, rev: &str) -> Result<Revision, Error> {
        match is_all_zeros(rev) {
            true => Err(Error::DeletedHead),
            false => self.facts.commit(rev).map(Revision::from),
        }
    }

    fn base(&self, head: &Revision) -> Result<Base, Error> {
        if let Some(base) = self.request.base.as_deref() {
            return match base {
                "empty" => Ok(Base::new(Revision::Empty, "given by --base")),
                base => self.named_base(base, head, "given by --base"),
            };
        }
        let (Some(ci), None) = (&self.request.ci, &self.request.head) else {
            return self.base_from_history(head);
        };
        let named = ci.base.as_deref().map(|base| self.named_base(base, head, &ci.why));
        match named {
            Some(Err(Error::UnknownRevision { .. } | Error::MissingInShallowClone { .. })) if ci.base_may_be_gone => {}
            Some(Err(error)) => return Err(error),
            Some(Ok(base)) => return self.with_tip(base),
            None => {}
        }
        let found = self.base_from_history(head)?;
        Ok(Base { why: format!("{}: {}", ci.why, found.why), ..found })
    }

    /// Adds the tip of the branch the CI names, where it is here.
    ///
    /// # Errors
    /// [`Error::TargetMissing`] where it must be.
    fn with_tip(&self, base: Base) -> Result<Base, Error> {
        let Some(ci) = self.request.ci.as_ref().filter(|ci| ci.target.is_some()) else { return Ok(base) };
        match self.default_branch() {
            Ok(Some(branch)) => Ok(Base { tip: Some(branch.commit.into()), ..base }),
            Err(error) if ci.needs_target => Err(error),
            _ => Ok(base),
        }
    }

    fn named_base(&self, base: &str, head: &Revision, why: &str) -> Result<Base, Error> {
        match is_all_zeros(base) {
            true => self.base_of_new_branch(head, why),
            false => Ok(Base::new(self.facts.commit(base)?, why)),
        }
    }

    /// Chooses the base of a branch that was just made: all of its commits are new, however few.
    fn base_of_new_branch(&self, head: &Revision, why: &str) -> Result<Base, Error> {
        let Some(tip) = self.tip(head)? else {
            return Ok(no_commits());
        };
        let default = self.default_branch()?.ok_or_else(|| self.no_default_branch(&tip))?;
        let base = self.merge_base(&tip, &default)?;
        let itself = match base == tip {
            true => ", which is the head itself",
            false => "",
        };
        let why = format!("{why}, a new branch: merge base with {}{itself}", default.name);
        Ok(Base::on(&default, base, why))
    }

    fn base_from_history(&self, head: &Revision) -> Result<Base, Error> {
        match (self.tip(head)?, head) {
            (None, _) => Ok(no_commits()),
            (Some(tip), Revision::Commit(_)) => self.base_of_commit(&tip),
            (Some(tip), _) => self.base_of_disk(tip),
        }
    }

    /// Chooses the base of uncommitted work on top of `tip`.
    fn base_of_disk(&self, tip: CommitId) -> Result<Base, Error> {
        let upstream = self.facts.upstream()?;
        // A branch that is pushed equals its upstream: what it changed is then judged by --head HEAD.
        let is_pushed = upstream.as_ref().is_some_and(|upstream| upstream.commit == tip);
        let branch = match upstream {
            Some(upstream) => Some(upstream),
            None => self.default_branch()?,
        };
        let Some(branch) = branch else {
            return Ok(Base::new(tip, "no upstream or default branch: HEAD"));
        };
        let base = self.merge_base(&tip, &branch)?;
        let pushed = if is_pushed { ", which has every commit of this branch" } else { "" };
        let why = format!("merge base with {}{pushed}", branch.name);
        Ok(Base::on(&branch, base, why))
    }

    /// Chooses the base of a commit. The default branch comes first here: a branch that is pushed equals its upstream.
    fn base_of_commit(&self, tip: &CommitId) -> Result<Base, Error> {
        let branch = match self.default_branch()? {
            Some(default) => default,
            None => self.upstream_of(tip)?.ok_or_else(|| self.no_default_branch(tip))?,
        };
        let base = self.merge_base(tip, &branch)?;
        if base != *tip {
            let why = format!("merge base with {}", branch.name);
            return Ok(Base::on(&branch, base, why));
        }
        Ok(match self.facts.first_parent(tip)? {
            Some(parent) => Base::new(parent, format!("first parent, for the head is on {}", branch.name)),
            None => Base::new(Revision::Empty, "the head is the first commit: nothing was before it"),
        })
    }

    /// Returns the upstream of the current branch when `tip` is its tip.
    fn upstream_of(&self, tip: &CommitId) -> Result<Option<Branch>, Error> {
        match self.facts.head()?.as_ref() == Some(tip) {
            true => self.facts.upstream(),
            false => Ok(None),
        }
    }

    /// Returns the commit that `head` is, or that it lies on top of; `None` before the first commit.
    fn tip(&self, head: &Revision) -> Result<Option<CommitId>, Error> {
        match head {
            Revision::Commit(id) => self.facts.commit(id).map(Some),
            Revision::Index | Revision::Worktree => self.facts.head(),
            Revision::Empty => Ok(None),
        }
    }

    /// Finds the branch a change goes into: the one the CI names, which must be here, else the default branch.
    fn default_branch(&self) -> Result<Option<Branch>, Error> {
        if let Some(target) = self.request.ci.as_ref().and_then(|ci| ci.target.as_deref()) {
            for name in remote_and_local(target.trim_start_matches("refs/heads/")) {
                if let Some(branch) = self.facts.branch(&name)? {
                    return Ok(Some(branch));
                }
            }
            return Err(Error::TargetMissing { target: target.to_owned() });
        }
        for name in self.default_branch_names() {
            if let Some(branch) = self.facts.branch(&name)? {
                return Ok(Some(branch));
            }
        }
        Ok(None)
    }

    /// Lists the full names a default branch may have, best first.
    fn default_branch_names(&self) -> Vec<String> {
        let named = self.request.ci.as_ref().and_then(|ci| ci.default_branch.as_deref());
        let named = named.map(|name| name.trim_start_matches("refs/heads/"));
        let mut names: Vec<String> = named.map(remote_and_local).into_iter().flatten().collect();
        if self.facts.is_bare() {
            // Nobody works in a bare repository: what its HEAD names is the default branch.
            names.push("HEAD".to_owned());
        }
        names.push("refs/remotes/origin/HEAD".to_owned());
        names.extend(["main", "master"].map(|name| format!("refs/remotes/origin/{name}")));
        names.extend(["main", "master"].map(|name| format!("refs/heads/{name}")));
        let mut seen = HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    }

    fn merge_base(&self, head: &CommitId, branch: &Branch) -> Result<CommitId, Error> {
        let base = self.facts.merge_base(head, &branch.commit)?;
        base.ok_or_else(|| match self.facts.is_shallow() {
            true => Error::MissingInShallowClone {
                what: format!("the merge base of {} and {}", head.short(), branch.name),
                command: "git fetch --unshallow".to_owned(),
            },
            false => Error::Unrelated { base: branch.name.clone(), head: head.short().to_owned() },
        })
    }

    fn no_default_branch(&self, head: &CommitId) -> Error {
        let names = self.default_branch_names();
        let short = |name: &String| name.trim_start_matches("refs/heads/").replace("refs/remotes/", "");
        Error::NoDefaultBranch {
            head: head.short().to_owned(),
            tried: names.iter().map(short).collect::<Vec<_>>().join(", "),
            shallow: self.facts.is_shallow(),
        }
    }
}

fn remote_and_local(name: &str) -> [String; 2] {
    [format!("refs/remotes/origin/{name}"), format!("refs/heads/{name}")]
}

fn no_commits() -> Base {
    Base::new(Revision::Empty, "the repository has no commits: everything is new")
}

/// Tells whether a CI wrote "no such commit".
fn is_all_zeros(rev: &str) -> bool {
    rev.len() >= 40 && rev.bytes().all(|byte| byte == b'0')
}
