//! What is refused when a policy is loaded.

use super::*;

#[test]
fn unknown_names_are_refused_with_the_nearest_spelling_and_their_place() {
    let error = compile("true &&\n  imgae.tag == 'x'").unwrap_err();
    assert_eq!(error.message, "unknown variable `imgae`, did you mean `image`?");
    assert_eq!(error.at, Some((2, 3)));
    let error = compile("'é' == image.tga").unwrap_err();
    assert_eq!(error.message, "unknown field `tga`, did you mean `tag`?");
    assert_eq!(error.at, Some((1, 13)));
    for (text, expected) in [
        ("image['tga'] == 'x'", "unknown field `tga`, did you mean `tag`?"),
        ("has(image.tga)", "unknown field `tga`, did you mean `tag`?"),
        ("image.vulnerabilities.all(v, v.sore < 7.0)", "unknown field `sore`, did you mean `score`?"),
        ("image.vulnerabilities.filter(v, v.fixed).all(v, v.idd == '')", "unknown field `idd`, did you mean `id`?"),
        ("image.tag.startswith('v')", "unknown function `startswith`, did you mean `startsWith`?"),
        ("quite_another", "unknown variable `quite_another`"),
        ("image.tag.lowerAscii() == 'x'", "unknown function `lowerAscii`"),
        ("optional.of(1) == 1", "unknown function `of`"),
        ("v == 1 && image.vulnerabilities.all(v, true)", "unknown variable `v`"),
        (".image.pinned", "write `image` without its leading dot"),
        ("@result", "this is not CEL: token recognition error at: '@'"),
        ("@items([1]) == [1]", "this is not CEL: token recognition error at: '@'"),
    ] {
        assert_eq!(message(text), expected, "{text}");
    }
}

#[test]
fn a_result_that_is_visibly_no_bool_is_refused() {
    for (text, kind) in [
        ("'true'", "a string"),
        ("1", "an int"),
        ("1.5", "a double"),
        ("null", "null"),
        ("[true]", "a list"),
        ("{'a': true}", "a map"),
        ("1 + 2", "an int"),
        ("image.extra + image.extra", "no bool"),
        ("-image.extra", "no bool"),
        ("image", "a map"),
        ("image.tag", "a string"),
        ("image.labels", "a map"),
        ("image.labels['team']", "a string"),
        ("image.platforms[0]", "a string"),
        ("size(image.tag)", "an int"),
        ("string(true)", "a string"),
        ("type(true)", "a type"),
        ("b'a'", "bytes"),
        ("!!image.tag", "a string"),
        ("[1].map(x, true)", "a list"),
        ("image.platforms.filter(p, true)", "a list"),
        ("image.pinned ? 'yes' : 'no'", "a string"),
        ("image.pinned ? true : 'no'", "no bool"),
    ] {
        assert_eq!(message(text), format!("the result is {kind}, and a check is true or false"), "{text}");
    }
}

#[test]
fn what_may_be_a_bool_is_taken() {
    for text in [
        "true",
        "image.pinned",
        "image.extra",
        "image.extra.deep[0]['x']",
        "!image.pinned",
        "image.tag in ['a']",
        "has(image.tag)",
        "image.tag.matches('^v')",
        "matches(image.tag, '^v')",
        "image.platforms.exists_one(p, p == 'linux/amd64')",
        "image.pinned ? image.tag != '' : image.extra",
        "dyn(image.extra)",
        "dyn(true)",
        "bool('true')",
        "type(image.tag) == string",
        "image.age_hours < 2.5",
        "image.labels.all(key, key != image.tag)",
    ] {
        assert!(compile(text).is_ok(), "{text}: {}", message(text));
    }
}

