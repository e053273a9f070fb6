//! Real repositories for tests, made by the `git` binary with fixed names and dates.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::repository::Repository;
use crate::domain::tree::{Tree, TreePath};

/// A repository in a directory of its own, gone when dropped.
pub(super) struct Sandbox {
    home: TempDir,
    dir: PathBuf,
}

impl Sandbox {
    /// Makes an empty repository on the branch `main`.
    pub(super) fn init() -> Self {
        let home = TempDir::new().unwrap();
        let dir = home.path().join("repository");
        std::fs::create_dir(&dir).unwrap();
        let sandbox = Self { home, dir };
        sandbox.git("init --quiet --initial-branch=main .");
        sandbox
    }

    /// Makes a repository with commits `one`, `two`, `three` on `main`, each writing its name to `file`.
    pub(super) fn with_history() -> Self {
        let sandbox = Self::init();
        for name in ["one", "two", "three"] {
            sandbox.write("file", name).commit(name);
        }
        sandbox
    }

    /// Clones this repository by `file://` with these arguments.
    pub(super) fn clone_with(&self, arguments: &str) -> Self {
        let home = TempDir::new().unwrap();
        let dir = home.path().join("clone");
        let clone = Self { home, dir };
        let arguments = format!("clone --quiet {arguments} file://{} clone", self.dir.display());
        clone.git_in(clone.home.path(), &arguments);
        clone
    }

    /// Returns the directory of the repository.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the directory around the repository.
    pub(super) fn around(&self) -> &Path {
        self.home.path()
    }

    /// Opens the repository, whatever hook the tests may run in.
    pub(super) fn open(&self) -> Repository {
        self.open_at("")
    }

    /// Opens the repository from a directory below its root.
    pub(super) fn open_at(&self, below: &str) -> Repository {
        Repository::open_with_index(&self.dir.join(below), None).unwrap()
    }

    /// Runs git with arguments that contain no spaces, and returns what it prints.
    pub(super) fn git(&self, arguments: &str) -> String {
        self.git_in(&self.dir, arguments)
    }

    /// Runs git in another directory.
    pub(super) fn git_in(&self, dir: &Path, arguments: &str) -> String {
        let (succeeded, output) = self.try_git(dir, arguments);
        assert!(succeeded, "git {arguments}: {output}");
        output
    }

    /// Runs git, which may fail.
    pub(super) fn try_git(&self, dir: &Path, arguments: &str) -> (bool, String) {
        let output = Command::new("git")
            .args(arguments.split_whitespace())
            .current_dir(dir)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")])
            .envs([("GIT_AUTHOR_NAME", "Ada"), ("GIT_AUTHOR_EMAIL", "ada@example.com")])
            .envs([("GIT_COMMITTER_NAME", "Ada"), ("GIT_COMMITTER_EMAIL", "ada@example.com")])
            .envs([("GIT_AUTHOR_DATE", "1700000000 +0000"), ("GIT_COMMITTER_DATE", "1700000000 +0000")])
            .env("HOME", self.home.path())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap().trim().to_owned())
    }

    /// Writes a file and the directories above it.
    pub(super) fn write(&self, path: &str, content: &str) -> &Self {
        let path = self.dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    /// Makes a symbolic link.
    pub(super) fn link(&self, path: &str, target: &str) -> &Self {
        std::os::unix::fs::symlink(target, self.dir.join(path)).unwrap();
        self
    }

    /// Stages everything and commits it; returns the full hash.
    pub(super) fn commit(&self, message: &str) -> String {
        self.git("add --all");
        self.git(&format!("commit --quiet --allow-empty --message={message}"));
        self.git("rev-parse HEAD")
    }
}

/// Reads a path.
pub(super) fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

/// Reads a file as text; `None` when it is absent.
pub(super) fn text(tree: &dyn Tree, at: &str) -> Option<String> {
    tree.kind(&path(at)).unwrap()?;
    Some(String::from_utf8(tree.read(&path(at)).unwrap().to_vec()).unwrap())
}

/// Returns the names in a directory.
pub(super) fn names(tree: &dyn Tree, at: &str) -> Vec<String> {
    let entries = tree.list(&path(at)).unwrap();
    entries.into_iter().map(|(name, _)| name).collect()
}
