//! The files of commits, of the index and of the work tree.

use std::ffi::OsString;
use std::fs::File;
use std::sync::Arc;

use crate::domain::tree::{EntryKind, Tree, TreeError, TreePath, follow};
use crate::domain::{Difference, Revision};
use crate::git::Repository;
use crate::git::testing::{Sandbox, names, path, text};

fn at_head(repository: &Repository) -> Arc<dyn Tree> {
    let head = repository.commit("HEAD").unwrap();
    repository.tree(&head.into()).unwrap()
}

/// A commit, then a staged change, an unstaged change and an untracked file.
fn in_the_middle_of_work() -> Sandbox {
    let sandbox = Sandbox::init();
    sandbox.write("apps/web/a.yaml", "committed").write("apps/b.yaml", "committed");
    sandbox.link("current", "apps/web").commit("one");
    sandbox.write("apps/web/a.yaml", "staged").write("apps/new.yaml", "staged");
    sandbox.git("add --all");
    sandbox.write("apps/web/a.yaml", "on-disk").write("apps/untracked.yaml", "on-disk");
    sandbox
}

#[test]
fn each_tree_shows_its_own_state_of_the_same_work() {
    let sandbox = in_the_middle_of_work();
    let repository = sandbox.open();
    let trees = [
        (at_head(&repository), "committed", vec!["b.yaml", "web"]),
        (repository.tree(&Revision::Index).unwrap(), "staged", vec!["b.yaml", "new.yaml", "web"]),
        (repository.tree(&Revision::Worktree).unwrap(), "on-disk", vec!["b.yaml", "new.yaml", "untracked.yaml", "web"]),
    ];
    for (tree, content, listed) in trees {
        assert_eq!(text(&*tree, "apps/web/a.yaml").unwrap(), content);
        assert_eq!(names(&*tree, "apps"), listed, "{content}");
        assert_eq!(names(&*tree, ""), ["apps", "current"], "{content}: .git is hidden");
    }
}

#[test]
fn every_tree_answers_alike_about_what_is_absent_or_no_file() {
    let sandbox = in_the_middle_of_work();
    let repository = sandbox.open();
    let revisions = [Revision::Index, Revision::Worktree];
    let trees = revisions.map(|revision| repository.tree(&revision).unwrap());
    for tree in trees.into_iter().chain([at_head(&repository)]) {
        assert_eq!(tree.kind(&path("")).unwrap(), Some(EntryKind::Directory));
        assert_eq!(tree.kind(&path("apps/web")).unwrap(), Some(EntryKind::Directory));
        assert_eq!(tree.kind(&path("apps/b.yaml")).unwrap(), Some(EntryKind::File));
        for absent in ["none", "apps/none/x", "apps/b.yaml/x", ".git", ".git/HEAD", "current/a.yaml"] {
            assert_eq!(tree.kind(&path(absent)).unwrap(), None, "{absent}");
            assert!(matches!(tree.read(&path(absent)), Err(TreeError::Missing(_))), "{absent}");
        }
        for unlisted in ["none", "apps/b.yaml", "current", ".git"] {
            assert!(matches!(tree.list(&path(unlisted)), Err(TreeError::Missing(_))), "{unlisted}");
        }
        assert!(matches!(tree.read(&path("apps")), Err(TreeError::Missing(_))));
    }
}

#[test]
fn links_are_read_as_links_and_followed_by_the_caller() {
    let sandbox = in_the_middle_of_work();
    sandbox.link("out", "../../etc/passwd").link("absolute", "/etc/passwd");
    sandbox.commit("two");
    let repository = sandbox.open();
    for revision in [Revision::Index, Revision::Worktree, repository.commit("HEAD").unwrap().into()] {
        let tree = repository.tree(&revision).unwrap();
        assert_eq!(tree.kind(&path("current")).unwrap(), Some(EntryKind::Symlink));
        assert_eq!(text(&*tree, "current").unwrap(), "apps/web");
        let (reached, kind) = follow(&*tree, &path("current/a.yaml")).unwrap().unwrap();
        assert_eq!((reached.as_str(), kind), ("apps/web/a.yaml", EntryKind::File));
        for leaving in ["out", "absolute"] {
            assert!(matches!(follow(&*tree, &path(leaving)), Err(TreeError::Link { .. })));
        }
    }
}

