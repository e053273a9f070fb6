//! Whatever the text, whatever the tree: an answer, and soon.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// Texts of small trees, most of which mean something.
pub(super) fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "true",
        "false",
        "null",
        "0",
        "1",
        "-1",
        "2u",
        "1.5",
        "''",
        "'a'",
        "b'a'",
        "image",
        "image.tag",
        "image.pinned",
        "x",
        "image.extra",
        "image.labels",
        "image.platforms",
        "image.vulnerabilities",
        "environment",
        "[]",
        "{}",
        "9223372036854775807",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(4, 40, 3, |part| {
        let operator =
            prop::sample::select(vec!["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "in"]);
        let macros = prop::sample::select(vec!["all", "exists", "exists_one", "map", "filter"]);
        let method = prop::sample::select(vec!["contains", "startsWith", "endsWith", "matches", "size"]);
        let function = prop::sample::select(vec![
            "size", "string", "int", "uint", "double", "bool", "bytes", "dyn", "type", "has", "!", "-",
        ]);
        prop_oneof![
            (part.clone(), operator, part.clone()).prop_map(|(a, operator, b)| format!("({a} {operator} {b})")),
            (part.clone(), macros, part.clone()).prop_map(|(a, name, b)| format!("{a}.{name}(x, {b})")),
            (part.clone(), method, part.clone()).prop_map(|(a, name, b)| format!("{a}.{name}({b})")),
            (function, part.clone()).prop_map(|(name, a)| format!("{name}({a})")),
            (part.clone(), part.clone(), part.clone()).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            (part.clone(), part.clone()).prop_map(|(a, b)| format!("[{a}, {b}]")),
            (part.clone(), part.clone()).prop_map(|(a, b)| format!("{{{a}: {b}}}")),
            (part.clone(), part.clone()).prop_map(|(a, b)| format!("{a}[{b}]")),
            part.prop_map(|a| format!("{a}.tag")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_taken_or_refused_soon(text in "\\PC{0,200}") {
        let start = Instant::now();
        let _ = compile(&text);
        prop_assert!(start.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn any_heap_of_signs_is_taken_or_refused_soon(
        signs in prop::collection::vec(prop::sample::select(vec![
            "(", ")", "[", "]", "{", "}", ".", ",", ":", "?", "!", "-", "+", "'", "\"", "'''", "\\", "r'", "b'", "//", "\n", " in ",
            "a", "1", "0x", "1u", "1e9", ".all(x,", "has(", "&&", "||", "==", "<", "image", "`", "@", "é", "true", "null",
        ]), 0..400),
    ) {
        let start = Instant::now();
        let _ = Expression::compile(&signs.concat(), &Shape::Any);
        prop_assert!(start.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn any_tree_is_refused_or_answers(text in expression()) {
        let input = Input::new(&image()).unwrap();
        for shape in [VARIABLES, Shape::Any] {
            match Expression::compile(&text, &shape) {
                Ok(expression) => {
                    let first = expression.holds(&input);
                    prop_assert_eq!(&first, &expression.holds(&input), "{}", text);
                }
                Err(error) => prop_assert!(!error.message.is_empty()),
            }
        }
    }

    #[test]
    fn knowing_the_variables_changes_no_answer(text in expression()) {
        let input = Input::new(&image()).unwrap();
        if let (Ok(knowing), Ok(unknowing)) = (compile(&text), Expression::compile(&text, &Shape::Any)) {
            prop_assert_eq!(knowing.holds(&input), unknowing.holds(&input), "{}", text);
        }
    }
}
