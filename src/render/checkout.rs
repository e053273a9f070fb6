//! The files of a revision on disk, for programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;

use super::program::{self, Ended, Limits};
use crate::domain::tree::{EntryKind, follow};
use crate::domain::{Tree, TreePath};
use crate::overlay::Runner;

/// How many files are written at most.
const MAX_FILES: usize = 200_000;
/// How much is written at most, 4 GiB.
const MAX_BYTES: u64 = 4 << 30;

/// The files of a revision: in place for the work tree, else written to a temporary directory when the first program is run.
pub struct Checkout<'t> {
    tree: &'t dyn Tree,
    in_place: Option<PathBuf>,
    written: OnceLock<Result<TempDir, String>>,
}

impl<'t> Checkout<'t> {
    /// Takes the files of `tree`; `in_place` is where they lie on disk already.
    #[must_use]
    pub fn new(tree: &'t dyn Tree, in_place: Option<&Path>) -> Self {
        Self { tree, in_place: in_place.map(Path::to_owned), written: OnceLock::new() }
    }

    /// Runs a program in the root of the files, within `limits`.
    ///
    /// # Errors
    /// Why it could not be run to its end.
    pub fn ask(&self, command: &[String], limits: Limits) -> Result<Ended, String> {
        program::ask(command, self.root()?, limits)
    }

    fn root(&self) -> Result<&Path, String> {
        if let Some(root) = &self.in_place {
            return Ok(root);
        }
        let written = self.written.get_or_init(|| write(self.tree));
        written.as_ref().map(TempDir::path).map_err(Clone::clone)
    }
}

impl Runner for Checkout<'_> {
    fn run(&self, command: &[String]) -> Result<Vec<u8>, String> {
        program::run(command, self.root()?)
    }
}

fn write(tree: &dyn Tree) -> Result<TempDir, String> {
    let directory = tempfile::Builder::new()
        .prefix("promote-bot-")
        .tempdir()
        .map_err(|error| format!("cannot make a temporary directory: {error}"))?;
    let mut writer = Writer { tree, root: directory.path(), files: 0, bytes: 0 };
    let mut directories = vec![TreePath::root()];
    while let Some(at) = directories.pop() {
        writer.directory(&at, &mut directories)?;
    }
    Ok(directory)
}

struct Writer<'w> {
    tree: &'w dyn Tree,
    root: &'w Path,
    files: usize,
    bytes: u64,
}

