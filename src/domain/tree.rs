//! A tree of files to read from: a commit, the work tree, or memory.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::finding::Cause;

/// How many symbolic links one path may go through, as on Linux.
const MAX_LINKS: usize = 40;

/// A path from the root of a tree: `/`-separated, without `.`, `..` or empty components; the root itself is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TreePath(String);

impl TreePath {
    /// Names the root of the tree.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Reads a path relative to the root; `None` when it leaves the tree or is absolute.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::root().join(text)
    }

    /// Follows `relative` from this directory, `..` included; `None` when it leaves the tree or is absolute.
    #[must_use]
    pub fn join(&self, relative: &str) -> Option<Self> {
        if relative.starts_with('/') {
            return None;
        }
        let mut components: Vec<&str> = self.components().collect();
        for component in relative.split('/') {
            match component {
                "" | "." => {}
                ".." => {
                    components.pop()?;
                }
                name => components.push(name),
            }
        }
        Some(Self(components.join("/")))
    }

    /// Returns the path of the entry `name` of this directory; `None` for what is no name of an entry (`..`, `a/b`, nothing).
    #[must_use]
    pub fn child(&self, name: &str) -> Option<Self> {
        let is_name = !matches!(name, "" | "." | "..") && !name.contains('/');
        is_name.then(|| if self.0.is_empty() { Self(name.to_owned()) } else { Self(format!("{}/{name}", self.0)) })
    }

    /// Returns the path as text; empty for the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the components from the root down.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|component| !component.is_empty())
    }

    /// Returns the directory that holds this path; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.split().map(|(parent, _)| Self(parent.to_owned()))
    }

    /// Returns the directory that holds this path, and the last component; `None` for the root.
    #[must_use]
    pub fn split(&self) -> Option<(&str, &str)> {
        (!self.0.is_empty()).then(|| self.0.rsplit_once('/').unwrap_or(("", &self.0)))
    }

    /// Returns the last component; empty for the root.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Tells whether this path is `ancestor` or below it.
    #[must_use]
    pub fn is_within(&self, ancestor: &Self) -> bool {
        ancestor.0.is_empty()
            || self.0 == ancestor.0
            || self.0.strip_prefix(&ancestor.0).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// So that a map by paths is asked with a part of one.
impl Borrow<str> for TreePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "." } else { &self.0 })
    }
}

/// What an entry of a tree is, symbolic links not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link; [`Tree::read`] gives its target.
    Symlink,
    /// A commit of another repository; its content is not in this tree.
    Submodule,
}

/// Why a tree could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TreeError {
    /// Nothing stands at the path.
    #[error("{0} does not exist")]
    Missing(TreePath),
    /// A link leads out of the tree, or in a circle.
    #[error("{path} is a symbolic link that {why}")]
    Link {
        /// The path asked for.
        path: TreePath,
        /// What is wrong with the link.
        why: &'static str,
    },
    /// A file is larger than anything an overlay is made of.
    #[error("{path} has {size_bytes} bytes, more than the {limit_bytes} that are read")]
    TooLarge {
        /// The path asked for.
        path: TreePath,
        /// Its size.
        size_bytes: u64,
        /// The most that is read.
        limit_bytes: u64,
    },
    /// The storage below failed.
    #[error("cannot read {path}")]
    Storage {
        /// The path asked for.
        path: TreePath,
        /// What the storage said.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
}

impl TreeError {
    /// Tells whether the tree's content is to blame, or the storage below it.
    #[must_use]
    pub fn cause(&self) -> Cause {
        match self {
            Self::Missing(_) | Self::Link { .. } | Self::TooLarge { .. } => Cause::Change,
            Self::Storage { .. } => Cause::Circumstance,
        }
    }
}

/// A name for a content: equal names are equal contents, or equal directories all the way down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentId(pub [u8; 20]);