#[test]
fn a_submodule_is_one_in_every_tree() {
    let library = Sandbox::with_history();
    let sandbox = Sandbox::with_history();
    let add = format!("-c protocol.file.allow=always submodule --quiet add file://{} lib", library.dir().display());
    sandbox.git(&add);
    sandbox.commit("submodule");
    let repository = sandbox.open();
    for revision in [Revision::Index, Revision::Worktree, repository.commit("HEAD").unwrap().into()] {
        let tree = repository.tree(&revision).unwrap();
        assert_eq!(tree.kind(&path("lib")).unwrap(), Some(EntryKind::Submodule), "{revision}");
        assert_eq!(tree.kind(&path("lib/file")).unwrap(), None, "{revision}");
        assert!(matches!(tree.list(&path("lib")), Err(TreeError::Missing(_))), "{revision}");
    }
}

#[test]
fn a_directory_of_staged_files_is_none_even_when_it_holds_a_repository() {
    let sandbox = Sandbox::with_history();
    sandbox.write("inner/file", "").write("outer/file", "").git("add inner");
    sandbox.git("init --quiet inner");
    sandbox.git("init --quiet outer");
    let tree = sandbox.open().tree(&Revision::Worktree).unwrap();
    assert_eq!(tree.kind(&path("inner")).unwrap(), Some(EntryKind::Directory));
    assert_eq!(names(&*tree, "inner"), ["file"]);
    assert_eq!(tree.kind(&path("outer")).unwrap(), Some(EntryKind::Submodule));
}

#[test]
fn what_is_only_intended_to_be_added_is_not_staged() {
    let sandbox = Sandbox::with_history();
    sandbox.write("later", "").git("add --intent-to-add later");
    let tree = sandbox.open().tree(&Revision::Index).unwrap();
    assert_eq!(names(&*tree, ""), ["file"]);
}

#[test]
fn an_index_in_conflict_is_an_error_that_names_the_path() {
    let sandbox = Sandbox::with_history();
    sandbox.git("checkout --quiet -b other HEAD~1");
    sandbox.write("file", "other").commit("other");
    assert!(!sandbox.try_git(sandbox.dir(), "merge main").0);
    let Err(error) = sandbox.open().tree(&Revision::Index) else {
        panic!("a conflict must not be read as a tree");
    };
    assert_eq!(error.to_string(), "cannot read the index: file has a merge conflict");
}

#[test]
fn an_index_that_is_not_there_yet_is_empty() {
    let tree = Sandbox::init().open().tree(&Revision::Index).unwrap();
    assert!(tree.list(&path("")).unwrap().is_empty());
    let nothing = Sandbox::init().open().tree(&Revision::Empty).unwrap();
    assert!(nothing.list(&path("")).unwrap().is_empty());
}

#[test]
fn a_hook_is_shown_the_index_git_stages_into_unless_it_is_of_another_repository() {
    let sandbox = in_the_middle_of_work();
    let other = in_the_middle_of_work();
    for (owner, expected) in [(&sandbox, "committed"), (&other, "staged")] {
        let told = owner.dir().join(".git/next-index-1.lock");
        owner.git_in(owner.dir(), "read-tree --index-output=.git/next-index-1.lock HEAD");
        let repository = Repository::open_with_index(sandbox.dir(), Some(OsString::from(told))).unwrap();
        let tree = repository.tree(&Revision::Index).unwrap();
        assert_eq!(text(&*tree, "apps/web/a.yaml").unwrap(), expected);
    }
}

#[test]
fn a_file_beyond_the_limit_is_refused_unread() {
    let sandbox = Sandbox::with_history();
    File::create(sandbox.dir().join("huge")).unwrap().set_len((64 << 20) + 1).unwrap();
    let tree = sandbox.open().tree(&Revision::Worktree).unwrap();
    assert!(matches!(tree.read(&path("huge")), Err(TreeError::TooLarge { .. })));
}

