//! Every value a target's path means, made on the way where `create` is set.

use std::rc::Rc;

use crate::manifest::{Node, Place, Scalar, Value};
use crate::yaml::{self, ScalarKind, Style};

use super::super::expression::{self, Expression};
use super::Stop;
use super::path::Part;
use super::structured;

/// What is made where nothing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar,
    List,
    Map,
}

impl Kind {
    /// The kind of a value.
    pub(super) fn of(node: &Node) -> Self {
        match node.value {
            Value::Scalar(_) => Self::Scalar,
            Value::List(_) => Self::List,
            Value::Map(_) => Self::Map,
        }
    }

    fn make(self, place: &Place) -> Node {
        match self {
            Self::Scalar => Node::untyped("", place),
            Self::List => Node { value: Value::List(Vec::new()), place: place.clone() },
            Self::Map => Node::map(Vec::new(), place),
        }
    }
}

/// What to do with each value that is found.
type Action<'a> = dyn FnMut(&mut Node) -> Result<(), Stop> + 'a;

/// One walk along a path.
pub(super) struct Walk<'a> {
    /// The kind of value to make at the end of the path; nothing is made without.
    pub(super) create: Option<Kind>,
    /// Where made values come from.
    pub(super) place: &'a Place,
    /// How many values were looked at.
    pub(super) visited: usize,
    /// The conditions of the path that were compiled.
    pub(super) compiled: Vec<(String, Rc<Expression>)>,
}

impl Walk<'_> {
    /// Runs `action` on all values and returns how many there are.
    pub(super) fn visit(&mut self, node: &mut Node, path: &[String], action: &mut Action<'_>) -> Result<usize, Stop> {
        self.visited += 1;
        let Some((part, rest)) = path.split_first() else {
            action(node)?;
            return Ok(1);
        };
        match Part::of(part) {
            Part::Index(at) => self.visit_index(node, at, rest, action),
            Part::Element(key, pattern) => self.visit_matching(node, (key, pattern), rest, action),
            Part::Malformed => Err(Stop::malformed(part, &node.place)),
            Part::All => {
                let mut found = 0;
                for element in elements_mut(node)? {
                    found += self.visit(element, rest, action)?;
                }
                Ok(found)
            }
            Part::Negative | Part::Key(_) => self.visit_field(node, part, rest, action),
        }
    }

    fn visit_field(
        &mut self,
        node: &mut Node,
        key: &str,
        rest: &[String],
        action: &mut Action<'_>,
    ) -> Result<usize, Stop> {
        if node.is_null() {
            return self.visit_nothing(Kind::Map, key, rest, action);
        }
        // An empty name is the value itself to kustomize, which it then compares with nothing.
        if !matches!(node.value, Value::Map(_)) || key.is_empty() {
            return Err(Stop::wrong_kind(node, "a mapping"));
        }
        if node.get(key).is_none() {
            let Some(last) = self.create else { return Ok(0) };
            node.set(key, kind_before(rest.first(), last).make(self.place));
        }
        let Some(field) = node.get_mut(key) else { return Ok(0) };
        match &field.value {
            // Text is walked into, but what is found there belongs to no document: kustomize sets it and forgets it.
            Value::Scalar(scalar) if !rest.is_empty() => {
                let mut inner = structured::parse(scalar, &field.place)?;
                self.visit(&mut inner, rest, action)
            }
            _ => self.visit(field, rest, action),
        }
    }

    /// Null has no fields; what is made in it is lost.
    fn visit_nothing(
        &mut self,
        kind: Kind,
        part: &str,
        rest: &[String],
        action: &mut Action<'_>,
    ) -> Result<usize, Stop> {
        if self.create.is_none() {
            return Ok(0);
        }
        let path: Vec<String> = std::iter::once(part.to_owned()).chain(rest.iter().cloned()).collect();
        self.visit(&mut kind.make(self.place), &path, action)
    }

    fn visit_index(
        &mut self,
        node: &mut Node,
        at: usize,
        rest: &[String],
        action: &mut Action<'_>,
    ) -> Result<usize, Stop> {
        let is_null = node.is_null();
        let length = elements_mut(node)?.len();
        if let Some(last) = self.create
            && at == length
        {
            if is_null {
                return self.visit_nothing(Kind::List, "0", rest, action);
            }
            let made = kind_before(rest.first(), last).make(self.place);
            if let Value::List(elements) = &mut node.value {
                elements.push(made);
            }
        }
        match elements_mut(node)?.get_mut(at) {
            Some(element) => self.visit(element, rest, action),
            None => {
                let message = format!("the path names element {at}, but there are only {length}");
                Err(Stop::wrong(message, &node.place))
            }
        }
    }

    fn visit_matching(
        &mut self,
        node: &mut Node,
        (key, text): (&str, &str),
        rest: &[String],
        action: &mut Action<'_>,
    ) -> Result<usize, Stop> {
        let found = self.visit_elements(node, (key, text), rest, action)?;
        let Some(_) = self.create.filter(|_| found == 0) else { return Ok(found) };
        if node.is_null() {
            return self.visit_nothing(Kind::List, &format!("[{key}={text}]"), rest, action);
        }
        let value = Node::untyped(text, self.place);
        let made = if key.is_empty() { value } else { Node::map(vec![(key.into(), value)], self.place) };
        let Value::List(elements) = &mut node.value else { return Err(Stop::wrong_kind(node, "a list")) };
        elements.push(made);
        match self.visit_elements(node, (key, text), rest, action)? {
            0 => {
                let message = format!("[{key}={text}] does not match the element made for it");
                Err(Stop::crash(message, &node.place))
            }
            found => Ok(found),
        }
    }

    /// A condition, compiled once for the walk.
    fn compiled(&mut self, text: &str, place: &Place) -> Result<Rc<Expression>, Stop> {
        if let Some((_, known)) = self.compiled.iter().find(|(known, _)| known == text) {
            return Ok(known.clone());
        }
        let none = || Stop::wrong(format!("`{text}` must be a regular expression, and it is none"), place);
        let compiled = Rc::new(expression::compile(text).ok_or_else(none)?);
        self.visited = self.visited.saturating_add(compiled.weight());
        self.compiled.push((text.to_owned(), compiled.clone()));
        Ok(compiled)
    }

    fn visit_elements(
        &mut self,
        node: &mut Node,
        (key, text): (&str, &str),
        rest: &[String],
        action: &mut Action<'_>,
    ) -> Result<usize, Stop> {
        let place = node.place.clone();
        let elements = elements_mut(node)?;
        if elements.is_empty() {
            return Ok(0);
        }
        let pattern = self.compiled(text, &place)?;
        let mut found = 0;
        for element in elements {
            self.visited += 1;
            if key.is_empty() {
                // Whatever the path says after an element of its own is ignored.
                if pattern.is_match(&printed(element)?) {
                    action(element)?;
                    found += 1;
                }
            } else if let Some(value) = element.get(key)
                && pattern.is_match(&printed(value)?)
            {
                found += self.visit(element, rest, action)?;
            }
        }
        Ok(found)
    }
}

