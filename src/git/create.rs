//! Makes a repository with a history: for the demo, which must not need a git binary.

use std::fs;
use std::path::{Path, PathBuf};

use gix::objs::tree::{Entry, EntryKind};

use super::error::Error;
use super::revision::CommitId;

/// The author of every commit made here.
const NAME: &str = "promote-bot demo";
const EMAIL: &str = "demo@promote-bot.example";

/// A repository that is being made. Every commit states all files; work tree, index and `HEAD` follow.
pub struct Creation {
    repository: gix::Repository,
    root: PathBuf,
    tip: Option<gix::ObjectId>,
}

impl Creation {
    /// Makes an empty repository in `root`, a directory that exists.
    ///
    /// # Errors
    /// When the directory cannot be written to.
    pub fn new(root: &Path) -> Result<Self, Error> {
        gix::init(root).map_err(Error::storage("a new repository"))?;
        // The reference log wants a committer, and nobody need have told git who they are.
        let committer = [format!("user.name={NAME}"), format!("user.email={EMAIL}")];
        let options = gix::open::Options::isolated().config_overrides(committer);
        let repository = gix::open_opts(root, options).map_err(Error::storage("a new repository"))?;
        Ok(Self { repository, root: root.to_owned(), tip: None })
    }

    /// Commits `files` (path and content, the whole tree) on `branch` on top of the commit before, at `seconds` since 1970.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn commit(
        &mut self,
        branch: &str,
        message: &str,
        seconds: i64,
        files: &[(String, String)],
    ) -> Result<CommitId, Error> {
        let what = "a new commit";
        let tree = self.write_tree(files)?;
        let time = format!("{seconds} +0000");
        let author = gix::actor::SignatureRef { name: NAME.into(), email: EMAIL.into(), time: &time };
        let reference = format!("refs/heads/{branch}");
        if let Some(tip) = self.tip.filter(|_| self.repository.find_reference(&reference).is_err()) {
            let previous = gix::refs::transaction::PreviousValue::MustNotExist;
            self.repository.reference(reference.as_str(), tip, previous, "branch").map_err(Error::storage(what))?;
        }
        let commit = self.repository.commit_as(author, author, reference.as_str(), message, tree, self.tip);
        let commit = commit.map_err(Error::storage(what))?.detach();
        self.tip = Some(commit);
        let head = format!("ref: {reference}\n");
        fs::write(self.repository.git_dir().join("HEAD"), head).map_err(Error::storage("HEAD"))?;
        self.check_out(tree, files)?;
        Ok(CommitId::new(commit))
    }

    fn write_tree(&self, files: &[(String, String)]) -> Result<gix::ObjectId, Error> {
        let paths: Vec<(&str, &str)> = files.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
        self.write_directory(&paths)
    }

    fn write_directory(&self, files: &[(&str, &str)]) -> Result<gix::ObjectId, Error> {
        let mut tree = gix::objs::Tree::empty();
        let mut directories: std::collections::BTreeMap<&str, Vec<(&str, &str)>> = std::collections::BTreeMap::new();
        for (path, content) in files {
            match path.split_once('/') {
                Some((directory, below)) => directories.entry(directory).or_default().push((below, content)),
                None => {
                    let oid = self.repository.write_blob(content).map_err(Error::storage("a new file"))?.detach();
                    tree.entries.push(Entry { mode: EntryKind::Blob.into(), filename: (*path).into(), oid });
                }
            }
        }
        for (name, below) in directories {
            let oid = self.write_directory(&below)?;
            tree.entries.push(Entry { mode: EntryKind::Tree.into(), filename: name.into(), oid });
        }
        tree.entries.sort();
        Ok(self.repository.write_object(&tree).map_err(Error::storage("a new directory"))?.detach())
    }

    fn check_out(&self, tree: gix::ObjectId, files: &[(String, String)]) -> Result<(), Error> {
        for (path, content) in files {
            let path = self.root.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(Error::storage("the work tree"))?;
            }
            fs::write(path, content).map_err(Error::storage("the work tree"))?;
        }
        let mut index = self.repository.index_from_tree(&tree).map_err(Error::storage("the index"))?;
        index.write(gix::index::write::Options::default()).map_err(Error::storage("the index"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Revision, TreePath};
    use crate::git::{RangeRequest, Repository};

    #[test]
    fn what_is_made_is_a_repository_that_git_finds_clean() {
        let directory = tempfile::tempdir().unwrap();
        let mut creation = Creation::new(directory.path()).unwrap();
        let file = |path: &str, content: &str| (path.to_owned(), content.to_owned());
        creation.commit("main", "one", 1_700_000_000, &[file("a/b.yaml", "1"), file("a.yaml", "1")]).unwrap();
        let first = Repository::open(directory.path()).unwrap().commit("main").unwrap();
        creation.commit("change", "two", 1_700_000_100, &[file("a/b.yaml", "2"), file("a.yaml", "1")]).unwrap();
        let repository = Repository::open(directory.path()).unwrap();
        let range = repository.range(&RangeRequest::default()).unwrap();
        assert_eq!((range.base, range.why.as_str()), (Revision::Commit(first.to_string()), "merge base with main"));
        let tree = repository.tree(&Revision::Index).unwrap();
        assert_eq!(&*tree.read(&TreePath::parse("a/b.yaml").unwrap()).unwrap(), b"2");
        let status =
            std::process::Command::new("git").current_dir(directory.path()).args(["status", "--porcelain"]).output();
        assert_eq!(String::from_utf8(status.unwrap().stdout).unwrap(), "");
    }
}
