//! Reading the configuration.

use std::collections::BTreeMap;

use super::fields::read_field;
use super::gaps::{read_render, read_vendored};
use super::helm::read_values;
use super::platforms::read_platforms;
use super::referrers::read_referrers;
use super::size::read_size;
use super::store::read_store;
use crate::domain::{
    CopyOptions, Environment, Glob, ImageField, ImageRef, LoadRestrictor, Rewrite, TreePath, Vendored, masked,
};
use crate::yaml::{self, Fault, Faults, Fields, Node};

/// A configuration without faults.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The environments, in promotion order.
    pub environments: Vec<Environment>,
    /// What is to be known of registries, by host.
    pub registries: BTreeMap<String, RegistrySettings>,
    /// How promotions are recorded; not at all unless given.
    pub record: Option<RecordSettings>,
}

/// How promotions are recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSettings {
    /// Where the private key is found.
    pub key: SecretSource,
    /// Where the password of that key is found; none for a key without.
    pub password: Option<SecretSource>,
}

/// What is to be known of one registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegistrySettings {
    /// Where the user name is found.
    pub username: Option<SecretSource>,
    /// Where the password or token is found.
    pub password: Option<SecretSource>,
    /// A file of PEM certificates to trust, from the root of the repository.
    pub ca: Option<TreePath>,
    /// Whether plain HTTP is allowed to this host.
    pub insecure: bool,
}

/// Where a secret is found; never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file outside the repository.
    File(String),
}

/// Reads a configuration; `path` names it in faults.
///
/// # Errors
/// All faults, ordered by place.
pub fn read(path: &str, text: &[u8]) -> Result<Config, Vec<Fault>> {
    yaml::read_file(path, text, "the configuration", read_document)
}

fn read_document(document: &Node, faults: &Faults) -> Option<Config> {
    let mut fields = Fields::of(document, "the configuration", faults)?;
    let version = fields.required("version");
    if let Some(version) = version.filter(|version| version.as_str() != Some("1")) {
        faults.push(version, "`version` must be 1");
    }
    fields.required("environments");
    let entries = fields.entries("environments");
    let registries = fields.entries("registries");
    let image_fields = fields.list("fields");
    let copies = fields.entries("vendored");
    let record = fields.optional("record");
    fields.finish();
    let record = record.and_then(|node| read_record(node, faults));
    let image_fields: Vec<ImageField> = image_fields.iter().filter_map(|field| read_field(field, faults)).collect();
    let vendored: Vec<Vendored> = copies.iter().filter_map(|(url, path)| read_vendored(url, path, faults)).collect();
    let shared = |environment| Environment { fields: image_fields.clone(), vendored: vendored.clone(), ..environment };
    let mut environments: Vec<Environment> = Vec::new();
    for (name, value) in &entries {
        let environment = read_environment(name, value, &environments, &entries, faults);
        environments.extend(environment.map(shared));
    }
    if environments.is_empty() && faults.is_empty() {
        faults.push(document, "`environments` names no environment");
    }
    let mut settings = BTreeMap::new();
    for (host, value) in registries {
        if let Some((name, registry)) = read_registry(host, value, faults)
            && settings.insert(name.clone(), registry).is_some()
        {
            faults.push(host, format!("registry `{name}` is given twice, in another spelling"));
        }
    }
    Some(Config { environments, registries: settings, record })
}

fn read_environment(
    name_node: &Node,
    node: &Node,
    earlier: &[Environment],
    all: &[(&Node, &Node)],
    faults: &Faults,
) -> Option<Environment> {
    let name = name_node.as_str().unwrap_or_default();
    if !Environment::is_name(name) {
        faults.push(name_node, "an environment's name has lower-case letters, digits, `-`, `_` and `.`, at most 63");
    }
    let mut fields = Fields::of(node, format!("environment `{name}`"), faults)?;
    let helm = fields.list("helm");
    // An environment deploys something: directories, charts with values, or both.
    if helm.is_empty() {
        fields.required("overlays");
    }
    let overlays = fields.strings("overlays");
    if let Some(empty) = fields.optional("overlays").filter(|node| node.as_sequence().is_some_and(<[Node]>::is_empty)) {
        faults.push(empty, "`overlays` names no overlay");
    }
    let registry = fields.required("registry");
    let names = fields.optional("names");
    let from = fields.optional("from");
    let rewrites = fields.list("images");
    let policies = fields.strings("policy");
    let load_restrictor = read_restrictor(&mut fields, node, faults);
    let referrers = fields.optional("referrers");
    let referrers = read_referrers(&mut fields, referrers, faults);
    let max_size_bytes = fields.optional("max_size").and_then(|node| read_size(node, "max_size", faults));
    let platforms = read_platforms(&mut fields, node, faults);
    let render = fields.optional("render");
    fields.finish();
    overlays.iter().for_each(|(node, pattern)| check_pattern(node, pattern, faults));
    policies.iter().for_each(|(node, path)| check_policy(node, path, faults));
    Some(Environment {
        name: name.to_owned(),
        overlays: overlays.iter().map(|(_, pattern)| tidy(pattern)).collect(),
        helm: helm.iter().filter_map(|values| read_values(values, faults)).collect(),
        fields: Vec::new(),
        registry: registry.and_then(|node| read_store(node, names, faults)),
        from: from.and_then(|from| read_from(from, name, earlier, all, faults)),
        rewrites: rewrites.iter().filter_map(|rewrite| read_rewrite(rewrite, faults)).collect(),
        policies: policies.iter().map(|(_, path)| (*path).to_owned()).collect(),
        copy: CopyOptions { referrers, platforms, max_size_bytes },
        load_restrictor,
        render: render.and_then(|node| read_render(node, faults)),
        vendored: Vec::new(),
    })
}

