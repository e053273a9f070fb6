//! The choice of a range, against real histories.

use crate::domain::{Range, Revision};
use crate::git::testing::Sandbox;
use crate::git::{CiRange, Error, RangeRequest};

const ZERO: &str = "0000000000000000000000000000000000000000";

fn head_only(head: &str) -> RangeRequest {
    RangeRequest { head: Some(head.to_owned()), ..RangeRequest::default() }
}

fn push(base: &str) -> RangeRequest {
    RangeRequest {
        ci: Some(CiRange {
            base: Some(base.to_owned()),
            head: None,
            default_branch: Some("main".to_owned()),
            why: "push event".to_owned(),
            ..CiRange::default()
        }),
        ..RangeRequest::default()
    }
}

/// Base and head, which these tests are about.
fn sides(range: Range) -> Range {
    Range { target: range.base.clone(), ..range }
}

fn range(base: String, head: Revision, why: &str) -> Range {
    let base = Revision::Commit(base);
    Range { target: base.clone(), base, head, why: why.to_owned() }
}

/// A clone on a branch two commits ahead of `origin/main`, which went on meanwhile; its origin; where they parted.
fn forked() -> (Sandbox, Sandbox, String) {
    let origin = Sandbox::with_history();
    let clone = origin.clone_with("");
    let fork = clone.git("rev-parse HEAD");
    clone.git("checkout --quiet --no-track -b feature");
    clone.write("file", "four").commit("four");
    clone.write("file", "five").commit("five");
    origin.write("file", "else").commit("else");
    clone.git("fetch --quiet");
    (clone, origin, fork)
}

#[test]
fn a_laptop_compares_the_work_tree_with_the_default_branch_until_an_upstream_is_set() {
    let (clone, _origin, fork) = forked();
    let request = RangeRequest::default();
    let expected = range(fork, Revision::Worktree, "merge base with origin/main");
    assert_eq!(sides(clone.open().range(&request).unwrap()), expected);
    clone.git("push --quiet --set-upstream origin feature");
    clone.write("file", "six").commit("six");
    let pushed = clone.git("rev-parse @{upstream}");
    let expected = range(pushed, Revision::Worktree, "merge base with origin/feature");
    assert_eq!(sides(clone.open().range(&request).unwrap()), expected);
    clone.git("update-ref -d refs/remotes/origin/feature");
    let why = clone.open().range(&request).unwrap().why;
    assert_eq!(why, "merge base with origin/main", "an upstream that is gone is none");
}

#[test]
fn a_new_branch_in_ci_starts_where_it_left_the_default_branch() {
    let (clone, _origin, fork) = forked();
    let head = Revision::Commit(clone.git("rev-parse HEAD"));
    let expected = range(fork, head, "push event, a new branch: merge base with origin/main");
    assert_eq!(sides(clone.open().range(&push(ZERO)).unwrap()), expected);
}

#[test]
fn head_alone_is_compared_with_the_merge_base_or_its_first_parent() {
    let (clone, _origin, fork) = forked();
    let repository = clone.open();
    let feature = Revision::Commit(clone.git("rev-parse feature"));
    let expected = range(fork, feature, "merge base with origin/main");
    assert_eq!(sides(repository.range(&head_only("feature")).unwrap()), expected);
    let tip = Revision::Commit(clone.git("rev-parse origin/main"));
    let parent = clone.git("rev-parse origin/main^1");
    let expected = range(parent, tip, "first parent, for the head is on origin/main");
    assert_eq!(sides(repository.range(&head_only("origin/main")).unwrap()), expected);
}

#[test]
fn a_bare_repository_takes_its_own_head_for_the_default_branch() {
    let origin = Sandbox::with_history();
    origin.git("branch --move main trunk");
    let bare = origin.clone_with("--bare");
    let [head, parent] = ["rev-parse HEAD", "rev-parse HEAD^1"].map(|command| bare.git(command));
    let expected = range(parent, Revision::Commit(head), "first parent, for the head is on trunk");
    assert_eq!(sides(bare.open().range(&RangeRequest::default()).unwrap()), expected);
}

#[test]
fn a_bare_repository_with_one_commit_says_that_nothing_was_before() {
    let origin = Sandbox::init();
    origin.write("file", "").commit("one");
    let range = origin.clone_with("--bare").open().range(&RangeRequest::default()).unwrap();
    assert_eq!(range.base, Revision::Empty);
    assert_eq!(range.why, "the head is the first commit: nothing was before it");
}

#[test]
fn a_shallow_clone_says_what_to_fetch_and_compares_with_nothing_never() {
    let origin = Sandbox::with_history();
    let before = origin.git("rev-parse HEAD~1");
    let clone = origin.clone_with("--depth=1");
    let repository = clone.open();
    let base = RangeRequest { base: Some("HEAD^1".to_owned()), ..RangeRequest::default() };
    for request in [push(&before), base, head_only("HEAD")] {
        let error = repository.range(&request).unwrap_err();
        assert!(matches!(error, Error::MissingInShallowClone { .. }), "{error:?}");
        let command = format!("`git fetch --depth=1 origin {before}`");
        assert!(error.hint().unwrap().contains(&command), "{error:?}");
    }
}

#[test]
fn a_shallow_branch_without_its_fork_point_asks_for_history() {
    let (clone, origin, _) = forked();
    clone.git("push --quiet origin feature");
    let shallow = origin.clone_with("--depth=1 --branch=feature");
    let error = shallow.open().range(&push(ZERO)).unwrap_err();
    assert!(matches!(error, Error::NoDefaultBranch { shallow: true, .. }), "{error:?}");
    shallow.git("fetch --quiet --depth=1 origin main:refs/remotes/origin/main");
    let error = shallow.open().range(&push(ZERO)).unwrap_err();
    assert!(matches!(error, Error::MissingInShallowClone { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("`git fetch --unshallow`"));
}

#[test]
fn unrelated_histories_are_an_error_and_a_repository_without_commits_is_new() {
    let (clone, _origin, _) = forked();
    clone.git("checkout --quiet --orphan lonely");
    let before_commit = clone.open().range(&RangeRequest::default()).unwrap();
    assert_eq!(before_commit.base, Revision::Empty);
    assert_eq!(before_commit.why, "the repository has no commits: everything is new");
    clone.commit("lonely");
    let error = clone.open().range(&RangeRequest::default()).unwrap_err();
    assert!(matches!(error, Error::Unrelated { .. }), "{error:?}");
}

#[test]
fn a_tag_named_as_the_default_branch_is_not_taken_for_it() {
    let sandbox = Sandbox::with_history();
    sandbox.git("checkout --quiet -b topic");
    sandbox.git("branch --delete main");
    sandbox.git("tag main HEAD~1");
    let why = sandbox.open().range(&RangeRequest::default()).unwrap().why;
    assert_eq!(why, "no upstream or default branch: HEAD");
}

#[test]
fn a_remote_head_is_followed_to_its_name_and_ignored_when_it_dangles() {
    let (clone, _origin, _) = forked();
    clone.git("update-ref refs/remotes/origin/develop HEAD~1");
    clone.git("symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/develop");
    let why = clone.open().range(&RangeRequest::default()).unwrap().why;
    assert_eq!(why, "merge base with origin/develop");
    clone.git("update-ref -d refs/remotes/origin/develop");
    let why = clone.open().range(&RangeRequest::default()).unwrap().why;
    assert_eq!(why, "merge base with origin/main");
}
