//! JSON without duplicate keys: two readers of one text must not see two things.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How many values a bundle, an envelope or a trusted root may hold; real ones hold a few hundred.
pub const FRAME: usize = 10_000;
/// How many values a statement may hold: enough for the bill of materials that fits into 32 MiB. Each takes memory many
/// times the two bytes that it can be written in.
pub const CONTENT: usize = 1_000_000;

/// Reads `bytes` as one JSON value that holds at most `most` values.
///
/// # Errors
/// When it is not JSON, nests deeper than serde_json's limit of 128, holds too many values, or an object at any level has a
/// key twice.
pub fn read_strictly(bytes: &[u8], most: usize) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { most, left: &Cell::new(most) }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Strict<'a> {
    most: usize,
    left: &'a Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let Some(left) = self.left.get().checked_sub(1) else {
            return Err(D::Error::custom(format_args!("it holds more than {} values", self.most)));
        };
        self.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format_args!("duplicate key `{}`", shown(&key))));
            }
            let value = entries.next_value_seed(self)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

fn shown(key: &str) -> String {
    key.chars().take(80).flat_map(char::escape_default).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_duplicate_key_is_refused_at_every_level() {
        for text in [r#"{"x":1,"x":1}"#, r#"{"a":[{"b":{"x":1,"y":2,"x":3}}]}"#, "{\"x\":1,\"\\u0078\":2}"] {
            let error = read_strictly(text.as_bytes(), FRAME).unwrap_err().to_string();
            assert!(error.starts_with("duplicate key `x`"), "{text}: {error}");
        }
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let text = r#"{"a":[1,-2,1.5,"x",null,true,{"b":{}}],"c":18446744073709551615}"#;
        assert_eq!(read_strictly(text.as_bytes(), FRAME).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn nesting_and_trailing_text_are_refused() {
        let deep = "[".repeat(100_000);
        assert!(read_strictly(deep.as_bytes(), CONTENT).unwrap_err().to_string().contains("recursion limit"));
        assert!(read_strictly(b"{} {}", FRAME).is_err());
        assert!(read_strictly(b"\xff", FRAME).is_err());
    }

    #[test]
    fn more_values_than_allowed_are_refused() {
        assert_eq!(read_strictly(b"[1,{\"a\":2}]", 4).unwrap(), serde_json::json!([1, {"a": 2}]));
        let error = read_strictly(b"[1,{\"a\":2}]", 3).unwrap_err().to_string();
        assert!(error.starts_with("it holds more than 3 values"), "{error}");
    }

    proptest! {
        #[test]
        fn without_duplicates_it_reads_what_serde_json_reads(text in "[\\[\\]{}:,\"a-c0-9. eE-]{0,24}") {
            let theirs = serde_json::from_str::<Value>(&text).ok();
            if let Ok(ours) = read_strictly(text.as_bytes(), FRAME) {
                prop_assert_eq!(Some(ours), theirs);
            }
        }
    }
}
