//! Loading the policies that environments name, from the same revision as the configuration.

mod changes;
mod companions;
mod wrong;

pub(super) use changes::{edited, lint};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use self::companions::Companions;
use self::wrong::Wrong;
use super::error::Error;
use super::judge::Inputs;
use super::workspace::{Workspace, read_optional};
use crate::domain::tree::{EntryKind, TreeError, follow};
use crate::domain::{Digest, Environment, Revision, Tree, TreePath};
use crate::policy::{self, BUILTINS, InForce, Policy, Waiver};
use crate::yaml::Fault;

/// Files of a policy folder that are no policies themselves.
const COMPANIONS: [&str; 2] = ["signers", "waivers"];

/// How many policies a folder may have.
const MOST_POLICIES: usize = 200;

/// How deep keys may lie below a folder of policies to be told when they change.
const DEEPEST: usize = 3;

/// The policies of every environment, and where they come from.
pub(super) struct Rulebook {
    pub(super) in_force: BTreeMap<String, InForce>,
    pub(super) tree: Arc<dyn Tree>,
    pub(super) revision: Revision,
}

/// Reads what judges: from the configuration's revision, unless the command line names another. Glass is broken by the policies of
/// the base alone.
pub(super) fn rulebook(workspace: &mut Workspace, inputs: &Inputs<'_>) -> Result<Rulebook, Error> {
    let (tree, revision) = match &inputs.scope.policy_from {
        Some(from) => {
            let revision = workspace.revision(from)?;
            workspace.notes.push(format!("the policies are those at {}, by --policy-from", revision.short()));
            (workspace.repository.tree(&revision)?, revision)
        }
        None => (workspace.rules.clone(), workspace.config_used.revision.clone()),
    };
    let in_force = load(tree.as_ref(), &revision, &workspace.config.environments, inputs.scope.now)?;
    if let Some(glass) = &inputs.break_glass {
        if revision != workspace.range.target {
            return Err(Error::usage(
                format!("--break-glass is decided by the policies of the base, and these are of {}", revision.short()),
                "give --config-from base",
            ));
        }
        let policies: Vec<&Policy> = in_force.values().flat_map(|set| &set.policies).collect();
        glass.check(&policies).map_err(|(message, hint)| Error::usage(message, hint))?;
    }
    Ok(Rulebook { in_force, tree, revision })
}

/// Reads the policies of every environment that names some, with the signers and waivers beside them.
///
/// # Errors
/// All faults of all files at once.
pub(super) fn load(
    tree: &dyn Tree,
    revision: &Revision,
    environments: &[Environment],
    now: Timestamp,
) -> Result<BTreeMap<String, InForce>, Error> {
    let known = environments.iter().map(|environment| environment.name.clone()).collect();
    let rules = Rules { tree, revision, known: Some(known) };
    let mut companions = Companions { rules: &rules, now, signers: BTreeMap::new(), waivers: BTreeMap::new() };
    let (mut in_force, mut wrong) = (BTreeMap::new(), Wrong::default());
    for environment in environments.iter().filter(|environment| !environment.policies.is_empty()) {
        let (mut set, mut own) = (InForce::default(), Wrong::default());
        for path in &environment.policies {
            own.note(rules.load(path, environment, &mut set));
        }
        own.note(companions.add(environment, &mut set));
        // What is not there because its file cannot be read is not missing.
        if own.is_nothing() {
            own.note(check_names(&set, environments, revision));
        }
        wrong.note(own.into_result(revision));
        in_force.insert(environment.name.clone(), set);
    }
    if wrong.is_nothing() {
        wrong.note(check_policies(&in_force, revision));
        wrong.note(check_waivers(&in_force, revision));
    }
    wrong.into_result(revision).map(|()| in_force)
}

/// Reads the policies of one environment, without signers and waivers.
pub(super) fn alone(tree: &dyn Tree, revision: &Revision, environment: &Environment) -> Result<InForce, Error> {
    let rules = Rules { tree, revision, known: None };
    let mut set = InForce::default();
    for path in &environment.policies {
        rules.load_whichever(path, environment, &mut set)?;
    }
    Ok(set)
}

/// Refuses what names something that is not there.
fn check_names(set: &InForce, environments: &[Environment], revision: &Revision) -> Result<(), Error> {
    let faults = set.faults(environments.iter().map(|environment| environment.name.as_str()));
    match faults.first() {
        None => Ok(()),
        Some(first) => Err(Error::Faults { what: first.file.clone(), faults, revision: revision.clone() }),
    }
}

