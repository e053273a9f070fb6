//! The configuration's JSON schema, for editors; a test holds it to the reader.

use std::collections::BTreeMap;

use schemars::JsonSchema;

/// promote-bot.yaml: environments, the registries they pull from, and how images move between them.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "promote-bot.yaml")]
#[expect(dead_code, reason = "read by its schema only")]
struct ConfigFile {
    /// The format's version: 1.
    #[schemars(range(min = 1, max = 1))]
    version: u32,
    /// The environments by name, in promotion order.
    environments: BTreeMap<String, EnvironmentEntry>,
    /// What is to be known of registries, by `host[:port]`. Optional: docker's and podman's auth files are found by themselves.
    registries: Option<BTreeMap<String, RegistryEntry>>,
    /// Where custom resources name images, besides well-known kinds and every field called `image`.
    fields: Option<Vec<FieldEntry>>,
    /// How promotions are recorded: a signed statement (SLSA verification summary) on every promoted digest at its destination.
    record: Option<RecordEntry>,
    /// Copies of remote bases: the URL with its revision (`…?ref=v1.2.3`), and where its files lie in this repository.
    vendored: Option<BTreeMap<String, String>>,
}

/// The key that promotion records are signed with.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
struct RecordEntry {
    /// Where the private key is found: `env:NAME` or `file:/path`. PEM: PKCS#8 (P-256, Ed25519), or what cosign generate-key-pair writes.
    #[schemars(regex(pattern = r"^(env|file):.+$"))]
    key: String,
    /// Where its password is found, for a key that has one.
    #[schemars(regex(pattern = r"^(env|file):.+$"))]
    password: Option<String>,
}

/// A place of an image reference in the objects of one kind.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
struct FieldEntry {
    /// The kind of the objects.
    kind: String,
    /// The path to the reference: keys joined by `.`, `[]` for all elements of a list, `*` for all values of a mapping, `\\.` for
    /// a dot in a key.
    path: String,
    /// The group of their `apiVersion`; any unless given.
    group: Option<String>,
}

/// One environment.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
struct EnvironmentEntry {
    /// Overlay directories from the root of the repository: a path, a glob, or a list of them. Needed unless `helm` is there.
    overlays: Option<OneOrMany>,
    /// Helm values files; each set is an overlay of its own, named by its last file.
    helm: Option<Vec<HelmEntry>>,
    /// The prefix under which this environment's images live: `host[:port][/path]`; or `oci:DIR`, an OCI image layout on disk.
    registry: String,
    /// For a layout: the prefix that overlays write before the images that belong in it. Without it all images do.
    names: Option<String>,
    /// The environment a missing image is copied from; it stands before this one.
    from: Option<String>,
    /// Where names differ between the two registries; the first rule that fits wins.
    images: Option<Vec<RewriteEntry>>,
    /// Policy files or folders from the root of the repository, or `builtin:NAME`.
    policy: Option<OneOrMany>,
    /// What is copied along with an image, its signatures and attestations among it: `all`, `none`, or a list of artifact types;
    /// `all` unless given.
    referrers: Option<ReferrersEntry>,
    /// The platforms of an index that are copied, `os/architecture[/variant]`; all unless given. The index that is left has a digest of
    /// its own: `rewrite_index` must say that this is wanted.
    platforms: Option<OneOrMany>,
    /// Whether an index may be written anew with some of its platforms.
    rewrite_index: Option<bool>,
    /// The most an image may be in all, all its platforms together: `2GiB`, `500MB`.
    max_size: Option<String>,
    /// Which files a kustomization may read, as kustomize's --load-restrictor; `root` unless given.
    load_restrictor: Option<LoadRestrictorEntry>,
    /// Rendered manifests for overlays that cannot be resolved wholly (a remote base, a chart, a plugin).
    render: Option<RenderEntry>,
}

/// A directory with `{overlay}` (the overlay's path) or `{name}` (its last component) in it, or a command that prints them.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "read by its schema only")]
enum RenderEntry {
    Directory(String),
    Command(RenderCommandEntry),
}

