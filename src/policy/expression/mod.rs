//! Expressions of the rule `expr`: CEL with guard rails, for what the typed rules do not say.
//!
//! [`Expression::compile`] refuses what is wrong or too large when a policy is loaded; [`Expression::holds`] answers yes, no, or
//! why neither can be said, which a policy takes for no. Whatever the text and the input, time and memory are bounded:
//!
//! - `guard` reads the text on a thread with a large stack: the parser and the tree it makes are recursive
//! - `check` walks the tree: size, nesting, names, and whether the result can be true or false
//! - `cost` bounds the time and memory that an evaluation can take with the input at hand, before it starts
//! - `run` evaluates: at once if that is surely quick, else on a thread of its own with a deadline
//!
//! # What the language does with JSON
//!
//! - A field that is not there is an error, and so a denial; `has(a.b)` asks for it, and is an error itself if `a` is not there.
//! - `null` is a value: `has(a.b)` is true for it, and it equals only `null`. What is unknown is better left out of the input.
//! - Values of different kinds are never equal and that is no error, so `a != 'x'` holds for a number; `<` between kinds is an error.
//! - Whole numbers are `int` (`uint` above 2^63 - 1), others `double`. All numbers compare and equal by value: `1 == 1.0`, `1u < 2`.
//!   Arithmetic mixes no kinds: `1 + 1.0` is an error, and so are overflow and division by zero.
//! - `x in list` looks for an element, `x in map` for a key; on anything else it is an error.
//! - `&&` and `||` take an error for unknown: `error || true` is true, `error && false` is false, anything else is the error. So do
//!   `all` and `exists` from one element to the next.
//! - `matches` finds its pattern anywhere in the text; patterns are written out and compiled once, when the policy is loaded.
//! - Macros go through the keys of a map in ascending order, so that an expression has one answer.

mod check;
mod cost;
mod functions;
mod guard;
mod input;
mod language;
mod pattern;
mod run;
mod shape;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use input::Input;
pub use language::LANGUAGE;
pub use shape::{Kind, Shape};

/// An expression that was found sound when its policy was loaded. Cheap to clone.
#[derive(Clone)]
pub struct Expression(Arc<guard::Compiled>);

/// Why a text is not an expression, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidExpression {
    /// What is wrong: a clause in lower case without a full stop.
    pub message: String,
    /// Line and column in the expression's own text, both from 1; the column counts characters.
    pub at: Option<(usize, usize)>,
}

/// Why an expression is neither true nor false. A policy denies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unevaluated {
    /// It was not done in time, or too many others that were not are still running.
    #[error("the expression took longer than {} ms", run::DEADLINE.as_millis())]
    Deadline,
    /// The bound on its time or memory with this input is out of all proportion, so that it was not even begun.
    #[error("the expression could take seconds or {} MiB with this input", run::MOST_HELD >> 20)]
    Costly,
    /// The input is too large, too deep, or not an object of variables.
    #[error("the input of the expression {0}")]
    Input(String),
    /// A field is missing, kinds do not fit, a number overflows.
    #[error("the expression failed: {0}")]
    Failed(String),
    /// Its result is of the kind named.
    #[error("the expression gave a value of kind {0}, not true or false")]
    NotBoolean(String),
}

impl Expression {
    /// Reads an expression over `variables`, the object whose fields are its variables.
    ///
    /// # Errors
    /// The first fault found: a text over 4 KiB, over 1,000 nodes (macros count as what they expand to), nesting, an unknown name,
    /// a pattern that does not compile, a result that can be seen not to be true or false.
    pub fn compile(text: &str, variables: &Shape) -> Result<Self, InvalidExpression> {
        guard::compile(text, variables).map(|compiled| Self(Arc::new(compiled)))
    }

    /// Tells whether it is true of `input`. Takes microseconds where the input is small; at most about 250 ms.
    ///
    /// # Errors
    /// Why it is neither true nor false.
    pub fn holds(&self, input: &Input) -> Result<bool, Unevaluated> {
        run::holds(&self.0, input)
    }

    /// The text it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.text()).finish()
    }
}
