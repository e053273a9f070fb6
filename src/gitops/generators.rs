//! What `list` generators make of the template of an `ApplicationSet`
//! (<https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Generators-List/>).

use crate::domain::Digest;
use crate::manifest::{Node, Value};

use super::flux::elements;

/// How many elements one set may have.
const MAX_ELEMENTS: usize = 1_000;
/// How many values the templates of one set may become.
const MAX_VALUES: usize = 1_000_000;

/// A template filled in by one element.
pub(super) struct Filled {
    pub(super) template: Node,
    /// The path to the element.
    pub(super) element: String,
}

/// Fills `template` in with each element of the list generators; `None` where others generate too, or too many.
pub(super) fn fill(generators: Option<&Node>, template: &Node) -> Option<Vec<Filled>> {
    let mut filled = Vec::new();
    for (at, generator) in elements(generators).enumerate() {
        let list =
            generator.get("list").filter(|list| generator.length() == 1 && list.get("elementsYaml").is_none())?;
        for (index, element) in elements(list.get("elements")).enumerate() {
            let mut template = list.get("template").is_none().then(|| template.clone())?;
            visit(&mut template, element);
            let element = format!("spec.generators[{at}].list.elements[{index}]");
            filled.push(Filled { template, element });
        }
    }
    let is_too_much = filled.len() > MAX_ELEMENTS || filled.len().saturating_mul(template.size()) > MAX_VALUES;
    (!is_too_much && !filled.is_empty()).then_some(filled)
}

/// A name for what generators say, another one when they say something else.
pub(super) fn fingerprint(generators: Option<&Node>) -> String {
    fn write(node: &Node, text: &mut String) {
        match &node.value {
            Value::Scalar(scalar) => text.push_str(&format!("{:?}", scalar.text)),
            Value::List(elements) => {
                text.push('[');
                elements.iter().for_each(|element| write(element, text));
                text.push(']');
            }
            Value::Map(entries) => {
                text.push('{');
                for (key, value) in entries {
                    text.push_str(&format!("{key:?}"));
                    write(value, text);
                }
                text.push('}');
            }
        }
    }
    let mut text = String::new();
    if let Some(generators) = generators {
        write(generators, &mut text);
    }
    Digest::of(text.as_bytes()).hex().chars().take(8).collect()
}

fn visit(node: &mut Node, element: &Node) {
    match &mut node.value {
        Value::Scalar(scalar) if scalar.text.contains("{{") => {
            if let Some((text, last)) = replaced(&scalar.text, element) {
                node.replace_text(text, &last.place);
            }
        }
        Value::Scalar(_) => {}
        Value::List(elements) => elements.iter_mut().for_each(|child| visit(child, element)),
        Value::Map(entries) => entries.iter_mut().for_each(|(_, value)| visit(value, element)),
    }
}

/// The text with what `element` knows in place of `{{name}}` and `{{ .name }}`, and the last value that was put in.
fn replaced<'e>(text: &str, element: &'e Node) -> Option<(String, &'e Node)> {
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
    }
    out.push_str(rest);
    last.map(|last| (out, last))
}
