//! Places in files of the repository.

use std::fmt;

/// A place in a file: a path from the repository's root, and a line and column counted from 1 (columns in characters).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// The path from the root of the tree, `/`-separated.
    pub path: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
}

impl Location {
    /// Names the place `line`:`column` of `path`.
    #[must_use]
    pub fn new(path: impl Into<String>, line: u32, column: u32) -> Self {
        Self { path: path.into(), line, column }
    }

    /// Returns the place `characters` further right on the same line.
    #[must_use]
    pub fn right(&self, characters: u32) -> Self {
        Self { path: self.path.clone(), line: self.line, column: self.column + characters }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path, self.line, self.column)
    }
}
