//! Loading the policies that environments name, from the same revision as the configuration.

use std::collections::BTreeMap;

use super::error::Error;
use super::workspace::read_optional;
use crate::domain::tree::{EntryKind, follow};
use crate::domain::{Environment, Tree, TreePath};
use crate::policy::{self, BUILTINS, InForce, Policy};
use crate::yaml::Fault;

/// Files of a policy folder that are no policies themselves.
const COMPANIONS: [&str; 2] = ["signers", "waivers"];

/// Reads the policies of every environment that names some.
pub(super) fn load(tree: &dyn Tree, environments: &[Environment]) -> Result<BTreeMap<String, InForce>, Error> {
    let mut in_force = BTreeMap::new();
    for environment in environments.iter().filter(|environment| !environment.policies.is_empty()) {
        let mut set = InForce::default();
        for path in &environment.policies {
            load_one(tree, path, environment, &mut set)?;
        }
        in_force.insert(environment.name.clone(), set);
    }
    Ok(in_force)
}

fn load_one(tree: &dyn Tree, path: &str, environment: &Environment, set: &mut InForce) -> Result<(), Error> {
    if let Some(name) = path.strip_prefix("builtin:") {
        let policy = policy::builtin(name).ok_or_else(|| no_builtin(name))?;
        set.policies.push(readable(path, policy)?);
        return Ok(());
    }
    let missing = || {
        Error::usage(
            format!("environment {} names the policy {path}, which does not exist", environment.name),
            "policies are named from the root of the repository; in CI they must exist at the base revision",
        )
    };
    let tree_path = TreePath::parse(path).ok_or_else(missing)?;
    match follow(tree, &tree_path)? {
        Some((directory, EntryKind::Directory)) => {
            set.from_folder = true;
            for (name, _) in tree.list(&directory)?.into_iter().filter(|(name, _)| is_policy(name)) {
                let file = tree_path.join(&name).ok_or_else(missing)?;
                set.policies.extend(load_file(tree, &file)?);
            }
        }
        Some((_, EntryKind::File)) => {
            let policy = load_file(tree, &tree_path)?.ok_or_else(missing)?;
            if policy.environments.as_ref().is_some_and(|names| !names.contains(&environment.name)) {
                return Err(Error::usage(
                    format!("{path} is not for environment {}, which names it", environment.name),
                    format!(
                        "add {} to the `environments` of the policy, or take the policy out of promote-bot.yaml",
                        environment.name
                    ),
                ));
            }
            set.policies.push(policy);
        }
        _ => return Err(missing()),
    }
    Ok(())
}

fn is_policy(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, ending)| matches!(ending, "yaml" | "yml") && !COMPANIONS.contains(&stem))
}

fn load_file(tree: &dyn Tree, path: &TreePath) -> Result<Option<Policy>, Error> {
    let text = read_optional(tree, path)?;
    text.map(|text| readable(path.as_str(), policy::read(path.as_str(), &text))).transpose()
}

fn readable(path: &str, read: Result<Policy, Vec<Fault>>) -> Result<Policy, Error> {
    read.map_err(|faults| Error::Faults { what: path.to_owned(), faults })
}

fn no_builtin(name: &str) -> Error {
    let known: Vec<String> = BUILTINS.iter().map(|(name, _)| format!("builtin:{name}")).collect();
    Error::usage(format!("there is no policy builtin:{name}"), format!("known: {}", known.join(", ")))
}
