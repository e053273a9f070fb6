//! Where two trees differ.

use std::cmp::Ordering;
use std::collections::{BTreeSet, VecDeque};
use std::num::NonZero;
use std::ops::Bound;
use std::panic::resume_unwind;
use std::thread;

use super::tree::{EntryKind, Tree, TreeError, TreePath};

/// How deep directories are entered; where one that differs lies deeper, everything counts as different.
const MAX_DEPTH: usize = 200;

/// How many directories there are for each core before they are shared out.
const PAIRS_FOR_CORE: usize = 16;

/// The paths of files, links and submodules that are not the same in two trees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    paths: BTreeSet<TreePath>,
    is_everywhere: bool,
    has_names: bool,
}

impl Difference {
    /// Compares two trees, on all cores; directories of one name for their content are not entered.
    ///
    /// # Errors
    /// When a tree cannot be read.
    pub fn between(base: &dyn Tree, head: &dyn Tree) -> Result<Self, TreeError> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let mut walk = Walk { base, head, found: Self::default(), pairs: VecDeque::from([Pair::root()]) };
        // Breadth first, until there is work for everybody.
        while walk.pairs.len() < cores * PAIRS_FOR_CORE
            && let Some(pair) = walk.pairs.pop_front()
        {
            walk.enter(pair)?;
        }
        let Walk { mut found, pairs, .. } = walk;
        let pairs: Vec<Pair> = pairs.into();
        let parts: Vec<Result<Self, TreeError>> = thread::scope(|scope| {
            let workers: Vec<_> = pairs
                .chunks(pairs.len().div_ceil(cores).max(1))
                .map(|pairs| {
                    let pairs = pairs.iter().cloned().collect();
                    scope.spawn(move || Walk { base, head, found: Self::default(), pairs }.finish())
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
        });
        for part in parts {
            let part = part?;
            found.is_everywhere |= part.is_everywhere;
            found.has_names |= part.has_names;
            found.paths.extend(part.paths);
        }
        Ok(found)
    }

    /// Tells whether something differs at `path` or below it. Where a link differs this is said of every path: what lies
    /// behind a link has other paths.
    #[must_use]
    pub fn touches(&self, path: &TreePath) -> bool {
        if self.is_everywhere || self.paths.contains(path) || path.as_str().is_empty() {
            return !self.paths.is_empty();
        }
        // Names sort before and after the `/` that ends a directory's; the first possible one below is `path` itself.
        let below = self.paths.range((Bound::Excluded(path.clone()), Bound::Unbounded));
        below.take_while(|other| other.as_str().starts_with(path.as_str())).any(|other| other.is_within(path))
    }

    /// Tells whether something came, went or became of another kind, or a link changed: else both trees have the same names.
    #[must_use]
    pub fn has_names(&self) -> bool {
        self.has_names || self.is_everywhere
    }

    /// Tells whether every path counts as different.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        self.is_everywhere
    }

    /// The paths, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &TreePath> {
        self.paths.iter()
    }
}

/// A directory of either tree, or both.
#[derive(Clone)]
struct Pair {
    directory: TreePath,
    in_base: bool,
    in_head: bool,
}

impl Pair {
    fn root() -> Self {
        Self { directory: TreePath::root(), in_base: true, in_head: true }
    }
}

/// The directories yet to be compared. A list of its own: how deep a repository nests is its author's choice.
struct Walk<'t> {
    base: &'t dyn Tree,
    head: &'t dyn Tree,
    found: Difference,
    pairs: VecDeque<Pair>,
}

