//! The files that documents come from, read again for the places inside their blocks of text.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::{Tree, TreePath};
use crate::manifest::Place;

/// How many values all texts of one overlay may hold, aliases expanded.
const MAX_VALUES: usize = 2_000_000;

/// Files by name, each read once.
pub(super) struct Sources<'t> {
    tree: &'t dyn Tree,
    values: usize,
    files: HashMap<Arc<str>, Arc<[u8]>>,
}

impl<'t> Sources<'t> {
    /// Starts with nothing read.
    pub(super) fn new(tree: &'t dyn Tree) -> Self {
        Self { tree, values: 0, files: HashMap::new() }
    }

    /// Counts values that a text held; tells whether there were too many.
    pub(super) fn spend(&mut self, values: usize) -> bool {
        self.values = self.values.saturating_add(values);
        self.values > MAX_VALUES
    }

    /// Returns the content of the file of `place`; nothing where it cannot be read again, which costs exact places only.
    pub(super) fn of(&mut self, place: &Place) -> Arc<[u8]> {
        let tree = self.tree;
        let read = || TreePath::parse(&place.file).and_then(|path| tree.read(&path).ok()).unwrap_or_else(|| [].into());
        self.files.entry(place.file.clone()).or_insert_with(read).clone()
    }
}
