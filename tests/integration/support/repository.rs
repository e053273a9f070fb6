//! Git repositories made by git itself, with fixed author and dates.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A repository with a work tree, on branch `main`.
pub struct Repository {
    directory: TempDir,
    commits: u64,
}

impl Repository {
    pub fn new() -> Self {
        let repository = Self { directory: tempfile::tempdir().unwrap(), commits: 0 };
        repository.git(&["init", "--quiet", "--initial-branch=main", "."]);
        repository
    }

    /// A repository with these files in its first commit.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let mut repository = Self::new();
        repository.write(files);
        repository.commit("first");
        repository
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn write(&self, files: &[(&str, &str)]) {
        for (path, content) in files {
            let path = self.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
    }

    /// Replaces text in a file; it must be there.
    pub fn replace(&self, path: &str, from: &str, to: &str) {
        let file = self.path().join(path);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{path} has no {from}");
        std::fs::write(file, text.replace(from, to)).unwrap();
    }

    /// Commits everything; returns the commit's id.
    pub fn commit(&mut self, message: &str) -> String {
        self.commits += 1;
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Starts a branch and goes on there.
    pub fn branch(&self, name: &str) {
        self.git(&["switch", "--quiet", "-c", name]);
    }

    /// Clones into a new directory with these options.
    pub fn clone_with(&self, options: &[&str]) -> (TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("clone");
        let url = format!("file://{}", self.path().display());
        let mut arguments = vec!["clone", "--quiet"];
        arguments.extend(options);
        arguments.extend([url.as_str(), target.to_str().unwrap()]);
        self.git(&arguments);
        (directory, target)
    }

    /// Runs git and returns what it printed.
    pub fn git(&self, arguments: &[&str]) -> String {
        let date = format!("{} +0000", 1_767_268_800 + self.commits);
        let output = Command::new("git")
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs([("GIT_AUTHOR_NAME", "A"), ("GIT_AUTHOR_EMAIL", "a@example.org")])
            .envs([("GIT_COMMITTER_NAME", "A"), ("GIT_COMMITTER_EMAIL", "a@example.org")])
            .envs([("GIT_AUTHOR_DATE", &date), ("GIT_COMMITTER_DATE", &date)])
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}
