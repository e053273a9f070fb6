//! JSON in reports and other evidence.

use serde_json::Value;

use super::unreadable::Unreadable;
use crate::domain::json::{CONTENT, read_strictly};

/// Reads a document.
///
/// # Errors
/// [`Unreadable::NotJson`] when it is not well-formed, see [`read_strictly`].
pub(super) fn parse(bytes: &[u8]) -> Result<Value, Unreadable> {
    read_strictly(bytes, CONTENT).map_err(|error| Unreadable::NotJson(error.to_string()))
}