#[test]
fn a_blob_that_a_partial_clone_left_out_is_an_error_not_an_absence() {
    let sandbox = Sandbox::with_history();
    let blob = sandbox.git("rev-parse HEAD:file");
    std::fs::remove_file(sandbox.dir().join(format!(".git/objects/{}/{}", &blob[..2], &blob[2..]))).unwrap();
    let tree = at_head(&sandbox.open());
    assert_eq!(tree.kind(&path("file")).unwrap(), Some(EntryKind::File));
    assert!(matches!(tree.read(&path("file")), Err(TreeError::Storage { .. })));
}

#[test]
fn many_threads_read_one_tree() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Repository>();
    let sandbox = in_the_middle_of_work();
    let tree = at_head(&sandbox.open());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..50).for_each(|_| assert_eq!(text(&*tree, "apps/b.yaml").unwrap(), "committed")));
        }
    });
}

#[test]
fn names_that_are_not_utf8_break_nothing() {
    use std::os::unix::ffi::OsStringExt;
    let sandbox = Sandbox::with_history();
    let odd = OsString::from_vec(b"odd-\xff".to_vec());
    std::fs::write(sandbox.dir().join(odd), "x").unwrap();
    sandbox.commit("odd");
    let repository = sandbox.open();
    for revision in [Revision::Index, Revision::Worktree, repository.commit("HEAD").unwrap().into()] {
        let tree = repository.tree(&revision).unwrap();
        assert_eq!(names(&*tree, ""), ["file", "odd-\u{fffd}"]);
    }
}

#[test]
fn a_tree_with_an_entry_that_is_no_name_is_refused() {
    let sandbox = Sandbox::with_history();
    let root = sandbox.git("rev-parse HEAD^{tree}");
    let hash: Vec<u8> = (0..40).step_by(2).map(|i| u8::from_str_radix(&root.trim()[i..i + 2], 16).unwrap()).collect();
    std::fs::write(sandbox.dir().join("tree-object"), [b"40000 ..\0".as_slice(), &hash].concat()).unwrap();
    let tree = sandbox.git("hash-object -w -t tree --literally tree-object");
    let commit = sandbox.git(&format!("commit-tree -m hostile {}", tree.trim()));
    let tree = sandbox.open().tree(&Revision::Commit(commit.trim().to_owned())).unwrap();
    assert!(matches!(tree.list(&path("")), Err(TreeError::Storage { .. })));
}

#[test]
fn a_file_as_it_was_staged_is_known_without_being_read() {
    let sandbox = Sandbox::init();
    let age = |path: &str, seconds: u64| {
        let file = File::options().write(true).open(sandbox.dir().join(path)).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000 + seconds)).unwrap();
    };
    sandbox.write("same.yaml", "one").write("edited.yaml", "one").write("young.yaml", "one");
    age("same.yaml", 0);
    age("edited.yaml", 0);
    sandbox.commit("one");
    sandbox.write("edited.yaml", "two");
    age("edited.yaml", 5);
    sandbox.write("untracked.yaml", "one");
    let identity = |tree: &dyn Tree, name: &str| tree.identity(&path(name)).unwrap();
    let repository = sandbox.open();
    let (head, disk) = (at_head(&repository), repository.tree(&Revision::Worktree).unwrap());
    assert!(identity(&*disk, "same.yaml").is_some());
    assert_eq!(identity(&*disk, "same.yaml"), identity(&*head, "same.yaml"));
    assert_eq!(identity(&*disk, "edited.yaml"), None);
    assert_eq!(identity(&*disk, "untracked.yaml"), None);
    let changed = Difference::between(&*head, &*disk).unwrap();
    let changed: Vec<&str> = changed.paths().map(TreePath::as_str).collect();
    assert_eq!(changed, ["edited.yaml", "untracked.yaml"]);
    sandbox.write(".gitattributes", "*.yaml text eol=crlf\n");
    assert_eq!(
        identity(&*repository.tree(&Revision::Worktree).unwrap(), "same.yaml"),
        None,
        "contents may be filtered"
    );
}
