//! Faults in our own files, collected so that one run tells them all.

use std::cell::RefCell;

use super::{Error, Node};

/// One fault, at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// An action that would put it right.
    pub hint: Option<String>,
}

/// The faults found so far. Readers share it by `&`, so that nested readers can all report.
#[derive(Debug, Default)]
pub struct Faults(RefCell<Vec<Fault>>);

impl Faults {
    /// Starts with none.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fault at `node`.
    pub fn push(&self, node: &Node, message: impl Into<String>) {
        self.add(node, message.into(), None);
    }

    /// Adds a fault at `node` with an action that would put it right.
    pub fn push_with_hint(&self, node: &Node, message: impl Into<String>, hint: impl Into<String>) {
        self.add(node, message.into(), Some(hint.into()));
    }

    /// Adds a fault at the beginning of a file.
    pub fn push_at_start(&self, file: &str, message: impl Into<String>) {
        let (file, message) = (file.to_owned(), message.into());
        self.0.borrow_mut().push(Fault { file, line: 1, column: 1, message, hint: None });
    }

    /// Adds what kept a file from being read at all.
    pub fn push_error(&self, error: &Error) {
        self.0.borrow_mut().push(Fault {
            file: error.file.clone(),
            line: error.line,
            column: error.column,
            message: error.message.clone(),
            hint: None,
        });
    }

    /// Tells whether nothing was wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Returns the faults, ordered by place.
    #[must_use]
    pub fn into_vec(self) -> Vec<Fault> {
        let mut faults = self.0.into_inner();
        faults.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        // What an alias brings is read once for each.
        faults.dedup();
        faults
    }

    fn add(&self, node: &Node, message: String, hint: Option<String>) {
        self.0.borrow_mut().push(Fault {
            file: node.mark.file.to_string(),
            line: node.mark.line,
            column: node.content_column(),
            message,
            hint,
        });
    }
}
