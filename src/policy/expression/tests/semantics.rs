//! What expressions mean, as `mod.rs` says it.

use super::super::LANGUAGE;
use super::*;

fn failure(text: &str) -> String {
    ask(text, &image()).map_or_else(|error| error.to_string(), |value| format!("{text} is {value}"))
}

fn holds(text: &str) -> bool {
    ask(text, &image()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn what_is_missing_is_an_error_unless_asked_for() {
    assert_eq!(failure("image.digest == ''"), "the expression failed: there is no `digest`");
    assert_eq!(failure("other.x"), "the expression failed: there is no `other`");
    assert!(!holds("has(image.digest)"));
    assert!(holds("has(image.tag)"));
    assert_eq!(failure("has(image.digest.x)"), "the expression failed: there is no `digest`");
    assert!(!holds("has(image.digest) && image.digest == ''"));
    let compiled = compile("environment == 'production'").unwrap();
    assert!(compiled.holds(&Input::new(&json!({})).unwrap()).is_err());
}

#[test]
fn null_is_a_value() {
    assert!(holds("has(image.vulnerabilities[1].fixed)"));
    assert!(holds("image.vulnerabilities[1].fixed == null"));
    assert!(holds("image.vulnerabilities[1].fixed != true"));
    assert_eq!(
        failure("image.vulnerabilities[1].fixed"),
        "the expression gave a value of kind null_type, not true or false"
    );
    assert_eq!(
        failure("image.vulnerabilities[1].fixed < 1"),
        "the expression failed: `<` does not take null_type and int"
    );
}

#[test]
fn numbers_compare_by_value_and_do_not_mix_in_arithmetic() {
    let input = json!({"i": 1, "u": u64::MAX, "d": 1.0, "f": 2.5});
    for text in ["i == d", "i == 1u", "u > i", "f > i", "1u < 2", "d == 1", "u == 18446744073709551615u", "i in [1.0]"]
    {
        assert_eq!(ask(text, &input), Ok(true), "{text}");
    }
    for text in ["i + d == 2.0", "u + 1u > 0u", "i / 0 == 1", "9223372036854775807 + i > 0", "u + i > 0u"] {
        assert!(ask(text, &input).is_err(), "{text}");
    }
    assert_eq!(failure("1 / (1 - 1) == 1"), "the expression failed: division by zero");
    assert_eq!(failure("9223372036854775807 + 1 == 1"), "the expression failed: a number is too large");
}

#[test]
fn kinds_differ_without_being_an_error_until_they_are_ordered() {
    assert!(!holds("image.extra.n == 'x'"));
    assert!(holds("image.extra.n != 'x'"));
    assert_eq!(failure("image.extra.n < 'x'"), "the expression failed: `<` does not take int and string");
    assert_eq!(
        failure("image.extra.n.startsWith('x')"),
        "the expression failed: `startsWith` does not take int and string"
    );
    assert_eq!(failure("image.extra.n.matches('x')"), "the expression failed: `matches` does not take int and string");
}

#[test]
fn in_looks_for_elements_and_keys() {
    assert!(holds("'linux/arm64' in image.platforms"));
    assert!(holds("'team' in image.labels"));
    assert!(!holds("'shop' in image.labels"));
    assert!(ask("'a' in image.tag", &image()).is_err());
}

#[test]
fn logic_takes_an_error_for_unknown() {
    for (text, expected) in [
        ("image.x || true", Some(true)),
        ("true || image.x", Some(true)),
        ("image.x && false", Some(false)),
        ("false && image.x", Some(false)),
        ("image.x || false", None),
        ("false || image.x", None),
        ("image.x && true", None),
        ("!(image.x)", None),
        ("image.x ? true : true", None),
        ("[1, 0].exists(i, 1 / i == 1)", Some(true)),
        ("[0, 1].exists(i, 1 / i == 1)", Some(true)),
        ("[0, 1].all(i, 1 / i == 1)", None),
        ("[0, 2].all(i, 1 / i == 1)", Some(false)),
        ("[0, 1].exists_one(i, 1 / i == 1)", None),
    ] {
        assert_eq!(ask(text, &image()).ok(), expected, "{text}");
    }
}

#[test]
fn patterns_are_found_anywhere() {
    assert!(holds("image.tag.matches('[.]4[.]')"));
    assert!(!holds("image.tag.matches('^4')"));
    assert!(holds("matches(image.tag, '^v1') && image.repository.matches('api$')"));
    assert!(holds("image.platforms.all(p, p.matches('^linux/(amd64|arm64)$'))"));
}

#[test]
fn macros_go_through_keys_in_order() {
    let keys: Vec<String> = (0..50).map(|n| format!("k{n:02}")).collect();
    let table: serde_json::Map<String, Value> = keys.iter().rev().map(|key| (key.clone(), json!(1))).collect();
    let input = json!({"table": table, "keys": keys});
    assert_eq!(ask("table.map(k, k) == keys && table.filter(k, true) == keys", &input), Ok(true));
    assert_eq!(ask("{3: 1, 1: 1, 2: 1}.map(k, k) == [1, 2, 3]", &input), Ok(true));
}

#[test]
fn a_macro_can_name_its_item_like_anything() {
    assert!(holds("image.platforms.all(image, image.startsWith('linux/'))"));
    assert!(holds("[[1, 2], [3]].all(x, x.all(x, x > 0))"));
}

#[test]
fn what_is_found_to_be_no_bool_only_when_evaluated_denies() {
    assert_eq!(failure("image.tag"), "the expression gave a value of kind string, not true or false");
    assert_eq!(failure("image"), "the expression gave a value of kind map, not true or false");
}

#[test]
fn an_expression_may_span_lines_and_have_comments() {
    assert!(holds("// the shop's own\nimage.repository.startsWith('shop/')\n  && image.pinned"));
}

#[test]
fn every_example_of_the_help_is_true() {
    let (mut examples, mut prose) = (0, Vec::new());
    for line in LANGUAGE.lines().filter(|line| line.starts_with("  ")) {
        // A line begins with its heading, of one word.
        for part in line[13..].split("    ").map(str::trim) {
            let Ok(expression) = Expression::compile(part, &Shape::Object(&[])) else {
                prose.push(part);
                continue;
            };
            assert_eq!(expression.holds(&Input::new(&json!({})).unwrap()), Ok(true), "{part}");
            examples += 1;
        }
    }
    assert_eq!(examples, 48);
    assert_eq!(
        prose,
        [
            "numbers by value, texts and lists by content",
            "an error beside `|| true` or `&& false` is lost",
            "a field that may be missing: has(a.b) && a.b == 'x'",
            "written out, RE2 syntax, found anywhere unless anchored",
            "macros go through the keys",
        ]
    );
    assert!(LANGUAGE.lines().count() <= 25 && LANGUAGE.lines().all(|line| line.chars().count() <= 130));
}

#[test]
fn every_function_of_the_help_is_one_and_the_other_way_round() {
    for name in [
        "contains",
        "endsWith",
        "startsWith",
        "size",
        "bool",
        "bytes",
        "double",
        "int",
        "string",
        "type",
        "uint",
        "dyn",
        "matches",
        "all",
        "exists",
        "exists_one",
        "filter",
        "has",
        "map",
    ] {
        assert!(LANGUAGE.contains(&format!("{name}(")), "{name}");
    }
}
