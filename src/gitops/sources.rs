//! The files that documents come from, read again for the places inside their blocks of text.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::{Tree, TreePath};
use crate::manifest::{Place, Scalar, Text};

/// How many values all texts of one overlay may hold, aliases expanded.
const MAX_VALUES: usize = 2_000_000;

/// Files by name, each read once.
pub(super) struct Sources<'t> {
    tree: &'t dyn Tree,
    values: usize,
    files: HashMap<Arc<str>, Lines>,
}

/// A file and where its lines start.
struct Lines {
    content: Arc<[u8]>,
    starts: Vec<usize>,
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

    /// Takes a scalar at `place` as text; where its file cannot be read again, exact places in it are lost and nothing else.
    pub(super) fn text(&mut self, place: &Place, scalar: &Scalar) -> Text {
        let tree = self.tree;
        let read = || {
            let content = TreePath::parse(&place.file).and_then(|path| tree.read(&path).ok());
            Lines::of(content.unwrap_or_else(|| [].into()))
        };
        let lines = self.files.entry(place.file.clone()).or_insert_with(read);
        Text::at(place, scalar, lines.from(place.line))
    }
}

impl Lines {
    fn of(content: Arc<[u8]>) -> Self {
        let breaks = content.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { content, starts }
    }

    fn from(&self, line: u32) -> &[u8] {
        let start = (line as usize).checked_sub(1).and_then(|index| self.starts.get(index));
        start.and_then(|start| self.content.get(*start..)).unwrap_or_default()
    }
}
