//! The choice of a range, rule by rule, against facts that are made up.

use std::collections::BTreeMap;

use super::super::error::Error;
use super::super::range::{Branch, CiRange, Facts, RangeRequest, choose};
use super::super::revision::CommitId;
use crate::domain::Range;

const ZERO: &str = "0000000000000000000000000000000000000000";

/// A repository of words: commits are named as their revisions are.
#[derive(Default)]
struct Story {
    bare: bool,
    shallow: bool,
    head: Option<&'static str>,
    upstream: Option<(&'static str, &'static str)>,
    branches: BTreeMap<&'static str, (&'static str, &'static str)>,
    /// First parents, oldest without.
    parents: BTreeMap<&'static str, &'static str>,
}

/// main: a - b - c, feature: a - b - x - y, HEAD = y.
fn story() -> Story {
    Story {
        head: Some("y"),
        branches: BTreeMap::from([("refs/remotes/origin/main", ("origin/main", "c"))]),
        parents: BTreeMap::from([("b", "a"), ("c", "b"), ("x", "b"), ("y", "x")]),
        ..Story::default()
    }
}

impl Story {
    fn history(&self, commit: &str) -> Vec<String> {
        let first = Some(commit.to_owned());
        std::iter::successors(first, |commit| self.parents.get(commit.as_str()).map(ToString::to_string)).collect()
    }

    fn chosen(&self, request: &RangeRequest) -> (String, String, String) {
        let Range { base, head, why, .. } = choose(request, self).unwrap();
        (base.to_string(), head.to_string(), why)
    }

    fn refused(&self, request: &RangeRequest) -> Error {
        choose(request, self).unwrap_err()
    }
}

fn branch((name, commit): (&str, &str)) -> Branch {
    Branch { name: name.to_owned(), commit: CommitId::fake(commit) }
}

impl Facts for Story {
    fn is_bare(&self) -> bool {
        self.bare
    }

    fn is_shallow(&self) -> bool {
        self.shallow
    }

    fn commit(&self, rev: &str) -> Result<CommitId, Error> {
        match rev {
            "HEAD" => Ok(self.head()?.expect("a story that asks for HEAD has one")),
            rev => Ok(CommitId::fake(rev)),
        }
    }

    fn head(&self) -> Result<Option<CommitId>, Error> {
        Ok(self.head.map(CommitId::fake))
    }

    fn upstream(&self) -> Result<Option<Branch>, Error> {
        Ok(self.upstream.map(branch))
    }

    fn branch(&self, full_name: &str) -> Result<Option<Branch>, Error> {
        Ok(self.branches.get(full_name).copied().map(branch))
    }

    fn merge_base(&self, one: &CommitId, other: &CommitId) -> Result<Option<CommitId>, Error> {
        let others = self.history(other.as_str());
        let shared = self.history(one.as_str()).into_iter().find(|id| others.contains(id));
        Ok(shared.as_deref().map(CommitId::fake))
    }

    fn first_parent(&self, commit: &CommitId) -> Result<Option<CommitId>, Error> {
        Ok(self.parents.get(commit.as_str()).copied().map(CommitId::fake))
    }
}

fn flags(base: Option<&str>, head: Option<&str>) -> RangeRequest {
    RangeRequest { base: base.map(str::to_owned), head: head.map(str::to_owned), ci: None }
}

fn ci(base: Option<&str>, head: Option<&str>) -> RangeRequest {
    RangeRequest {
        ci: Some(CiRange {
            base: base.map(str::to_owned),
            head: head.map(str::to_owned),
            default_branch: Some("main".to_owned()),
            why: "push event".to_owned(),
            ..CiRange::default()
        }),
        ..RangeRequest::default()
    }
}

fn says(base: &str, head: &str, why: &str) -> (String, String, String) {
    (base.to_owned(), head.to_owned(), why.to_owned())
}

#[test]
fn flags_win_over_the_ci_event() {
    let request = RangeRequest { ci: ci(Some("b"), Some("c")).ci, ..flags(Some("x"), Some("y")) };
    assert_eq!(story().chosen(&request), says("x", "y", "given by --base"));
}

#[test]
fn base_empty_compares_with_nothing() {
    assert_eq!(story().chosen(&flags(Some("empty"), Some("index"))), says("empty", "index", "given by --base"));
}

#[test]
fn base_alone_takes_the_head_of_the_ci_and_the_work_tree_on_a_laptop() {
    let in_ci = RangeRequest { ci: ci(Some("b"), Some("c")).ci, ..flags(Some("a"), None) };
    assert_eq!(story().chosen(&in_ci), says("a", "c", "given by --base"));
    assert_eq!(story().chosen(&flags(Some("a"), None)), says("a", "worktree", "given by --base"));
    let bare = Story { bare: true, ..story() };
    assert_eq!(bare.chosen(&flags(Some("a"), None)), says("a", "y", "given by --base"));
}

#[test]
fn the_ci_event_is_taken_as_given() {
    assert_eq!(story().chosen(&ci(Some("b"), Some("y"))), says("b", "y", "push event"));
    assert_eq!(story().chosen(&ci(Some("b"), None)), says("b", "y", "push event"));
}

#[test]
fn a_ci_event_without_a_base_takes_the_merge_base_or_the_first_parent() {
    assert_eq!(story().chosen(&ci(None, Some("y"))), says("b", "y", "push event: merge base with origin/main"));
    assert_eq!(
        story().chosen(&ci(None, Some("c"))),
        says("b", "c", "push event: first parent, for the head is on origin/main")
    );
}

