//! What a replacement puts into one field, whole or between delimiters, and where each part of it comes from.

use std::sync::Arc;

use crate::domain::DecidedBy;
use crate::manifest::{Decided, Failure, Node, Place, Result, Scalar, Value, split};

use super::entry::Options;
use super::path::raw_text;

/// The longest text that delimiters may put together.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// The piece of a source between delimiters.
pub(super) fn piece(node: &Node, delimiter: &str, index: i64, place: &Place) -> Result<Node> {
    let Value::Scalar(scalar) = &node.value else {
        return Err(no_scalar(node, place));
    };
    let pieces = scalar.text.split(delimiter);
    let found = usize::try_from(index).ok().and_then(|index| pieces.clone().nth(index).map(|piece| (index, piece)));
    let Some((index, text)) = found else {
        let message = format!("`{}` has no piece {index} between `{delimiter}`", scalar.text);
        return Err(Failure::at(place, message, "correct `options.index` of the source"));
    };
    let characters = |text: &str| text.chars().count();
    let before: usize = pieces.take(index).map(|piece| characters(piece) + characters(delimiter)).sum();
    let mut copy = scalar.clone();
    copy.set_piece(text.into());
    let place = match &scalar.decided {
        Some(decided) => origin_of(decided, &scalar.text, text),
        None if scalar.is_verbatim => node.place.right(before),
        None => node.place.clone(),
    };
    copy.decided = None;
    Ok(Node { value: Value::Scalar(copy), place })
}

/// Where a piece of a reference was decided, when it is one of its parts.
fn origin_of(decided: &Decided, whole: &str, piece: &str) -> Place {
    let parts = split(whole);
    let part = match Some(piece) {
        tag if tag == parts.tag => decided.tag.as_ref(),
        digest if digest == parts.digest => decided.digest.as_ref(),
        name if name == Some(parts.name) => Some(&decided.name),
        _ => None,
    };
    part.unwrap_or(&decided.last).clone()
}

/// Sets a field to the value.
pub(super) fn set(field: &mut Node, value: &Node, options: &Options) -> Result<()> {
    let Value::Scalar(old) = &field.value else {
        if options.delimiter.is_some() {
            return Err(no_scalar(field, &field.place));
        }
        *field = value.clone();
        return Ok(());
    };
    // A mapping or a list has no text of its own: kustomize leaves the field empty.
    let text: Arc<str> = match &options.delimiter {
        None => value.as_scalar().map_or_else(|| "".into(), |scalar| scalar.text.clone()),
        Some(delimiter) => joined(&old.text, raw_text(value), delimiter, options.index, &value.place)?.into(),
    };
    let is_whole = options.delimiter.is_none();
    let mut new = old.clone();
    if !new.set_text(text.clone()) {
        let message = format!("`{text}` cannot take the place of a {}, which it would have to be", field.kind_name());
        let hint = "write the value that is replaced in quotes, so that it may become any text";
        return Err(Failure::at(&field.place, message, hint));
    }
    let origin = value.as_scalar();
    new.is_verbatim = is_whole && origin.is_some_and(|origin| origin.is_verbatim);
    new.decided = origin.filter(|_| is_whole).and_then(|origin| origin.decided.clone());
    if !is_whole {
        new.decided = Some(Arc::new(united(field, old, &text, &value.place)));
    }
    let mut new = Node { value: Value::Scalar(new), place: value.place.clone() };
    new.succeed(field, DecidedBy::Replaced);
    *field = new;
    Ok(())
}

/// The parts of a reference of which one piece was replaced: those that stayed keep their origins.
fn united(field: &Node, old: &Scalar, text: &str, place: &Place) -> Decided {
    let was = Decided::of(field, old);
    let (before, after) = (split(&old.text), split(text));
    let origin = |old: Option<&str>, new: Option<&str>, place_of_old: Option<&Place>| {
        new.map(|_| place_of_old.filter(|_| old == new).unwrap_or(place).clone())
    };
    Decided::new(
        DecidedBy::Replaced,
        place.clone(),
        if before.name == after.name { was.name.clone() } else { place.clone() },
        origin(before.tag, after.tag, was.tag.as_ref()),
        origin(before.digest, after.digest, was.digest.as_ref()),
    )
}

/// Puts `piece` into `text`: before it, after it, or in the place of a piece.
fn joined(text: &str, piece: &str, delimiter: &str, index: i64, place: &Place) -> Result<String> {
    let mut pieces: Vec<&str> = text.split(delimiter).collect();
    match usize::try_from(index) {
        Err(_) => pieces.insert(0, piece),
        Ok(at) => match pieces.get_mut(at) {
            Some(old) => *old = piece,
            None => pieces.push(piece),
        },
    }
    let text = pieces.join(delimiter);
    match text.len() > MAX_TEXT_BYTES {
        true => Err(Failure::at(place, "the replacement makes a text that is too long", "replace less")),
        false => Ok(text),
    }
}

fn no_scalar(node: &Node, place: &Place) -> Box<Failure> {
    let message = format!("a delimiter needs a scalar, found a {}", node.kind_name());
    Failure::at(place, message, "remove `options.delimiter`, or name a field with text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_replaced_or_added_at_either_end() {
        let place = Place::start_of("k");
        let join = |index| joined("reg.io/x:1", "N", ":", index, &place).unwrap();
        assert_eq!([join(-1), join(0), join(1), join(7)], ["N:reg.io/x:1", "N:1", "reg.io/x:N", "reg.io/x:1:N"]);
    }

    #[test]
    fn parts_that_stay_keep_their_origins() {
        let mut field = Node::string("reg.io/x:1@sha256:a", &Place { line: 3, ..Place::start_of("base") });
        let value = Node::string("2", &Place { line: 9, ..Place::start_of("overlay") });
        let options = Options { delimiter: Some("@".into()), index: 0, create: false };
        set(&mut field, &Node::string("reg.io/x:2", &value.place), &options).unwrap();
        let decided = Decided::of(&field, field.as_scalar().unwrap());
        assert_eq!(raw_text(&field), "reg.io/x:2@sha256:a");
        assert_eq!((decided.name.line, decided.digest.unwrap().line, decided.tag.unwrap().line), (3, 3, 9));
    }
}
