//! Environments read off the layout of a repository: `…/overlays/<environment>`.

use std::collections::BTreeMap;

use crate::domain::tree::{EntryKind, TreeError};
use crate::domain::{Tree, TreePath};

/// How deep directories are searched.
const MAX_DEPTH: usize = 8;

/// Overlay directories by the environment their name says.
pub type Layout = BTreeMap<String, Vec<TreePath>>;

/// Finds every directory directly below one called `overlays`; its name is its environment.
///
/// # Errors
/// When the tree cannot be read.
pub fn layout(tree: &dyn Tree) -> Result<Layout, TreeError> {
    let mut found = Layout::new();
    collect(tree, &TreePath::root(), &mut found)?;
    Ok(found)
}

fn collect(tree: &dyn Tree, at: &TreePath, found: &mut Layout) -> Result<(), TreeError> {
    if at.components().count() >= MAX_DEPTH {
        return Ok(());
    }
    for (name, kind) in tree.list(at)? {
        let Some(below) = at.child(&name).filter(|_| kind == EntryKind::Directory && !name.starts_with('.')) else {
            continue;
        };
        if at.name() == "overlays" {
            found.entry(name).or_default().push(below);
        } else {
            collect(tree, &below, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tree::MemoryTree;

    #[test]
    fn the_folder_below_overlays_names_the_environment() {
        let tree = MemoryTree::of([
            ("overlays/dev/a.yaml", ""),
            ("apps/api/overlays/dev/a.yaml", ""),
            ("apps/api/overlays/production/sub/a.yaml", ""),
            (".github/overlays/x/a.yaml", ""),
        ]);
        let shown: Vec<(String, usize)> =
            layout(&tree).unwrap().into_iter().map(|(name, paths)| (name, paths.len())).collect();
        assert_eq!(shown, [("dev".to_owned(), 2), ("production".to_owned(), 1)]);
    }
}
