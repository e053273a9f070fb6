//! The configuration of a plugin: a resource, read as kustomize decodes it.

use std::sync::Arc;

use crate::domain::TreePath;
use crate::manifest::{Node, Place, Result, Text, Value};
use crate::yaml::{self, Mark, ScalarKind, Style};

use super::super::load::Loader;
use super::super::resource::{Resource, read_resources};
use super::super::section::Section;

/// Reads an entry that is written in the kustomization itself; `None` when it is a path.
pub(in super::super) fn inline(entry: &Text) -> Option<Vec<Resource>> {
    let file = &entry.place.file;
    let documents = yaml::parse(file, entry.text.as_bytes()).ok()?;
    read_resources(&documents, entry.text.as_bytes(), file, &entry.shift).ok()
}

/// One plugin's configuration.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) kind: String,
    pub(super) name: Text,
    pub(super) place: Place,
    node: yaml::Node,
    source: Arc<[u8]>,
}

impl Config {
    /// Takes a resource as it is after all that was done to it.
    pub(super) fn of(resource: &Resource, loader: &mut Loader<'_>) -> Result<Self> {
        let place = resource.place().clone();
        loader.spend(resource.node.size(), &place)?;
        let source = TreePath::parse(&place.file).and_then(|file| loader.source(&file)).unwrap_or_default();
        let writer = Writer { file: place.file.clone(), source: &source, lines: line_starts(&source) };
        let node = writer.write(&resource.node);
        let name = yaml::Scalar { text: resource.name().into(), style: Style::DoubleQuoted, tag: None };
        let name = Text::of(resource_name(&node).unwrap_or(&node), &name, &source);
        Ok(Self { kind: resource.kind().to_owned(), name, place, node, source })
    }

    /// The fields that a plugin knows; others do not count.
    pub(super) fn section(&self, known: &'static [&'static str]) -> Result<Section<'_>> {
        Section::lenient(&self.node, "plugin", known, &self.source)
    }
}

fn resource_name(node: &yaml::Node) -> Option<&yaml::Node> {
    node.get("metadata")?.get("name")
}

/// Writes a tree as it would be parsed, every scalar with the type it has.
struct Writer<'s> {
    file: Arc<str>,
    source: &'s [u8],
    lines: Vec<usize>,
}

impl Writer<'_> {
    fn write(&self, node: &Node) -> yaml::Node {
        let offset = self.offset(&node.place);
        let mut mark = Mark {
            file: node.place.file.clone(),
            line: node.place.line,
            column: node.place.column,
            start: offset,
            end: offset,
        };
        let value = match &node.value {
            Value::List(elements) => {
                yaml::Value::Sequence(elements.iter().map(|element| self.write(element)).collect())
            }
            Value::Map(entries) => {
                let write = |(key, value): &(Arc<str>, Node)| {
                    let key = yaml::Scalar { text: key.clone(), style: Style::DoubleQuoted, tag: None };
                    let key = yaml::Node { value: yaml::Value::Scalar(key), mark: mark_of(&value.place) };
                    (key, self.write(value))
                };
                yaml::Value::Mapping(entries.iter().map(write).collect())
            }
            Value::Scalar(scalar) => {
                let is_text = matches!(scalar.kind, ScalarKind::Str | ScalarKind::Timestamp);
                let style = match self.source.get(offset) {
                    _ if !is_text => Style::Plain,
                    Some(b'|') if scalar.text.contains('\n') => Style::Literal,
                    _ => Style::DoubleQuoted,
                };
                // The content of what is in quotes begins one further right.
                mark.column -= u32::from(style == Style::DoubleQuoted && mark.column > 0);
                let text = if is_text { scalar.text.clone() } else { scalar.printed.clone() };
                yaml::Value::Scalar(yaml::Scalar { text, style, tag: None })
            }
        };
        yaml::Node { value, mark }
    }

    /// Where a place is in the source; its end for places of other files.
    fn offset(&self, place: &Place) -> usize {
        let line = usize::try_from(place.line).unwrap_or(usize::MAX).saturating_sub(1);
        let start = self.lines.get(line).filter(|_| place.file == self.file);
        let column = usize::try_from(place.column).unwrap_or(usize::MAX).saturating_sub(1);
        start.map_or(self.source.len(), |start| start.saturating_add(column).min(self.source.len()))
    }
}

fn mark_of(place: &Place) -> Mark {
    Mark { file: place.file.clone(), line: place.line, column: place.column.saturating_sub(1), start: 0, end: 0 }
}

fn line_starts(source: &[u8]) -> Vec<usize> {
    let ends = source.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(ends).collect()
}
