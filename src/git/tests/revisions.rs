//! Opening repositories and finding commits.

use crate::domain::Revision;
use crate::git::testing::Sandbox;
use crate::git::{Error, Repository};

#[test]
fn every_way_to_name_a_commit_means_what_git_means() {
    let sandbox = Sandbox::with_history();
    sandbox.git("tag light HEAD~1");
    sandbox.git("tag --annotate --message=x heavy HEAD~1");
    sandbox.git("tag --annotate --message=x heavier heavy");
    sandbox.git("update-ref refs/remotes/origin/main HEAD~2");
    sandbox.git("checkout --quiet -b feature");
    let short = sandbox.git("rev-parse --short HEAD~1");
    let repository = sandbox.open();
    let revisions = ["HEAD", "HEAD~2", "HEAD^", "@", "main", "light", "heavy", "heavier"];
    for rev in revisions.into_iter().chain(["origin/main", "@{-1}", "heads/main", &short]) {
        let expected = sandbox.git(&format!("rev-parse {rev}^{{commit}}"));
        assert_eq!(repository.commit(rev).unwrap().as_str(), expected, "{rev}");
    }
}

#[test]
fn an_unknown_name_is_told_with_the_fetch_that_may_bring_it() {
    let sandbox = Sandbox::with_history();
    let repository = sandbox.open();
    let error = repository.commit("origin/release").unwrap_err();
    assert!(matches!(error, Error::UnknownRevision { .. }), "{error:?}");
    assert!(!error.is_shallow_gap());
    assert_eq!(error.to_string(), "cannot find the revision origin/release");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("could not be found") && !cause.contains('\n'), "{cause}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("git fetch origin release:refs/remotes/origin/release"), "{hint}");
    for unknown in ["HEAD~9", "", "0123456789012345678901234567890123456789"] {
        let error = repository.commit(unknown).unwrap_err();
        assert!(matches!(error, Error::UnknownRevision { .. }), "{unknown}: {error:?}");
    }
}

#[test]
fn a_name_that_is_two_commits_is_neither() {
    let sandbox = Sandbox::with_history();
    sandbox.git("update-ref refs/remotes/origin/main HEAD~2");
    sandbox.git("tag origin/main HEAD~1");
    sandbox.git("tag main HEAD");
    let repository = sandbox.open();
    for rev in ["origin/main", "origin/main~0"] {
        let error = repository.commit(rev).unwrap_err().to_string();
        assert_eq!(error, format!("the revision {rev} may be refs/tags/origin/main or refs/remotes/origin/main"));
    }
    let expected = sandbox.git("rev-parse HEAD~2");
    assert_eq!(repository.commit("refs/remotes/origin/main").unwrap().as_str(), expected);
    // Two names of one commit are no question.
    assert_eq!(repository.commit("main").unwrap().as_str(), sandbox.git("rev-parse HEAD"));
}

#[test]
fn a_hint_never_carries_a_name_that_a_shell_would_run() {
    let error = Sandbox::with_history().open().commit("x;reboot").unwrap_err();
    assert!(!error.hint().unwrap().contains("reboot"));
}

#[test]
fn a_hash_of_something_else_is_told_apart() {
    let sandbox = Sandbox::with_history();
    let repository = sandbox.open();
    for (rev, found) in [("HEAD^{tree}", "a tree"), ("HEAD:file", "a blob")] {
        let hash = sandbox.git(&format!("rev-parse {rev}"));
        for rev in [rev, &hash] {
            let error = repository.commit(rev).unwrap_err();
            assert_eq!(error.to_string(), format!("cannot use {rev} as a revision: it is {found}, not a commit"));
        }
    }
    let error = repository.commit("HEAD~1..HEAD").unwrap_err();
    assert!(matches!(error, Error::NotACommit { .. }), "{error:?}");
}

