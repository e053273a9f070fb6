//! The tree: values and the places they come from.

use std::sync::Arc;

/// Where a node stands in a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mark {
    /// The file, as given to [`parse`](super::parse()).
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// The first byte of the node in the file.
    pub start: usize,
    /// The byte after the node's last.
    pub end: usize,
}

/// A value and its place: its first character, for quoted scalars the quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What stands there.
    pub value: Value,
    /// Where it stands; a node that came through an alias stands where its anchor is.
    pub mark: Mark,
}

/// The three kinds of YAML values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text, not yet read as a number, bool or null.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values in order, duplicates kept.
    Mapping(Vec<(Node, Node)>),
}

/// A scalar as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// The text, escapes and folding undone.
    pub text: Arc<str>,
    /// How it was written.
    pub style: Style,
    /// The full tag (`tag:yaml.org,2002:str`), when one was written.
    pub tag: Option<String>,
}

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    /// Without quotes; the only style that may mean a number, bool or null.
    Plain,
    /// In `'…'`.
    SingleQuoted,
    /// In `"…"`.
    DoubleQuoted,
    /// A block after `|`.
    Literal,
    /// A block after `>`.
    Folded,
}

impl Node {
    /// Returns the value of `key` in a mapping; of duplicate keys the last, as kustomize reads its own files.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        let entries = self.as_mapping()?;
        entries.iter().rev().find_map(|(name, value)| (name.as_str() == Some(key)).then_some(value))
    }

    /// Returns a scalar's text, whatever it would be read as.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.as_scalar().map(|scalar| &*scalar.text)
    }

    /// Returns the scalar.
    #[must_use]
    pub fn as_scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// Returns the elements of a list.
    #[must_use]
    pub fn as_sequence(&self) -> Option<&[Self]> {
        match &self.value {
            Value::Sequence(elements) => Some(elements),
            _ => None,
        }
    }

    /// Returns keys and values of a mapping, duplicates included.
    #[must_use]
    pub fn as_mapping(&self) -> Option<&[(Self, Self)]> {
        match &self.value {
            Value::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// Returns the word for this kind of value in messages.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match &self.value {
            Value::Scalar(scalar) => super::resolve_resource_scalar(scalar).name(),
            Value::Sequence(_) => "list",
            Value::Mapping(_) => "mapping",
        }
    }

    /// Tells whether this is an unquoted null, `~` or nothing at all.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.as_scalar().is_some_and(|scalar| super::resolve_resource_scalar(scalar) == super::ScalarKind::Null)
    }

    /// Returns the column of the first character of a scalar's content: one further right inside quotes.
    #[must_use]
    pub fn content_column(&self) -> u32 {
        let quoted = |scalar: &Scalar| matches!(scalar.style, Style::SingleQuoted | Style::DoubleQuoted);
        self.mark.column + u32::from(self.as_scalar().is_some_and(quoted))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::parse;
    use super::{Node, Value};

    /// Values without their places.
    pub(in super::super) fn values(node: &Node) -> String {
        match &node.value {
            Value::Scalar(scalar) => format!("{:?}", scalar.text),
            Value::Sequence(elements) => format!("{:?}", elements.iter().map(values).collect::<Vec<_>>()),
            Value::Mapping(entries) => {
                format!("{:?}", entries.iter().map(|(key, value)| (values(key), values(value))).collect::<Vec<_>>())
            }
        }
    }

    #[test]
    fn the_last_of_duplicate_keys_is_the_one_that_counts() {
        let documents = parse("k.yaml", b"a: 1\nb: [x]\na: 2\n").unwrap();
        assert_eq!(documents[0].get("a").unwrap().as_str(), Some("2"));
        assert_eq!(documents[0].as_mapping().unwrap().len(), 3);
        assert_eq!(documents[0].get("b").unwrap().kind_name(), "list");
        assert_eq!(documents[0].get("c"), None);
    }

    #[test]
    fn content_starts_after_the_quote() {
        let documents = parse("k.yaml", b"- 'a'\n- b\n- !!str 1.10\n- &x \"c\"\n").unwrap();
        let columns: Vec<u32> = documents[0].as_sequence().unwrap().iter().map(super::Node::content_column).collect();
        assert_eq!(columns, [4, 3, 9, 7]);
    }
}
