//! Settings as one line of YAML, for people.

use crate::yaml::{Node, Value};

/// Writes a node in flow style.
pub(super) fn flow(node: &Node) -> String {
    match &node.value {
        Value::Scalar(scalar) => scalar_of(&scalar.text),
        Value::Sequence(elements) => format!("[{}]", elements.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Mapping(entries) => {
            let entry = |(key, value): &(Node, Node)| format!("{}: {}", flow(key), flow(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

/// Writes text plainly where no reader could take it for anything else.
fn scalar_of(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./+@".contains(c));
    if is_plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    #[test]
    fn what_is_written_is_read_the_same() {
        let text =
            "{signed_by: [release-key, \"a b\"], deny: [{severity: critical, known_for: 7d}], pattern: \"^v?\\\\d+$\"}";
        let read = |text: &str| flow(&yaml::parse("p.yaml", text.as_bytes()).unwrap()[0]);
        assert_eq!(read(text), text);
        assert_eq!(read(&read("a: 'x: y'\nb: [\"1,2\", '']\n")), "{a: \"x: y\", b: [\"1,2\", \"\"]}");
    }
}
