//! Lists merged by key. The result looks odd for elements without a key; it is what kustomize makes.

use std::collections::HashSet;

use crate::manifest::{Failure, Result};
use crate::manifest::{Node, Value};

use super::directive::{Directive, take_directive};
use super::schema::{Schema, Schemas};
use super::{Outcome, drop_shared_directive};

/// The longest list that is merged by key; the work grows with the square.
const MAX_ELEMENTS: usize = 5_000;

/// Walks a list whose elements have `keys`; no keys for a set of scalars.
pub(super) fn walk<'s>(
    schemas: Schemas<'s>,
    element: Option<Schema<'s>>,
    keys: &[&str],
    base: Option<&mut Node>,
    patch: Option<&mut Node>,
) -> Result<Outcome> {
    let mut elements = match (base.filter(|base| !base.is_null()), patch.as_deref()) {
        (None, None) => return Ok(Outcome::Gone),
        // A list that is new keeps its directives as elements.
        (None, Some(patch)) => {
            return merge_elements(schemas, element, keys, patch.clone(), Some(&mut patch.clone()), true);
        }
        (Some(base), _) => base.clone(),
    };
    let mut patch = patch;
    let mut is_same = false;
    if let Some(patch) = patch.as_deref_mut() {
        if patch.is_null() {
            return Ok(Outcome::Gone);
        }
        match take_directive(patch)? {
            Directive::Delete => return Ok(Outcome::Gone),
            Directive::Replace => {
                elements = patch.clone();
                is_same = true;
            }
            Directive::Merge => {}
        }
    }
    merge_elements(schemas, element, keys, elements, patch, is_same)
}

fn merge_elements<'s>(
    schemas: Schemas<'s>,
    element: Option<Schema<'s>>,
    keys: &[&str],
    mut elements: Node,
    patch: Option<&mut Node>,
    is_same: bool,
) -> Result<Outcome> {
    let Value::List(base) = std::mem::replace(&mut elements.value, Value::List(Vec::new())) else {
        return Ok(Outcome::Gone);
    };
    let mut none = Vec::new();
    let patches = match patch.map(|patch| &mut patch.value) {
        Some(Value::List(patches)) => patches,
        _ => &mut none,
    };
    if base.len().max(patches.len()) > MAX_ELEMENTS {
        let message = format!("a list with more than {MAX_ELEMENTS} elements cannot be merged by key");
        return Err(Failure::at(&elements.place, message, "split the list"));
    }
    let merged = if keys.is_empty() {
        merge_set(base, patches)
    } else {
        merge_keyed(schemas, element, keys, base, patches, is_same)?
    };
    elements.value = Value::List(merged);
    Ok(Outcome::New(elements))
}

/// The patch's scalars, then those of the base that are new.
fn merge_set(base: Vec<Node>, patches: &[Node]) -> Vec<Node> {
    let mut seen = HashSet::new();
    let all = patches.iter().cloned().chain(base);
    all.filter(|node| seen.insert(node.as_scalar().map(|scalar| scalar.text.clone()))).collect()
}

/// Merges elements key by key; `is_same` when base and patch are one list to kustomize, so that what leaves one leaves both.
fn merge_keyed<'s>(
    schemas: Schemas<'s>,
    schema: Option<Schema<'s>>,
    keys: &[&str],
    mut base: Vec<Node>,
    patches: &mut Vec<Node>,
    is_same: bool,
) -> Result<Vec<Node>> {
    let mut all_values = element_values(keys, patches, &base);
    if keys.len() > 1 {
        unite_partial(&mut all_values);
    }
    let present: Vec<bool> = (0..keys.len()).map(|at| all_values.iter().any(|values| !values[at].is_empty())).collect();
    let mut items: Vec<Node> = Vec::new();
    for values in &all_values {
        let wanted = Wanted::of(keys, values, &present);
        // An element is looked up by the keys it has itself, when it has any.
        let own: Vec<bool> = wanted.values.iter().map(|value| !value.is_empty()).collect();
        let lookup = Wanted::of(&wanted.keys, &wanted.values, &own);
        let at = lookup.position(&base)?;
        let mut patch = lookup.position(patches)?.and_then(|at| patches.get_mut(at));
        if let (Some(at), patch) = (at, patch.as_deref_mut()) {
            drop_shared_directive(&mut base[at], patch);
        }
        let outcome = super::walk(schemas, schema, at.and_then(|at| base.get_mut(at)), patch)?;
        let merged = match outcome {
            Outcome::Kept => at.and_then(|at| base.get(at).cloned()),
            Outcome::New(node) => Some(node),
            Outcome::Gone => None,
        };
        match merged.filter(|node| !node.is_null() && !node.is_empty_map()) {
            Some(mut node) => {
                wanted.complete(&mut node);
                wanted.set(&mut items, Some(node));
            }
            None => {
                wanted.set(&mut base, None);
                if is_same {
                    wanted.set(patches, None);
                }
            }
        }
    }
    let Some(last) = all_values.last() else {
        return Ok(base);
    };
    let keys = Wanted::of(keys, last, &present).keys;
    for node in base {
        place_base(&mut items, &keys, node);
    }
    Ok(items)
}

