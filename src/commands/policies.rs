//! Loading the policies that environments name, from the same revision as the configuration.

use std::collections::{BTreeMap, BTreeSet};

use super::error::Error;
use super::workspace::read_optional;
use crate::domain::tree::{EntryKind, TreeError, follow};
use crate::domain::{Environment, Revision, Tree, TreePath};
use crate::policy::{self, BUILTINS, InForce, Policy};
use crate::yaml::Fault;

/// Files of a policy folder that are no policies themselves.
const COMPANIONS: [&str; 2] = ["signers", "waivers"];

/// Reads the policies of every environment that names some.
pub(super) fn load(
    tree: &dyn Tree,
    revision: &Revision,
    environments: &[Environment],
) -> Result<BTreeMap<String, InForce>, Error> {
    let rules = Rules { tree, revision };
    let mut in_force = BTreeMap::new();
    for environment in environments.iter().filter(|environment| !environment.policies.is_empty()) {
        let mut set = InForce::default();
        for path in &environment.policies {
            rules.load(path, environment, &mut set)?;
        }
        in_force.insert(environment.name.clone(), set);
    }
    Ok(in_force)
}

/// Where policies are read.
struct Rules<'a> {
    tree: &'a dyn Tree,
    revision: &'a Revision,
}

impl Rules<'_> {
    fn load(&self, path: &str, environment: &Environment, set: &mut InForce) -> Result<(), Error> {
        if let Some(name) = path.strip_prefix("builtin:") {
            let policy = policy::builtin(name).ok_or_else(|| no_builtin(name))?;
            set.policies.push(self.readable(path, policy)?);
            return Ok(());
        }
        let missing = || {
            Error::usage(
                format!("environment {} names the policy {path}, which does not exist", environment.name),
                "policies are named from the root of the repository; in CI they must exist at the base revision",
            )
        };
        let tree_path = TreePath::parse(path).ok_or_else(missing)?;
        match follow(self.tree, &tree_path)? {
            Some((directory, EntryKind::Directory)) => {
                set.from_folder = true;
                for (name, kind) in self.tree.list(&directory)? {
                    let file = tree_path.child(&name).ok_or_else(missing)?;
                    if is_policy(&name) {
                        set.policies.push(self.load_file(&file)?.ok_or_else(|| unreadable(&file))?);
                    } else if kind == EntryKind::Directory && self.holds_policies(&file)? {
                        return Err(unreadable(&file));
                    }
                }
            }
            Some((_, EntryKind::File)) => {
                let policy = self.load_file(&tree_path)?.ok_or_else(missing)?;
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

    fn holds_policies(&self, directory: &TreePath) -> Result<bool, Error> {
        Ok(self.tree.list(directory)?.iter().any(|(name, _)| is_policy(name)))
    }

    fn load_file(&self, path: &TreePath) -> Result<Option<Policy>, Error> {
        let text = read_optional(self.tree, path)?;
        text.map(|text| self.readable(path.as_str(), policy::read(path.as_str(), &text))).transpose()
    }

    fn readable(&self, path: &str, read: Result<Policy, Vec<Fault>>) -> Result<Policy, Error> {
        read.map_err(|faults| Error::Faults { what: path.to_owned(), faults, revision: self.revision.clone() })
    }
}

/// Lists the policy files that differ between two trees, as far as `environments` name them.
pub(super) fn edited(
    base: &dyn Tree,
    head: &dyn Tree,
    environments: &[Environment],
) -> Result<Vec<TreePath>, TreeError> {
    let mut files = BTreeSet::new();
    for path in environments.iter().flat_map(|environment| &environment.policies) {
        let Some(path) = TreePath::parse(path).filter(|_| !path.starts_with("builtin:")) else { continue };
        for tree in [base, head] {
            match follow(tree, &path)? {
                Some((directory, EntryKind::Directory)) => {
                    let names = tree.list(&directory)?.into_iter().map(|(name, _)| name);
                    files.extend(names.filter(|name| is_policy(name)).filter_map(|name| path.child(&name)));
                }
                _ => _ = files.insert(path.clone()),
            }
        }
    }
    let mut edited = Vec::new();
    for file in files {
        if read_optional(base, &file)? != read_optional(head, &file)? {
            edited.push(file);
        }
    }
    Ok(edited)
}

fn is_policy(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, ending)| matches!(ending, "yaml" | "yml") && !COMPANIONS.contains(&stem))
}

fn unreadable(path: &TreePath) -> Error {
    Error::usage(
        format!("{path} lies in a folder of policies and is no policy file that is read from there"),
        "a policy that is not asked must not seem to be: put the file right, or take it out of the folder",
    )
}

fn no_builtin(name: &str) -> Error {
    let known: Vec<String> = BUILTINS.iter().map(|(name, _)| format!("builtin:{name}")).collect();
    Error::usage(format!("there is no policy builtin:{name}"), format!("known: {}", known.join(", ")))
}
