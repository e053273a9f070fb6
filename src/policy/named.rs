//! Names of things that stand in other files.

use std::sync::Arc;

use crate::yaml::{Fault, Mark, Node};

/// A name as a policy writes it, with its place, for what cannot be known before the other files are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) name: Arc<str>,
    mark: Mark,
    column: u32,
}

impl Named {
    pub(super) fn new(node: &Node, name: &str) -> Self {
        Self { name: name.into(), mark: node.mark.clone(), column: node.content_column() }
    }

    /// Says something about this place.
    pub(super) fn fault(&self, message: String, hint: String) -> Fault {
        let (file, line, column) = (self.mark.file.to_string(), self.mark.line, self.column);
        Fault { file, line, column, message, hint: Some(hint) }
    }
}
