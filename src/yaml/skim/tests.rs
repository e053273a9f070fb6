//! What is looked over, and that the parser agrees with it.

use super::super::{Node, Value, parse};
use super::*;

const DEFINITION: &str = "  group: example.io\n  versions:\n  - name: v1\n    served: true\n    schema:\n      description: |-\n        text: with\n\n          # all kinds\n        of lines\n      other: first line\n        second: 'line'\n\n        - third\n      # a comment\n      single: 'it''s\n        long'\n      double: \"a \\\"b\\\"\n\n        c\"\n      properties:\n        a: {}\n        b: []\n        c: 0.5\n        d:\n        e: -1\n      enum:\n      - x # c\n      - 'y'\n      -   z: 1\n          zz: 2\n  - last\n\n# end\nstatus: x\n";

fn parsed(body: &str) -> Option<Node> {
    parse("f", format!("spec:\n{body}").as_bytes()).ok()?.into_iter().next()
}

fn has_doubles(node: &Node) -> bool {
    match &node.value {
        Value::Scalar(scalar) => print_resource_scalar(scalar).is_none(),
        Value::Sequence(elements) => elements.iter().any(has_doubles),
        Value::Mapping(entries) => {
            let key_of = |index: usize| entries.get(index).and_then(|(key, _)| key.as_str());
            let is_double = |at: usize| (0..at).any(|before| key_of(before) == key_of(at));
            (0..entries.len()).any(is_double) || entries.iter().any(|(_, value)| has_doubles(value))
        }
    }
}

#[test]
fn what_controller_generators_write_is_looked_over() {
    let text = DEFINITION.replace("second: 'line'", "second 'line'");
    let skimmed = skim(text.as_bytes(), 0).unwrap();
    assert_eq!(&text[skimmed.bytes..], "status: x\n");
    assert_eq!(skimmed.lines, text[..skimmed.bytes].matches('\n').count());
    let node = parsed(&text).unwrap();
    let spec = node.get("spec").unwrap();
    let other = spec.get("versions").unwrap().as_sequence().unwrap()[0].get("schema").unwrap().get("other").unwrap();
    assert_eq!(other.as_str(), Some("first line second 'line'\n- third"));
}

#[test]
fn what_is_not_of_the_plainest_kind_is_left_to_the_parser() {
    assert_eq!(skim(DEFINITION.as_bytes(), 0), None);
    for body in [
        "",
        "x: 1\n",
        "# c\n",
        "  a: b: c\n",
        "  a: b #\n   c\n",
        "  a: &x b\n",
        "  a: *x\n",
        "  <<: *x\n",
        "  a: !t b\n",
        "  a: 1\n  a: 2\n",
        "  true: 1\n",
        "  null: 1\n",
        "  1: 2\n",
        "  a: {b: c}\n",
        "  a: [b\n",
        "  a: 'b\n",
        "  a: 'b' c\n",
        "  a: \"\\x\"\n",
        "  a: |0\n    b\n",
        "  a: |4\n     b\n    c\n",
        "  a: |\n      b\n    c\n",
        "  a: |\n     \n    c\n",
        "  a:\n   b: 1\n  c: 2\n d: 3\n",
        "  a: b\n    c: d\n",
        "  - a\n  b: c\n",
        "  a: b\n  c\n",
        "  a: .inf\n",
        "  a: \tb\n",
        "  a: b\r\n",
        "  a: \u{feff}\n",
        "  a: \u{85}b\n",
        "  a: 'b\nc'\n",
        "  ? a\n",
        "  -\n",
        "  - - a\n",
        "  a: @b\n",
        "  a: 1\n   b\n",
        "  a: - b\n",
    ] {
        assert_eq!(skim(body.as_bytes(), 0), None, "{body:?}");
    }
    assert_eq!(skim("  a:\n".repeat(2).as_bytes(), 0), None);
    let deep: String = (1..200).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    assert_eq!(skim(deep.as_bytes(), 0), None);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]

    /// Lines and pieces of lines in any order: what is found good parses up to the very same place, without fault.
    #[test]
    fn what_is_found_good_parses(pieces in proptest::collection::vec(proptest::sample::select(vec![
        "  ", " ", "\n", "\n  ", "\n    ", "\n  a: ", "\n  - ", "a", "b", "c: ", ":", "- ", "'", "\"", "\\n", "#", " #", "|", ">-", "{}", "[]", "1", "-1", ".5",
        "true", "null", "~", "é", "\n\n", "\n  b:\n    ", "\n  - a: ", "\n    c: ", "?", "x:", "|2\n", "\\\n    ", "\n---\n", "\n# c\n", "0x", "''", "=", "$x",
    ]), 0..24)) {
        let body = format!("  k: {}\n", pieces.concat());
        if let Some(skimmed) = skim(body.as_bytes(), 0) {
            let (good, rest) = body.split_at(skimmed.bytes);
            proptest::prop_assert_eq!(skimmed.lines, good.matches('\n').count());
            proptest::prop_assert!(rest.is_empty() || !rest.starts_with([' ', '\n', '#']));
            let node = parsed(good);
            proptest::prop_assert!(node.is_some(), "{:?}", good);
            let node = node.unwrap();
            proptest::prop_assert_eq!(node.as_mapping().map(<[_]>::len), Some(1));
            proptest::prop_assert!(!has_doubles(&node), "{:?}", good);
            // With a key behind it, the parser ends the value where this does.
            let followed = parsed(&format!("{good}next: 1\n"));
            proptest::prop_assert!(followed.as_ref().and_then(|node| node.get("next")).is_some(), "{:?}", good);
            let same = followed.as_ref().and_then(|node| node.get("spec")).map(super::super::node::tests::values);
            proptest::prop_assert_eq!(same, node.get("spec").map(super::super::node::tests::values));
        }
    }
}
