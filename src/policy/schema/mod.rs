//! The policy file's JSON schema, for editors; a test holds it to the reader.

mod examples;
mod rules;

use schemars::JsonSchema;

use self::examples::Example;
use self::rules::{
    AgeRule, DigestRule, ExecRule, ExprRule, FreezeRule, PlatformsRule, ProvenanceRule, RanInRule, SbomRule,
    SignatureRule, SourceRule, TagRule, VulnerabilitiesRule,
};

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
    /// A policy whose rules are taken over where this one does not say otherwise: `builtin:NAME`.
    extends: Option<OneOrMany>,
    /// The environments it is for; every environment that names the file unless given.
    environments: Option<OneOrMany>,
    /// The repositories it is for, without their registry: patterns such as `team/**`; all unless given.
    images: Option<OneOrMany>,
    /// What is asked of an image.
    rules: Option<Rules>,
    /// What --break-glass may skip.
    break_glass: Option<BreakGlass>,
    /// What the policy should say of made-up images, for `promote-bot policy test`.
    examples: Option<Vec<Example>>,
}

/// What is asked of an image.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
struct Rules {
    /// What a tag may be.
    tag: Option<TagRule>,
    /// The overlay names a digest.
    digest: Option<DigestRule>,
    /// Which registries an image may come from.
    source: Option<SourceRule>,
    /// Whose signature an image must have.
    signature: Option<SignatureRule>,
    /// Where an image must have been built from.
    provenance: Option<ProvenanceRule>,
    /// What a scanner may have found in an image.
    vulnerabilities: Option<VulnerabilitiesRule>,
    /// An image must have a list of what it is made of.
    sbom: Option<SbomRule>,
    /// An image must have been in another environment before.
    ran_in: Option<RanInRule>,
    /// What an image must run on.
    platforms: Option<PlatformsRule>,
    /// How old an image must be, and may be.
    age: Option<AgeRule>,
    /// When nothing is promoted.
    freeze: Option<FreezeRule>,
    /// What programs say of an image.
    exec: Option<Vec<ExecRule>>,
    /// What expressions say of an image.
    expr: Option<Vec<ExprRule>>,
}

/// What --break-glass may skip.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
struct BreakGlass {
    /// Names of rules of this policy; never `digest`.
    may_skip: OneOrMany,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "read by its schema only")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
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
            ("", "zzzzzzzzzz: 1"),
            ("Rules", "rules: {zzzzzzzzzz: 1}"),
            ("BreakGlass", "rules: {tag: {forbid: x}}\nbreak_glass: {zzzzzzzzzz: 1}"),
            ("Example", "policy: p\nexamples: [{zzzzzzzzzz: 1}]"),
            (
                "Evidence",
                "policy: p\nexamples: [{name: a, image: r.example/a, verdict: allow, evidence: {zzzzzzzzzz: 1}}]",
            ),
            ("TagRule", "rules: {tag: {zzzzzzzzzz: 1}}"),
            ("DigestRule", "rules: {digest: {zzzzzzzzzz: 1}}"),
            ("SourceRule", "rules: {source: {zzzzzzzzzz: 1}}"),
            ("SignatureRule", "rules: {signature: {zzzzzzzzzz: 1}}"),
            ("ProvenanceRule", "rules: {provenance: {zzzzzzzzzz: 1}}"),
            ("VulnerabilitiesRule", "rules: {vulnerabilities: {zzzzzzzzzz: 1}}"),
            ("VulnerabilityClause", "rules: {vulnerabilities: {deny: [{zzzzzzzzzz: 1}]}}"),
            ("Scanner", "rules: {vulnerabilities: {scanner: {zzzzzzzzzz: 1}}}"),
            ("SbomRule", "rules: {sbom: {zzzzzzzzzz: 1}}"),
            ("RanInRule", "rules: {ran_in: {zzzzzzzzzz: 1}}"),
            ("PlatformsEntry", "rules: {platforms: {zzzzzzzzzz: 1}}"),
            ("AgeRule", "rules: {age: {zzzzzzzzzz: 1}}"),
            ("FreezeRule", "rules: {freeze: {zzzzzzzzzz: 1}}"),
            ("FreezeWindow", "rules: {freeze: {windows: [{zzzzzzzzzz: 1}]}}"),
            ("ExecRule", "rules: {exec: [{zzzzzzzzzz: 1}]}"),
            ("ExprRule", "rules: {expr: [{zzzzzzzzzz: 1}]}"),
        ];
        for (name, text) in cases {
            let of = if name.is_empty() { &schema } else { &schema["$defs"][name] };
            let keys: BTreeSet<String> = of["properties"].as_object().unwrap().keys().cloned().collect();
            assert_eq!(keys, read_keys(text), "{text}");
        }
    }
}