/// A tree of files. Paths given to the three required methods have no symbolic link among their *parents*
/// (see [`follow`]); implementations never follow links.
pub trait Tree: Send + Sync {
    /// Returns what stands at `path`, or `None`.
    ///
    /// # Errors
    /// When the storage fails; never for a path that is merely absent.
    fn kind(&self, path: &TreePath) -> Result<Option<EntryKind>, TreeError>;

    /// Returns the content of a file, or the target of a symbolic link.
    ///
    /// # Errors
    /// [`TreeError::Missing`] when there is no such file, or the storage's error.
    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError>;

    /// Returns names and kinds in a directory, sorted by name.
    ///
    /// # Errors
    /// [`TreeError::Missing`] when there is no such directory, or the storage's error.
    fn list(&self, path: &TreePath) -> Result<Vec<(String, EntryKind)>, TreeError>;

    /// Names what stands at `path` where the storage knows its name without reading it.
    ///
    /// # Errors
    /// When the storage fails.
    fn identity(&self, _path: &TreePath) -> Result<Option<ContentId>, TreeError> {
        Ok(None)
    }

    /// Tells whether the file at `path` is a program, where that is known.
    ///
    /// # Errors
    /// When the storage fails.
    fn is_executable(&self, _path: &TreePath) -> Result<bool, TreeError> {
        Ok(false)
    }
}

/// Follows symbolic links in every component of `path`, inside the tree only, to a path without links and its kind;
/// `None` when nothing stands there.
///
/// # Errors
/// [`TreeError::Link`] for a link that leaves the tree (or is absolute) or a circle of links.
pub fn follow(tree: &dyn Tree, path: &TreePath) -> Result<Option<(TreePath, EntryKind)>, TreeError> {
    let (reached, kind) = land(tree, path)?;
    Ok(kind.map(|kind| (reached, kind)))
}

/// Follows symbolic links as [`follow`] does, and tells also where the way ends when nothing stands there.
///
/// # Errors
/// As [`follow`].
pub fn land(tree: &dyn Tree, path: &TreePath) -> Result<(TreePath, Option<EntryKind>), TreeError> {
    // Trees follow no links: what stands at the path itself, or would stand in a real directory, was reached without any.
    match tree.kind(path)? {
        Some(EntryKind::Symlink) => return walk(tree, path),
        Some(kind) => return Ok((path.clone(), Some(kind))),
        None => {}
    }
    for above in std::iter::successors(path.parent(), TreePath::parent) {
        match tree.kind(&above)? {
            Some(EntryKind::Directory) => return Ok((path.clone(), None)),
            Some(_) => break,
            None => {}
        }
    }
    walk(tree, path)
}

/// Goes from the root down, through links.
fn walk(tree: &dyn Tree, path: &TreePath) -> Result<(TreePath, Option<EntryKind>), TreeError> {
    let mut remaining: Vec<String> = path.components().rev().map(str::to_owned).collect();
    let mut reached = TreePath::root();
    let mut kind = EntryKind::Directory;
    let mut links = 0;
    let broken = |why| TreeError::Link { path: path.clone(), why };
    while let Some(name) = remaining.pop() {
        let next = reached.join(&name).ok_or_else(|| broken("leads out of the tree"))?;
        match tree.kind(&next)? {
            None => {
                return Ok((remaining.iter().rev().fold(next, |path, name| path.child(name).unwrap_or(path)), None));
            }
            Some(EntryKind::Symlink) => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(broken("leads in a circle"));
                }
                let target = tree.read(&next)?;
                let target = std::str::from_utf8(&target).map_err(|_| broken("is not UTF-8"))?;
                let resolved = reached.join(target).ok_or_else(|| broken("leads out of the tree"))?;
                remaining.extend(resolved.components().rev().map(str::to_owned).collect::<Vec<_>>());
                (reached, kind) = (TreePath::root(), EntryKind::Directory);
            }
            Some(found) => (reached, kind) = (next, found),
        }
    }
    Ok((reached, Some(kind)))
}

