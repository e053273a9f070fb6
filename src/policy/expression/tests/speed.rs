//! How long evaluations take, beside how long they were thought to take.

use std::hint::black_box;
use std::time::Instant;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::super::cost::cost;
use super::super::guard;
use super::*;

/// Expressions of a usual policy.
const USUAL: [&str; 6] = [
    "image.pinned",
    "image.repository.startsWith('shop/')",
    "image.tag.matches('^v?[0-9]+[.][0-9]+[.][0-9]+$')",
    "has(image.labels.team) && image.labels.team in ['shop', 'pay'] && image.age_hours >= 1",
    "image.vulnerabilities.all(v, v.score < 9.9 || v.fixed == null)",
    "environment != 'production' || image.platforms.exists(p, p == 'linux/amd64')",
];

/// The mean over many runs, in nanoseconds.
#[expect(clippy::cast_precision_loss, reason = "a mean of some thousands")]
fn mean(count: u32, mut work: impl FnMut()) -> f64 {
    work();
    let start = Instant::now();
    (0..count).for_each(|_| work());
    start.elapsed().as_nanos() as f64 / f64::from(count)
}

#[test]
fn usual_expressions_are_evaluated_at_once() {
    let input = Input::new(&image()).unwrap();
    for text in USUAL {
        let compiled = guard::compile(text, &VARIABLES).map_err(|error| error.message).unwrap();
        let bound = cost(&compiled, &input);
        assert!(bound.time < 2e6 && compiled.depth < 12, "{text}: {bound:?}, {} deep", compiled.depth);
        assert_eq!(compile(text).unwrap().holds(&input), Ok(true), "{text}");
    }
}

#[test]
fn a_bound_grows_with_the_input_and_not_with_its_square() {
    let bound = |text: &str, count: usize| {
        let input = Input::new(&json!({"items": vec![json!({"id": "CVE-1", "parts": ["a", "b"]}); count]})).unwrap();
        cost(&guard::compile(text, &Shape::Any).map_err(|error| error.message).unwrap(), &input).time
    };
    for text in [
        "items.all(x, x.id != '')",
        "items.exists(x, x.parts.exists(y, y == 'c'))",
        "items.map(x, [x.id, x.parts]).size() == 0",
        "items.filter(x, x.id.contains('-')).size() == 0",
        // A number copies what it is compared with, and a list what it cannot find, into an error.
        "0 == items",
        "items in [1, 2]",
        "items[1.5] == 1",
    ] {
        let (few, many) = (bound(text, 100), bound(text, 1000));
        assert!(many / few > 8.0 && many / few < 12.0, "{text}: {few} {many}");
    }
    let (few, many) = (
        bound("items.all(x, items.all(y, x.id != y.id))", 100),
        bound("items.all(x, items.all(y, x.id != y.id))", 1000),
    );
    assert!(many / few > 80.0, "{few} {many}");
}

/// `cargo test --release -- --ignored --nocapture nanoseconds`
#[test]
#[ignore = "a measurement"]
#[expect(clippy::print_stdout, reason = "it is there to be read")]
fn nanoseconds_per_evaluation() {
    let value = image();
    println!("{:>10.0} ns to ready an input", mean(20_000, || drop(black_box(Input::new(black_box(&value))))));
    let large = json!({"items": vec![json!({"id": "CVE-2024-12345", "score": 7.5, "n": 1}); 2000], "text": "v1.4.2-".repeat(40_000)});
    let keys: Value = (0..9000).map(|n| (format!("key{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
    let large_keys = json!({ "table": keys });
    let heavy = [
        ("items.all(x, x.id != 'a')", &large),
        ("items.all(x, x.id.startsWith('CVE') && x.score < 9.0 && x.n == 1 && !(x.id in ['a', 'b']))", &large),
        ("items.map(x, x).size() == 2000 && items == items", &large),
        ("items.filter(x, x.n - 'a' == 1).size() == 1", &large),
        ("text.contains('zzz') || text + text != text", &large),
        ("text.matches('(v|1)+[.](4|2)+-$')", &large),
        ("text.matches('(.*a.*b.*c.*|.*x.*y.*z){3}')", &large),
        ("items.exists(x, items - 1 == x)", &json!({"items": vec![json!({"id": "CVE-2024-12345"}); 100]})),
        ("table.all(k, k in table && table[k] >= 0)", &large_keys),
    ];
    let usual = USUAL.map(|text| (text, &value));
    for (text, value) in usual.into_iter().chain(heavy) {
        let input = Input::new(value).unwrap();
        let compiled = std::sync::Arc::new(guard::compile(text, &Shape::Any).map_err(|error| error.message).unwrap());
        let bound = cost(&compiled, &input);
        let count = if bound.time < 2e6 { 20_000 } else { 5 };
        let bounding = mean(count, || {
            black_box(cost(black_box(&compiled), &input));
        });
        let mut last = Ok(true);
        let all = mean(count, || last = black_box(super::super::run::holds(&compiled, &input)));
        println!(
            "{all:>10.0} ns (bounding {bounding:.0} of it; bound {:.0} ns, {:.0} bytes) {last:?} {text}",
            bound.time, bound.held
        );
    }
}

/// `cargo test --release -- --ignored --nocapture bound`
#[test]
#[ignore = "only an optimised program keeps its bounds"]
#[expect(clippy::print_stdout, reason = "it is there to be read")]
fn no_evaluation_takes_longer_than_its_bound() {
    let mut value = image();
    let fields = value["image"].as_object_mut().unwrap();
    let vulnerability = json!({"id": "CVE-1", "score": 9.8, "fixed": true});
    fields.insert("vulnerabilities".to_owned(), vec![vulnerability; 300].into());
    fields.insert("platforms".to_owned(), vec!["linux/amd64".repeat(20); 100].into());
    let labels: serde_json::Map<_, _> = (0..200).map(|n| (format!("label{n}"), json!("x".repeat(n)))).collect();
    fields.insert("labels".to_owned(), labels.into());
    let input = Input::new(&value).unwrap();
    let worst = std::cell::Cell::new(0.0_f64);
    let config = ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() };
    let run = TestRunner::new(config).run(&super::property::expression(), |text| {
        let Ok(compiled) = guard::compile(&text, &Shape::Any).map(std::sync::Arc::new) else { return Ok(()) };
        let bound = cost(&compiled, &input);
        // Those on a thread also pay for starting it.
        if bound.time < 4e6 {
            let mut run = || drop(black_box(super::super::run::holds(&compiled, &input)));
            let taken = (0..3).map(|_| mean(1, &mut run)).fold(f64::INFINITY, f64::min);
            let here = taken / (bound.time + 1_000.0);
            if here > worst.get() {
                worst.set(here);
                println!("{here:.2}: {taken} of {} ns: {text}", bound.time);
            }
            prop_assert!(here <= 1.0, "{taken} of {} ns: {text}", bound.time);
        }
        Ok(())
    });
    assert_eq!(run, Ok(()));
}
