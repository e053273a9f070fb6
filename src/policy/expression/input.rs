//! The values that expressions are asked about.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt};
use cel::common::value::Val;
use serde_json::Value;

use super::Unevaluated;
use super::shape::KINDS;

/// The most values and keys in an input.
pub(super) const MOST_NODES: usize = 20_000;

/// The most bytes of text in an input, keys included.
pub(super) const MOST_BYTES: usize = 1 << 20;

/// The deepest nesting of an input.
pub(super) const MOST_DEPTH: usize = 64;

/// Roughly what a value takes in memory beside its text, in bytes.
pub(super) const NODE_WEIGHT: f64 = 64.0;

/// Variables with their values, ready for any number of expressions. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Input(pub(super) Arc<BTreeMap<String, Variable>>);

#[derive(Debug)]
pub(super) struct Variable {
    pub(super) value: Box<dyn Val>,
    pub(super) size: Size,
}

/// How large a value is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Size {
    /// About the bytes it takes in memory.
    pub(super) weight: f64,
    /// The bytes of its longest text.
    pub(super) text: f64,
}

impl Input {
    /// Takes an object whose keys are the variables.
    ///
    /// # Errors
    /// [`Unevaluated::Input`] for anything but an object whose keys are names, and for more than 20,000 values and keys, 1 MiB of text
    /// or 64 levels.
    pub fn new(value: &Value) -> Result<Self, Unevaluated> {
        let Value::Object(fields) = value else {
            return refuse("is not an object of variables");
        };
        let mut conversion = Conversion::default();
        let mut variables = BTreeMap::new();
        for (name, value) in fields {
            // Any other key could stand for a field of another variable, or for what only this module names.
            if !is_name(name) || KINDS.contains(&name.as_str()) {
                return refuse("has a variable whose name is not letters, digits and `_`, or is that of a kind");
            }
            conversion.size = Size::default();
            conversion.text(name)?;
            let value = conversion.value(value, 1)?;
            variables.insert(name.clone(), Variable { value, size: conversion.size });
        }
        Ok(Self(Arc::new(variables)))
    }
}

fn is_name(text: &str) -> bool {
    let starts = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    starts && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn refuse<T>(what: impl Into<String>) -> Result<T, Unevaluated> {
    Err(Unevaluated::Input(what.into()))
}

#[derive(Default)]
struct Conversion {
    nodes: usize,
    bytes: usize,
    size: Size,
}

impl Conversion {
    fn value(&mut self, value: &Value, depth: usize) -> Result<Box<dyn Val>, Unevaluated> {
        if depth > MOST_DEPTH {
            return refuse(format!("is more than {MOST_DEPTH} levels deep"));
        }
        self.node()?;
        Ok(match value {
            Value::Null => Box::new(CelNull),
            Value::Bool(value) => Box::new(CelBool::from(*value)),
            Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(number), _, _) => Box::new(CelInt::from(number)),
                (_, Some(number), _) => Box::new(CelUInt::from(number)),
                (_, _, Some(number)) => Box::new(CelDouble::from(number)),
                _ => return refuse("has a number that is none"),
            },
            Value::String(text) => Box::new(self.text(text)?),
            Value::Array(items) => {
                let items: Result<Vec<Box<dyn Val>>, _> =
                    items.iter().map(|item| self.value(item, depth + 1)).collect();
                Box::new(CelList::from(items?))
            }
            Value::Object(fields) => {
                let mut map: HashMap<CelMapKey<'static>, Box<dyn Val>> = HashMap::new();
                for (key, value) in fields {
                    self.node()?;
                    map.insert(CelMapKey::String(self.text(key)?), self.value(value, depth + 1)?);
                }
                Box::new(CelMap::from(map))
            }
        })
    }

    fn node(&mut self) -> Result<(), Unevaluated> {
        self.nodes += 1;
        self.size.weight += NODE_WEIGHT;
        if self.nodes > MOST_NODES {
            return refuse(format!("has more than {MOST_NODES} values and keys"));
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^52")]
    fn text(&mut self, text: &str) -> Result<CelString<'static>, Unevaluated> {
        self.bytes += text.len();
        if self.bytes > MOST_BYTES {
            return refuse(format!("has more than {MOST_BYTES} bytes of text"));
        }
        self.size.weight += text.len() as f64;
        self.size.text = self.size.text.max(text.len() as f64);
        Ok(CelString::from(text.to_owned()))
    }
}
