//! From patterns to values files.

use std::collections::BTreeSet;

use crate::domain::tree::{EntryKind, TreeError, follow};
use crate::domain::{HelmValues, Tree, TreePath};

/// Finds the last values files of `sets`, sorted by path.
///
/// # Errors
/// When the tree cannot be read. A pattern that fits nothing is no error: the file may exist on one side only.
pub(crate) fn find(tree: &dyn Tree, sets: &[HelmValues]) -> Result<Vec<TreePath>, TreeError> {
    let mut found = BTreeSet::new();
    for set in sets {
        let components: Vec<&str> = set.last().split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        expand(tree, TreePath::root(), &components, &mut found)?;
    }
    Ok(found.into_iter().collect())
}

fn expand(tree: &dyn Tree, at: TreePath, components: &[&str], found: &mut BTreeSet<TreePath>) -> Result<(), TreeError> {
    let reached = follow(tree, &at)?;
    let Some((first, rest)) = components.split_first() else {
        if matches!(reached, Some((_, EntryKind::File))) {
            found.insert(at);
        }
        return Ok(());
    };
    let Some((directory, EntryKind::Directory)) = reached else { return Ok(()) };
    let Some((before, after)) = first.split_once('*') else {
        return at.child(first).map_or(Ok(()), |below| expand(tree, below, rest, found));
    };
    let fits = |name: &str| {
        name.len() >= before.len() + after.len()
            && name.starts_with(before)
            && name.ends_with(after)
            && !name.starts_with('.')
    };
    for (name, _) in tree.list(&directory)?.into_iter().filter(|(name, _)| fits(name)) {
        if let Some(below) = at.child(&name) {
            expand(tree, below, rest, found)?;
        }
    }
    Ok(())
}
