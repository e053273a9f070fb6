//! `$patch: delete | replace | merge`.

use crate::manifest::{Failure, Result};
use crate::manifest::{Node, Value};

/// The key that holds a directive.
pub(super) const KEY: &str = "$patch";

/// What a patch does to the value it meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Directive {
    Delete,
    Replace,
    Merge,
}

/// Returns the directive of a map or list, and takes it out.
pub(super) fn take_directive(patch: &mut Node) -> Result<Directive> {
    let found = match &patch.value {
        Value::Map(_) => patch.get(KEY),
        Value::List(elements) => elements
            .iter()
            .find_map(|element| {
                let is_alone = matches!(&element.value, Value::Map(entries) if entries.len() == 1);
                element.get(KEY).map(|value| is_alone.then_some(value))
            })
            .flatten(),
        Value::Scalar(_) => None,
    };
    let Some(value) = found.filter(|value| !value.is_null()) else {
        return Ok(Directive::Merge);
    };
    let text = value.as_scalar().map_or("", |scalar| &scalar.text).to_owned();
    let directive = match text.as_str() {
        "delete" => Directive::Delete,
        "replace" => Directive::Replace,
        "merge" => Directive::Merge,
        other => {
            let message = format!("`{other}` is not a patch directive");
            return Err(Failure::at(&value.place, message, "use delete, replace or merge"));
        }
    };
    match &mut patch.value {
        Value::List(elements) => elements
            .retain(|element| element.get(KEY).and_then(Node::as_scalar).is_none_or(|scalar| *scalar.text != *text)),
        _ => drop(patch.remove(KEY)),
    }
    Ok(directive)
}