fn read_restrictor(fields: &mut Fields<'_>, node: &Node, faults: &Faults) -> LoadRestrictor {
    match (fields.non_empty_string("load_restrictor"), fields.optional("load_restrictor")) {
        (Some("none"), _) => LoadRestrictor::None,
        (Some("root") | None, _) => LoadRestrictor::Root,
        (Some(_), restrictor) => {
            faults.push(restrictor.unwrap_or(node), "`load_restrictor` must be `root` or `none`");
            LoadRestrictor::Root
        }
    }
}

/// Writes a path the way others are compared with it.
pub(super) fn tidy(pattern: &str) -> String {
    pattern.trim_start_matches("./").trim_end_matches('/').to_owned()
}

fn check_pattern(node: &Node, pattern: &str, faults: &Faults) {
    if TreePath::parse(pattern).is_none() {
        faults.push(node, format!("`{pattern}` leaves the repository: overlays are named from its root"));
    }
    if let Err(error) = Glob::new(pattern) {
        faults.push(node, error.to_string());
    }
}

fn check_policy(node: &Node, path: &str, faults: &Faults) {
    if !path.starts_with("builtin:") && TreePath::parse(path).is_none() {
        faults.push(node, format!("`{path}` leaves the repository: policies are named from its root"));
    }
}

