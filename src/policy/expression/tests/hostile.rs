//! Texts and inputs meant to do harm.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::super::run::{MOST_ABANDONED, within};
use super::*;

/// Generous, since tests are not optimised and share the machine.
const SOON: Duration = Duration::from_secs(2);

fn refused_soon(text: &str) -> String {
    let start = Instant::now();
    let error = Expression::compile(text, &Shape::Any).expect_err("a hostile text");
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    error.message
}

#[test]
fn brackets_without_end_are_refused() {
    for bracket in ["(", "[", "{", "!(", "-(", "f(", "[[", "{1:", "a[", "a.b(", "x.all(a,", "A{b:", "''((", "'\\q'("] {
        for count in [33, 100, 1000, 100_000] {
            let text = bracket.repeat(count);
            let message = refused_soon(&text);
            assert!(!message.is_empty(), "{bracket}");
            refused_soon(&text[..text.len().min(4096)]);
        }
    }
    let error = Expression::compile(&format!("'(((' ==\n{}", "(".repeat(40)), &Shape::Any).unwrap_err();
    assert_eq!((error.message.as_str(), error.at), ("brackets nest at most 32 deep", Some((2, 33))));
}

#[test]
fn brackets_in_texts_and_comments_do_not_count() {
    let many = "(".repeat(100);
    for text in [
        format!("'{many}' != ''"),
        format!("\"\\\"{many}\" != ''"),
        format!("'''{many}'{many}''' != ''"),
        format!("r'\\' != '{many}'"),
        format!("true // {many}"),
        format!("true // '\n && '{many}' != ''"),
    ] {
        assert!(Expression::compile(&text, &Shape::Any).is_ok(), "{text}");
    }
}

#[test]
fn chains_without_end_are_refused() {
    for (start, link, end) in [
        ("a", ".b", " == 1"),
        ("a", ".b()", ""),
        ("a", "[0]", " == 1"),
        ("1", "+1", " == 1"),
        ("1", "*1", " == 1"),
        ("1", "==1", ""),
        ("a", "<a", ""),
        ("a", " in a", ""),
        ("", "a?b:", "c"),
        ("", "true?", "true"),
        ("", "!(", "true"),
        ("a", "||a.b", "||"),
        ("", "a ", ""),
        ("", "'\\x'", ""),
        ("", "`", ""),
        ("", "\"", ""),
        ("", "é", ""),
        ("", "\0", ""),
        ("", "-", "x"),
    ] {
        let links = (4096 - start.len() - end.len()) / link.len();
        refused_soon(&format!("{start}{}{end}", link.repeat(links)));
    }
    // An even number of `!` is none.
    assert_eq!(ask(&format!("{}true", "!".repeat(4090)), &json!({})), Ok(true));
    assert_eq!(ask(&format!("{}true", "!".repeat(4091)), &json!({})), Ok(false));
}

#[test]
fn the_deepest_that_is_taken_can_be_evaluated_on_a_small_stack() {
    let deepest = [
        format!("1{} > 0", "+1".repeat(61)),
        format!("{}true{}", "(true?!(false)&&(".repeat(10), "):false)".repeat(10)),
        format!("{}1{} == 0", "size([".repeat(15), "])".repeat(15)),
        format!("{}true", "true?true:".repeat(60)),
        format!("[1].all(x, [1].all(y, 1{} > 0))", "+x".repeat(50)),
    ];
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    let evaluate = move || deepest.map(|text| ask(&text, &json!({})).is_ok());
    assert_eq!(thread.spawn(evaluate).unwrap().join().unwrap()[0..2], [true, true]);
}

