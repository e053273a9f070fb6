//! The files beside policies: signers with their keys, and waivers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::changes::{key_file, list};
use super::wrong::Wrong;
use super::{DEEPEST, Rules, is_policy};
use crate::commands::error::Error;
use crate::commands::workspace::read_optional;
use crate::domain::tree::{EntryKind, TreeError, follow};
use crate::domain::{Digest, Environment, Tree, TreePath};
use crate::policy::{self, InForce, Waiver};
use crate::signature::Signer;

/// Where signers and waivers are for environments that name built-in policies alone.
const DEFAULT_FOLDER: &str = "policies";

/// A file and its text.
type Found = (TreePath, Arc<[u8]>);

/// The files beside policies: each is read once, whichever environments it serves.
pub(super) struct Companions<'a> {
    pub(super) rules: &'a Rules<'a>,
    pub(super) now: Timestamp,
    pub(super) signers: BTreeMap<TreePath, Arc<Vec<Signer>>>,
    pub(super) waivers: BTreeMap<TreePath, Vec<Waiver>>,
}

impl Companions<'_> {
    /// Adds the signers and waivers of an environment.
    ///
    /// # Errors
    /// All faults of all files at once.
    pub(super) fn add(&mut self, environment: &Environment, set: &mut InForce) -> Result<(), Error> {
        let folders = folders(self.rules.tree, environment)?;
        let (mut all, mut wrong): (Vec<Arc<Vec<Signer>>>, _) = (Vec::new(), Wrong::default());
        for folder in &folders {
            let mut files = BTreeSet::new();
            list(self.rules.tree, folder, DEEPEST, &mut files)?;
            let is_policy = |file: &TreePath| file.parent().as_ref() == Some(folder) && is_policy(file.name());
            for file in files.into_iter().filter(|file| !is_policy(file)) {
                // What signers and waivers are made of counts as much as the rules.
                if !set.files.iter().any(|(known, _)| known == file.as_str())
                    && let Some(text) = read_optional(self.rules.tree, &file)?
                {
                    set.files.push((file.to_string(), Digest::of(&text)));
                }
            }
            all.extend(wrong.note(self.signers(folder)).flatten());
            set.waivers.extend(wrong.note(self.waivers(folder)).into_iter().flatten());
        }
        wrong.into_result(self.rules.revision)?;
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

    fn companion(&self, folder: &TreePath, stem: &str) -> Result<Option<Found>, Error> {
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
pub(super) fn folders(tree: &dyn Tree, environment: &Environment) -> Result<BTreeSet<TreePath>, TreeError> {
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
