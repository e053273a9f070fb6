//! What every part promises.

mod hostile;
mod load;
mod property;
mod semantics;
mod speed;

use serde_json::{Value, json};

use super::{Expression, Input, InvalidExpression, Kind, Shape, Unevaluated};

const IMAGE: Shape = Shape::Object(&[
    ("repository", Shape::Leaf(Kind::String)),
    ("tag", Shape::Leaf(Kind::String)),
    ("pinned", Shape::Leaf(Kind::Bool)),
    ("age_hours", Shape::Leaf(Kind::Int)),
    ("labels", Shape::Map(&Shape::Leaf(Kind::String))),
    ("platforms", Shape::List(&Shape::Leaf(Kind::String))),
    ("vulnerabilities", Shape::List(&VULNERABILITY)),
    ("extra", Shape::Any),
]);

const VULNERABILITY: Shape =
    Shape::Object(&[("id", Shape::Leaf(Kind::String)), ("score", Shape::Leaf(Kind::Double)), ("fixed", Shape::Any)]);

const VARIABLES: Shape = Shape::Object(&[("image", IMAGE), ("environment", Shape::Leaf(Kind::String))]);

fn image() -> Value {
    json!({
        "environment": "production",
        "image": {
            "repository": "shop/api", "tag": "v1.4.2", "pinned": true, "age_hours": 5,
            "labels": {"team": "shop", "tier": "1"}, "platforms": ["linux/amd64", "linux/arm64"],
            "vulnerabilities": [{"id": "CVE-1", "score": 9.8, "fixed": true}, {"id": "CVE-2", "score": 4, "fixed": null}],
            "extra": {"n": 1, "deep": {"list": [1, 2.5, "x", null]}},
        },
    })
}

fn compile(text: &str) -> Result<Expression, InvalidExpression> {
    Expression::compile(text, &VARIABLES)
}

/// Evaluates without any knowledge of the variables.
fn ask(text: &str, input: &Value) -> Result<bool, Unevaluated> {
    Expression::compile(text, &Shape::Any).unwrap_or_else(|e| panic!("{text}: {e:?}")).holds(&Input::new(input)?)
}

fn message(text: &str) -> String {
    compile(text).map(|_| format!("`{text}` was taken")).unwrap_or_else(|error| error.message)
}

#[test]
fn an_expression_can_be_shared_among_threads() {
    fn shared<T: Send + Sync + Clone + std::fmt::Debug + 'static>(_: &T) {}
    let expression = compile("image.pinned").unwrap();
    shared(&expression);
    shared(&Input::new(&image()).unwrap());
    assert_eq!(
        (expression.text(), format!("{expression:?}")),
        ("image.pinned", r#"Expression("image.pinned")"#.to_owned())
    );
}
