//! Reading a policy file.

use super::builtin::{BUILTINS, builtin};
use super::rule::Rule;
use crate::domain::{Environment, Glob};
use crate::yaml::{self, Fault, Faults, Fields, Node};

/// A policy without faults.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Its name, the first part of its rules' ids.
    pub name: String,
    /// The environments it is for; none for every environment that names it.
    pub environments: Option<Vec<String>>,
    /// The repositories it is for, without their registry; none for all.
    pub images: Option<Vec<Glob>>,
    /// Its rules.
    pub rules: Vec<Rule>,
}

impl Policy {
    /// Tells whether it is in force for a repository in an environment.
    #[must_use]
    pub fn applies(&self, environment: &str, repository: &str) -> bool {
        let here = self.environments.as_ref().is_none_or(|names| names.iter().any(|name| name == environment));
        here && self.images.as_ref().is_none_or(|globs| globs.iter().any(|glob| glob.matches(repository)))
    }
}

/// Reads a policy; `path` names it in faults.
///
/// # Errors
/// All faults, ordered by place.
pub fn read(path: &str, text: &[u8]) -> Result<Policy, Vec<Fault>> {
    yaml::read_file(path, text, "the policy", read_document)
}

fn read_document(document: &Node, faults: &Faults) -> Option<Policy> {
    let mut fields = Fields::of(document, "the policy", faults)?;
    let version = fields.required("version");
    if let Some(version) = version.filter(|version| version.as_str() != Some("1")) {
        faults.push(version, "`version` must be 1");
    }
    let name = fields.required_string("policy");
    if let (Some(name), Some(node)) = (name, fields.optional("policy"))
        && !Environment::is_name(name)
    {
        faults.push(node, "a policy's name has lower-case letters, digits, `-`, `_` and `.`, at most 63");
    }
    let extends = fields.strings("extends");
    let given = |key: &'static str, fields: &mut Fields<'_>| fields.optional(key).is_some();
    let has_environments = given("environments", &mut fields);
    let environments: Vec<String> =
        fields.strings("environments").into_iter().map(|(_, name)| name.to_owned()).collect();
    let has_images = given("images", &mut fields);
    let images =
        fields.strings("images").into_iter().filter_map(|(node, text)| read_glob(node, text, faults)).collect();
    let rules = fields.optional("rules");
    fields.finish();
    let mut rules: Vec<Rule> = rules
        .and_then(|node| Fields::of(node, "`rules`", faults))
        .map(|fields| Rule::read_all(fields, faults))
        .unwrap_or_default();
    for (node, text) in &extends {
        let inherited = read_extended(node, text, faults);
        let own: Vec<&str> = rules.iter().map(Rule::name).collect();
        let inherited: Vec<Rule> = inherited.into_iter().filter(|rule| !own.contains(&rule.name())).collect();
        rules.extend(inherited);
    }
    if rules.is_empty() && faults.is_empty() {
        faults.push_with_hint(
            document,
            "the policy has no rules, so it would allow everything",
            "give it `rules` or `extends`",
        );
    }
    Some(Policy {
        name: name?.to_owned(),
        environments: has_environments.then_some(environments),
        images: has_images.then_some(images),
        rules,
    })
}

fn read_glob(node: &Node, text: &str, faults: &Faults) -> Option<Glob> {
    Glob::new(text).map_err(|error| faults.push(node, error.to_string())).ok()
}

fn read_extended(node: &Node, text: &str, faults: &Faults) -> Vec<Rule> {
    match text.strip_prefix("builtin:").and_then(builtin) {
        Some(Ok(policy)) => policy.rules,
        _ => {
            let known: Vec<String> = BUILTINS.iter().map(|(name, _)| format!("`builtin:{name}`")).collect();
            faults.push_with_hint(
                node,
                format!("there is no policy `{text}` to extend"),
                format!("known: {}", known.join(", ")),
            );
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let faults = read("policies/p.yaml", text.as_bytes()).unwrap_err();
        faults.iter().map(|fault| format!("{}:{} {}", fault.line, fault.column, fault.message)).collect()
    }

    #[test]
    fn a_policy_is_in_force_where_environment_and_repository_fit() {
        let text =
            "version: 1\npolicy: p\nenvironments: [production]\nimages: ['shop/**']\nrules: {tag: {forbid: latest}}\n";
        let policy = read("p.yaml", text.as_bytes()).unwrap();
        assert!(policy.applies("production", "shop/api"));
        assert!(!policy.applies("production", "other/api"));
        assert!(!policy.applies("dev", "shop/api"));
    }

    #[test]
    fn own_rules_win_over_extended_ones() {
        let text = "version: 1\npolicy: p\nextends: builtin:release\nrules: {tag: {forbid: [edge]}}\n";
        assert_eq!(read("p.yaml", text.as_bytes()).unwrap().rules.len(), 1);
    }

    #[test]
    fn a_rule_of_a_later_version_is_refused_not_ignored() {
        let text = "version: 1\npolicy: p\nrules:\n  signature: {signed_by: [k]}\n  tgas: {}\n  tag: {semver: one, pattern: '(', levle: deny}\n";
        assert_eq!(
            told(text),
            [
                "4:14 the rule `signature` is not supported by this version",
                "5:3 `rules` has no field `tgas`",
                "6:17 `one` is not a range of versions: unexpected character 'o' while parsing major version number",
                "6:32 `(` is not a regular expression",
                "6:36 the rule `tag` has no field `levle`",
            ]
        );
    }

    #[test]
    fn a_policy_without_rules_is_a_fault() {
        assert_eq!(told("version: 1\npolicy: p\n"), ["1:1 the policy has no rules, so it would allow everything"]);
    }
}