/// Refuses two files that call their policies the same, whichever environments they are for: ids of rules must tell them apart.
fn check_policies(in_force: &BTreeMap<String, InForce>, revision: &Revision) -> Result<(), Error> {
    let mut file_of: BTreeMap<&str, &str> = BTreeMap::new();
    let mut faults = Vec::new();
    for policy in in_force.values().flat_map(|set| &set.policies) {
        let first = *file_of.entry(&policy.name).or_insert(&policy.file);
        if first != policy.file {
            faults.push(policy.named_twice(first));
        }
    }
    faults.dedup();
    match faults.first() {
        None => Ok(()),
        Some(first) => Err(Error::Faults { what: first.file.clone(), faults, revision: revision.clone() }),
    }
}

/// Refuses a waiver whose policy no environment has: it would seem to hold.
fn check_waivers(in_force: &BTreeMap<String, InForce>, revision: &Revision) -> Result<(), Error> {
    let policies: BTreeSet<&str> =
        in_force.values().flat_map(|set| &set.policies).map(|policy| policy.name.as_str()).collect();
    let of_waiver = |waiver: &Waiver| waiver.rule.split('/').next().unwrap_or_default().to_owned();
    let unknown =
        in_force.values().flat_map(|set| &set.waivers).find(|one| !policies.contains(of_waiver(one).as_str()));
    let Some(waiver) = unknown else { return Ok(()) };
    let fault = Fault {
        file: waiver.file.clone(),
        line: waiver.line,
        column: 1,
        message: format!(
            "the waiver `{}` is for `{}`, and no environment has a policy `{}`",
            waiver.id,
            waiver.rule,
            of_waiver(waiver)
        ),
        hint: Some(format!("policies: {}", policies.iter().copied().collect::<Vec<_>>().join(", "))),
    };
    Err(Error::Faults { what: waiver.file.clone(), faults: vec![fault], revision: revision.clone() })
}

/// Who names a policy file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// An environment, for which it must be.
    Environment,
    /// A person who wants to look at it.
    Anybody,
}

/// Where policies are read.
struct Rules<'a> {
    tree: &'a dyn Tree,
    revision: &'a Revision,
    /// The environments there are, where policies must be for some of them.
    known: Option<BTreeSet<String>>,
}