/// A command that is run in the root of the revision's files where an overlay cannot be resolved wholly.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
struct RenderCommandEntry {
    /// The program and its arguments, with `{overlay}` or `{name}` in one of them.
    command: Vec<String>,
}

/// Helm values laid over each other.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
struct HelmEntry {
    /// The files from the root of the repository, the last on top. A `*` in the last makes one set of every file that fits; in the
    /// others and in `chart` it stands for what it stood for there.
    values: OneOrMany,
    /// The chart's directory: its values.yaml lies below all others, and its appVersion stands in for an empty tag.
    chart: Option<String>,
    /// Where images stand in the values. Unless given: every field `image` that is text, or a mapping with a `repository`.
    images: Option<Vec<HelmImageEntry>>,
}

/// The path of a whole reference or of a mapping with a `repository`, or the paths of an image's parts.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "read by its schema only")]
enum HelmImageEntry {
    At(String),
    Parts(HelmPartsEntry),
}

/// The paths of an image's parts. A wildcard stands for what it stands for in `repository`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
struct HelmPartsEntry {
    /// The name.
    repository: String,
    /// The tag.
    tag: Option<String>,
    /// What stands before the name.
    registry: Option<String>,
    /// The digest.
    digest: Option<String>,
}

/// A rule for names that differ. `{path}` is one non-empty remainder, in both or in neither.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
struct RewriteEntry {
    /// The image's name in the environment it comes from.
    from: String,
    /// The image's name in this environment.
    to: String,
}

/// What is to be known of one registry.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its schema only")]
struct RegistryEntry {
    /// Where the user name is found: `env:NAME` or `file:/path`.
    #[schemars(regex(pattern = r"^(env|file):.+$"))]
    username: Option<String>,
    /// Where the password or token is found: `env:NAME` or `file:/path`.
    #[schemars(regex(pattern = r"^(env|file):.+$"))]
    password: Option<String>,
    /// A file of PEM certificates to trust, from the root of the repository.
    ca: Option<String>,
    /// Whether plain HTTP is allowed to this host. Loopback addresses need no leave.
    insecure: Option<bool>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "read by its schema only")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "read by its schema only")]
enum ReferrersEntry {
    Word(ReferrersWord),
    Types(Vec<String>),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "read by its schema only")]
enum ReferrersWord {
    All,
    None,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "read by its schema only")]
enum LoadRestrictorEntry {
    Root,
    None,
}

/// Returns the JSON schema of promote-bot.yaml.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(ConfigFile).to_value()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::config::read;

    /// The keys the reader knows, as it tells them to whoever writes a key that is like none.
    fn read_keys(text: &str) -> BTreeSet<String> {
        let faults = read("c", text.as_bytes()).unwrap_err();
        let hint =
            faults.iter().find_map(|fault| fault.hint.as_ref().filter(|h| h.starts_with("known fields"))).unwrap();
        hint.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    fn schema_keys(schema: &Value) -> BTreeSet<String> {
        schema["properties"].as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn the_schema_has_the_keys_the_reader_reads() {
        let schema = json_schema();
        let definition = |name: &str| &schema["$defs"][name];
        let cases = [
            (&schema, "zzzzzzzzzz: 1"),
            (definition("EnvironmentEntry"), "environments: {a: {zzzzzzzzzz: 1}}"),
            (definition("RewriteEntry"), "environments: {a: {images: [{zzzzzzzzzz: 1}]}}"),
            (definition("HelmEntry"), "environments: {a: {helm: [{zzzzzzzzzz: 1}]}}"),
            (definition("HelmPartsEntry"), "environments: {a: {helm: [{images: [{zzzzzzzzzz: 1}]}]}}"),
            (definition("FieldEntry"), "fields: [{zzzzzzzzzz: 1}]"),
            (definition("RegistryEntry"), "registries: {a.example: {zzzzzzzzzz: 1}}"),
        ];
        for (schema, text) in cases {
            assert_eq!(schema_keys(schema), read_keys(text), "{text}");
        }
    }
}
