//! Fields of JSON objects, each with the type it must have.

use serde_json::{Map, Value};

use super::unreadable::Unreadable;

/// An object, and where it stands for messages; an empty place is the document itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object<'a> {
    map: &'a Map<String, Value>,
    place: &'static str,
}

impl<'a> Object<'a> {
    pub(super) fn of(value: &'a Value, place: &'static str) -> Result<Self, Unreadable> {
        match value {
            Value::Object(map) => Ok(Self { map, place }),
            other => {
                let place = if place.is_empty() { "the document" } else { place };
                Err(wrong(place.to_owned(), "an object", other))
            }
        }
    }

    /// The field's value; `null` counts as no value, as Go's writers mean it.
    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, Unreadable> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(self.place_of(key), "a text", other)),
        }
    }

    /// A text that says something: an empty one counts as none.
    pub(super) fn filled(&self, key: &str) -> Result<Option<&'a str>, Unreadable> {
        Ok(self.text(key)?.filter(|text| !text.is_empty()))
    }

    pub(super) fn required(&self, key: &str) -> Result<&'a str, Unreadable> {
        self.filled(key)?.ok_or_else(|| Unreadable::Missing(self.place_of(key)))
    }

    pub(super) fn object(&self, key: &str, place: &'static str) -> Result<Option<Object<'a>>, Unreadable> {
        self.value(key).map(|value| Object::of(value, place)).transpose()
    }

    /// The field's elements; none when there is no such field.
    pub(super) fn list(&self, key: &str) -> Result<&'a [Value], Unreadable> {
        match self.value(key) {
            None => Ok(&[]),
            Some(Value::Array(list)) => Ok(list),
            Some(other) => Err(wrong(self.place_of(key), "a list", other)),
        }
    }

    /// The objects of a list.
    pub(super) fn objects(
        &self,
        key: &str,
        place: &'static str,
    ) -> Result<impl Iterator<Item = Result<Object<'a>, Unreadable>> + use<'a>, Unreadable> {
        Ok(self.list(key)?.iter().map(move |value| Object::of(value, place)))
    }

    /// The texts of a list, empty ones left out.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<&'a str>, Unreadable> {
        let one = |value: &'a Value| value.as_str().ok_or_else(|| wrong(self.place_of(key), "a list of texts", value));
        let texts: Result<Vec<&str>, Unreadable> = self.list(key)?.iter().map(one).collect();
        Ok(texts?.into_iter().filter(|text| !text.is_empty()).collect())
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.map.keys().map(String::as_str)
    }

    pub(super) fn place_of(&self, key: &str) -> String {
        if self.place.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place) }
    }
}

pub(super) fn wrong(place: String, expected: &'static str, actual: &Value) -> Unreadable {
    let actual = match actual {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Unreadable::WrongType { place, expected, actual }
}
