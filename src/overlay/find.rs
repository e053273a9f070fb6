//! From paths and globs to the overlay directories of a tree.

use std::collections::BTreeSet;

use crate::domain::tree::{EntryKind, TreeError, follow};
use crate::domain::{Glob, Tree, TreePath};
use crate::kustomize::has_kustomization;

/// How deep `**` looks for directories.
const MAX_DEPTH: usize = 32;

/// Finds the overlays that `patterns` name, sorted by path.
///
/// A directory without a kustomization that has kustomizations below stands for each of the topmost of those, and for itself
/// where it also holds manifests of its own.
///
/// # Errors
/// When the tree cannot be read. A pattern that fits nothing is no error: the directory may exist on one side only.
pub fn find(tree: &dyn Tree, patterns: &[String]) -> Result<Vec<TreePath>, TreeError> {
    let mut overlays = BTreeSet::new();
    for pattern in patterns {
        let components: Vec<&str> = pattern.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        let mut search = Search { tree, seen: BTreeSet::new(), found: BTreeSet::new() };
        search.expand(TreePath::root(), &components)?;
        for path in search.found {
            unfold(tree, path, &mut overlays)?;
        }
    }
    Ok(overlays.into_iter().collect())
}

/// The search for the directories that fit one pattern.
struct Search<'t> {
    tree: &'t dyn Tree,
    /// Directories with how much of the pattern was left there: several `**` must not walk the same twice.
    seen: BTreeSet<(TreePath, usize)>,
    found: BTreeSet<TreePath>,
}

impl Search<'_> {
    fn expand(&mut self, at: TreePath, components: &[&str]) -> Result<(), TreeError> {
        if !self.seen.insert((at.clone(), components.len())) {
            return Ok(());
        }
        let Some((first, rest)) = components.split_first() else {
            self.found.insert(at);
            return Ok(());
        };
        if *first == "**" {
            self.expand(at.clone(), rest)?;
            let deep = at.components().count() >= MAX_DEPTH;
            let below = if deep { Vec::new() } else { self.entries(&at)? };
            for (below, _) in below.into_iter().filter(|(_, kind)| *kind == EntryKind::Directory) {
                self.expand(below, components)?;
            }
            return Ok(());
        }
        if Glob::is_literal(first) {
            return match at.join(first) {
                Some(below) => self.enter(below, rest),
                None => Ok(()),
            };
        }
        let Ok(glob) = Glob::new(first) else {
            return Ok(());
        };
        for (below, _) in self.entries(&at)?.into_iter().filter(|(path, _)| glob.matches(path.name())) {
            self.enter(below, rest)?;
        }
        Ok(())
    }

    /// Goes on in a directory. What lies in a submodule is not in this tree: the submodule itself is named, so that it is said.
    fn enter(&mut self, at: TreePath, rest: &[&str]) -> Result<(), TreeError> {
        match follow(self.tree, &at)? {
            Some((_, EntryKind::Directory)) => self.expand(at, rest),
            Some((_, EntryKind::Submodule)) => {
                self.found.insert(at);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Lists a directory, which may be reached through a link, by the names it was asked by.
    fn entries(&self, at: &TreePath) -> Result<Vec<(TreePath, EntryKind)>, TreeError> {
        let Some((directory, EntryKind::Directory)) = follow(self.tree, at)? else {
            return Ok(Vec::new());
        };
        let entries = self.tree.list(&directory)?;
        Ok(entries.into_iter().filter_map(|(name, kind)| Some((at.child(&name)?, kind))).collect())
    }
}

/// Puts in place of a directory without a kustomization the kustomizations below it.
fn unfold(tree: &dyn Tree, path: TreePath, overlays: &mut BTreeSet<TreePath>) -> Result<(), TreeError> {
    let is_submodule = matches!(follow(tree, &path)?, Some((_, EntryKind::Submodule)));
    if is_submodule || has_kustomization(tree, &path)? {
        overlays.insert(path);
        return Ok(());
    }
    let mut inner = BTreeSet::new();
    let has_files = collect_below(tree, &path, &mut inner)?;
    if has_files || inner.is_empty() {
        overlays.insert(path);
    }
    overlays.extend(inner);
    Ok(())
}

/// Collects the topmost kustomizations below `path`; tells whether there are manifests outside them.
fn collect_below(tree: &dyn Tree, path: &TreePath, found: &mut BTreeSet<TreePath>) -> Result<bool, TreeError> {
    let Some((directory, EntryKind::Directory)) = follow(tree, path)? else {
        return Ok(false);
    };
    let mut has_files = false;
    for (name, kind) in tree.list(&directory)? {
        let Some(below) = path.child(&name) else {
            continue;
        };
        match kind {
            EntryKind::Directory if name.starts_with('.') || below.components().count() > MAX_DEPTH => {}
            EntryKind::Directory if has_kustomization(tree, &below)? => {
                found.insert(below);
            }
            EntryKind::Directory => has_files |= collect_below(tree, &below, found)?,
            _ => has_files |= [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending)),
        }
    }
    Ok(has_files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tree::MemoryTree;

    fn found(tree: &MemoryTree, patterns: &[&str]) -> Vec<String> {
        let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        find(tree, &patterns).unwrap().into_iter().map(|path| path.as_str().to_owned()).collect()
    }

    fn apps() -> MemoryTree {
        MemoryTree::of([
            ("apps/a/overlays/production/kustomization.yaml", ""),
            ("apps/b/overlays/production/kustomization.yaml", ""),
            ("apps/b/overlays/dev/kustomization.yaml", ""),
            ("apps/README.md", ""),
            ("overlays/production/patch-image.yaml", ""),
        ])
        .with_link("live", "overlays")
    }

    #[test]
    fn paths_and_globs_name_directories_that_exist() {
        let tree = apps();
        assert_eq!(
            found(&tree, &["apps/*/overlays/production", "overlays/production/", "overlays/none"]),
            ["apps/a/overlays/production", "apps/b/overlays/production", "overlays/production"]
        );
        assert_eq!(found(&tree, &["**/overlays/dev"]), ["apps/b/overlays/dev"]);
    }

    #[test]
    fn a_linked_directory_keeps_the_name_it_was_asked_by() {
        assert_eq!(found(&apps(), &["live/production"]), ["live/production"]);
        assert_eq!(found(&apps(), &["live/**/production", "live/**"]).last().unwrap(), "live/production");
    }

    #[test]
    fn many_stars_do_not_walk_the_same_twice() {
        let deep = format!("{}kustomization.yaml", "d/".repeat(30));
        let tree = MemoryTree::of([(deep.as_str(), "")]);
        assert_eq!(found(&tree, &["**/**/**/**/**/**/**/**/**/d"]).len(), 1);
    }

    #[test]
    fn a_folder_of_kustomizations_stands_for_each_of_them() {
        let tree = MemoryTree::of([
            ("overlays/production/api/kustomization.yaml", ""),
            ("overlays/production/web/kustomization.yaml", ""),
            ("overlays/production/web/deep/kustomization.yaml", ""),
        ]);
        assert_eq!(found(&tree, &["overlays/production"]), ["overlays/production/api", "overlays/production/web"]);
        let mixed = MemoryTree::of([("o/api/kustomization.yaml", ""), ("o/loose.yaml", "")]);
        assert_eq!(found(&mixed, &["o"]), ["o", "o/api"]);
    }
}
