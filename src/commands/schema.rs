//! `schema`: the JSON schemas of what promote-bot reads and writes.

use crate::config;
use crate::policy;
use crate::report::json;

/// Which schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaOf {
    /// promote-bot.yaml.
    Config,
    /// A policy file.
    Policy,
    /// The JSON report of `check` and `promote`.
    Report,
}

/// Returns a JSON schema.
#[must_use]
pub fn schema(of: SchemaOf) -> serde_json::Value {
    match of {
        SchemaOf::Config => config::json_schema(),
        SchemaOf::Policy => policy::json_schema(),
        SchemaOf::Report => json::json_schema(),
    }
}