#[test]
fn kinds_that_cannot_fit_are_refused() {
    for (text, expected) in [
        ("image.age_hours == '5'", "an int is compared with a string"),
        ("image.tag != 1", "a string is compared with an int"),
        ("image.platforms == 'linux/amd64'", "a list is compared with a string"),
        ("image.tag < 2", "a string is compared with an int"),
        ("image.tag && true", "`&&` takes true and false, not a string"),
        ("true || 1", "`||` takes true and false, not an int"),
        ("!image.tag", "`!` takes true and false, not a string"),
        ("image.tag ? true : false", "`?` takes true and false, not a string"),
        ("'x' in image.tag", "`in` looks into a list or a map, not into a string; a text has `contains`"),
        ("image.tag.all(c, c == 'x')", "a macro goes through a list or a map, not through a string"),
        ("image.platforms.all(p, p)", "`&&` takes true and false, not a string"),
        ("image.tag.length == 1", "`length` is asked of a string, which has no fields"),
        ("image.platforms['a'] == 'x'", "a list is indexed by a number, not by a string"),
        ("image.tag[0] == 'v'", "a string cannot be indexed"),
        ("image.age_hours.matches('5')", "`matches` is asked of an int, not of a string"),
        ("contains(image.tag, 'x')", "`contains` is written text.contains(part)"),
        ("size(1, 2) == 1", "`size` is written size(value) or value.size()"),
        ("image.platforms.all(p, p == '', true)", "`all` is written list.all(name, condition)"),
        ("a.b{c: 1} == 1", "there are no types to make values of"),
    ] {
        assert_eq!(message(text), expected, "{text}");
    }
}

#[test]
fn patterns_are_literals_that_compile() {
    assert!(
        message("image.tag.matches('(')").contains("is not a regular expression"),
        "{}",
        message("image.tag.matches('(')")
    );
    let expected = "the pattern of `matches` is a text written out, so that it is known when the policy is loaded";
    for text in ["image.tag.matches(image.repository)", "image.tag.matches('a' + 'b')", "image.tag.matches(1)"] {
        assert_eq!(message(text), expected, "{text}");
    }
    assert_eq!(message("image.tag.matches()"), "`matches` is written text.matches('pattern')");
    assert_eq!(message("matches('a')"), "`matches` is written text.matches('pattern')");
    assert!(message(r"image.tag.matches('\\w{500}')").contains("is too large a regular expression"));
    assert_eq!(compile("true && image.tag.matches('(')").unwrap_err().at, Some((1, 27)));
}

#[test]
fn macros_stand_two_deep_also_through_their_ranges() {
    let two = "image.vulnerabilities.filter(v, image.platforms.all(p, p != v.id)).size() == 0";
    assert!(compile(two).is_ok(), "{}", message(two));
    let expected = "macros such as `all` and `map` stand at most 2 deep";
    for text in [
        "[1].all(a, [1].all(b, [1].all(c, true)))",
        "[1].all(a, [1].all(b, [1].exists_one(c, true)))",
        "[1].map(a, a).filter(a, true).all(a, true)",
        "[[1].filter(c, true)].map(b, b).all(a, true)",
        "[1].all(a, [1].map(b, [1].map(c, c)) == [])",
    ] {
        assert_eq!(message(text), expected, "{text}");
    }
    // Beside one another is not within one another.
    assert!(compile("[1].all(a, true) && [1].all(a, true) && [1].all(a, true)").is_ok());
}

#[test]
fn text_and_tree_are_bounded() {
    let long = format!("true || '{}' == ''", "x".repeat(4096));
    assert_eq!(message(&long), "an expression has at most 4096 bytes, and this one has 4112");
    let many = format!("true{}", "||false".repeat(501));
    assert_eq!(message(&many), "the expression has more than 1000 parts");
    let fits = format!("true{}", "||false".repeat(499));
    assert!(compile(&fits).is_ok(), "{}", message(&fits));
    let deep = format!("1{} == 1", "+1".repeat(70));
    assert_eq!(message(&deep), "the expression is more than 64 operations deep");
}

#[test]
fn what_the_parser_says_is_kept_short() {
    let error = compile("image.pinned &&").unwrap_err();
    assert_eq!((error.message.as_str(), error.at), ("this is not CEL: mismatched input the end", Some((1, 16))));
    assert_eq!(message(""), "this is not CEL: mismatched input the end");
    assert_eq!(message("if"), "this is not CEL: reserved identifier: if");
    assert_eq!(message("image.?tag"), "this is not CEL: unsupported syntax '.?'");
    assert_eq!(message("has(1)"), "this is not CEL: invalid argument to has() macro");
}