fn read_from(
    node: &Node,
    name: &str,
    earlier: &[Environment],
    all: &[(&Node, &Node)],
    faults: &Faults,
) -> Option<String> {
    let from = node.as_str().unwrap_or_default();
    if earlier.iter().any(|environment| environment.name == from) {
        return Some(from.to_owned());
    }
    let names: Vec<&str> = all.iter().filter_map(|(name, _)| name.as_str()).collect();
    if from == name {
        faults.push(node, "an environment cannot be promoted from itself");
    } else if names.contains(&from) {
        faults.push_with_hint(
            node,
            format!("`{name}` is promoted from `{from}`, which stands after it"),
            "environments stand in promotion order: move the source up",
        );
    } else {
        faults.push_with_hint(
            node,
            format!("there is no environment `{from}`"),
            format!("environments: {}", names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
        );
    }
    None
}

fn read_rewrite(node: &Node, faults: &Faults) -> Option<Rewrite> {
    let mut fields = Fields::of(node, "a rule of `images`", faults)?;
    let (from, to) = (fields.required_string("from"), fields.required_string("to"));
    fields.finish();
    Rewrite::new(from?, to?)
        .map_err(|error| match std::error::Error::source(&error) {
            Some(cause) => faults.push(node, format!("{error}: {cause}")),
            None => faults.push(node, error.to_string()),
        })
        .ok()
}

fn read_registry(host_node: &Node, node: &Node, faults: &Faults) -> Option<(String, RegistrySettings)> {
    let text = host_node.as_str().unwrap_or_default();
    let host = format!("{text}/x").parse::<ImageRef>().ok().filter(|_| !text.contains('/'));
    if host.is_none() {
        faults.push_with_hint(
            host_node,
            masked(&format!("`{text}` is not a registry host")),
            "write host[:port] without a path",
        );
    }
    let mut fields = Fields::of(node, format!("registry `{text}`"), faults)?;
    let names_one = fields.optional("username").is_some() != fields.optional("password").is_some();
    let username = fields.optional("username").and_then(|node| read_secret(node, "username", faults));
    let password = fields.optional("password").and_then(|node| read_secret(node, "password", faults));
    let ca_node = fields.optional("ca");
    let ca = fields.non_empty_string("ca").and_then(|path| {
        let parsed = TreePath::parse(path);
        if let (None, Some(node)) = (&parsed, ca_node) {
            faults.push(node, format!("`{path}` leaves the repository: certificates are named from its root"));
        }
        parsed
    });
    let insecure = fields.bool("insecure").unwrap_or(false);
    fields.finish();
    if names_one {
        faults.push(node, format!("registry `{text}` needs both `username` and `password`, or neither"));
    }
    Some((host?.registry().to_owned(), RegistrySettings { username, password, ca, insecure }))
}

fn read_record(node: &Node, faults: &Faults) -> Option<RecordSettings> {
    let mut fields = Fields::of(node, "`record`", faults)?;
    let key = fields.required("key").and_then(|node| read_secret(node, "key", faults));
    let password = fields.optional("password").and_then(|node| read_secret(node, "password", faults));
    fields.finish();
    Some(RecordSettings { key: key?, password })
}

fn read_secret(node: &Node, key: &str, faults: &Faults) -> Option<SecretSource> {
    match node.as_str().and_then(|text| text.split_once(':')) {
        Some(("env", name)) if !name.is_empty() => Some(SecretSource::Env(name.to_owned())),
        Some(("file", path)) if !path.is_empty() => Some(SecretSource::File(path.to_owned())),
        // What stands there may be the secret itself: it is not repeated.
        _ => {
            faults.push_with_hint(
                node,
                format!("`{key}` must say where the secret is, never hold it"),
                "write \"env:NAME\" or \"file:/path\"",
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = r#"
version: 1
environments:
  dev:
    overlays: overlays/dev
    registry: dev.registry.example:5000
  production:
    overlays: ["overlays/production", "apps/*/overlays/production"]
    registry: prod.registry.example/team
    from: dev
    images:
      - { from: "dev.registry.example:5000/legacy/{path}", to: "prod.registry.example/team/{path}" }
    policy: policies/production.yaml
    load_restrictor: none
  charts:
    registry: prod.registry.example
    helm:
      - values: [charts/base.yaml, "./charts/*/values-production.yaml"]
        chart: charts/*
        images:
          - worker.image
          - { repository: "jobs[].name", tag: "jobs[].version", registry: db.registry, digest: db.digest }
      - values: other/values.yaml
fields:
  - { kind: Cluster, path: spec.imageName, group: postgresql.cnpg.io }
registries:
  prod.registry.example: { username: "env:PROD_USER", password: "file:/run/secret", ca: certs/prod.pem, insecure: true }
"#;

    fn told(text: &str) -> Vec<String> {
        let faults = read("promote-bot.yaml", text.as_bytes()).unwrap_err();
        let tell = |fault: &Fault| {
            let hint = fault.hint.as_ref().map(|hint| format!(" | {hint}")).unwrap_or_default();
            format!("{}:{} {}{hint}", fault.line, fault.column, fault.message)
        };
        faults.iter().map(tell).collect()
    }

    #[test]
    fn the_documented_example_is_read_whole() {
        let config = read("promote-bot.yaml", EXAMPLE.as_bytes()).unwrap();
        let production = &config.environments[1];
        assert_eq!(production.overlays.len(), 2);
        assert_eq!(production.from.as_deref(), Some("dev"));
        assert_eq!(production.load_restrictor, LoadRestrictor::None);
        assert_eq!(production.rewrites.len(), 1);
        let charts = &config.environments[2];
        assert_eq!(charts.helm[0].values, ["charts/base.yaml", "charts/*/values-production.yaml"]);
        assert_eq!(charts.helm[0].images.as_ref().unwrap().len(), 2);
        assert_eq!((charts.helm[1].last(), &charts.helm[1].images), ("other/values.yaml", &None));
        assert_eq!(production.fields[0].path.to_string(), "spec.imageName");
        let registry = &config.registries["prod.registry.example"];
        assert_eq!(registry.username, Some(SecretSource::Env("PROD_USER".to_owned())));
        assert!(registry.insecure);
    }

    #[test]
    fn all_faults_are_told_at_once_with_their_places() {
        let text = "\
version: 2
environments:
  dev:
    overlays: ../elsewhere
    regsitry: dev.example
  production:
    overlays: o
    registry: https://prod.example
    from: staging
registries:
  prod.example: {username: admin, password: hunter2}
";
        let found = told(text);
        assert_eq!(
            found,
            [
                "1:10 `version` must be 1",
                "4:5 environment `dev` needs `registry`",
                "4:15 `../elsewhere` leaves the repository: overlays are named from its root",
                "5:5 environment `dev` has no field `regsitry` | did you mean `registry`?",
                "8:15 a registry prefix has no scheme | write host[:port][/path]",
                "9:11 there is no environment `staging` | environments: `dev`, `production`",
                "11:28 `username` must say where the secret is, never hold it | write \"env:NAME\" or \"file:/path\"",
                "11:45 `password` must say where the secret is, never hold it | write \"env:NAME\" or \"file:/path\"",
            ]
        );
        assert!(!found.join("").contains("hunter2"));
    }

    #[test]
    fn a_registry_is_given_once_in_whatever_spelling() {
        let text = "version: 1\nenvironments: {d: {overlays: o, registry: d.example}}\nregistries:\n  d.example: {}\n  D.example:443: {}\n";
        assert_eq!(told(text), ["5:3 registry `d.example` is given twice, in another spelling"]);
    }

    #[test]
    fn the_source_stands_before_its_target() {
        let text = "version: 1\nenvironments:\n  production: {overlays: p, registry: p.example, from: dev}\n  dev: {overlays: d, registry: d.example}\n";
        assert_eq!(
            told(text),
            [
                "3:56 `production` is promoted from `dev`, which stands after it | environments stand in promotion order: move the source up"
            ]
        );
    }

    #[test]
    fn broken_yaml_and_empty_files_are_faults_with_a_place() {
        assert_eq!(told(""), ["1:1 the configuration is empty"]);
        assert_eq!(told("version: [1\n").len(), 1);
        assert_eq!(told("version: 1\nenvironments: {}\n").len(), 1);
    }
}