/// Puts a base element where its key is, or at the end.
fn place_base(items: &mut Vec<Node>, keys: &[&str], node: Node) {
    let mut values = Vec::new();
    for key in keys {
        match node.get(key).filter(|_| !node.is_null()) {
            // Without the key it is appended, and below again: nothing but it will be left.
            None => items.push(node.clone()),
            Some(value) => values.push(value.as_scalar().map_or(String::new(), |scalar| scalar.text.to_string())),
        }
    }
    let wanted = Wanted { keys: keys.to_vec(), values };
    if keys.len() > 1 {
        wanted.set(items, None);
    }
    wanted.set(items, Some(node));
}

/// Keys and values that an element must have.
struct Wanted<'k> {
    keys: Vec<&'k str>,
    values: Vec<String>,
}

impl<'k> Wanted<'k> {
    /// Leaves out keys that no element has, unless that is all of them.
    fn of(keys: &[&'k str], values: &[String], present: &[bool]) -> Self {
        let any = present.contains(&true);
        let kept = |at: &usize| !any || present.get(*at).copied().unwrap_or(false);
        let indexes: Vec<usize> = (0..keys.len()).filter(kept).collect();
        Self {
            keys: indexes.iter().filter_map(|at| keys.get(*at).copied()).collect(),
            values: indexes.iter().filter_map(|at| values.get(*at).cloned()).collect(),
        }
    }

    /// Finds the first element with these values; before it there may be nothing but mappings.
    fn position(&self, elements: &[Node]) -> Result<Option<usize>> {
        for (at, node) in elements.iter().enumerate() {
            if self.finds(node) {
                return Ok(Some(at));
            }
            if !matches!(node.value, Value::Map(_)) && !node.is_null() {
                let message = format!(
                    "an element of a list that is merged by key must be a mapping, found a {}",
                    node.kind_name()
                );
                return Err(Failure::at(&node.place, message, "correct the manifest; kustomize fails on it too"));
            }
        }
        Ok(None)
    }

    /// Tells whether an element has exactly these values; one without the key is never found.
    fn finds(&self, node: &Node) -> bool {
        matches!(node.value, Value::Map(_))
            && self.keys.iter().zip(&self.values).all(|(key, value)| text_of(node, key) == Some(value))
    }

    /// Adds keys that the merged element lacks.
    fn complete(&self, node: &mut Node) {
        for (key, value) in self.keys.iter().zip(&self.values) {
            if node.get(key).is_none() && !value.is_empty() {
                let place = node.place.clone();
                node.set(key, Node::string(value.as_str(), &place));
            }
        }
    }

    /// Replaces (or with `None` removes) every matching element, and appends where none matches. Without any value nothing
    /// matches and nothing else is kept.
    fn set(&self, elements: &mut Vec<Node>, replacement: Option<Node>) {
        let mut is_found = false;
        let mut kept = Vec::with_capacity(elements.len() + 1);
        for node in std::mem::take(elements) {
            if node.is_null() || node.is_empty_map() {
                continue;
            }
            if !matches!(node.value, Value::Map(_)) {
                kept.push(node);
                continue;
            }
            if !self.matches(&node) {
                if !self.values.is_empty() {
                    kept.push(node);
                }
                continue;
            }
            is_found = true;
            kept.extend(replacement.clone());
        }
        if !is_found {
            kept.extend(replacement);
        }
        *elements = kept;
    }

    /// Tells whether an element has these values, where an empty value stands for any: this is how an element without its
    /// key removes all that have one.
    fn matches(&self, node: &Node) -> bool {
        let has = |(key, value): (&&str, &String)| match value.as_str() {
            "" => node.get(key).is_some(),
            value => text_of(node, key) == Some(value),
        };
        !self.values.is_empty() && self.keys.iter().zip(&self.values).all(has)
    }
}

fn text_of<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    node.get(key)?.as_scalar().map(|scalar| &*scalar.text)
}

/// The key values of all elements, patches first, each once; an absent key is an empty value.
fn element_values(keys: &[&str], patches: &[Node], base: &[Node]) -> Vec<Vec<String>> {
    let mut seen = HashSet::new();
    let value = |node: &Node, key: &str| {
        let scalar = node.get(key).filter(|value| !value.is_null()).and_then(Node::as_scalar);
        scalar.map_or(String::new(), |scalar| scalar.text.to_string())
    };
    let all = patches.iter().chain(base);
    let values = all.map(|node| keys.iter().map(|key| value(node, key)).collect::<Vec<_>>());
    values.filter(|values| seen.insert(values.clone())).collect()
}

/// Values that differ only in what one of them lacks are taken for the same element.
fn unite_partial(all_values: &mut [Vec<String>]) {
    for i in 0..all_values.len() {
        for j in 0..all_values.len() {
            if let Some(united) = unite(&all_values[i], &all_values[j]) {
                all_values[i].clone_from(&united);
                all_values[j] = united;
            }
        }
    }
}

fn unite(a: &[String], b: &[String]) -> Option<Vec<String>> {
    let has_common = a.iter().zip(b).any(|(a, b)| a == b);
    let pair = |(a, b): (&String, &String)| match (a.as_str(), b.as_str()) {
        (a, b) if a == b || b.is_empty() => Some(a.to_owned()),
        ("", b) => Some(b.to_owned()),
        _ => None,
    };
    let united: Option<Vec<String>> = a.iter().zip(b).map(pair).collect();
    united.filter(|_| has_common)
}
