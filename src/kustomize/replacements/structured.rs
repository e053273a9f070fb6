//! JSON or YAML as the text of a scalar: walked into and written anew.

use std::collections::BTreeMap;

use crate::manifest::{Node, Place, Reading, Scalar, Shift, Value};
use crate::yaml::{self, ScalarKind};

use super::Stop;
use super::matching::Walk;
use super::path::{at_steps, locate, raw_text};

/// How much text that is parsed counts as one value.
const PARSED_BYTES_FOR_ONE: usize = 16;

/// Sets the values a path means inside the text of a scalar on its way; false where the path leads into no such text, or
/// into one it does not fit: then it is followed in the ordinary way.
pub(super) fn set_in_text(root: &mut Node, path: &[String], value: &Node, walk: &mut Walk<'_>) -> Result<bool, Stop> {
    let Some((length, steps, mut inner)) = find_text(root, path, walk)? else {
        return Ok(false);
    };
    walk.visited += inner.size();
    let mut set = |target: &mut Node| {
        set(target, value);
        Ok(())
    };
    match walk.visit(&mut inner, path.get(length..).unwrap_or_default(), &mut set) {
        Ok(found) if found > 0 => {}
        Err(Stop::Fatal(failure)) => return Err(Stop::Fatal(failure)),
        _ => return Ok(false),
    }
    if let Some(Value::Scalar(scalar)) = at_steps(root, &steps).map(|node| &mut node.value) {
        let text = written_like(&scalar.text, &inner);
        scalar.set_text(text.into());
        scalar.is_verbatim = false;
    }
    Ok(true)
}

/// The first scalar on the way that is no end of it and can be parsed: how many parts lead to it, by which steps, what it is.
fn find_text(root: &Node, path: &[String], walk: &mut Walk<'_>) -> Result<Option<(usize, Vec<usize>, Node)>, Stop> {
    for length in 1..=path.len() {
        match locate(root, path.get(..length).unwrap_or_default()) {
            Ok(Some((steps, node))) => {
                if let Some(scalar) = node.as_scalar().filter(|_| length < path.len()) {
                    walk.visited += scalar.text.len() / PARSED_BYTES_FOR_ONE;
                    if let Ok(inner) = parse(scalar, &node.place) {
                        return Ok(Some((length, steps, inner)));
                    }
                }
            }
            Err(Stop::Fatal(failure)) => return Err(Stop::Fatal(failure)),
            Ok(None) | Err(Stop::Misfit(_)) => {}
        }
    }
    Ok(None)
}

/// Reads the text of a scalar.
pub(super) fn parse(scalar: &Scalar, place: &Place) -> Result<Node, Stop> {
    let misfit = || Stop::wrong("the path leads into a text that is no JSON or YAML", place);
    let documents = yaml::parse(&place.file, scalar.text.as_bytes()).map_err(|_| misfit())?;
    let document = documents.first().ok_or_else(misfit)?;
    Node::convert(document, Reading::Loose, &Shift::Fixed(place.clone())).map_err(Stop::Misfit)
}

/// Sets a value; a scalar keeps its type, and delimiters do not count here.
fn set(target: &mut Node, value: &Node) {
    if let Value::Scalar(scalar) = &mut target.value {
        // Text of another type is printed with its old type, for whoever reads it in the end.
        scalar.set_text(raw_text(value).into());
    } else {
        *target = value.clone();
    }
}

/// Writes the values as JSON, indented where the text was. YAML becomes JSON too, which is read as the same values.
fn written_like(text: &str, node: &Node) -> String {
    let value = json(node);
    let is_indented = text.contains('\n') && text.contains("  ");
    let written = if is_indented { format!("{value:#}") } else { value.to_string() };
    written.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e")
}

/// The values with sorted keys.
fn json(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Scalar(scalar) => match scalar.kind {
            ScalarKind::Str | ScalarKind::Timestamp => (&*scalar.text).into(),
            _ => serde_json::from_str(&scalar.printed).unwrap_or_else(|_| (&*scalar.text).into()),
        },
        Value::List(elements) => elements.iter().map(json).collect(),
        Value::Map(entries) => {
            let sorted: BTreeMap<&str, &Node> = entries.iter().map(|(key, value)| (&**key, value)).collect();
            sorted.into_iter().map(|(key, value)| (key, json(value))).collect()
        }
    }
}
