//! Loading the policies that environments name, from the same revision as the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::error::Error;
use super::judge::Inputs;
use super::workspace::{Workspace, read_optional};
use crate::domain::tree::{EntryKind, TreeError, follow};
use crate::domain::{Digest, Environment, Revision, Tree, TreePath};
use crate::policy::{self, BUILTINS, InForce, Waiver};
use crate::signature::Signer;
use crate::yaml::Fault;

/// Files of a policy folder that are no policies themselves.
const COMPANIONS: [&str; 2] = ["signers", "waivers"];

/// How deep keys may lie below a folder of policies to be told when they change.
const DEEPEST: usize = 3;

/// How many files of a folder of policies are compared.
const MOST_FILES: usize = 10_000;

/// Where signers and waivers are for environments that name built-in policies alone.
const DEFAULT_FOLDER: &str = "policies";

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
        let policies = in_force.values().flat_map(|set| &set.policies);
        glass.check(policies).map_err(|(message, hint)| Error::usage(message, hint))?;
    }
    Ok(Rulebook { in_force, tree, revision })
}

/// Reads the policies of every environment that names some, with the signers and waivers beside them.
pub(super) fn load(
    tree: &dyn Tree,
    revision: &Revision,
    environments: &[Environment],
    now: Timestamp,
) -> Result<BTreeMap<String, InForce>, Error> {
    let known = environments.iter().map(|environment| environment.name.clone()).collect();
    let rules = Rules { tree, revision, known: Some(known) };
    let mut companions = Companions { rules: &rules, now, signers: BTreeMap::new(), waivers: BTreeMap::new() };
    let mut in_force = BTreeMap::new();
    for environment in environments.iter().filter(|environment| !environment.policies.is_empty()) {
        let mut set = InForce::default();
        for path in &environment.policies {
            rules.load(path, environment, &mut set)?;
        }
        companions.add(environment, &mut set)?;
        check_names(&set, environments, revision)?;
        in_force.insert(environment.name.clone(), set);
    }
    check_waivers(&in_force, revision)?;
    Ok(in_force)
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
                        self.load_file(&file, set)?.ok_or_else(|| unreadable(&file))?;
                        // A folder may serve several environments.
                        set.policies.retain(|policy| {
                            policy.environments.as_ref().is_none_or(|names| names.contains(&environment.name))
                                || whose == Whose::Anybody
                        });
                    } else if kind == EntryKind::Directory && self.holds_policies(&file)? {
                        return Err(unreadable(&file));
                    }
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

    fn holds_policies(&self, directory: &TreePath) -> Result<bool, Error> {
        Ok(self.tree.list(directory)?.iter().any(|(name, _)| is_policy(name)))
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

/// The files beside policies: each is read once, whichever environments it serves.
struct Companions<'a> {
    rules: &'a Rules<'a>,
    now: Timestamp,
    signers: BTreeMap<TreePath, Arc<Vec<Signer>>>,
    waivers: BTreeMap<TreePath, Vec<Waiver>>,
}

impl Companions<'_> {
    /// Adds the signers and waivers of an environment.
    fn add(&mut self, environment: &Environment, set: &mut InForce) -> Result<(), Error> {
        let folders = folders(self.rules.tree, environment)?;
        let mut all: Vec<Arc<Vec<Signer>>> = Vec::new();
        for folder in &folders {
            let mut files = BTreeSet::new();
            list(self.rules.tree, folder, DEEPEST, &mut files)?;
            for file in files {
                // What signers and waivers are made of counts as much as the rules.
                if !set.files.iter().any(|(known, _)| known == file.as_str())
                    && let Some(text) = read_optional(self.rules.tree, &file)?
                {
                    set.files.push((file.to_string(), Digest::of(&text)));
                }
            }
            if let Some(signers) = self.signers(folder)? {
                all.push(signers);
            }
            set.waivers.extend(self.waivers(folder)?);
        }
        match all.len() {
            0 => {}
            1 => set.signers = all.remove(0),
            _ => {
                return Err(Error::usage(
                    format!("environment {} has signers in more than one folder", environment.name),
                    "keep its policies in one folder, with one signers.yaml",
                ));
            }
        }
        Ok(())
    }

    fn signers(&mut self, folder: &TreePath) -> Result<Option<Arc<Vec<Signer>>>, Error> {
        if let Some(known) = self.signers.get(folder) {
            return Ok(Some(known.clone()));
        }
        let Some((path, text)) = self.companion(folder, "signers")? else { return Ok(None) };
        let tree = self.rules.tree;
        let file = |name: &str| key_file(tree, folder, name);
        let signers = Arc::new(self.rules.readable(path.as_str(), policy::read_signers(path.as_str(), &text, &file))?);
        self.signers.insert(folder.clone(), signers.clone());
        Ok(Some(signers))
    }

    fn waivers(&mut self, folder: &TreePath) -> Result<Vec<Waiver>, Error> {
        if let Some(known) = self.waivers.get(folder) {
            return Ok(known.clone());
        }
        let waivers = match self.companion(folder, "waivers")? {
            Some((path, text)) => {
                self.rules.readable(path.as_str(), policy::read_waivers(path.as_str(), &text, self.now))?
            }
            None => Vec::new(),
        };
        self.waivers.insert(folder.clone(), waivers.clone());
        Ok(waivers)
    }

    fn companion(&self, folder: &TreePath, stem: &str) -> Result<Option<(TreePath, Arc<[u8]>)>, Error> {
        let mut found = None;
        for ending in ["yaml", "yml"] {
            let Some(path) = folder.child(&format!("{stem}.{ending}")) else { continue };
            let Some(text) = read_optional(self.rules.tree, &path)? else { continue };
            if found.is_some() {
                let message = format!("{folder} has both {stem}.yaml and {stem}.yml");
                return Err(Error::usage(message, "keep one of them"));
            }
            found = Some((path, text));
        }
        Ok(found)
    }
}