#[test]
fn a_shallow_clone_names_the_fetch_that_brings_what_it_lacks() {
    let origin = Sandbox::with_history();
    let parent = origin.git("rev-parse HEAD~1");
    let clone = origin.clone_with("--depth=1");
    let repository = clone.open();
    let fetch = format!("git fetch --depth=1 origin {parent}");
    let unshallow = "git fetch --unshallow";
    for (rev, command) in [(&*parent, &*fetch), ("HEAD^1", &fetch), ("HEAD~2", unshallow), (&parent[..9], unshallow)] {
        let error = repository.commit(rev).unwrap_err();
        assert!(error.is_shallow_gap(), "{rev}");
        assert!(error.hint().unwrap().contains(&format!("`{command}`")), "{rev}: {error:?}");
        assert!(matches!(error, Error::MissingInShallowClone { .. }), "{rev}: {error:?}");
    }
    let error = repository.commit("no-such-name").unwrap_err();
    assert!(matches!(error, Error::UnknownRevision { shallow: true, .. }));
    clone.git(fetch.trim_start_matches("git "));
    assert_eq!(repository.commit("HEAD^1").unwrap().as_str(), parent, "the hint does what it says");
}

#[test]
fn a_commit_whose_tree_is_missing_is_not_found() {
    let sandbox = Sandbox::with_history();
    let tree = sandbox.git("rev-parse HEAD^{tree}");
    std::fs::remove_file(sandbox.dir().join(format!(".git/objects/{}/{}", &tree[..2], &tree[2..]))).unwrap();
    let error = sandbox.open().commit("HEAD").unwrap_err();
    assert!(matches!(&error, Error::MissingObject { id, .. } if *id == tree), "{error:?}");
}

#[test]
fn a_replaced_commit_is_read_as_its_hash_names_it() {
    let sandbox = Sandbox::with_history();
    sandbox.git("replace HEAD HEAD~2");
    let repository = sandbox.open();
    let head = Revision::from(repository.commit("HEAD").unwrap());
    let tree = repository.tree(&head).unwrap();
    assert_eq!(crate::git::testing::text(&*tree, "file").unwrap(), "three");
}

#[test]
fn a_repository_is_found_from_below_and_knows_where_it_was_opened() {
    let sandbox = Sandbox::with_history();
    sandbox.write("apps/web/kustomization.yaml", "");
    let repository = sandbox.open_at("apps/web");
    assert_eq!(repository.root(), Some(&*sandbox.dir().canonicalize().unwrap()));
    assert_eq!(repository.prefix().as_str(), "apps/web");
    assert_eq!(sandbox.open().prefix().as_str(), "");
}

#[test]
fn a_directory_outside_any_repository_is_told() {
    let sandbox = Sandbox::init();
    for dir in [sandbox.around().to_owned(), sandbox.dir().join("none")] {
        let error = Repository::open(dir).unwrap_err();
        assert!(matches!(error, Error::NotARepository { .. }), "{error:?}");
    }
}

#[test]
fn a_bare_repository_has_commits_but_no_files_on_disk() {
    let bare = Sandbox::with_history().clone_with("--bare");
    let repository = bare.open();
    assert_eq!(repository.root(), None);
    assert_eq!(repository.prefix().as_str(), "");
    let head = Revision::from(repository.commit("HEAD").unwrap());
    assert!(repository.tree(&head).is_ok());
    for revision in [Revision::Worktree, Revision::Index] {
        assert!(matches!(repository.tree(&revision), Err(Error::NoWorkTree { .. })));
    }
}

#[test]
fn a_linked_worktree_has_its_own_head_index_and_files() {
    let sandbox = Sandbox::with_history();
    sandbox.git("worktree add --quiet -b feature ../linked HEAD~1");
    let linked = sandbox.around().join("linked");
    std::fs::write(linked.join("file"), "changed").unwrap();
    let repository = Repository::open_with_index(&linked, None).unwrap();
    assert_eq!(repository.root(), Some(&*linked.canonicalize().unwrap()));
    assert_eq!(repository.commit("HEAD").unwrap().as_str(), sandbox.git("rev-parse main~1"));
    for (revision, content) in [(Revision::Worktree, "changed"), (Revision::Index, "two")] {
        let tree = repository.tree(&revision).unwrap();
        assert_eq!(crate::git::testing::text(&*tree, "file").unwrap(), content);
    }
}
