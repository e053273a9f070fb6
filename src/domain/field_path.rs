//! Paths to values in documents: `spec.imageName`, `spec.tags[].from.name`, `components.*.image`.

use std::fmt;
use std::str::FromStr;

/// How many steps a path may have; documents are not deeper.
const MAX_STEPS: usize = 64;

/// A path from the top of a document down: keys joined by `.`, `[]` for every element of a list, `*` for every value of a
/// mapping. A `.` inside a key is written `\.`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FieldPath {
    text: String,
    steps: Vec<FieldStep>,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FieldStep {
    /// The value of a key.
    Key(String),
    /// Every value of a mapping.
    AnyKey,
    /// Every element of a list.
    AnyElement,
}

/// Why a text is not a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFieldPath {
    /// Nothing stands between two dots, or before the first or after the last.
    #[error("`{0}` has an empty key")]
    EmptyKey(String),
    /// Brackets with something inside, or not at the end of a key.
    #[error("`{0}` has brackets that are not `[]` at the end of a key; `[]` stands for every element of a list")]
    Brackets(String),
    /// More steps than documents are deep.
    #[error("`{0}` has more than {MAX_STEPS} steps")]
    TooLong(String),
}

impl FieldPath {
    /// Returns the steps from the top down.
    #[must_use]
    pub fn steps(&self) -> &[FieldStep] {
        &self.steps
    }

    /// Returns how many steps stand for several values.
    #[must_use]
    pub fn wildcards(&self) -> usize {
        self.steps.iter().filter(|step| !matches!(step, FieldStep::Key(_))).count()
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for FieldPath {
    type Err = InvalidFieldPath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut steps = Vec::new();
        for part in parts(text) {
            let key = part.trim_end_matches("[]");
            if key.is_empty() {
                return Err(InvalidFieldPath::EmptyKey(text.to_owned()));
            }
            if key.contains(['[', ']']) {
                return Err(InvalidFieldPath::Brackets(text.to_owned()));
            }
            steps.push(if key == "*" { FieldStep::AnyKey } else { FieldStep::Key(key.to_owned()) });
            steps.extend(std::iter::repeat_n(FieldStep::AnyElement, (part.len() - key.len()) / 2));
        }
        match steps.len() > MAX_STEPS {
            true => Err(InvalidFieldPath::TooLong(text.to_owned())),
            false => Ok(Self { text: text.to_owned(), steps }),
        }
    }
}

/// Cuts at every `.` that no `\` stands before.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '.' => parts.push(String::new()),
            _ => {
                let escaped = (character == '\\').then(|| characters.next_if_eq(&'.')).flatten();
                if let Some(last) = parts.last_mut() {
                    last.push(escaped.unwrap_or(character));
                }
            }
        }
    }
    parts
}

/// A place of an image reference in the objects of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageField {
    /// The kind of the objects.
    pub kind: String,
    /// The group of their `apiVersion`; any when not given.
    pub group: Option<String>,
    /// Where the reference stands.
    pub path: FieldPath,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lists_and_mappings_are_steps() {
        let path: FieldPath = r"spec.tags[].from.*.a\.b".parse().unwrap();
        let key = |name: &str| FieldStep::Key(name.to_owned());
        let (any, each) = (FieldStep::AnyKey, FieldStep::AnyElement);
        assert_eq!(path.steps(), [key("spec"), key("tags"), each, key("from"), any, key("a.b")]);
        assert_eq!(path.wildcards(), 2);
    }

    #[test]
    fn what_is_no_path_is_said() {
        let fault = |text: &str| text.parse::<FieldPath>().unwrap_err();
        assert!(matches!(fault("spec..image"), InvalidFieldPath::EmptyKey(_)));
        assert!(matches!(fault(""), InvalidFieldPath::EmptyKey(_)));
        assert!(matches!(fault("[].image"), InvalidFieldPath::EmptyKey(_)));
        assert!(matches!(fault("spec.tags[0].name"), InvalidFieldPath::Brackets(_)));
        assert!(matches!(fault("spec.tags[].name]"), InvalidFieldPath::Brackets(_)));
        assert!(matches!(fault("a.".repeat(80).trim_end_matches('.')), InvalidFieldPath::TooLong(_)));
    }
}
