//! `$(NAME)` replaced by the values of variables, with the history of images kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::DecidedBy;
use crate::manifest::{Decided, Failure, Node, Place, Result, Value, split};
use crate::yaml::ScalarKind;

use super::field_spec::{FieldSpec, Leaf, reach};
use super::load::Loader;
use super::resource::Resource;

/// How much text all replacements of one overlay may make: values can hold variables again.
const MAX_BYTES: usize = 64 << 20;

/// The value of a variable, as text of a kind, and the scalar it was read from.
#[derive(Debug)]
pub(super) struct Substitute {
    pub(super) text: String,
    pub(super) kind: ScalarKind,
    pub(super) source: Node,
}

/// The values of all variables; none for one whose value is not a scalar.
pub(super) struct Replacer {
    values: BTreeMap<String, Option<Substitute>>,
    bytes: usize,
}

/// A text with variables replaced, and which byte of it begins a piece of the old text or of a value.
struct Replaced<'v> {
    text: String,
    pieces: Vec<(usize, Option<&'v Substitute>)>,
}

impl Replacer {
    pub(super) fn new(values: BTreeMap<String, Option<Substitute>>) -> Self {
        Self { values, bytes: 0 }
    }

    /// Replaces the variables in all fields of `resource` that `specs` reach; `place` is what asked for it.
    pub(super) fn replace(
        &mut self,
        loader: &mut Loader<'_>,
        resource: &mut Resource,
        specs: &[FieldSpec],
        place: &Place,
    ) -> Result<()> {
        reach(loader, resource, specs, Leaf::Nothing, place, &mut |node| self.set(node))
    }

    /// A scalar, all values of a mapping, or all elements of a list; other than strings are left out, or wrong in a list.
    fn set(&mut self, node: &mut Node) -> Result<()> {
        match &mut node.value {
            Value::Scalar(_) => self.set_scalar(node),
            Value::Map(entries) => entries.iter_mut().try_for_each(|(_, value)| self.set_scalar(value)),
            Value::List(elements) => elements.iter_mut().try_for_each(|element| match is_string(element) {
                true => self.set_scalar(element),
                false => {
                    let message =
                        format!("variables are replaced in lists of strings, found a {}", element.kind_name());
                    Err(Failure::at(&element.place, message, "write it in quotes"))
                }
            }),
        }
    }

    fn set_scalar(&mut self, node: &mut Node) -> Result<()> {
        let Some(scalar) = node.as_scalar().filter(|_| is_string(node)) else {
            return Ok(());
        };
        let Some(replaced) = self.replaced(&scalar.text, &node.place)? else {
            return Ok(());
        };
        let mut new = match replaced.pieces.as_slice() {
            [(_, Some(value))] => Node::plain(replaced.text.as_str(), value.kind, &value.source.place),
            pieces => {
                let last = pieces.iter().rev().find_map(|(_, value)| *value);
                Node::string(replaced.text.as_str(), last.map_or(&node.place, |value| &value.source.place))
            }
        };
        let decided = replaced.decided(node);
        let bytes = replaced.text.len();
        if let Value::Scalar(scalar) = &mut new.value {
            scalar.decided = decided.map(Arc::new);
        }
        *node = new;
        self.bytes = self.bytes.saturating_add(bytes);
        Ok(())
    }

    /// Returns what a text becomes, `None` when it stays.
    fn replaced(&self, text: &str, place: &Place) -> Result<Option<Replaced<'_>>> {
        let mut replaced = Replaced { text: String::new(), pieces: Vec::new() };
        let (mut rest, mut is_closed) = (text, true);
        while let Some((before, after)) = rest.split_once('$') {
            let Some(sign) = after.chars().next() else { break };
            replaced.push(before, None);
            rest = after.get(sign.len_utf8()..).unwrap_or_default();
            let name = if sign == '(' && is_closed { rest.split_once(')') } else { None };
            is_closed &= sign != '(' || name.is_some();
            match (sign, name) {
                ('$', _) => replaced.push("$", None),
                (_, Some((name, behind))) => {
                    match self.values.get(name) {
                        Some(Some(value)) => replaced.push(&value.text, Some(value)),
                        _ => replaced.push(&format!("$({name})"), None),
                    }
                    rest = behind;
                }
                _ => replaced.push(&format!("${sign}"), None),
            }
            if self.bytes.saturating_add(replaced.text.len()) > MAX_BYTES {
                let message = format!("variables make more than {MAX_BYTES} bytes of text");
                return Err(Failure::at(place, message, "use fewer variables"));
            }
        }
        replaced.push(rest, None);
        let is_same = replaced.text == text && replaced.pieces.iter().all(|(_, value)| value.is_none());
        Ok((!is_same).then_some(replaced))
    }
}

impl<'v> Replaced<'v> {
    fn push(&mut self, text: &str, value: Option<&'v Substitute>) {
        let continues = value.is_none() && matches!(self.pieces.last(), Some((_, None)));
        let is_nothing = text.is_empty() && value.is_none();
        if !continues && !is_nothing {
            self.pieces.push((self.text.len(), value));
        }
        self.text.push_str(text);
    }

    /// Says of each part of an image where it comes from, now that it stands where `old` did.
    fn decided(&self, old: &Node) -> Option<Decided> {
        let scalar = old.as_scalar()?;
        let before = Decided::of(old, scalar);
        let value_at =
            |at: usize| self.pieces.iter().rev().find(|(start, _)| *start <= at).and_then(|(_, value)| *value);
        let source = |value: &Substitute| value.source.as_scalar().map(|scalar| Decided::of(&value.source, scalar));
        let place = |at: usize, part: fn(&Decided) -> Option<Place>| {
            let decided = value_at(at).and_then(source).unwrap_or_else(|| before.clone());
            part(&decided).unwrap_or(decided.name)
        };
        let parts = split(&self.text);
        let tag_at = parts.name.len() + 1;
        let digest_at = tag_at + parts.tag.map_or(0, |tag| tag.len() + 1);
        let last = self.pieces.iter().rev().find_map(|(_, value)| *value).and_then(source);
        let decided = Decided::new(
            DecidedBy::Variable,
            last.map_or_else(|| before.last.clone(), |decided| decided.last),
            place(0, |decided| Some(decided.name.clone())),
            parts.tag.map(|_| place(tag_at, |decided| decided.tag.clone())),
            parts.digest.map(|_| place(digest_at, |decided| decided.digest.clone())),
        );
        Some(decided.after(&scalar.text, before))
    }
}

fn is_string(node: &Node) -> bool {
    node.as_scalar().is_some_and(|scalar| scalar.kind == ScalarKind::Str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dollar_escapes_itself_and_what_is_no_variable_stays() {
        let place = Place::start_of("k");
        let value = |text: &str| {
            Some(Substitute { text: text.into(), kind: ScalarKind::Str, source: Node::string(text, &place) })
        };
        let values = BTreeMap::from([("A".to_owned(), value("1")), ("MAP".to_owned(), None)]);
        let replacer = Replacer::new(values);
        let replace = |text: &str| replacer.replaced(text, &place).unwrap().map(|replaced| replaced.text);
        assert_eq!(replace("x$(A)y$(A)").as_deref(), Some("x1y1"));
        assert_eq!(replace("$$(A)").as_deref(), Some("$(A)"));
        for same in ["$(B)", "$(MAP)", "$(A", "a$", "$a", "$(($(", "plain"] {
            assert_eq!(replace(same), None, "{same}");
        }
    }
}
