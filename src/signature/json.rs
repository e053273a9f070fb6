//! JSON in signed documents: what cannot be read strictly is broken.

use serde_json::Value;

use super::proof::Outcome;
pub(super) use crate::domain::json::{CONTENT, FRAME, read_strictly as read};

/// Reads `bytes` as one JSON value that holds at most `most` values.
///
/// # Errors
/// [`Outcome::Broken`], saying of which `what`, when it is not well-formed, see [`read`].
pub(super) fn parse(what: &str, bytes: &[u8], most: usize) -> Result<Value, Outcome> {
    read(bytes, most).map_err(|error| Outcome::broken(format!("{what} is not well-formed JSON: {error}")))
}