#[test]
fn a_new_branch_starts_at_the_merge_base_with_the_default_branch() {
    assert_eq!(
        story().chosen(&ci(Some(ZERO), Some("y"))),
        says("b", "y", "push event, a new branch: merge base with origin/main")
    );
    let why = "push event, a new branch: merge base with origin/main, which is the head itself";
    assert_eq!(story().chosen(&ci(Some(ZERO), Some("c"))), says("c", "c", why));
}

#[test]
fn the_default_branch_the_ci_names_comes_first() {
    let mut request = ci(Some(ZERO), Some("y"));
    request.ci.as_mut().unwrap().default_branch = Some("develop".to_owned());
    let mut story = story();
    story.branches.insert("refs/heads/develop", ("develop", "x"));
    let why = "push event, a new branch: merge base with develop";
    assert_eq!(story.chosen(&request), says("x", "y", why));
}

#[test]
fn a_new_branch_without_a_default_branch_is_an_error_not_an_empty_base() {
    let story = Story { branches: BTreeMap::new(), shallow: true, ..story() };
    let error = story.refused(&ci(Some(ZERO), Some("y")));
    assert!(matches!(error, Error::NoDefaultBranch { .. }));
    assert!(error.is_shallow_gap());
    let tried = "(origin/main, main, origin/HEAD, origin/master, master)";
    assert!(error.to_string().contains(tried), "{error}");
}

#[test]
fn a_deleted_branch_is_an_error() {
    assert!(matches!(story().refused(&ci(Some("b"), Some(ZERO))), Error::DeletedHead));
}

#[test]
fn a_laptop_compares_the_work_tree_with_the_upstream_else_the_default_branch_else_head() {
    let request = RangeRequest::default();
    assert_eq!(story().chosen(&request), says("b", "worktree", "merge base with origin/main"));
    let followed = Story { upstream: Some(("origin/feature", "x")), ..story() };
    assert_eq!(followed.chosen(&request), says("x", "worktree", "merge base with origin/feature"));
    let pushed = Story { upstream: Some(("origin/feature", "y")), ..story() };
    let why = "merge base with origin/feature, which has every commit of this branch";
    assert_eq!(pushed.chosen(&request), says("y", "worktree", why));
    let alone = Story { branches: BTreeMap::new(), ..story() };
    assert_eq!(alone.chosen(&request), says("y", "worktree", "no upstream or default branch: HEAD"));
    assert_eq!(alone.chosen(&flags(None, Some("index"))), says("y", "index", "no upstream or default branch: HEAD"));
}

#[test]
fn head_alone_is_compared_with_the_default_branch_though_it_is_pushed() {
    let pushed = Story { upstream: Some(("origin/feature", "y")), ..story() };
    assert_eq!(pushed.chosen(&flags(None, Some("y"))), says("b", "y", "merge base with origin/main"));
}

#[test]
fn head_alone_on_the_default_branch_is_compared_with_its_first_parent() {
    let why = "first parent, for the head is on origin/main";
    assert_eq!(story().chosen(&flags(None, Some("c"))), says("b", "c", why));
    let why = "the head is the first commit: nothing was before it";
    assert_eq!(story().chosen(&flags(None, Some("a"))), says("empty", "a", why));
}

#[test]
fn a_bare_repository_compares_head_with_the_merge_base_or_its_first_parent() {
    let mut bare = Story { bare: true, ..story() };
    bare.branches.insert("HEAD", ("trunk", "y"));
    let why = "first parent, for the head is on trunk";
    assert_eq!(bare.chosen(&RangeRequest::default()), says("x", "y", why));
    for word in ["worktree", "index"] {
        let error = bare.refused(&flags(None, Some(word)));
        assert!(matches!(error, Error::NoWorkTree { .. }));
    }
}

#[test]
fn a_repository_without_commits_has_nothing_to_compare_with() {
    let unborn = Story::default();
    let why = "the repository has no commits: everything is new";
    assert_eq!(unborn.chosen(&RangeRequest::default()), says("empty", "worktree", why));
    let bare = Story { bare: true, ..unborn };
    assert_eq!(bare.chosen(&RangeRequest::default()), says("empty", "empty", why));
}

#[test]
fn histories_without_a_merge_base_are_an_error_that_knows_shallow_clones() {
    let mut story = story();
    story.parents.remove("x");
    let error = story.refused(&RangeRequest::default());
    assert!(matches!(error, Error::Unrelated { .. }));
    assert!(error.hint().unwrap().contains("--base empty"));
    story.shallow = true;
    let error = story.refused(&RangeRequest::default());
    assert!(matches!(error, Error::MissingInShallowClone { .. }));
    assert!(error.hint().unwrap().contains("`git fetch --unshallow`"));
}

#[test]
fn the_branch_a_ci_names_must_be_here_and_its_tip_has_the_rules() {
    let request = |target: &str| RangeRequest {
        ci: Some(CiRange {
            head: Some("y".to_owned()),
            target: Some(target.to_owned()),
            why: "event".to_owned(),
            ..CiRange::default()
        }),
        ..RangeRequest::default()
    };
    assert!(matches!(story().refused(&request("release")), Error::TargetMissing { .. }));
    let beside = |target: &str| {
        let ci = request(target).ci.map(|ci| CiRange { base: Some("b".to_owned()), ..ci });
        choose(&RangeRequest { ci, ..RangeRequest::default() }, &story()).unwrap().target.to_string()
    };
    assert_eq!((beside("main").as_str(), beside("release").as_str()), ("c", "b"));
    let found = choose(&request("main"), &story()).unwrap();
    assert_eq!((found.base.to_string().as_str(), found.target.to_string().as_str()), ("b", "c"));
}
