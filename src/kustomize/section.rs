//! Mappings of a kustomization, read as kustomize decodes them: any case, the last of duplicates wins, types are strict.

use std::cell::Cell;
use std::rc::Rc;

use crate::manifest::{Failure, Place, Result, Text};
use crate::yaml::{self, ScalarKind, resolve_kustomization_scalar};

use super::expression::Expression;

/// One mapping with the fields it may have.
pub(super) struct Section<'k> {
    pub(super) node: &'k yaml::Node,
    entries: Vec<(&'static str, &'k yaml::Node, &'k yaml::Node)>,
    source: &'k [u8],
    strictness: Strictness,
    /// What the expressions of the file weigh so far, in values.
    expressions: Rc<Cell<usize>>,
}

/// What the expressions of one file may weigh, in values: a thousand small ones.
const MAX_EXPRESSIONS: usize = 100_000;

/// What becomes of fields that are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// They are errors, as in a kustomization.
    Strict,
    /// They are ignored, and bools and numbers are as good as text: so it is in files that a kustomization names and in
    /// the configuration of plugins.
    Lenient,
}

impl<'k> Section<'k> {
    /// Reads `node` as a mapping with no other fields than `known`; null counts as empty.
    pub(super) fn of(
        node: &'k yaml::Node,
        what: &str,
        known: &'static [&'static str],
        source: &'k [u8],
    ) -> Result<Self> {
        Self::read(node, what, known, source, Strictness::Strict, Rc::default())
    }

    /// Reads `node` as a mapping, of which only the fields `known` count; null counts as empty.
    pub(super) fn lenient(
        node: &'k yaml::Node,
        what: &str,
        known: &'static [&'static str],
        source: &'k [u8],
    ) -> Result<Self> {
        Self::read(node, what, known, source, Strictness::Lenient, Rc::default())
    }

    fn read(
        node: &'k yaml::Node,
        what: &str,
        known: &'static [&'static str],
        source: &'k [u8],
        strictness: Strictness,
        expressions: Rc<Cell<usize>>,
    ) -> Result<Self> {
        let mut section = Self { node, entries: Vec::new(), source, strictness, expressions };
        if node.is_null() {
            return Ok(section);
        }
        let Some(entries) = node.as_mapping() else {
            return Err(wrong_type(node, what, "a mapping"));
        };
        for (key, value) in entries {
            let text = key.as_str().unwrap_or_default();
            let Some(name) = known.iter().find(|name| name.eq_ignore_ascii_case(text)) else {
                match strictness {
                    Strictness::Strict => return Err(unknown(key, text, what, known)),
                    Strictness::Lenient => continue,
                }
            };
            // Of spellings that differ in case, the last in the order of their bytes counts.
            let is_outdone = |(other, key, _): &(&str, &yaml::Node, _)| other == name && key.as_str() > Some(text);
            if section.entries.iter().any(is_outdone) {
                continue;
            }
            section.entries.retain(|(other, ..)| other != name);
            if !is_null(value) {
                section.entries.push((name, key, value));
            }
        }
        Ok(section)
    }

    /// Returns the field's value unless it is absent or null.
    pub(super) fn get(&self, key: &str) -> Option<&'k yaml::Node> {
        self.entries.iter().find(|(name, ..)| *name == key).map(|(.., value)| *value)
    }

    /// Tells whether any field but `apiVersion` and `kind` is set.
    pub(super) fn has_content(&self) -> bool {
        self.entries.iter().any(|(name, ..)| !matches!(*name, "apiVersion" | "kind"))
    }

    /// Returns a string field; an empty one counts as absent.
    pub(super) fn text(&self, key: &str) -> Result<Option<Text>> {
        Ok(self.given_text(key)?.filter(|text| !text.text.is_empty()))
    }

    /// Returns a string field, be it empty.
    pub(super) fn given_text(&self, key: &str) -> Result<Option<Text>> {
        self.get(key).map(|node| self.text_of(node, key)).transpose()
    }

    /// Returns a field that is a list of strings; nothing at all is an empty one, as in Go.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<Text>> {
        self.list(key)?.iter().map(|element| self.text_of(element, key)).collect()
    }

    /// Returns the elements of a list field.
    pub(super) fn list(&self, key: &str) -> Result<&'k [yaml::Node]> {
        match self.get(key) {
            None => Ok(&[]),
            Some(node) => node.as_sequence().ok_or_else(|| wrong_type(node, key, "a list")),
        }
    }

    /// Returns the elements of a list of mappings.
    pub(super) fn sections(&self, key: &'static str, known: &'static [&'static str]) -> Result<Vec<Section<'k>>> {
        let elements = self.list(key)?;
        elements.iter().map(|element| self.below(element, key, known)).collect()
    }

    /// Returns a field that is a mapping.
    pub(super) fn section(&self, key: &'static str, known: &'static [&'static str]) -> Result<Option<Section<'k>>> {
        self.get(key).map(|node| self.below(node, key, known)).transpose()
    }

    fn below(&self, node: &'k yaml::Node, key: &str, known: &'static [&'static str]) -> Result<Section<'k>> {
        Section::read(node, key, known, self.source, self.strictness, self.expressions.clone())
    }

    /// Counts an expression that was compiled; one file may not hold too many.
    pub(super) fn count_expression(&self, expression: &Expression, place: &Place) -> Result<()> {
        self.expressions.set(self.expressions.get().saturating_add(expression.weight()));
        match self.expressions.get() > MAX_EXPRESSIONS {
            true => Err(Failure::at(place, "the file holds more regular expressions than are compiled", "split it")),
            false => Ok(()),
        }
    }

    /// What all expressions of the file weigh until now, in values.
    pub(super) fn expressions(&self) -> usize {
        self.expressions.get()
    }

    /// Returns a truth value, false when absent.
    pub(super) fn flag(&self, key: &str) -> Result<bool> {
        let Some(node) = self.get(key) else {
            return Ok(false);
        };
        match node.as_scalar().map(|scalar| (resolve_kustomization_scalar(scalar), &*scalar.text)) {
            Some((ScalarKind::Bool, text)) => Ok(is_true(text)),
            _ => Err(wrong_type(node, key, "true or false")),
        }
    }

    /// Returns a whole number.
    pub(super) fn integer(&self, key: &str) -> Result<Option<i64>> {
        let Some(node) = self.get(key) else {
            return Ok(None);
        };
        let scalar = node.as_scalar().filter(|scalar| resolve_kustomization_scalar(scalar) == ScalarKind::Number);
        let printed = scalar.and_then(yaml::print_resource_scalar);
        match printed.and_then(|printed| printed.parse().ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(wrong_type(node, key, "a whole number")),
        }
    }

    /// Returns a mapping of strings to strings.
    pub(super) fn pairs(&self, key: &str) -> Result<Vec<(String, Text)>> {
        let Some(node) = self.get(key) else {
            return Ok(Vec::new());
        };
        let entries = node.as_mapping().ok_or_else(|| wrong_type(node, key, "a mapping"))?;
        let mut pairs: Vec<(String, Text)> = Vec::new();
        for (name, value) in entries {
            let name = name.as_str().unwrap_or_default();
            let value = self.text_of(value, name)?;
            pairs.retain(|(other, _)| other != name);
            pairs.push((name.to_owned(), value));
        }
        Ok(pairs)
    }

    /// Where the mapping begins.
    pub(super) fn place(&self) -> Place {
        Place::of(self.node)
    }

    fn text_of(&self, node: &yaml::Node, key: &str) -> Result<Text> {
        match node.as_scalar().map(|scalar| (scalar, resolve_kustomization_scalar(scalar))) {
            Some((scalar, ScalarKind::Str | ScalarKind::Timestamp)) => Ok(Text::of(node, scalar, self.source)),
            Some((scalar, ScalarKind::Null)) => {
                let empty = yaml::Scalar { text: "".into(), ..scalar.clone() };
                Ok(Text::of(node, &empty, self.source))
            }
            Some((scalar, _)) if self.strictness == Strictness::Lenient => {
                let text = yaml::Scalar { text: printed(scalar).into(), ..scalar.clone() };
                Ok(Text::of(node, &text, self.source))
            }
            Some((scalar, kind @ (ScalarKind::Bool | ScalarKind::Number))) => {
                let message =
                    format!("`{key}` must be a string, but YAML 1.1 reads {} as a {}", scalar.text, kind.name());
                Err(Failure::at(&Place::of(node), message, format!("write it in quotes: \"{}\"", scalar.text)))
            }
            None => Err(wrong_type(node, key, "a string")),
        }
    }
}

/// What a bool or number becomes where text is wanted, which only a kustomization refuses.
fn printed(scalar: &yaml::Scalar) -> String {
    match resolve_kustomization_scalar(scalar) {
        ScalarKind::Bool if is_true(&scalar.text) => "true".to_owned(),
        ScalarKind::Bool => "false".to_owned(),
        _ => yaml::print_resource_scalar(scalar).map_or_else(|| scalar.text.to_string(), String::from),
    }
}

fn is_true(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "y")
}

fn is_null(node: &yaml::Node) -> bool {
    node.as_scalar().is_some_and(|scalar| resolve_kustomization_scalar(scalar) == ScalarKind::Null)
}

fn wrong_type(node: &yaml::Node, what: &str, expected: &str) -> Box<Failure> {
    let message = format!("`{what}` must be {expected}, found a {}", node.kind_name());
    Failure::at(&Place::of(node), message, "correct the kustomization; `kubectl kustomize` fails on it too")
}

fn unknown(key: &yaml::Node, text: &str, what: &str, known: &[&str]) -> Box<Failure> {
    let hint = match yaml::nearest(text, known) {
        Some(name) => format!("did you mean `{name}`?"),
        None => "remove it; `kubectl kustomize` fails on unknown fields too".to_owned(),
    };
    Failure::at(&Place::of(key), format!("`{what}` has no field `{text}`"), hint)
}