impl Writer<'_> {
    fn directory(&mut self, at: &TreePath, below: &mut Vec<TreePath>) -> Result<(), String> {
        let on_disk = self.on_disk(at);
        fs::create_dir_all(&on_disk).map_err(|error| format!("cannot write {at}: {error}"))?;
        for (name, kind) in self.tree.list(at).map_err(|error| error.to_string())? {
            let Some(path) = at.child(&name) else { continue };
            match kind {
                EntryKind::Directory => below.push(path),
                EntryKind::File => self.file(&path)?,
                EntryKind::Symlink => self.link(&path)?,
                EntryKind::Submodule => {}
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &TreePath) -> Result<(), String> {
        let content = self.tree.read(path).map_err(|error| error.to_string())?;
        self.files += 1;
        self.bytes = self.bytes.saturating_add(content.len() as u64);
        if self.files > MAX_FILES || self.bytes > MAX_BYTES {
            return Err("the revision has more files than are written for a program".to_owned());
        }
        let wrong = |error| format!("cannot write {path}: {error}");
        fs::write(self.on_disk(path), content).map_err(wrong)?;
        #[cfg(unix)]
        if self.tree.is_executable(path).map_err(|error| error.to_string())? {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(self.on_disk(path), mode).map_err(wrong)?;
        }
        Ok(())
    }

    /// A link that leaves the revision's files is left out: what it led to on this machine is none of a program's business.
    fn link(&mut self, path: &TreePath) -> Result<(), String> {
        if !matches!(follow(self.tree, path), Ok(Some(_))) {
            return Ok(());
        }
        let target = self.tree.read(path).map_err(|error| error.to_string())?;
        let target = String::from_utf8_lossy(&target).into_owned();
        #[cfg(unix)]
        return std::os::unix::fs::symlink(target, self.on_disk(path))
            .map_err(|error| format!("cannot write {path}: {error}"));
        #[cfg(not(unix))]
        Err(format!("cannot write the link {path} to {target} on this system"))
    }

    fn on_disk(&self, path: &TreePath) -> PathBuf {
        path.components().fold(self.root.to_owned(), |disk, name| disk.join(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tree::MemoryTree;

    fn run(tree: &MemoryTree, script: &str) -> Result<String, String> {
        let command = ["sh", "-c", script].map(str::to_owned);
        Checkout::new(tree, None).run(&command).map(|output| String::from_utf8_lossy(&output).into_owned())
    }

    #[test]
    fn a_program_sees_the_files_of_the_revision_and_links_inside_it() {
        let tree = MemoryTree::of([("a/b.yaml", "one"), ("c.yaml", "two")])
            .with_link("inside", "a/b.yaml")
            .with_link("outside", "../../etc/passwd")
            .with_link("absolute", "/etc/passwd");
        assert_eq!(run(&tree, "cat a/b.yaml inside; ls").unwrap(), "oneonea\nc.yaml\ninside\n");
    }

    #[test]
    fn a_program_that_fails_is_told_by_its_last_words() {
        let tree = MemoryTree::of([("a", "")]);
        let error = run(&tree, "echo some; echo first >&2; echo why >&2; exit 3").unwrap_err();
        assert!(error.contains("exit status: 3") && error.contains("why") && !error.contains("first"), "{error}");
        let missing = Checkout::new(&tree, None).run(&["/nonexistent/renderer".to_owned()]).unwrap_err();
        assert!(missing.contains("/nonexistent/renderer"), "{missing}");
    }

    #[test]
    fn a_program_that_takes_too_long_ends_with_all_it_started() {
        let tree = MemoryTree::of([("a", "")]);
        let limits = Limits {
            timeout: std::time::Duration::from_millis(50),
            most_bytes: 1 << 10,
            excess: super::super::Excess::Cut,
        };
        let command = ["sh", "-c", "sleep 600 & sleep 600"].map(str::to_owned);
        let error = Checkout::new(&tree, None).ask(&command, limits).unwrap_err();
        assert!(error.contains("took longer than"), "{error}");
        // What is left in the background does not hold up one that ended.
        let limits = Limits { timeout: std::time::Duration::from_secs(60), ..limits };
        let command = ["sh", "-c", "sleep 600 & echo done"].map(str::to_owned);
        assert_eq!(Checkout::new(&tree, None).ask(&command, limits), Ok(Ended::Well(b"done\n".to_vec())));
    }

    #[test]
    fn what_leaves_its_group_is_not_waited_for() {
        let tree = MemoryTree::of([("a", "")]);
        let limits = Limits {
            timeout: std::time::Duration::from_secs(60),
            most_bytes: 1 << 10,
            excess: super::super::Excess::Cut,
        };
        let command = ["sh", "-c", "setsid sleep 30 & sleep 0.1"].map(str::to_owned);
        let error = Checkout::new(&tree, None).ask(&command, limits).unwrap_err();
        assert!(error.contains("goes on and holds its output"), "{error}");
        // More than is read is cut where only the end counts.
        let command = ["sh", "-c", "head -c 5000 /dev/zero"].map(str::to_owned);
        assert_eq!(Checkout::new(&tree, None).ask(&command, limits), Ok(Ended::Well(vec![0; 1 << 10])));
    }

    #[test]
    fn a_program_is_not_given_our_environment() {
        let tree = MemoryTree::of([("a", "")]);
        // Cargo sets this for every test.
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
        assert_eq!(run(&tree, "echo \"[$CARGO_MANIFEST_DIR]\"").unwrap(), "[]\n");
    }
}
