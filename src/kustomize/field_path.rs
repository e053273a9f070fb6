//! Field paths as variables name them: `a.b[0].[name=x].[dotted.key]`.

use crate::manifest::{Node, Value};

/// Finds what a path leads to.
pub(super) fn lookup<'n>(node: &'n Node, path: &str) -> Option<&'n Node> {
    steps(path).iter().try_fold(node, |node, step| follow(node, step))
}

fn follow<'n>(node: &'n Node, step: &str) -> Option<&'n Node> {
    let list = match &node.value {
        Value::List(elements) => elements.as_slice(),
        _ => &[],
    };
    if let Ok(position) = step.parse::<i64>() {
        return list.get(usize::try_from(position).ok()?);
    }
    if step == "-" {
        return list.last();
    }
    let Some((key, value)) = step.strip_prefix('[').and_then(|step| step.strip_suffix(']')?.split_once('=')) else {
        return node.get(step);
    };
    let is_meant = |element: &&Node| {
        let found = if key.is_empty() { Some(*element) } else { element.get(key) };
        found.and_then(Node::as_scalar).is_some_and(|scalar| *scalar.text == *value)
    };
    list.iter().find(is_meant)
}

/// Cuts at dots, except escaped ones and those in brackets.
fn steps(path: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut is_open = false;
    for piece in path.strip_prefix('.').unwrap_or(path).split('.') {
        match pieces.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push('.');
                last.push_str(piece);
            }
            Some(last) if is_open => {
                last.push('.');
                last.push_str(piece);
                is_open = !piece.ends_with(']');
                // Brackets without a condition only keep the dots of a key together.
                if !is_open && !last.contains('=') {
                    *last = last.trim_matches(['[', ']']).to_owned();
                }
            }
            _ => {
                is_open = piece.starts_with('[') && !piece.ends_with(']');
                pieces.push(piece.to_owned());
            }
        }
    }
    let split = pieces.iter().flat_map(|piece| split_position(piece));
    split.map(|step| step.trim().to_owned()).filter(|step| !step.is_empty()).collect()
}

/// Cuts `containers[0]` in two.
fn split_position(piece: &str) -> Vec<&str> {
    let parts = piece.strip_suffix(']').and_then(|piece| piece.rsplit_once('['));
    match parts {
        Some((name, position)) if !position.is_empty() && position.bytes().all(|byte| byte.is_ascii_digit()) => {
            vec![name, position]
        }
        _ => vec![piece],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cut_at_dots_outside_of_brackets() {
        assert_eq!(steps("spec.containers[0].image"), ["spec", "containers", "0", "image"]);
        assert_eq!(steps("metadata.annotations.[a.b/c.d]"), ["metadata", "annotations", "a.b/c.d"]);
        assert_eq!(steps("spec.[name=a.b].x"), ["spec", "[name=a.b]", "x"]);
        assert_eq!(steps(r"data.a\.b"), ["data", "a.b"]);
    }
}