#[test]
fn inputs_are_bounded() {
    let refusal = |value: &Value| Input::new(value).map(|_| ()).unwrap_err().to_string();
    assert_eq!(refusal(&json!([])), "the input of the expression is not an object of variables");
    assert_eq!(
        refusal(&json!({"a": vec![0; 20_001]})),
        "the input of the expression has more than 20000 values and keys"
    );
    let text = "x".repeat((1 << 20) + 1);
    assert_eq!(refusal(&json!({ "a": text })), "the input of the expression has more than 1048576 bytes of text");
    let deep = (0..100).fold(json!(1), |value, _| json!([value]));
    assert_eq!(refusal(&json!({ "a": deep })), "the input of the expression is more than 64 levels deep");
    for name in ["a.b", "", "@pattern0", "1", "a b", "é"] {
        assert!(refusal(&json!({ name: 1 })).contains("whose name is not"), "{name}");
    }
    assert!(Input::new(&json!({"a": vec![0; 19_000], "b": "x".repeat(1 << 19)})).is_ok());
}

#[test]
fn what_grows_too_large_is_not_even_begun() {
    let items = json!({"items": vec!["x".repeat(100); 5000]});
    let ten = |text: &str| [text; 10].join(", ");
    for text in [
        // Copies of the whole for each of its elements.
        "items.map(a, items).size() == 1".to_owned(),
        "items.map(a, items.map(b, items)).size() == 1".to_owned(),
        "items.map(a, items.map(b, a + b)) == []".to_owned(),
        format!("[{}].map(x, [{}]) == []", ten(&format!("[{}]", ten("items"))), ten("items")),
        // Doubling, line by line.
        format!("items{} == []", "+items".repeat(60)),
    ] {
        let start = Instant::now();
        assert_eq!(ask(&text, &items), Err(Unevaluated::Costly), "{text}");
        assert!(start.elapsed() < SOON);
    }
    // Texts double with each macro, and there are two at most.
    let doubling = "['aaaaaaaaaa'].map(a, a+a+a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a+a+a)[0].size() == 1000";
    assert_eq!(ask(doubling, &json!({})), Ok(true));
}

#[test]
fn what_takes_too_long_ends_at_the_deadline() {
    let input = Input::new(&json!({"a": vec!["x"; 1000], "b": vec!["y"; 1000]})).unwrap();
    let expression = Expression::compile("a.all(x, b.all(y, x != y))", &Shape::Any).unwrap();
    let start = Instant::now();
    assert_eq!(expression.holds(&input), Err(Unevaluated::Deadline));
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

#[test]
fn abandoned_threads_are_counted_and_bounded() {
    static ABANDONED: AtomicUsize = AtomicUsize::new(0);
    let release = std::sync::Arc::new(std::sync::Mutex::new(()));
    let held = release.lock().unwrap();
    let wait = || {
        let release = release.clone();
        move || {
            let _unused = release.lock();
            Ok(true)
        }
    };
    for count in 1..=MOST_ABANDONED {
        assert_eq!(within(Duration::from_millis(1), &ABANDONED, wait()), Err(Unevaluated::Deadline));
        assert_eq!(ABANDONED.load(Ordering::SeqCst), count);
    }
    let start = Instant::now();
    assert_eq!(within(Duration::from_secs(60), &ABANDONED, || Ok(true)), Err(Unevaluated::Deadline));
    assert!(start.elapsed() < SOON, "answered at once");
    drop(held);
    while ABANDONED.load(Ordering::SeqCst) > 0 && start.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(within(Duration::from_secs(60), &ABANDONED, || Ok(true)), Ok(true));
    assert_eq!(ABANDONED.load(Ordering::SeqCst), 0);
}

#[test]
fn a_message_does_not_grow_with_the_input() {
    let input = json!({"text": "é".repeat(100_000), "items": vec![1; 10_000]});
    for text in [
        "text - 1 == 1",
        "items - items == 1",
        "{'a': 1}[text] == 1",
        "int(text) == 1",
        "items[1.5] == 1",
        "-text == 'a'",
    ] {
        let error = ask(text, &input).unwrap_err().to_string();
        assert!(error.len() < 300, "{text}: {} bytes", error.len());
    }
}
