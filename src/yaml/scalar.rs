//! What a scalar means: the two readings kustomize has, neither of them YAML 1.2's.

use std::borrow::Cow;

use super::timestamp::timestamp;
use super::{Scalar, Style};

/// What a scalar is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScalarKind {
    /// Text.
    Str,
    /// A truth value.
    Bool,
    /// An integer or a floating point number.
    Number,
    /// Nothing.
    Null,
    /// A date, with or without a time.
    Timestamp,
}

impl ScalarKind {
    /// Returns the word for messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Str => "string",
            Self::Bool => "bool",
            Self::Number => "number",
            Self::Null => "null",
            Self::Timestamp => "timestamp",
        }
    }
}

/// Reads a scalar of a `kustomization.yaml`: YAML 1.1, where `yes`, `on` and `y` are bools too.
#[must_use]
pub fn resolve_kustomization_scalar(scalar: &Scalar) -> ScalarKind {
    const OLD_BOOLS: [&str; 16] =
        ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF"];
    match resolve_resource_scalar(scalar) {
        ScalarKind::Str if may_be_typed(scalar) && OLD_BOOLS.contains(&&*scalar.text) => ScalarKind::Bool,
        kind => kind,
    }
}

/// Reads a scalar of a resource as go-yaml v3 does: `yes` is text, `1_000`, `0777` and `1e3` are numbers.
#[must_use]
pub fn resolve_resource_scalar(scalar: &Scalar) -> ScalarKind {
    if !may_be_typed(scalar) {
        return ScalarKind::Str;
    }
    match &*scalar.text {
        "" | "~" | "null" | "Null" | "NULL" => ScalarKind::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => ScalarKind::Bool,
        text if not_finite(text) => ScalarKind::Number,
        text if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => ScalarKind::Str,
        text if timestamp(text).is_some() => ScalarKind::Timestamp,
        text if number(text).is_some() => ScalarKind::Number,
        _ => ScalarKind::Str,
    }
}

/// Prints a scalar of a resource as kustomize does at the end of a build: `1.10` as `1.1`, `0777` as `511`.
///
/// `None` for what kustomize cannot print: infinities and not-a-number.
#[must_use]
pub fn print_resource_scalar(scalar: &Scalar) -> Option<Cow<'_, str>> {
    let text = &*scalar.text;
    match resolve_resource_scalar(scalar) {
        ScalarKind::Str => Some(Cow::Borrowed(text)),
        ScalarKind::Null => Some(Cow::Borrowed("null")),
        ScalarKind::Bool => Some(Cow::Owned(text.to_ascii_lowercase())),
        ScalarKind::Timestamp => timestamp(text).map(Cow::Owned),
        ScalarKind::Number => number(text).map(Cow::Owned),
    }
}

fn may_be_typed(scalar: &Scalar) -> bool {
    let tagged_as_text = scalar
        .tag
        .as_deref()
        .is_some_and(|tag| tag == "tag:yaml.org,2002:str" || tag == "!" || tag == "tag:yaml.org,2002:binary");
    scalar.style == Style::Plain && !tagged_as_text
}

fn not_finite(text: &str) -> bool {
    matches!(text, ".nan" | ".NaN" | ".NAN")
        || matches!(text.strip_prefix(['+', '-']).unwrap_or(text), ".inf" | ".Inf" | ".INF")
}

/// The decimal form of a number go-yaml would read, or `None` for text that is none.
fn number(text: &str) -> Option<String> {
    let plain = text.replace('_', "");
    integer(&plain).or_else(|| {
        let is_float = has_float_shape(&plain) && (!text.starts_with('.') || plain == text);
        let value: f64 = is_float.then(|| plain.parse().ok()).flatten()?;
        value.is_finite().then(|| print_float(value))
    })
}

/// Go's `strconv.ParseInt(text, 0, 64)`, then `ParseUint`.
fn integer(text: &str) -> Option<String> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, &lower[..]),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    match (negative, text.starts_with('+')) {
        (true, _) => (magnitude <= 1 << 63).then(|| (-i128::from(magnitude)).to_string()),
        (false, true) => i64::try_from(magnitude).ok().map(|value| value.to_string()),
        (false, false) => Some(magnitude.to_string()),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn has_float_shape(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    mantissa_fits && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}

/// Go's `encoding/json` form: an exponent only below 1e-6 and from 1e21.
fn print_float(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return if value == 0.0 { "0".to_owned() } else { value.to_string() };
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) if !exponent.starts_with('-') => format!("{mantissa}e+{exponent}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Scalar {
        Scalar { text: text.into(), style: Style::Plain, tag: None }
    }

    #[test]
    fn numbers_are_printed_as_kustomize_prints_them() {
        for (written, printed) in [
            ("0777", "511"),
            ("0123456", "42798"),
            ("0o17", "15"),
            ("08", "8"),
            ("0x1F", "31"),
            ("0b101", "5"),
            ("1_000", "1000"),
            ("1e3", "1000"),
            ("12e03", "12000"),
            ("1234567e8", "123456700000000"),
            ("1.10", "1.1"),
            ("1.", "1"),
            (".5", "0.5"),
            ("+1", "1"),
            ("-7", "-7"),
            ("1e21", "1e+21"),
            ("True", "true"),
            ("~", "null"),
            ("2001-01-01", "2001-01-01T00:00:00Z"),
        ] {
            assert_eq!(print_resource_scalar(&plain(written)).as_deref(), Some(printed), "{written}");
        }
        assert_eq!(print_resource_scalar(&plain(".inf")), None);
        assert_eq!(print_resource_scalar(&plain(".NaN")), None);
    }

    #[test]
    fn tags_that_only_look_like_numbers_stay_text() {
        for text in [
            "1e400",
            "0o8",
            "3.0e",
            "1e3.",
            "1,000",
            "0.10.0",
            "v1.2",
            "=",
            ".",
            "190:20:30",
            "1:30",
            "abc1234",
            "-",
            "+",
            "0x",
            "1e",
            "e5",
        ] {
            assert_eq!(resolve_kustomization_scalar(&plain(text)), ScalarKind::Str, "{text}");
            assert_eq!(print_resource_scalar(&plain(text)).as_deref(), Some(text));
        }
    }

    #[test]
    fn yes_is_a_bool_in_kustomizations_only() {
        for text in ["yes", "no", "on", "off", "y", "n", "NO"] {
            assert_eq!(resolve_kustomization_scalar(&plain(text)), ScalarKind::Bool, "{text}");
            assert_eq!(resolve_resource_scalar(&plain(text)), ScalarKind::Str, "{text}");
        }
    }

    #[test]
    fn quotes_and_the_str_tag_make_text() {
        let quoted = Scalar { style: Style::SingleQuoted, ..plain("1.10") };
        let tagged = Scalar { tag: Some("tag:yaml.org,2002:str".into()), ..plain("yes") };
        assert_eq!(print_resource_scalar(&quoted).as_deref(), Some("1.10"));
        assert_eq!(resolve_kustomization_scalar(&tagged), ScalarKind::Str);
    }
}
