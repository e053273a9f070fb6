//! Examples and their evidence.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::OneOrMany;

/// What the policy should say of a made-up image.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) struct Example {
    /// What it shows.
    name: String,
    /// The image.
    image: String,
    /// Where it is copied from.
    from: Option<String>,
    /// What it takes the place of.
    before: Option<String>,
    /// The environment; the policy's first unless given.
    environment: Option<String>,
    /// When it is judged.
    now: Option<String>,
    /// The size of all it is made of, in bytes.
    size_bytes: Option<u64>,
    /// What was learnt of it.
    evidence: Option<Evidence>,
    /// allow, warn or deny.
    verdict: String,
    /// Texts that must be said.
    says: Option<OneOrMany>,
    /// The rules that must say no, and no other.
    rules: Option<OneOrMany>,
}

/// What was learnt of a made-up image.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
pub(super) struct Evidence {
    /// Who signed it.
    signed_by: Option<OneOrMany>,
    /// Signatures that do not count: somebody_else, broken, another_image or unsupported, with the words for it.
    bad_signatures: Option<Vec<BTreeMap<String, String>>>,
    /// Provenance: signed_by, repository, ref, builder.
    provenance: Option<Vec<serde_json::Value>>,
    /// Reports: signed_by, at, findings.
    scans: Option<Vec<serde_json::Value>>,
    /// Bills: signed_by, format.
    sboms: Option<Vec<serde_json::Value>>,
    /// VEX: signed_by, vulnerability, status, justification.
    vex: Option<Vec<serde_json::Value>>,
    /// Its platforms; linux/amd64 unless given.
    platforms: Option<OneOrMany>,
    /// The labels of its configuration.
    labels: Option<BTreeMap<String, String>>,
    /// When it was created.
    created: Option<String>,
    /// For how long it has been in other environments, or `never`.
    ran_in: Option<BTreeMap<String, String>>,
    /// What programs say: `yes`, or the words of a no.
    exec: Option<BTreeMap<String, String>>,
}
