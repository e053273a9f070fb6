//! The trees that are transformed: YAML values with places, and for image references where each part came from.

use std::collections::HashSet;
use std::sync::Arc;

use crate::domain::Location;
use crate::yaml::{self, ScalarKind, Style};

use super::failure::{Failure, Result};
use super::inline::Shift;
use super::reference::Decided;

/// The deepest tree that patches may build; recursion over nodes relies on it.
pub(crate) const MAX_DEPTH: usize = 2 * yaml::MAX_DEPTH;

/// A place in a file: for scalars the first character of their content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: Arc<str>,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Place {
    /// The content of a parsed node.
    pub(crate) fn of(node: &yaml::Node) -> Self {
        Self { file: node.mark.file.clone(), line: node.mark.line, column: node.content_column() }
    }

    /// Where a file's YAML breaks.
    pub(crate) fn of_error(error: &yaml::Error) -> Self {
        Self { file: error.file.as_str().into(), line: error.line, column: error.column }
    }

    /// The beginning of a file.
    pub(crate) fn start_of(file: &str) -> Self {
        Self { file: file.into(), line: 1, column: 1 }
    }

    /// The place `characters` further right.
    pub(crate) fn right(&self, characters: usize) -> Self {
        Self { column: self.column.saturating_add(u32::try_from(characters).unwrap_or(u32::MAX)), ..self.clone() }
    }

    /// The place in the words of the domain.
    pub(crate) fn location(&self) -> Location {
        Location::new(&*self.file, self.line, self.column)
    }
}

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) place: Place,
}

/// The kinds of values; keys of maps are unique.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<(Arc<str>, Node)>),
}

/// A scalar: its text as written, and as kustomize prints it in the end.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    pub(crate) text: Arc<str>,
    pub(crate) printed: Arc<str>,
    pub(crate) kind: ScalarKind,
    /// Whether a character of `text` is a character of the file, so that places inside it are known.
    pub(crate) is_verbatim: bool,
    /// Whether it was written in quotes or as a block; a patch that replaces it inherits them.
    pub(crate) is_quoted: bool,
    /// Whether it was made without a type, so that each text it is given is read anew.
    pub(crate) is_untyped: bool,
    /// Set where parts were put together, or where another scalar stood before.
    pub(crate) decided: Option<Arc<Decided>>,
}

/// How scalars are read and duplicate keys are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// As a resource: go-yaml v3, duplicate keys refused.
    Resource,
    /// As a JSON patch: YAML 1.1 bools, dates are text.
    JsonPatch,
    /// As a file nobody applies as it stands: the last of duplicate keys counts.
    Loose,
}

impl Node {
    /// Converts a parsed node; `shift` moves places of inline text to the file around it.
    pub(crate) fn convert(node: &yaml::Node, reading: Reading, shift: &Shift) -> Result<Self> {
        let place = shift.place(&Place::of(node));
        let value = match &node.value {
            yaml::Value::Scalar(scalar) => Value::Scalar(Scalar::convert(scalar, node, reading, &place)?),
            yaml::Value::Sequence(elements) => Value::List(
                elements.iter().map(|element| Self::convert(element, reading, shift)).collect::<Result<_>>()?,
            ),
            yaml::Value::Mapping(entries) => Value::Map(convert_entries(entries, reading, shift)?),
        };
        Ok(Self { value, place })
    }

    /// A new string.
    pub(crate) fn string(text: impl Into<Arc<str>>, place: &Place) -> Self {
        Self::plain(text, ScalarKind::Str, place)
    }

    /// A new scalar of any kind, printed as it is.
    pub(crate) fn plain(text: impl Into<Arc<str>>, kind: ScalarKind, place: &Place) -> Self {
        let text = text.into();
        Self {
            value: Value::Scalar(Scalar {
                printed: text.clone(),
                text,
                kind,
                is_verbatim: false,
                is_quoted: false,
                is_untyped: false,
                decided: None,
            }),
            place: place.clone(),
        }
    }

    /// A new scalar that is what its text is read as: `5` a number, nothing at all null.
    pub(crate) fn untyped(text: &str, place: &Place) -> Self {
        let mut node = Self::string("", place);
        if let Value::Scalar(scalar) = &mut node.value {
            scalar.is_untyped = true;
            scalar.set_text(text.into());
        }
        node
    }

