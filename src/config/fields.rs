//! `fields`: where custom resources name images.

use crate::domain::{FieldPath, ImageField};
use crate::yaml::{Faults, Fields, Node};

/// Reads an entry of `fields`.
pub(super) fn read_field(node: &Node, faults: &Faults) -> Option<ImageField> {
    let mut fields = Fields::of(node, "an entry of `fields`", faults)?;
    let kind = fields.required_string("kind");
    let path = read_required_path(&mut fields, "path", faults);
    let group = fields.string("group");
    fields.finish();
    Some(ImageField { kind: kind?.to_owned(), group: group.map(str::to_owned), path: path? })
}

/// Reads a path that must be there.
pub(super) fn read_required_path(fields: &mut Fields<'_>, key: &'static str, faults: &Faults) -> Option<FieldPath> {
    fields.required(key);
    read_optional_path(fields, key, faults)
}

/// Reads a path.
pub(super) fn read_optional_path(fields: &mut Fields<'_>, key: &'static str, faults: &Faults) -> Option<FieldPath> {
    let text = fields.non_empty_string(key)?;
    let node = fields.optional(key)?;
    read_path(node, text, faults)
}

/// Reads the path in `text`.
pub(super) fn read_path(node: &Node, text: &str, faults: &Faults) -> Option<FieldPath> {
    text.parse::<FieldPath>()
        .map_err(|error| {
            let hint = "join keys by `.`, and write `[]` for all elements of a list, `*` for all values of a mapping";
            faults.push_with_hint(node, error.to_string(), hint);
        })
        .ok()
}
