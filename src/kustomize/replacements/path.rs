//! Field paths: cut at dots, brackets kept together, and followed to the one value a source means.

use crate::manifest::{Node, Value};

use super::Stop;

/// Cuts a path as kustomize does: `a\.b` and `[a.b]` are one key, `[name=a.b]` is one condition.
pub(super) fn split_path(path: &str) -> Vec<String> {
    let pieces = split_escaped(path);
    let mut parts = Vec::with_capacity(pieces.len());
    let mut pieces = pieces.into_iter();
    while let Some(piece) = pieces.next() {
        if !piece.starts_with('[') || piece.ends_with(']') {
            parts.push(piece);
            continue;
        }
        let mut bracketed = piece;
        for piece in pieces.by_ref() {
            bracketed.push('.');
            bracketed.push_str(&piece);
            if piece.ends_with(']') {
                break;
            }
        }
        match bracketed.contains('=') {
            true => parts.push(bracketed),
            false => parts.push(bracketed.trim_matches(['[', ']']).to_owned()),
        }
    }
    parts
}

/// Cuts at dots that no backslash stands before; one dot at the beginning is ignored.
fn split_escaped(path: &str) -> Vec<String> {
    let path = path.strip_prefix('.').unwrap_or(path);
    let mut pieces: Vec<String> = Vec::new();
    for piece in path.split('.') {
        match pieces.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push('.');
                last.push_str(piece);
            }
            _ => pieces.push(piece.to_owned()),
        }
    }
    pieces
}

/// A part of a path, as both ways of following it read it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'p> {
    Index(usize),
    Negative,
    /// `[key=value]`; the key is empty where the element itself is meant.
    Element(&'p str, &'p str),
    /// In brackets, but no condition.
    Malformed,
    All,
    Key(&'p str),
}

impl<'p> Part<'p> {
    /// Reads a part.
    pub(super) fn of(text: &'p str) -> Self {
        match text.parse::<i64>() {
            Ok(number) => return usize::try_from(number).map_or(Self::Negative, Self::Index),
            Err(_) if text == "*" => return Self::All,
            Err(_) => {}
        }
        if !text.starts_with('[') || !text.ends_with(']') {
            return Self::Key(text);
        }
        let inner = text.strip_suffix(']').unwrap_or(text);
        inner.strip_prefix('[').unwrap_or(inner).split_once('=').map_or(Self::Malformed, |(k, v)| Self::Element(k, v))
    }
}

/// Follows a path to one value; `None` where nothing is there.
pub(super) fn lookup<'n>(root: &'n Node, path: &[String]) -> Result<Option<&'n Node>, Stop> {
    Ok(locate(root, path)?.map(|(_, node)| node))
}

/// Follows a path to one value, which the steps lead to again.
pub(super) fn locate<'n>(root: &'n Node, path: &[String]) -> Result<Option<(Vec<usize>, &'n Node)>, Stop> {
    let (mut node, mut steps) = (root, Vec::new());
    for part in path.iter().map(|part| part.trim()).filter(|part| !part.is_empty()) {
        match step(node, part)? {
            Some((at, next)) => {
                node = next;
                steps.push(at);
            }
            None => return Ok(None),
        }
    }
    Ok(Some((steps, node)))
}

/// The value that the steps lead to.
pub(super) fn at_steps<'n>(root: &'n mut Node, steps: &[usize]) -> Option<&'n mut Node> {
    steps.iter().try_fold(root, |node, at| match &mut node.value {
        Value::List(elements) => elements.get_mut(*at),
        Value::Map(entries) => entries.get_mut(*at).map(|(_, value)| value),
        Value::Scalar(_) => None,
    })
}

fn step<'n>(node: &'n Node, part: &str) -> Result<Option<(usize, &'n Node)>, Stop> {
    let first = |fits: &dyn Fn(&Node) -> bool| -> Result<_, Stop> {
        Ok(elements(node)?.iter().enumerate().find(|(_, element)| fits(element)))
    };
    match Part::of(part) {
        Part::Index(at) => Ok(elements(node)?.get(at).map(|element| (at, element))),
        Part::Key("-") => match elements(node)?.iter().enumerate().next_back() {
            Some(last) => Ok(Some(last)),
            // kustomize ends with a stack trace here, wherever it comes across.
            None => Err(Stop::crash("`-` means the last element, and the list is empty", &node.place)),
        },
        Part::Element("", value) => first(&|element| raw_text(element) == value),
        Part::Element(key, value) => first(&|element| element.get(key).is_some_and(|found| raw_text(found) == value)),
        Part::Key(key) => match &node.value {
            Value::Map(entries) => {
                let mut entries = entries.iter().enumerate();
                Ok(entries.find(|(_, (name, _))| &**name == key).map(|(at, (_, value))| (at, value)))
            }
            _ if node.is_null() => Ok(None),
            _ => Err(Stop::wrong_kind(node, "a mapping")),
        },
        Part::Negative => Err(Stop::wrong("an index may not be negative", &node.place)),
        Part::All => Err(Stop::wrong("`*` is not allowed in the path of a source", &node.place)),
        Part::Malformed => Err(Stop::malformed(part, &node.place)),
    }
}

/// The elements of a list; null has none.
pub(super) fn elements(node: &Node) -> Result<&[Node], Stop> {
    match &node.value {
        Value::List(elements) => Ok(elements),
        _ if node.is_null() => Ok(&[]),
        _ => Err(Stop::wrong_kind(node, "a list")),
    }
}

/// A scalar's text as it is written; empty for maps and lists, as in go-yaml.
pub(super) fn raw_text(node: &Node) -> &str {
    node.as_scalar().map_or("", |scalar| &scalar.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cut_as_kustomize_cuts_them() {
        assert_eq!(split_path("spec.template.[name=a.b/c].image"), ["spec", "template", "[name=a.b/c]", "image"]);
        assert_eq!(split_path("metadata.annotations.[a.b/c]"), ["metadata", "annotations", "a.b/c"]);
        assert_eq!(split_path(r"data.config\.yaml.x"), ["data", "config.yaml", "x"]);
        assert_eq!(split_path(".a.b"), ["a", "b"]);
        assert_eq!(split_path("a.[b"), ["a", "b"]);
        assert_eq!(split_path(""), [""]);
    }

    #[test]
    fn parts_are_told_apart() {
        assert_eq!(Part::of("-1"), Part::Negative);
        assert_eq!(Part::of("07"), Part::Index(7));
        assert_eq!(Part::of("[name=a=b]"), Part::Element("name", "a=b"));
        assert_eq!(Part::of("[=x]"), Part::Element("", "x"));
        assert_eq!(Part::of("[x]"), Part::Malformed);
        assert_eq!(Part::of("-"), Part::Key("-"));
    }
}
