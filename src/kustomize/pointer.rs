//! JSON pointers as the json-patch library of kustomize follows them.

use crate::manifest::{Node, Value, leads_to};

/// A path to a container and the key in it.
#[derive(Debug, Clone)]
pub(super) struct Pointer {
    pub(super) text: String,
    /// None where the text is no pointer: such a one leads nowhere.
    parents: Option<Vec<String>>,
    pub(super) key: String,
}

impl Pointer {
    /// Reads a pointer; whatever stands before the first `/` is ignored, as kustomize does.
    pub(super) fn parse(text: &str) -> Self {
        let tokens = text.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~"));
        let mut parents: Vec<String> = tokens.collect();
        let key = parents.pop();
        Self { text: text.to_owned(), parents: key.is_some().then_some(parents), key: key.unwrap_or_default() }
    }

    /// How many levels deep the value stands.
    pub(super) fn depth(&self) -> usize {
        self.parents.as_ref().map_or(0, Vec::len) + 1
    }

    /// Tells whether the value at `path` is seen where this leads; a text that is no pointer may be the whole document.
    pub(super) fn leads_to(&self, path: &[&str]) -> bool {
        let keys = |parents: &Vec<String>| leads_to(parents.iter().chain([&self.key]).map(String::as_str), path);
        self.parents.as_ref().is_none_or(keys)
    }

    /// Finds the container.
    pub(super) fn container<'n>(&self, root: &'n mut Node) -> Option<&'n mut Node> {
        let container = self.parents.as_ref()?.iter().try_fold(root, |node, token| child_mut(node, token))?;
        (!matches!(container.value, Value::Scalar(_))).then_some(container)
    }

    /// Finds the value.
    pub(super) fn value<'n>(&self, root: &'n mut Node) -> Option<&'n mut Node> {
        child_mut(self.container(root)?, &self.key)
    }
}

fn child_mut<'n>(node: &'n mut Node, token: &str) -> Option<&'n mut Node> {
    if matches!(node.value, Value::Map(_)) {
        return node.get_mut(token);
    }
    match &mut node.value {
        Value::List(elements) => {
            let at = index(token, elements.len())?;
            elements.get_mut(at)
        }
        _ => None,
    }
}

/// An index below `length`; negative ones count from the end.
pub(super) fn index(token: &str, length: usize) -> Option<usize> {
    let number: i64 = token.parse().ok()?;
    let length = i64::try_from(length).ok()?;
    let at = if number < 0 { number + length } else { number };
    (0..length).contains(&at).then(|| usize::try_from(at).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_unescaped_and_negative_indexes_count_from_the_end() {
        let pointer = Pointer::parse("/a~1b/c~0d/-1");
        assert_eq!(pointer.parents.unwrap(), ["a/b", "c~d"]);
        assert_eq!(index(&pointer.key, 3), Some(2));
        assert_eq!(index("3", 3), None);
        assert_eq!(index("-4", 3), None);
        assert_eq!(index("x", 3), None);
        assert!(Pointer::parse("").parents.is_none());
    }
}
