//! JSON patches (RFC 6902) with the leniencies of the library kustomize uses.

use crate::domain::DecidedBy;
use crate::manifest::{Failure, MAX_DEPTH, Node, Place, Result, Value};

use super::pointer::{Pointer, index};
use super::resource::Resource;

/// The most values a document may hold after a copy.
const MAX_NODES: usize = 2_000_000;
/// How many elements that are moved aside count as one step.
const MOVES_FOR_ONE: usize = 64;

/// One operation, with its place.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    place: Place,
    action: Action,
}

#[derive(Debug, Clone)]
enum Action {
    Add(Pointer, Node),
    Replace(Pointer, Node),
    Remove(Pointer),
    Move { from: Pointer, path: Pointer },
    Copy { from: Pointer, path: Pointer },
    Test(Pointer, Node),
}

/// Reads a list of operations.
pub(super) fn read(list: &Node) -> Result<Vec<Operation>> {
    let Value::List(elements) = &list.value else {
        return Err(Failure::at(&list.place, "a JSON patch must be a list of operations", "write a list"));
    };
    elements.iter().map(read_operation).collect()
}

fn read_operation(node: &Node) -> Result<Operation> {
    let text = |key| node.get(key).and_then(Node::text);
    let pointer = |key| {
        text(key).map(Pointer::parse).ok_or_else(|| {
            let message = format!("the operation needs `{key}`, a JSON pointer like /spec/replicas");
            Failure::at(&node.place, message, "write the path with a leading `/`")
        })
    };
    let given = || {
        node.get("value")
            .cloned()
            .ok_or_else(|| Failure::at(&node.place, "the operation has no `value`", "add `value`; `null` is one, too"))
    };
    let action = match text("op").unwrap_or_default() {
        "add" => Action::Add(pointer("path")?, given()?),
        "replace" => Action::Replace(pointer("path")?, given()?),
        "remove" => Action::Remove(pointer("path")?),
        "move" => Action::Move { from: pointer("from")?, path: pointer("path")? },
        "copy" => Action::Copy { from: pointer("from")?, path: pointer("path")? },
        "test" => Action::Test(pointer("path")?, node.get("value").cloned().unwrap_or_else(|| Node::null(&node.place))),
        other => {
            let message = format!("`{other}` is not a JSON patch operation");
            return Err(Failure::at(&node.place, message, "use add, replace, remove, move, copy or test"));
        }
    };
    Ok(Operation { place: node.place.clone(), action })
}

/// How many steps the operations take on a resource: each may move a whole list, a copy measures the whole document.
pub(super) fn steps(resource: &Resource, operations: &[Operation]) -> usize {
    let size = resource.node.part(|path| are_about(operations, path)).size();
    let copies = operations.iter().filter(|operation| matches!(operation.action, Action::Copy { .. })).count();
    let moves = (size / MOVES_FOR_ONE).saturating_mul(operations.len());
    size.saturating_mul(1 + copies).saturating_add(moves).saturating_add(resource.renames())
}

/// Applies the operations in order; the first that does not apply is an error.
pub(super) fn apply(resource: &mut Resource, operations: &[Operation]) -> Result<()> {
    resource.with_notes(|resource| {
        let node = resource.node.part_mut(|path| are_about(operations, path));
        operations.iter().try_for_each(|operation| operation.apply(node))?;
        forget_quotes(node);
        flatten_annotations(node);
        Ok(())
    })?;
    resource.drop_empty_annotations();
    Ok(())
}

/// Tells whether an operation sees the value at `path`.
fn are_about(operations: &[Operation], path: &[&str]) -> bool {
    operations.iter().any(|operation| match &operation.action {
        Action::Add(to, _) | Action::Replace(to, _) | Action::Remove(to) | Action::Test(to, _) => to.leads_to(path),
        Action::Move { from, path: to } | Action::Copy { from, path: to } => from.leads_to(path) || to.leads_to(path),
    })
}

/// Kustomize reads annotations back as text, and what has no text of its own becomes empty.
fn flatten_annotations(node: &mut Node) {
    let annotations = node.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations"));
    if let Some(Value::Map(entries)) = annotations.map(|annotations| &mut annotations.value) {
        for (_, value) in entries.iter_mut().filter(|(_, value)| value.as_scalar().is_none()) {
            *value = Node::string("", &value.place);
        }
    }
}

