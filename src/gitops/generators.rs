//! What `list` generators make of the template of an `ApplicationSet`
//! (<https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Generators-List/>).

use crate::manifest::{Node, Value};

use super::flux::elements;

/// How many elements one set may have.
const MAX_ELEMENTS: usize = 1_000;
/// How many values, and how many bytes of text, the templates of one set may become.
const MAX_VALUES: usize = 1_000_000;
const MAX_BYTES: usize = 16 << 20;

/// A template filled in by one element.
pub(super) struct Filled {
    pub(super) template: Node,
    /// The path to the element.
    pub(super) element: String,
}

/// Fills `template` in with each element of the list generators; `None` where others generate too, or too many.
pub(super) fn fill(generators: Option<&Node>, template: &Node) -> Option<Vec<Filled>> {
    let mut found = Vec::new();
    for (at, generator) in elements(generators).enumerate() {
        let list = generator.get("list").filter(|list| list.get("elementsYaml").is_none())?;
        // What stands beside it, and a template of its own, would have to be laid over.
        if generator.length() > 1 || list.get("template").is_some() {
            return None;
        }
        found.extend(elements(list.get("elements")).enumerate().map(|(index, element)| (at, index, element)));
    }
    if found.is_empty() || found.len() > MAX_ELEMENTS || found.len().saturating_mul(template.size()) > MAX_VALUES {
        return None;
    }
    let mut bytes = 0;
    let fill = |(at, index, element)| {
        let mut template = template.clone();
        visit(&mut template, element, &mut bytes)?;
        Some(Filled { template, element: format!("spec.generators[{at}].list.elements[{index}]") })
    };
    found.into_iter().map(fill).collect()
}

/// Tells whether anything in a node is yet to be filled in.
pub(super) fn is_open(node: &Node) -> bool {
    match &node.value {
        Value::Scalar(scalar) => scalar.text.contains("{{"),
        Value::List(elements) => elements.iter().any(is_open),
        Value::Map(entries) => entries.iter().any(|(_, value)| is_open(value)),
    }
}

/// Fills in the texts of a node; `None` when all texts together, counted in `bytes`, become too long.
fn visit(node: &mut Node, element: &Node, bytes: &mut usize) -> Option<()> {
    match &mut node.value {
        Value::Scalar(scalar) if scalar.text.contains("{{") => {
            if let Some((text, last)) = replaced(&scalar.text, element, bytes)? {
                node.replace_text(text, &last.place);
            }
            Some(())
        }
        Value::Scalar(_) => Some(()),
        Value::List(elements) => elements.iter_mut().try_for_each(|child| visit(child, element, bytes)),
        Value::Map(entries) => entries.iter_mut().try_for_each(|(_, value)| visit(value, element, bytes)),
    }
}

/// The text with what `element` knows in place of `{{name}}` and `{{ .name }}`, and the last value that was put in.
fn replaced<'e>(text: &str, element: &'e Node, bytes: &mut usize) -> Option<Option<(String, &'e Node)>> {
    let (mut out, mut rest, mut last) = (String::new(), text, None);
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, behind)) = after.split_once("}}") else { break };
        let name = name.trim().trim_start_matches('.');
        // fasttemplate's parameters have dots in their names, Go's are paths.
        let by_path = || element.path(&name.split('.').collect::<Vec<_>>());
        let value = element.get(name).or_else(by_path).filter(|node| node.text().is_some());
        out.push_str(before);
        match value.and_then(|value| Some((value, value.text()?))) {
            Some((value, text)) => {
                out.push_str(text);
                last = Some(value);
            }
            None => out.extend(["{{", name, "}}"]),
        }
        rest = behind;
        // Each name is looked for among all keys.
        *bytes = bytes.saturating_add(before.len() + value.and_then(Node::text).map_or(0, str::len) + element.length());
        if *bytes > MAX_BYTES {
            return None;
        }
    }
    out.push_str(rest);
    Some(last.map(|last| (out, last)))
}
