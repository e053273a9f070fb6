//! Strategic merge patches, with the very rules and oddities of kustomize's walker (kyaml `walk` and `merge2`).

mod built_in;
mod definitions;
mod directive;
mod lists;
mod schema;

use std::collections::HashMap;
use std::sync::Arc;

use directive::{Directive, take_directive};
use schema::Schema;

pub(super) use definitions::Definitions;
pub(super) use schema::Schemas;

use crate::domain::DecidedBy;
use crate::manifest::{Failure, Node, Result, Value};
use crate::yaml::ScalarKind;

/// How many comparisons of elements count as one step.
const COMPARISONS_FOR_ONE: usize = 4;

/// Merges `patch` into `base`; false when the patch deletes it.
pub(super) fn merge(schemas: Schemas<'_>, base: &mut Node, patch: &mut Node) -> Result<bool> {
    match walk(schemas, None, Some(base), Some(patch))? {
        // What `$patch: replace` would put in place of a whole resource is dropped by kustomize, and the resource stays.
        Outcome::Kept | Outcome::New(_) => Ok(true),
        Outcome::Gone => Ok(false),
    }
}

/// Tells whether a patch has anything to say of the value at `path`, or directs what becomes of what is around it.
pub(super) fn is_about(patch: &Node, path: &[&str]) -> bool {
    let around = std::iter::successors(Some((patch, path)), |(node, path)| {
        let (key, rest) = path.split_first()?;
        node.get(key).map(|value| (value, rest))
    });
    around.into_iter().any(|(node, rest)| rest.is_empty() || node.get(directive::KEY).is_some())
}

/// How many steps a merge into `base` takes at most: a list of mappings may be merged by key, each element held against all.
pub(super) fn steps(base: &Node) -> usize {
    match &base.value {
        Value::Scalar(_) => 1,
        Value::List(elements) => {
            let mappings = elements.iter().filter(|element| matches!(element.value, Value::Map(_))).count();
            mappings * mappings / COMPARISONS_FOR_ONE + elements.iter().map(steps).sum::<usize>()
        }
        Value::Map(entries) => 1 + entries.iter().map(|(_, value)| steps(value)).sum::<usize>(),
    }
}

/// What became of a value.
enum Outcome {
    /// It was changed where it stands.
    Kept,
    /// This takes its place.
    New(Node),
    /// It is to be removed.
    Gone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Scalar,
    List,
    Map,
}

fn walk<'s>(
    schemas: Schemas<'s>,
    schema: Option<Schema<'s>>,
    base: Option<&mut Node>,
    patch: Option<&mut Node>,
) -> Result<Outcome> {
    let kinds = [base.as_deref(), patch.as_deref()].map(|node| node.and_then(kind_of));
    if let ([Some(expected), Some(found)], Some(patch)) = (kinds, patch.as_deref())
        && expected != found
    {
        let message = format!("the patch has a {} here, where the resource has another kind", patch.kind_name());
        return Err(Failure::at(&patch.place, message, "correct the patch"));
    }
    let schema = schema
        .or_else(|| [base.as_deref(), patch.as_deref()].into_iter().flatten().find_map(|node| embedded(schemas, node)));
    match kinds[0].or(kinds[1]) {
        Some(Kind::Scalar) => {
            Ok(patch.map_or(Outcome::Kept, |patch| Outcome::New(scalar_over(base.as_deref(), patch))))
        }
        Some(Kind::List) => match schema.and_then(Schema::keys) {
            Some(keys) => lists::walk(schemas, schema.and_then(Schema::element), &keys, base, patch),
            None => Ok(patch.map_or(Outcome::Kept, |patch| Outcome::New(patch.clone()))),
        },
        Some(Kind::Map) | None => walk_map(schemas, schema, base, patch),
    }
}

/// The patch's scalar, in the quotes of the one it replaces: `1.10` over `"1.9"` stays the text 1.10.
fn scalar_over(base: Option<&Node>, patch: &Node) -> Node {
    let mut node = patch.clone();
    if let Value::Scalar(scalar) = &mut node.value
        && scalar.kind != ScalarKind::Null
        && base.and_then(Node::as_scalar).is_some_and(|base| base.is_quoted)
    {
        scalar.quote();
    }
    if let Some(base) = base {
        node.succeed(base, DecidedBy::Merged);
    }
    node
}