/// The folders of an environment's policies.
fn folders(tree: &dyn Tree, environment: &Environment) -> Result<BTreeSet<TreePath>, TreeError> {
    let mut folders = BTreeSet::new();
    let named = environment.policies.iter().filter(|path| !path.starts_with("builtin:"));
    for path in named.filter_map(|path| TreePath::parse(path)) {
        match follow(tree, &path)? {
            Some((_, EntryKind::Directory)) => folders.insert(path),
            _ => folders.insert(path.parent().unwrap_or_default()),
        };
    }
    if folders.is_empty() {
        folders.extend(TreePath::parse(DEFAULT_FOLDER));
    }
    Ok(folders)
}

/// Lists the files of policies, signers, keys and waivers that differ between two trees, as far as `environments` name them.
pub(super) fn edited(
    base: &dyn Tree,
    head: &dyn Tree,
    environments: &[Environment],
) -> Result<Vec<TreePath>, TreeError> {
    let mut files = BTreeSet::new();
    for environment in environments.iter().filter(|environment| !environment.policies.is_empty()) {
        let named = environment.policies.iter().filter(|path| !path.starts_with("builtin:"));
        files.extend(named.filter_map(|path| TreePath::parse(path)));
        for tree in [base, head] {
            for folder in folders(tree, environment)? {
                list(tree, &folder, DEEPEST, &mut files)?;
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

/// Lists what lies in a folder of policies: keys lie in folders of their own.
fn list(tree: &dyn Tree, folder: &TreePath, deep: usize, files: &mut BTreeSet<TreePath>) -> Result<(), TreeError> {
    let Some((directory, EntryKind::Directory)) = follow(tree, folder)? else { return Ok(()) };
    for (name, kind) in tree.list(&directory)? {
        let Some(path) = folder.child(&name).filter(|_| files.len() < MOST_FILES) else { continue };
        match kind {
            EntryKind::Directory if deep > 0 => list(tree, &path, deep - 1, files)?,
            EntryKind::Directory => {}
            _ => _ = files.insert(path),
        }
    }
    Ok(())
}

/// Reads a file of policies, signers or waivers, and tells its faults; files of another kind have none.
pub(super) fn lint(tree: &dyn Tree, path: &TreePath, text: &[u8], now: Timestamp) -> Option<Vec<Fault>> {
    let name = path.name();
    let stem = name.rsplit_once('.').filter(|(_, ending)| matches!(*ending, "yaml" | "yml")).map(|(stem, _)| stem)?;
    match stem {
        "signers" => {
            let folder = path.parent().unwrap_or_default();
            policy::read_signers(path.as_str(), text, &|name| key_file(tree, &folder, name)).err()
        }
        "waivers" => policy::read_waivers(path.as_str(), text, now).err(),
        _ => policy::read(path.as_str(), text).err(),
    }
}

/// Reads a file that a signers file names.
fn key_file(tree: &dyn Tree, folder: &TreePath, name: &str) -> Result<String, String> {
    let path = folder.join(name).ok_or_else(|| "it lies outside the repository".to_owned())?;
    let bytes = read_optional(tree, &path).map_err(|error| error.to_string())?;
    let bytes = bytes.ok_or_else(|| format!("there is no {path}"))?;
    String::from_utf8(bytes.to_vec()).map_err(|_| "it is not text".to_owned())
}

pub(super) fn is_policy(name: &str) -> bool {
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