impl Rules<'_> {
    /// Loads what an environment names, which must be for it.
    fn load(&self, path: &str, environment: &Environment, set: &mut InForce) -> Result<(), Error> {
        self.load_as(path, environment, set, Whose::Environment)
    }

    /// Loads what a person names, whatever it is for.
    fn load_whichever(&self, path: &str, environment: &Environment, set: &mut InForce) -> Result<(), Error> {
        self.load_as(path, environment, set, Whose::Anybody)
    }

    fn load_as(&self, path: &str, environment: &Environment, set: &mut InForce, whose: Whose) -> Result<(), Error> {
        if let Some(name) = path.strip_prefix("builtin:") {
            let policy = policy::builtin(name).ok_or_else(|| no_builtin(name))?;
            set.files.push((path.to_owned(), Digest::of(policy::text_of(name).unwrap_or_default().as_bytes())));
            set.policies.push(self.readable(path, policy)?);
            return Ok(());
        }
        let missing = || match whose {
            _ if policy::text_of(path).is_some() => {
                Error::usage(format!("there is no policy {path}"), format!("the built-in one is called builtin:{path}"))
            }
            Whose::Environment => Error::usage(
                format!("environment {} names the policy {path}, which does not exist", environment.name),
                "policies are named from the root of the repository; in CI they must exist at the base revision",
            ),
            Whose::Anybody => Error::usage(
                format!("there is no policy {path}"),
                "name a file, a folder, or a built-in one: builtin:strict",
            ),
        };
        let tree_path = TreePath::parse(path).ok_or_else(missing)?;
        match follow(self.tree, &tree_path)? {
            Some((directory, EntryKind::Directory)) => {
                self.load_folder(&tree_path, &directory, set)?;
                if whose == Whose::Environment {
                    self.keep_own(environment, set);
                }
            }
            Some((_, EntryKind::File)) => {
                self.load_file(&tree_path, set)?.ok_or_else(missing)?;
                let policy = set.policies.last();
                if whose == Whose::Environment
                    && policy.is_some_and(|policy| {
                        policy.environments.as_ref().is_some_and(|names| !names.contains(&environment.name))
                    })
                {
                    return Err(Error::usage(
                        format!("{path} is not for environment {}, which names it", environment.name),
                        format!(
                            "add {} to the `environments` of the policy, or take the policy out of promote-bot.yaml",
                            environment.name
                        ),
                    ));
                }
            }
            _ => return Err(missing()),
        }
        Ok(())
    }

    /// Loads all policies of a folder, and tells all that is wrong with them.
    fn load_folder(&self, path: &TreePath, directory: &TreePath, set: &mut InForce) -> Result<(), Error> {
        set.from_folder = true;
        let (mut wrong, entries) = (Wrong::default(), self.tree.list(directory)?);
        if entries.iter().filter(|(name, _)| is_policy(name)).count() > MOST_POLICIES {
            let hint = "a policy may be for many environments and images: put some together";
            return Err(Error::usage(format!("{path} has more than {MOST_POLICIES} policies"), hint));
        }
        for (name, kind) in entries {
            let file = path.child(&name).ok_or_else(|| unreadable(path))?;
            if is_policy(&name) {
                let loaded = self.load_file(&file, set);
                wrong.note(loaded.and_then(|found| found.ok_or_else(|| unreadable(&file))));
            } else if is_nearly_policy(&name)
                || (is_folder(self.tree, &file, kind)? && self.holds_policies(&file, DEEPEST)?)
            {
                wrong.note(Err::<(), _>(unreadable(&file)));
            }
        }
        wrong.into_result(self.revision)
    }

    /// Leaves out the policies of others: a folder may serve several environments.
    fn keep_own(&self, environment: &Environment, set: &mut InForce) {
        let is_own =
            |policy: &Policy| policy.environments.as_ref().is_none_or(|names| names.contains(&environment.name));
        let (own, others): (Vec<_>, Vec<_>) = std::mem::take(&mut set.policies).into_iter().partition(is_own);
        set.files.retain(|(file, _)| !others.iter().any(|policy| policy.file == *file));
        set.policies = own;
    }

    /// Tells whether policies lie in a folder, or in one of its folders.
    fn holds_policies(&self, folder: &TreePath, deep: usize) -> Result<bool, Error> {
        let Some((directory, EntryKind::Directory)) = follow(self.tree, folder)? else { return Ok(false) };
        for (name, kind) in self.tree.list(&directory)? {
            let Some(path) = folder.child(&name) else { continue };
            if is_policy(&name) || is_nearly_policy(&name) {
                return Ok(true);
            }
            if deep > 0 && is_folder(self.tree, &path, kind)? && self.holds_policies(&path, deep - 1)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn load_file(&self, path: &TreePath, set: &mut InForce) -> Result<Option<()>, Error> {
        let Some(text) = read_optional(self.tree, path)? else { return Ok(None) };
        let policy = self.readable(path.as_str(), policy::read(path.as_str(), &text))?;
        let names = policy.environments.iter().flatten();
        if let Some(known) = &self.known
            && let Some(unknown) = names.into_iter().find(|name| !known.contains(*name))
        {
            return Err(Error::usage(
                format!("{path} is for environment {unknown}, which the configuration does not have"),
                format!("environments: {}", known.iter().cloned().collect::<Vec<_>>().join(", ")),
            ));
        }
        set.files.push((path.to_string(), Digest::of(&text)));
        set.policies.push(policy);
        Ok(Some(()))
    }

    fn readable<T>(&self, path: &str, read: Result<T, Vec<Fault>>) -> Result<T, Error> {
        read.map_err(|faults| Error::Faults { what: path.to_owned(), faults, revision: self.revision.clone() })
    }
}

pub(super) fn is_policy(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, ending)| matches!(ending, "yaml" | "yml") && !COMPANIONS.contains(&stem))
}

/// Tells whether an entry is a folder, or a link to one.
fn is_folder(tree: &dyn Tree, path: &TreePath, kind: EntryKind) -> Result<bool, TreeError> {
    Ok(match kind {
        EntryKind::Directory => true,
        EntryKind::Symlink => matches!(follow(tree, path)?, Some((_, EntryKind::Directory))),
        EntryKind::File | EntryKind::Submodule => false,
    })
}

/// Tells whether a name could be meant to be a policy's and is none that is read: `.YAML`.
fn is_nearly_policy(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    let is_companion = |stem: &&str| name == format!("{stem}.yaml") || name == format!("{stem}.yml");
    matches!(ending.as_str(), "yaml" | "yml") && !is_policy(name) && !COMPANIONS.iter().any(is_companion)
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
