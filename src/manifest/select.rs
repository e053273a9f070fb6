//! The values of a document that a path stands for.

use std::sync::Arc;

use crate::domain::{FieldPath, FieldStep};

use super::node::{Node, Value};

/// One step of a path without wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Key(Arc<str>),
    Index(usize),
}

/// A value that was found, and how it was reached.
#[derive(Debug, Clone)]
pub(crate) struct Selected<'n> {
    pub(crate) node: &'n Node,
    pub(crate) steps: Vec<Step>,
    /// The steps that wildcards stood for.
    pub(crate) bound: Vec<Step>,
}

/// Finds the values `path` stands for, in the order of the document.
pub(crate) fn select<'n>(node: &'n Node, path: &FieldPath) -> Vec<Selected<'n>> {
    let mut found = vec![Selected { node, steps: Vec::new(), bound: Vec::new() }];
    for step in path.steps() {
        found = found.iter().flat_map(|selected| selected.enter(step)).collect();
    }
    found
}

/// Fills the wildcards of `path` with what another path's wildcards stood for.
pub(crate) fn bind(path: &FieldPath, bound: &[Step]) -> Vec<Step> {
    let mut bound = bound.iter();
    let step = |step: &FieldStep| match step {
        FieldStep::Key(key) => Some(Step::Key(key.as_str().into())),
        FieldStep::AnyKey | FieldStep::AnyElement => bound.next().cloned(),
    };
    path.steps().iter().map_while(step).collect()
}

/// Follows steps without wildcards.
pub(crate) fn at<'n>(node: &'n Node, steps: &[Step]) -> Option<&'n Node> {
    steps.iter().try_fold(node, |node, step| match (step, &node.value) {
        (Step::Key(key), _) => node.get(key),
        (Step::Index(index), Value::List(elements)) => elements.get(*index),
        _ => None,
    })
}

/// Writes steps the way fields of image uses are written.
pub(crate) fn field(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.extend([".", key]),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

impl<'n> Selected<'n> {
    fn enter(&self, step: &FieldStep) -> Vec<Self> {
        match (step, &self.node.value) {
            (FieldStep::Key(key), Value::Map(entries)) => {
                let found = entries.iter().find(|(name, _)| **name == **key);
                found.map(|(name, node)| self.at(node, Step::Key(name.clone()), false)).into_iter().collect()
            }
            (FieldStep::AnyKey, Value::Map(entries)) => {
                entries.iter().map(|(name, node)| self.at(node, Step::Key(name.clone()), true)).collect()
            }
            (FieldStep::AnyElement, Value::List(elements)) => {
                let element = |(index, node)| self.at(node, Step::Index(index), true);
                elements.iter().enumerate().map(element).collect()
            }
            _ => Vec::new(),
        }
    }

    fn at(&self, node: &'n Node, step: Step, is_bound: bool) -> Self {
        let (mut steps, mut bound) = (self.steps.clone(), self.bound.clone());
        if is_bound {
            bound.push(step.clone());
        }
        steps.push(step);
        Self { node, steps, bound }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Reading, Shift};
    use super::*;
    use crate::yaml;

    #[test]
    fn wildcards_find_all_and_are_bound_in_other_paths() {
        let text = b"jobs:\n  a: {steps: [{repo: x, tag: 1}, {repo: y, tag: 2}]}\n  b: {steps: none}\n";
        let node = Node::convert(&yaml::parse("v", text).unwrap()[0], Reading::Resource, &Shift::None).unwrap();
        let found = select(&node, &"jobs.*.steps[].repo".parse().unwrap());
        let shown: Vec<String> = found.iter().map(|selected| field(&selected.steps)).collect();
        assert_eq!(shown, ["jobs.a.steps[0].repo", "jobs.a.steps[1].repo"]);
        let tag = bind(&"jobs.*.steps[].tag".parse().unwrap(), &found[1].bound);
        assert_eq!(at(&node, &tag).unwrap().text(), Some("2"));
        assert!(select(&node, &"jobs[].steps".parse().unwrap()).is_empty());
    }
}
