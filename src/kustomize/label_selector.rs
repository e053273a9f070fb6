//! Kubernetes label selectors: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`.

use crate::manifest::{Failure, Node, Result, Text};

/// Requirements that must all hold.
#[derive(Debug)]
pub(super) struct LabelSelector(Vec<Requirement>);

#[derive(Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

impl LabelSelector {
    /// Parses a selector.
    pub(super) fn parse(text: &Text) -> Result<Self> {
        let pieces = split_outside_parentheses(&text.text);
        let requirements: Option<Vec<_>> = pieces.into_iter().map(|piece| requirement(piece.trim())).collect();
        requirements.map(Self).ok_or_else(|| {
            let message = format!("`{}` is not a label selector that is understood", text.text);
            Failure::at(&text.place, message, "write requirements as `key=value`, `key in (a, b)` or `!key`")
        })
    }

    /// Tells whether a map of labels or annotations fulfils all requirements.
    pub(super) fn matches(&self, map: Option<&Node>) -> bool {
        let value = |key: &str| map.and_then(|map| map.get(key)).map(|value| value.text().unwrap_or_default());
        self.0.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => value(key).is_some_and(|value| values.iter().any(|other| other == value)),
            Requirement::NotIn(key, values) => value(key).is_none_or(|value| values.iter().all(|other| other != value)),
            Requirement::Exists(key) => value(key).is_some(),
            Requirement::Absent(key) => value(key).is_none(),
        })
    }
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    text.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .collect()
}

fn requirement(text: &str) -> Option<Requirement> {
    if let Some(key) = text.strip_prefix('!') {
        return word(key).map(Requirement::Absent);
    }
    if let Some((key, value)) = text.split_once("!=") {
        return Some(Requirement::NotIn(word(key)?, vec![value_word(value)?]));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Some(Requirement::In(word(key)?, vec![value_word(value)?]));
    }
    let Some((head, list)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) else {
        return word(text).map(Requirement::Exists);
    };
    let values = list.split(',').map(value_word).collect::<Option<Vec<_>>>()?;
    let mut words = head.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(key), Some("in"), None) => Some(Requirement::In(word(key)?, values)),
        (Some(key), Some("notin"), None) => Some(Requirement::NotIn(word(key)?, values)),
        _ => None,
    }
}

fn word(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| value_word(text)).flatten()
}

fn value_word(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    text.chars().all(fits).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_requirement_is_read() {
        let pieces = split_outside_parentheses("a=b, c in (d,e),!f");
        assert_eq!(pieces, ["a=b", " c in (d,e)", "!f"]);
        let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        assert_eq!(requirement("a==b"), Some(Requirement::In("a".into(), values(&["b"]))));
        assert_eq!(requirement("a!=b"), Some(Requirement::NotIn("a".into(), values(&["b"]))));
        assert_eq!(requirement("c notin (d, e)"), Some(Requirement::NotIn("c".into(), values(&["d", "e"]))));
        assert_eq!(requirement("!x.io/y"), Some(Requirement::Absent("x.io/y".into())));
        assert_eq!(requirement("x"), Some(Requirement::Exists("x".into())));
        for bad in ["a>1", "a b", "", "a within (b)", "=b"] {
            assert_eq!(requirement(bad), None, "{bad}");
        }
    }
}