/// A document that went through JSON keeps quotes only around text that would be something else without.
fn forget_quotes(node: &mut Node) {
    match &mut node.value {
        Value::Scalar(scalar) => scalar.requote(),
        Value::List(elements) => elements.iter_mut().for_each(forget_quotes),
        Value::Map(entries) => entries.iter_mut().for_each(|(_, value)| forget_quotes(value)),
    }
}

impl Operation {
    fn apply(&self, root: &mut Node) -> Result<()> {
        match &self.action {
            Action::Add(path, value) => self.add(root, path, value.clone()),
            Action::Replace(path, value) if path.text.is_empty() => self.replace_all(root, value),
            Action::Test(path, expected) if path.text.is_empty() => match is_equal(root, expected) {
                true => Ok(()),
                false => Err(self.failure("test", path)),
            },
            Action::Replace(path, value) => {
                self.check_depth(path, value)?;
                let old = path.value(root).ok_or_else(|| self.failure("replace", path))?;
                let mut new = value.clone();
                new.succeed(old, DecidedBy::Patched);
                *old = new;
                Ok(())
            }
            Action::Remove(path) => self.remove(root, path, "remove").map(drop),
            Action::Move { from, path } => {
                let value = self.remove(root, from, "move")?;
                self.add(root, path, value)
            }
            Action::Copy { from, path } => {
                let value = from.value(root).ok_or_else(|| self.failure("copy", from))?.clone();
                if root.size() + value.size() > MAX_NODES {
                    return Err(Failure::at(&self.place, "the patch makes the document too large", "copy less"));
                }
                self.add(root, path, value)
            }
            Action::Test(path, expected) => {
                if path.container(root).is_none() {
                    return Err(self.failure("test", path));
                }
                let equal = path.value(root).map_or(expected.is_null(), |value| is_equal(value, expected));
                if equal { Ok(()) } else { Err(self.failure("test", path)) }
            }
        }
    }

    /// An empty path is the whole document, which only a mapping can replace; a scalar is taken for nothing.
    fn replace_all(&self, root: &mut Node, value: &Node) -> Result<()> {
        match &value.value {
            Value::Scalar(_) => Ok(()),
            Value::List(_) => Err(Failure::at(&self.place, "a list cannot replace a document", "name a path")),
            Value::Map(_) => {
                *root = value.clone();
                Ok(())
            }
        }
    }

    fn add(&self, root: &mut Node, path: &Pointer, value: Node) -> Result<()> {
        self.check_depth(path, &value)?;
        let failure = || self.failure("add", path);
        let container = path.container(root).ok_or_else(failure)?;
        if let Value::List(elements) = &mut container.value {
            let at = match path.key.as_str() {
                "-" => elements.len(),
                key => index(key, elements.len() + 1).ok_or_else(failure)?,
            };
            elements.insert(at, value);
        } else {
            let mut value = value;
            if let Some(old) = container.get(&path.key) {
                value.succeed(old, DecidedBy::Patched);
            }
            container.set(&path.key, value);
        }
        Ok(())
    }

    fn remove(&self, root: &mut Node, path: &Pointer, name: &str) -> Result<Node> {
        let failure = || self.failure(name, path);
        let container = path.container(root).ok_or_else(failure)?;
        match &mut container.value {
            Value::List(elements) => {
                let at = index(&path.key, elements.len()).ok_or_else(failure)?;
                Ok(elements.remove(at))
            }
            _ => container.remove(&path.key).ok_or_else(failure),
        }
    }

    fn check_depth(&self, path: &Pointer, value: &Node) -> Result<()> {
        match path.depth() + value.height() > MAX_DEPTH {
            true => Err(Failure::at(&self.place, "the patch nests the document too deeply", "nest less")),
            false => Ok(()),
        }
    }

    fn failure(&self, name: &str, path: &Pointer) -> Box<Failure> {
        let message = format!("the {name} operation does not apply at {}", path.text);
        Failure::at(&self.place, message, "check the path against the resource as it is at this point of the build")
    }
}

/// Tells whether two values are printed alike.
pub(super) fn is_equal(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Value::Scalar(a), Value::Scalar(b)) => a.kind == b.kind && a.printed == b.printed,
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_equal(a, b)),
        (Value::Map(a), Value::Map(entries)) => {
            let mut same = a.iter().map(|(key, value)| b.get(key).is_some_and(|other| is_equal(value, other)));
            a.len() == entries.len() && same.all(|same| same)
        }
        _ => false,
    }
}
