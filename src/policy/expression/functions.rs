//! The functions and operators there are.

use cel::common::ast::operators;

use super::shape::{Form, Kind};

/// The function whose pattern is compiled beforehand.
pub(super) const MATCHES: &str = "matches";

/// As similar as a spelling must be to be suggested.
const ALIKE: f64 = 0.85;

struct Function {
    name: &'static str,
    usage: &'static str,
    /// How many arguments `x.name()` takes; `None` where that is not to be written.
    of_a_value: Option<usize>,
    /// How many arguments `name(x)` takes.
    alone: Option<usize>,
    result: Form<'static>,
}

const fn method(name: &'static str, usage: &'static str) -> Function {
    Function { name, usage, of_a_value: Some(1), alone: None, result: Form::Kind(Kind::Bool) }
}

const fn conversion(name: &'static str, usage: &'static str, kind: Kind) -> Function {
    Function { name, usage, of_a_value: None, alone: Some(1), result: Form::Kind(kind) }
}

/// A name that only means something in the form shown, which the parser has already taken.
const fn macro_only(name: &'static str, usage: &'static str) -> Function {
    Function { name, usage, of_a_value: None, alone: None, result: Form::Unknown }
}

const FUNCTIONS: [Function; 19] = [
    method("contains", "text.contains(part)"),
    method("endsWith", "text.endsWith(part)"),
    method("startsWith", "text.startsWith(part)"),
    Function {
        name: "size",
        usage: "size(value) or value.size()",
        of_a_value: Some(0),
        alone: Some(1),
        result: Form::Kind(Kind::Int),
    },
    conversion("bool", "bool(text)", Kind::Bool),
    conversion("bytes", "bytes(text)", Kind::Bytes),
    conversion("double", "double(value)", Kind::Double),
    conversion("int", "int(value)", Kind::Int),
    conversion("string", "string(value)", Kind::String),
    conversion("type", "type(value)", Kind::Type),
    conversion("uint", "uint(value)", Kind::Int),
    Function { name: "dyn", usage: "dyn(value)", of_a_value: None, alone: Some(1), result: Form::Unknown },
    macro_only(MATCHES, "text.matches('pattern')"),
    macro_only("all", "list.all(name, condition)"),
    macro_only("exists", "list.exists(name, condition)"),
    macro_only("exists_one", "list.exists_one(name, condition)"),
    macro_only("filter", "list.filter(name, condition)"),
    macro_only("has", "has(value.field)"),
    macro_only("map", "list.map(name, value) or list.map(name, condition, value)"),
];

/// What a call gives, or why there is no such call.
pub(super) fn result(name: &str, of_a_value: bool, arguments: usize) -> Result<Form<'static>, String> {
    let Some(function) = FUNCTIONS.iter().find(|function| function.name == name) else {
        let name = name.trim_start_matches('.');
        return Err(format!("unknown function `{name}`{}", nearest(name, FUNCTIONS.iter().map(|known| known.name))));
    };
    let taken = if of_a_value { function.of_a_value } else { function.alone };
    if taken == Some(arguments) { Ok(function.result) } else { Err(wrong_use(name)) }
}

/// Says how a known function is written.
pub(super) fn wrong_use(name: &str) -> String {
    let usage = FUNCTIONS.iter().find(|function| function.name == name).map_or(name, |function| function.usage);
    format!("`{name}` is written {usage}")
}

/// Suggests the nearest known spelling, if any comes near.
pub(super) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> String {
    let likeness = |known: &str| strsim::jaro_winkler(name, known);
    let alike = |known: &&str| strsim::damerau_levenshtein(name, known) <= 2 || likeness(known) >= ALIKE;
    let best = known.filter(alike).max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    best.map(|best| format!(", did you mean `{best}`?")).unwrap_or_default()
}

/// No function can be spelled like an operator in the tree.
pub(super) fn is_operator(name: &str) -> bool {
    !name.trim_start_matches('.').starts_with(|start: char| start.is_ascii_alphabetic())
}

/// Tells whether an operator compares.
pub(super) fn is_comparison(name: &str) -> bool {
    use operators::{EQUALS, GREATER, GREATER_EQUALS, LESS, LESS_EQUALS, NOT_EQUALS};
    [EQUALS, GREATER, GREATER_EQUALS, LESS, LESS_EQUALS, NOT_EQUALS].contains(&name)
}

/// Tells whether an operator computes a number; `+` does more than that.
pub(super) fn is_arithmetic(name: &str) -> bool {
    use operators::{DIVIDE, MODULO, MULTIPLY, NEGATE, SUBSTRACT};
    [DIVIDE, MODULO, MULTIPLY, NEGATE, SUBSTRACT].contains(&name)
}
