//! Reading a policy file.

use super::builtin::{BUILTINS, text_of};
use super::example::{Example, read_example};
use super::globs::read_globs;
use super::pinned;
use super::rule::Rule;
use crate::domain::{Environment, Glob};
use crate::yaml::{self, Fault, Faults, Fields, Node, Value};

/// A policy without faults.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Its name, the first part of its rules' ids.
    pub name: String,
    /// The file it was read from.
    pub file: String,
    /// The environments it is for; none for every environment that names it.
    pub environments: Option<Vec<String>>,
    /// The repositories it is for, without their registry; none for all.
    pub images: Option<Vec<Glob>>,
    /// Its rules.
    pub rules: Vec<Rule>,
    /// The rules that --break-glass may skip.
    pub may_skip: Vec<String>,
    /// What it should say of made-up images, for `promote-bot policy test`.
    pub examples: Vec<Example>,
}

impl Policy {
    /// Tells whether --break-glass may skip a rule of this policy. What is pinned by digest never goes unjudged.
    #[must_use]
    pub fn lets_skip(&self, rule: &Rule) -> bool {
        !rule.is_called(pinned::NAME) && self.may_skip.iter().any(|name| rule.is_called(name))
    }

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
    yaml::refuse_nulls(document, faults);
    let mut fields = Fields::of(document, "the policy", faults)?;
    let name = read_head(&mut fields, faults);
    let extends = fields.strings("extends");
    let given = |key: &'static str, fields: &mut Fields<'_>| fields.optional(key).is_some();
    let has_environments = given("environments", &mut fields);
    let environments: Vec<String> =
        fields.strings("environments").into_iter().map(|(_, name)| name.to_owned()).collect();
    let has_images = given("images", &mut fields);
    for key in ["environments", "images"] {
        if let Some(node) = fields.optional(key).filter(|node| node.as_sequence().is_some_and(<[Node]>::is_empty)) {
            faults.push_with_hint(
                node,
                format!("`{key}` names nothing, so the policy is for nothing"),
                "take it out, or name some",
            );
        }
    }
    let images = read_globs(fields.strings("images"), faults).unwrap_or_default();
    let own_rules = fields.optional("rules");
    let break_glass = fields.optional("break_glass");
    let examples = fields.list("examples");
    fields.finish();
    // Of several that are extended the last has the word.
    let merged =
        extends.iter().rev().fold(own_rules.cloned(), |rules, (node, text)| merged_with(rules, node, text, faults));
    let rules: Vec<Rule> = merged
        .as_ref()
        .and_then(|node| Fields::of(node, "`rules`", faults))
        .map(|fields| Rule::read_all(fields, faults))
        .unwrap_or_default();
    if rules.is_empty() && faults.is_empty() {
        faults.push_with_hint(
            document,
            "the policy has no rules, so it would allow everything",
            "give it `rules` or `extends`",
        );
    }
    let may_skip = break_glass.map(|node| read_may_skip(node, &rules, faults)).unwrap_or_default();
    let policy = Policy {
        name: name?.to_owned(),
        file: document.mark.file.to_string(),
        environments: has_environments.then_some(environments),
        images: has_images.then_some(images),
        rules,
        may_skip,
        examples: Vec::new(),
    };
    let examples = examples.iter().filter_map(|node| read_example(node, &policy, faults)).collect();
    Some(Policy { examples, ..policy })
}

/// Reads version and name.
fn read_head<'n>(fields: &mut Fields<'n>, faults: &Faults) -> Option<&'n str> {
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
    name
}

/// Reads which rules may be skipped with --break-glass.
fn read_may_skip(node: &Node, rules: &[Rule], faults: &Faults) -> Vec<String> {
    let Some(mut fields) = Fields::of(node, "`break_glass`", faults) else { return Vec::new() };
    fields.required("may_skip");
    let names = fields.strings("may_skip");
    fields.finish();
    for (node, name) in &names {
        if *name == pinned::NAME {
            faults.push(node, "`digest` can never be skipped: what is copied is what was reviewed");
        } else if !rules.iter().any(|rule| rule.is_called(name)) {
            let known: Vec<String> = rules.iter().map(|rule| format!("`{}`", rule.name())).collect();
            faults.push_with_hint(
                node,
                format!("the policy has no rule `{name}`"),
                format!("its rules: {}", known.join(", ")),
            );
        }
    }
    names.into_iter().map(|(_, name)| name.to_owned()).collect()
}

/// Lays `own` rules over those of the policy that is extended: what a rule does not say itself it takes over.
fn merged_with(own: Option<Node>, node: &Node, text: &str, faults: &Faults) -> Option<Node> {
    let Some(builtin) = text.strip_prefix("builtin:").and_then(text_of) else {
        let known: Vec<String> = BUILTINS.iter().map(|(name, _)| format!("`builtin:{name}`")).collect();
        faults.push_with_hint(
            node,
            format!("there is no policy `{text}` to extend"),
            format!("known: {}", known.join(", ")),
        );
        return own;
    };
    let documents = yaml::parse(text, builtin.as_bytes()).map_err(|error| faults.push_error(&error)).ok()?;
    let inherited = documents.first().and_then(|document| document.get("rules")).cloned();
    match (own, inherited) {
        (Some(own), Some(inherited)) => Some(merged(own, &inherited, 2)),
        (own, inherited) => own.or(inherited),
    }
}

