//! The policy file's JSON schema, for editors; a test holds it to the reader.

use schemars::JsonSchema;

/// A policy: which images of which environments it is for, and its rules.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "policy")]
#[expect(dead_code, reason = "read by its schema only")]
struct PolicyFile {
    /// The format's version: 1.
    #[schemars(range(min = 1, max = 1))]
    version: u32,
    /// Its name, the first part of its rules' ids.
    policy: String,
    /// Policies whose rules count where this one has none of that name: `builtin:NAME`.
    extends: Option<OneOrMany>,
    /// The environments it is for; every environment that names the file unless given.
    environments: Option<OneOrMany>,
    /// The repositories it is for, without their registry: patterns such as `team/**`; all unless given.
    images: Option<OneOrMany>,
    /// What is asked of an image.
    rules: Option<Rules>,
}

/// What is asked of an image.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
struct Rules {
    /// What a tag may be.
    tag: Option<TagRule>,
}

/// What a tag may be.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
struct TagRule {
    /// Tags that are never allowed.
    forbid: Option<OneOrMany>,
    /// A range of versions the tag must be in, with or without a leading v.
    semver: Option<String>,
    /// Whether a pre-release counts as a version; false unless given.
    allow_prerelease: Option<bool>,
    /// A regular expression the tag must match.
    pattern: Option<String>,
    /// What a lower version than the one it replaces is; allowed unless given.
    downgrade: Option<Downgrade>,
    /// What a no weighs; deny unless given.
    level: Option<RuleLevel>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "read by its schema only")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "read by its schema only")]
enum Downgrade {
    Allow,
    Warn,
    Deny,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "read by its schema only")]
enum RuleLevel {
    Deny,
    Warn,
    Off,
}

/// Returns the JSON schema of a policy file.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(PolicyFile).to_value()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::policy::read;

    /// The keys the reader knows, as it tells them to whoever writes a key that is like none.
    fn read_keys(text: &str) -> BTreeSet<String> {
        let faults = read("p", text.as_bytes()).unwrap_err();
        let hint =
            faults.iter().find_map(|fault| fault.hint.as_ref().filter(|h| h.starts_with("known fields"))).unwrap();
        hint.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_schema_has_the_keys_the_reader_reads() {
        let schema = json_schema();
        let cases = [
            (&schema["properties"], "zzzzzzzzzz: 1"),
            (&schema["$defs"]["TagRule"]["properties"], "rules: {tag: {zzzzzzzzzz: 1}}"),
        ];
        for (properties, text) in cases {
            let keys: BTreeSet<String> = properties.as_object().unwrap().keys().cloned().collect();
            assert_eq!(keys, read_keys(text), "{text}");
        }
    }
}