    /// A new map.
    pub(crate) fn map(entries: Vec<(Arc<str>, Self)>, place: &Place) -> Self {
        Self { value: Value::Map(entries), place: place.clone() }
    }

    /// A new null.
    pub(crate) fn null(place: &Place) -> Self {
        Self::plain("null", ScalarKind::Null, place)
    }

    pub(crate) fn as_scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The printed text of a scalar that is not null.
    pub(crate) fn text(&self) -> Option<&str> {
        self.as_scalar().filter(|scalar| scalar.kind != ScalarKind::Null).map(|scalar| &*scalar.printed)
    }

    pub(crate) fn is_null(&self) -> bool {
        self.as_scalar().is_some_and(|scalar| scalar.kind == ScalarKind::Null)
    }

    pub(crate) fn is_empty_map(&self) -> bool {
        matches!(&self.value, Value::Map(entries) if entries.is_empty())
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(name, _)| &**name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        match &mut self.value {
            Value::Map(entries) => entries.iter_mut().find(|(name, _)| &**name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The value of `key` and then of the further keys.
    pub(crate) fn path(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Sets `key` in a map; does nothing in anything else.
    pub(crate) fn set(&mut self, key: &str, value: Self) {
        if let Some(old) = self.get_mut(key) {
            *old = value;
        } else if let Value::Map(entries) = &mut self.value {
            entries.push((key.into(), value));
        }
    }

    /// Removes `key` from a map and returns what was there.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Self> {
        let Value::Map(entries) = &mut self.value else {
            return None;
        };
        let at = entries.iter().position(|(name, _)| &**name == key)?;
        Some(entries.remove(at).1)
    }

    /// The map under `key`, made when it is absent or null; `None` where this is no map.
    pub(crate) fn map_at(&mut self, key: &str) -> Option<&mut Self> {
        if self.get(key).is_none_or(Self::is_null) {
            let place = self.place.clone();
            self.set(key, Self::map(Vec::new(), &place));
        }
        self.get_mut(key)
    }

    /// Puts a string here that was decided at `place`; quotes stay.
    pub(crate) fn replace_text(&mut self, text: impl Into<Arc<str>>, place: &Place) {
        let was_quoted = self.as_scalar().is_some_and(|scalar| scalar.is_quoted);
        *self = Self::string(text, place);
        if let Value::Scalar(scalar) = &mut self.value {
            scalar.is_quoted = was_quoted;
        }
    }

    /// How many elements or entries this node has.
    pub(crate) fn length(&self) -> usize {
        match &self.value {
            Value::Scalar(_) => 0,
            Value::List(elements) => elements.len(),
            Value::Map(entries) => entries.len(),
        }
    }

    /// How many levels this node has; a scalar one.
    pub(crate) fn height(&self) -> usize {
        1 + match &self.value {
            Value::Scalar(_) => 0,
            Value::List(elements) => elements.iter().map(Self::height).max().unwrap_or(0),
            Value::Map(entries) => entries.iter().map(|(_, value)| value.height()).max().unwrap_or(0),
        }
    }

    /// How many values this node holds, itself included.
    pub(crate) fn size(&self) -> usize {
        1 + match &self.value {
            Value::Scalar(_) => 0,
            Value::List(elements) => elements.iter().map(Self::size).sum(),
            Value::Map(entries) => entries.iter().map(|(_, value)| value.size()).sum::<usize>(),
        }
    }

    /// The word for this kind of value.
    pub(crate) fn kind_name(&self) -> &'static str {
        match &self.value {
            Value::Scalar(scalar) => scalar.kind.name(),
            Value::List(_) => "list",
            Value::Map(_) => "mapping",
        }
    }
}

impl Scalar {
    fn convert(scalar: &yaml::Scalar, node: &yaml::Node, reading: Reading, place: &Place) -> Result<Self> {
        let mut kind = yaml::resolve_resource_scalar(scalar);
        let mut printed = match yaml::print_resource_scalar(scalar) {
            Some(printed) if *printed == *scalar.text => scalar.text.clone(),
            Some(printed) => printed.into(),
            None if reading == Reading::Loose => scalar.text.clone(),
            None => {
                let message = format!("`{}` is a number that kustomize cannot print", scalar.text);
                return Err(Failure::at(place, message, "write it in quotes"));
            }
        };
        if reading == Reading::JsonPatch {
            let is_old_bool = yaml::resolve_kustomization_scalar(scalar) == ScalarKind::Bool && kind == ScalarKind::Str;
            if is_old_bool {
                let is_true = matches!(scalar.text.as_bytes(), [b'y' | b'Y', ..] | [b'o' | b'O', b'n' | b'N']);
                (kind, printed) = (ScalarKind::Bool, if is_true { "true".into() } else { "false".into() });
            }
            if kind == ScalarKind::Timestamp {
                (kind, printed) = (ScalarKind::Str, scalar.text.clone());
            }
        }
        let quotes = match scalar.style {
            Style::SingleQuoted | Style::DoubleQuoted => 2,
            _ => 0,
        };
        let is_block = matches!(scalar.style, Style::Literal | Style::Folded);
        Ok(Self {
            text: scalar.text.clone(),
            printed,
            kind,
            is_verbatim: !is_block && node.mark.end.saturating_sub(node.mark.start) == scalar.text.len() + quotes,
            is_quoted: scalar.style != Style::Plain,
            is_untyped: false,
            decided: None,
        })
    }

    /// Keeps quotes only where the text would be read as something else without them.
    pub(crate) fn requote(&mut self) {
        let plain = yaml::Scalar { text: self.text.clone(), style: Style::Plain, tag: None };
        self.is_quoted = self.kind == ScalarKind::Str && yaml::resolve_kustomization_scalar(&plain) != ScalarKind::Str;
    }

    /// Gives it another text but not another type; false where the text is none of that type, which go-yaml cannot print.
    pub(crate) fn set_text(&mut self, text: Arc<str>) -> bool {
        let plain = yaml::Scalar { text: text.clone(), style: Style::Plain, tag: None };
        let found = yaml::resolve_resource_scalar(&plain);
        let is_whole = |text: &str| !text.contains(['.', 'e', 'E', 'n', 'N']);
        if self.is_untyped {
            self.kind = found;
        } else if self.kind == ScalarKind::Str {
            (self.text, self.printed) = (text.clone(), text);
            return true;
        }
        let printed = yaml::print_resource_scalar(&plain).filter(|_| self.kind == found).map(String::from);
        let Some(printed) = printed else { return false };
        let fits = self.is_untyped || self.kind != ScalarKind::Number || !is_whole(&self.printed) || is_whole(&printed);
        (self.text, self.printed) = (text, printed.into());
        fits
    }

    /// Cuts it down to a piece of its text, of whatever type that would be.
    pub(crate) fn set_piece(&mut self, text: Arc<str>) {
        (self.text, self.printed) = (text.clone(), text);
    }

    /// Makes it text, whatever it was read as.
    pub(crate) fn quote(&mut self) {
        self.is_quoted = true;
        self.kind = ScalarKind::Str;
        self.printed = self.text.clone();
    }
}

fn convert_entries(
    entries: &[(yaml::Node, yaml::Node)],
    reading: Reading,
    shift: &Shift,
) -> Result<Vec<(Arc<str>, Node)>> {
    let mut converted: Vec<(Arc<str>, Node)> = Vec::with_capacity(entries.len());
    let mut seen = HashSet::new();
    for (key, value) in entries.iter().rev() {
        let Some(name) = key.as_scalar() else {
            let hint = "quote the value; if this is a Helm template, render it first";
            return Err(Failure::at(&shift.place(&Place::of(key)), "a key of a mapping must be a string", hint));
        };
        if seen.insert(&*name.text) {
            converted.push((name.text.clone(), Node::convert(value, reading, shift)?));
        } else if reading != Reading::Loose {
            let first = converted.iter().find(|(other, _)| *other == name.text).map(|(_, node)| &node.place);
            let place = first.cloned().unwrap_or_else(|| shift.place(&Place::of(key)));
            let message = format!("the key `{}` is given twice in one mapping", name.text);
            return Err(Failure::at(&place, message, "remove one of them; often a `---` between documents is missing"));
        }
    }
    converted.reverse();
    Ok(converted)
}