/// A tree held in memory: files by path, directories implied.
#[derive(Debug, Clone, Default)]
pub struct MemoryTree {
    files: BTreeMap<TreePath, (EntryKind, Arc<[u8]>)>,
}

impl MemoryTree {
    /// Makes a tree of `(path, content)` pairs; a pair whose path leaves the tree is left out.
    #[must_use]
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut tree = Self::default();
        for (path, content) in files {
            tree.insert(path, EntryKind::File, content.as_bytes());
        }
        tree
    }

    /// Adds a symbolic link.
    #[must_use]
    pub fn with_link(mut self, path: &str, target: &str) -> Self {
        self.insert(path, EntryKind::Symlink, target.as_bytes());
        self
    }

    fn insert(&mut self, path: &str, kind: EntryKind, content: &[u8]) {
        if let Some(path) = TreePath::parse(path) {
            self.files.insert(path, (kind, content.into()));
        }
    }
}

impl Tree for MemoryTree {
    fn kind(&self, path: &TreePath) -> Result<Option<EntryKind>, TreeError> {
        let is_directory = || path.as_str().is_empty() || self.files.keys().any(|file| file.is_within(path));
        Ok(match self.files.get(path) {
            Some((kind, _)) => Some(*kind),
            None => is_directory().then_some(EntryKind::Directory),
        })
    }

    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        self.files.get(path).map(|(_, content)| content.clone()).ok_or_else(|| TreeError::Missing(path.clone()))
    }

    fn list(&self, path: &TreePath) -> Result<Vec<(String, EntryKind)>, TreeError> {
        let depth = path.components().count();
        let mut entries = BTreeMap::new();
        for (file, (kind, _)) in self.files.iter().filter(|(file, _)| file.is_within(path) && *file != path) {
            let mut below = file.components().skip(depth);
            if let Some(name) = below.next() {
                let kind = if below.next().is_some() { EntryKind::Directory } else { *kind };
                entries.insert(name.to_owned(), kind);
            }
        }
        match entries.is_empty() && !path.as_str().is_empty() {
            true => Err(TreeError::Missing(path.clone())),
            false => Ok(entries.into_iter().collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    #[test]
    fn a_path_that_leaves_the_tree_is_none() {
        assert_eq!(path("a/b").join("../../c").unwrap().as_str(), "c");
        assert_eq!(path("a").join("../.."), None);
        assert_eq!(path("a").join("/etc/passwd"), None);
    }

    #[test]
    fn links_are_followed_inside_the_tree_only() {
        let tree = MemoryTree::of([("base/d.yaml", "x")])
            .with_link("overlay", "base")
            .with_link("out", "../../etc")
            .with_link("absolute", "/etc")
            .with_link("circle", "circle");
        assert_eq!(follow(&tree, &path("overlay/d.yaml")).unwrap(), Some((path("base/d.yaml"), EntryKind::File)));
        assert!(matches!(follow(&tree, &path("out/passwd")), Err(TreeError::Link { .. })));
        assert!(matches!(follow(&tree, &path("absolute/passwd")), Err(TreeError::Link { .. })));
        assert!(matches!(follow(&tree, &path("circle")), Err(TreeError::Link { why: "leads in a circle", .. })));
        assert_eq!(follow(&tree, &path("none")).unwrap(), None);
        assert_eq!(land(&tree, &path("overlay/none/x")).unwrap(), (path("base/none/x"), None));
    }

    #[test]
    fn a_memory_tree_lists_directories_once_and_sorted() {
        let tree = MemoryTree::of([("b/1", ""), ("b/2", ""), ("a", "")]);
        let names = tree.list(&TreePath::root()).unwrap();
        assert_eq!(names, [("a".to_owned(), EntryKind::File), ("b".to_owned(), EntryKind::Directory)]);
    }
}