/// Adds to a mapping what it lacks of another, so many mappings deep.
fn merged(mut own: Node, inherited: &Node, depth: usize) -> Node {
    let (Value::Mapping(entries), Some(others)) = (&mut own.value, inherited.as_mapping()) else { return own };
    for (key, value) in others {
        match entries.iter_mut().find(|(name, _)| name.as_str().is_some() && name.as_str() == key.as_str()) {
            Some((_, there)) if depth > 1 => *there = merged(there.clone(), value, depth - 1),
            Some(_) => {}
            None => entries.push((key.clone(), value.clone())),
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::super::subject::Subject;
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
    fn own_settings_win_over_extended_ones_and_the_rest_is_taken_over() {
        let text = "version: 1\npolicy: p\nextends: builtin:release\nrules: {tag: {forbid: [edge], level: warn}}\n";
        let policy = read("p.yaml", text.as_bytes()).unwrap();
        let names: Vec<String> = policy.rules.iter().map(Rule::name).collect();
        assert_eq!(names, ["tag"]);
        let told = |tag: &str| {
            let candidate = super::super::testing::candidate(&format!("prod.example/api:{tag}"), None);
            let dossier = Default::default();
            let now = super::super::testing::NOW;
            let subject = Subject {
                policy: "p",
                candidate: &candidate,
                is_external: false,
                digest: None,
                size_bytes: None,
                dossier: &dossier,
                now,
            };
            policy.rules[0].complaints(&subject).len()
        };
        assert_eq!((told("edge"), told("latest"), told("main"), told("1.0.0")), (1, 1, 1, 0));
    }

    #[test]
    fn what_is_no_rule_is_refused_and_all_faults_are_told_at_once() {
        let text = "version: 1\npolicy: p\nrules:\n  tgas: {}\n  tag: {semver: one, pattern: '(', levle: deny}\n  tag: {}\n  Tag: {}\n";
        assert_eq!(
            told(text),
            [
                "4:3 `rules` has no field `tgas`",
                "5:17 `one` is not a range of versions: unexpected character 'o' while parsing major version number",
                "5:32 `(` is not a regular expression: unclosed group",
                "5:36 the rule `tag` has no field `levle`",
                "6:3 `tag` is given twice",
                "7:3 `rules` has no field `Tag`",
            ]
        );
    }

    #[test]
    fn only_rules_of_the_policy_can_be_skipped_and_never_the_digest() {
        let text = "version: 1\npolicy: p\nrules: {tag: {forbid: x}, digest: {pinned: true}}\nbreak_glass: {may_skip: [tag, digest, age]}\n";
        assert_eq!(
            told(text),
            [
                "4:31 `digest` can never be skipped: what is copied is what was reviewed",
                "4:39 the policy has no rule `age`",
            ]
        );
    }

    #[test]
    fn what_has_no_value_is_a_fault_and_never_nothing_said() {
        let text = "version: 1\npolicy: p\nextends: builtin:strict\nrules:\n  signature:\n  provenance: {repository: , refs: [~]}\n  tag: null\n";
        assert_eq!(
            told(text),
            [
                "5:3 `signature` has no value",
                "6:16 `repository` has no value",
                "6:37 an element of this list has no value",
                "6:37 `refs` must be a string, found a null",
                "7:3 `tag` has no value",
            ]
        );
    }

    #[test]
    fn hostile_texts_are_faults_and_end_in_time() {
        let bomb = format!("a: &a [{}]\n", "x,".repeat(50))
            + &(1..12)
                .map(|n| {
                    format!(
                        "b{n}: &b{n} [{}]\n",
                        format!("*{},", if n == 1 { "a".to_owned() } else { format!("b{}", n - 1) }).repeat(50)
                    )
                })
                .collect::<String>();
        let deep = format!("version: 1\npolicy: p\nrules: {}{}\n", "{a: ".repeat(100_000), "}".repeat(100_000));
        let long =
            format!("version: 1\npolicy: p\nrules: {{expr: [{{id: x, check: \"{}true\"}}]}}\n", "!".repeat(100_000));
        let wide = format!("version: 1\npolicy: p\nrules: {{tag: {{pattern: '{}'}}}}\n", "(a{1000}){1000}");
        for text in
            [bomb, deep, long, wide, "\u{0}".to_owned(), "- - -".to_owned(), "version: 1\n---\npolicy: p\n".to_owned()]
        {
            assert!(read("p.yaml", text.as_bytes()).is_err(), "{}", text.chars().take(60).collect::<String>());
        }
    }

    #[test]
    fn a_policy_for_nothing_is_a_fault_and_so_is_a_rule_that_asks_for_nothing() {
        let text = "version: 1\npolicy: p\nenvironments: []\nimages: []\nrules: {tag: {}, digest: {pinned: false}, vulnerabilities: {deny: []}}\n";
        assert_eq!(
            told(text),
            [
                "3:15 `environments` names nothing, so the policy is for nothing",
                "4:9 `images` names nothing, so the policy is for nothing",
                "5:14 the rule `tag` asks for nothing",
                "5:26 the rule `digest` asks for nothing",
                "5:67 `deny` names nothing",
            ]
        );
    }

    #[test]
    fn of_several_that_are_extended_the_last_has_the_word() {
        let text = "version: 1\npolicy: p\nextends: [builtin:strict, builtin:baseline]\n";
        let policy = read("p.yaml", text.as_bytes()).unwrap();
        assert!(policy.rules.iter().any(|rule| rule.name() == "signature"));
    }

    #[test]
    fn a_policy_without_rules_is_a_fault() {
        assert_eq!(told("version: 1\npolicy: p\n"), ["1:1 the policy has no rules, so it would allow everything"]);
    }
}