/// What a made value must be for the next part of the path.
fn kind_before(next: Option<&String>, last: Kind) -> Kind {
    match next.map(|next| Part::of(next)) {
        None | Some(Part::Key("")) => last,
        Some(Part::Index(_) | Part::Element(..) | Part::Malformed) => Kind::List,
        Some(_) => Kind::Map,
    }
}

fn elements_mut(node: &mut Node) -> Result<&mut [Node], Stop> {
    if node.is_null() {
        return Ok(&mut []);
    }
    if !matches!(node.value, Value::List(_)) {
        return Err(Stop::wrong_kind(node, "a list"));
    }
    match &mut node.value {
        Value::List(elements) => Ok(elements),
        _ => Ok(&mut []),
    }
}

/// The text a condition is held against: the scalar with the quotes it would be printed with.
fn printed(node: &Node) -> Result<String, Stop> {
    match &node.value {
        Value::Scalar(scalar) if has_quotes(scalar) => Ok(format!("\"{}\"", scalar.text)),
        Value::Scalar(scalar) => Ok(scalar.text.trim().to_owned()),
        _ => Err(Stop::unsupported("a condition on a mapping or a list is not supported", &node.place)),
    }
}

fn has_quotes(scalar: &Scalar) -> bool {
    let plain = yaml::Scalar { text: scalar.text.clone(), style: Style::Plain, tag: None };
    scalar.is_quoted || (scalar.kind == ScalarKind::Str && yaml::resolve_resource_scalar(&plain) != ScalarKind::Str)
}