fn walk_map<'s>(
    schemas: Schemas<'s>,
    schema: Option<Schema<'s>>,
    base: Option<&mut Node>,
    patch: Option<&mut Node>,
) -> Result<Outcome> {
    let Some(base) = base.filter(|base| !base.is_null() || patch.is_none()) else {
        let Some(patch) = patch else { return Ok(Outcome::Gone) };
        return match take_directive(patch) {
            Ok(Directive::Delete) => Ok(Outcome::Gone),
            _ if patch.is_null() => Ok(Outcome::Gone),
            _ => adopt(schemas, schema, patch),
        };
    };
    if base.is_null() {
        // A written null survives, an empty value does not.
        let is_written = base.as_scalar().is_some_and(|scalar| !scalar.text.is_empty());
        return Ok(if is_written { Outcome::Kept } else { Outcome::Gone });
    }
    let Some(patch) = patch else {
        merge_entries(schemas, schema, base, None)?;
        return Ok(Outcome::Kept);
    };
    if patch.is_null() {
        return Ok(Outcome::Gone);
    }
    match take_directive(patch)? {
        Directive::Delete => Ok(Outcome::Gone),
        Directive::Replace => adopt(schemas, schema, patch),
        Directive::Merge => {
            merge_entries(schemas, schema, base, Some(patch))?;
            Ok(Outcome::Kept)
        }
    }
}

/// Takes over the patch's value, which is walked against itself: directives in it still count.
fn adopt<'s>(schemas: Schemas<'s>, schema: Option<Schema<'s>>, patch: &mut Node) -> Result<Outcome> {
    let mut adopted = patch.clone();
    merge_entries(schemas, schema, &mut adopted, Some(patch))?;
    Ok(Outcome::New(adopted))
}

fn merge_entries<'s>(
    schemas: Schemas<'s>,
    schema: Option<Schema<'s>>,
    base: &mut Node,
    patch: Option<&mut Node>,
) -> Result<()> {
    let mut patches: HashMap<Arc<str>, &mut Node> = match patch.map(|patch| &mut patch.value) {
        Some(Value::Map(entries)) => entries.iter_mut().map(|(key, value)| (key.clone(), value)).collect(),
        _ => HashMap::new(),
    };
    let Value::Map(entries) = &mut base.value else {
        return Ok(());
    };
    let mut merged = Vec::with_capacity(entries.len() + patches.len());
    for (key, mut value) in std::mem::take(entries) {
        let field = schema.and_then(|schema| schema.field(&key));
        let mut patch = patches.remove(&key);
        drop_shared_directive(&mut value, patch.as_deref_mut());
        match walk(schemas, field, Some(&mut value), patch)? {
            Outcome::Kept => merged.push((key, value)),
            Outcome::New(node) if node.is_null() => {}
            Outcome::New(node) => merged.push((key, node)),
            Outcome::Gone => {}
        }
    }
    let mut added: Vec<(Arc<str>, &mut Node)> = patches.into_iter().collect();
    added.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (key, patch) in added {
        let field = schema.and_then(|schema| schema.field(&key));
        if let Outcome::New(node) = walk(schemas, field, None, Some(patch))?
            && !node.is_null()
        {
            merged.push((key, node));
        }
    }
    *entries = merged;
    Ok(())
}

/// When a value is walked against itself, its directive must vanish from both copies.
fn drop_shared_directive(base: &mut Node, patch: Option<&mut Node>) {
    let directive = |node: &Node| node.get(directive::KEY).and_then(|value| value.text().map(str::to_owned));
    if let Some(patch) = patch
        && let Some(own) = directive(patch)
        && directive(base) == Some(own)
    {
        base.remove(directive::KEY);
    }
}

fn kind_of(node: &Node) -> Option<Kind> {
    match &node.value {
        Value::Scalar(_) => (!node.is_null()).then_some(Kind::Scalar),
        Value::List(_) => Some(Kind::List),
        Value::Map(_) => Some(Kind::Map),
    }
}

/// The schema of an object that says what it is.
fn embedded<'s>(schemas: Schemas<'s>, node: &Node) -> Option<Schema<'s>> {
    let text = |key| node.get(key).and_then(Node::text);
    schemas.find(text("apiVersion")?, text("kind")?)
}
