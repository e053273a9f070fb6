//! Patterns of `matches`, compiled when the policy is loaded.

use cel::common::types::{DYN_TYPE, Type};
use cel::common::value::{StaticVal, Val};
use regex::{Regex, RegexBuilder};

/// What the variable that stands for a pattern begins with; no expression can spell it.
pub(super) const PREFIX: &str = "@pattern";

/// Bounds on a compiled pattern in bytes, and what a byte of text then takes at the very most, in nanoseconds: each byte may have to
/// be tried against every state.
const SIZES: [(usize, f64); 3] = [(1 << 14, 1_500.0), (1 << 17, 12_000.0), (1 << 20, 100_000.0)];

/// A compiled pattern; a value, so that an expression can refer to it.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    pub(super) regex: Regex,
    /// Nanoseconds for a byte of text at the very most.
    pub(super) cost: f64,
}

impl Pattern {
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        for (size, cost) in SIZES {
            match RegexBuilder::new(text).size_limit(size).dfa_size_limit(SIZES[2].0).build() {
                Ok(regex) => return Ok(Self { regex, cost }),
                Err(regex::Error::CompiledTooBig(_)) => {}
                Err(error) => {
                    let reason = error.to_string();
                    let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
                    return Err(format!("`{text}` is not a regular expression: {reason}"));
                }
            }
        }
        Err(format!("`{text}` is too large a regular expression; `[a-z]` takes far less than `\\w`"))
    }
}

impl Val for Pattern {
    fn get_type(&self) -> &Type {
        &DYN_TYPE
    }

    fn cel_type() -> &'static Type {
        &DYN_TYPE
    }

    fn as_any(&self) -> Option<&dyn std::any::Any> {
        Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }
}

impl StaticVal for Pattern {}