impl Walk<'_> {
    fn finish(mut self) -> Result<Difference, TreeError> {
        while let Some(pair) = self.pairs.pop_back() {
            self.enter(pair)?;
        }
        Ok(self.found)
    }

    fn enter(&mut self, Pair { directory, in_base, in_head }: Pair) -> Result<(), TreeError> {
        if in_base && in_head && is_same(self.base, self.head, &directory)? {
            return Ok(());
        }
        if directory.components().count() >= MAX_DEPTH {
            self.found.paths.insert(directory);
            self.found.is_everywhere = true;
            return Ok(());
        }
        let before = if in_base { list(self.base, &directory)? } else { Vec::new() };
        let after = if in_head { list(self.head, &directory)? } else { Vec::new() };
        let (mut before, mut after) = (before.into_iter().peekable(), after.into_iter().peekable());
        loop {
            // Both are sorted.
            let order = match (before.peek(), after.peek()) {
                (Some((old, _)), Some((new, _))) => old.cmp(new),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return Ok(()),
            };
            let old = if order.is_le() { before.next() } else { None };
            let new = if order.is_ge() { after.next() } else { None };
            let Some((name, _)) = old.as_ref().or(new.as_ref()) else { return Ok(()) };
            self.visit(&directory, name, old.as_ref().map(|(_, kind)| *kind), new.as_ref().map(|(_, kind)| *kind))?;
        }
    }

    fn visit(
        &mut self,
        directory: &TreePath,
        name: &str,
        old: Option<EntryKind>,
        new: Option<EntryKind>,
    ) -> Result<(), TreeError> {
        let Some(path) = directory.child(name) else { return Ok(()) };
        let is_directory = |kind| kind == Some(EntryKind::Directory);
        let (in_base, in_head) = (is_directory(old), is_directory(new));
        let leaf = |kind: Option<EntryKind>| kind.filter(|kind| *kind != EntryKind::Directory);
        let (old, new) = (leaf(old), leaf(new));
        self.found.has_names |= old != new || in_base != in_head;
        if old != new || (old.is_some() && !is_equal(self.base, self.head, &path, old)?) {
            self.found.is_everywhere |= [old, new].contains(&Some(EntryKind::Symlink));
            self.found.paths.insert(path.clone());
        }
        if in_base || in_head {
            self.pairs.push_back(Pair { directory: path, in_base, in_head });
        }
        Ok(())
    }
}

fn list(tree: &dyn Tree, directory: &TreePath) -> Result<Vec<(String, EntryKind)>, TreeError> {
    match tree.list(directory) {
        // Git has no empty directories, and an empty tree not even a root.
        Err(TreeError::Missing(_)) => Ok(Vec::new()),
        listed => listed,
    }
}

/// Tells whether both trees have one name for what stands at `path`.
fn is_same(base: &dyn Tree, head: &dyn Tree, path: &TreePath) -> Result<bool, TreeError> {
    let name = base.identity(path)?;
    Ok(name.is_some() && name == head.identity(path)?)
}

fn is_equal(base: &dyn Tree, head: &dyn Tree, path: &TreePath, kind: Option<EntryKind>) -> Result<bool, TreeError> {
    if let (Some(old), Some(new)) = (base.identity(path)?, head.identity(path)?) {
        return Ok(old == new);
    }
    if kind == Some(EntryKind::Submodule) {
        return Ok(true);
    }
    match (base.read(path), head.read(path)) {
        (Ok(old), Ok(new)) => Ok(old == new),
        (Err(TreeError::TooLarge { .. }), _) | (_, Err(TreeError::TooLarge { .. })) => Ok(false),
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::MemoryTree;
    use super::*;

    fn paths(difference: &Difference) -> Vec<&str> {
        difference.paths().map(TreePath::as_str).collect()
    }

    #[test]
    fn added_removed_and_changed_files_differ() {
        let base = MemoryTree::of([("a/x", "1"), ("a/y", "1"), ("b", "1"), ("same/f", "1")]);
        let head = MemoryTree::of([("a/x", "2"), ("a/z", "1"), ("b/f", "1"), ("same/f", "1")]);
        let found = Difference::between(&base, &head).unwrap();
        assert_eq!(paths(&found), ["a/x", "a/y", "a/z", "b", "b/f"]);
        assert!(found.has_names());
        let written = MemoryTree::of([("a/x", "2"), ("a/y", "1"), ("b", "1"), ("same/f", "1")]);
        assert!(!Difference::between(&base, &written).unwrap().has_names());
    }

    #[test]
    fn a_directory_is_touched_by_what_lies_below_it_only() {
        let base = MemoryTree::of([("o/a-b/f", "1"), ("o/a/f", "1")]);
        let head = MemoryTree::of([("o/a-b/f", "2"), ("o/a/f", "1")]);
        let found = Difference::between(&base, &head).unwrap();
        let touches = |path: &str| found.touches(&TreePath::parse(path).unwrap());
        assert!(touches("o/a-b") && touches("o") && touches("o/a-b/f"));
        assert!(!touches("o/a") && !touches("o/a-b/f/g"));
    }

    #[test]
    fn a_link_that_moves_touches_everything() {
        let base = MemoryTree::of([("v1/f", "1"), ("v2/f", "1")]).with_link("live", "v1");
        let head = MemoryTree::of([("v1/f", "1"), ("v2/f", "1")]).with_link("live", "v2");
        let found = Difference::between(&base, &head).unwrap();
        assert!(found.is_everywhere() && found.touches(&TreePath::parse("v2").unwrap()));
        assert!(!Difference::between(&base, &base).unwrap().touches(&TreePath::root()));
    }
}
