//! What a change does to policies: which of their files it edits, and what is wrong with the new ones.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::DEEPEST;
use super::companions::folders;
use crate::commands::workspace::read_optional;
use crate::domain::tree::{EntryKind, TreeError, follow};
use crate::domain::{Environment, Tree, TreePath};
use crate::policy;
use crate::yaml::Fault;

/// How many files of a folder of policies are compared.
const MOST_FILES: usize = 10_000;

/// Lists the files of policies, signers, keys and waivers that differ between two trees, as far as `environments` name them.
pub(in crate::commands) fn edited(
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
pub(super) fn list(
    tree: &dyn Tree,
    folder: &TreePath,
    deep: usize,
    files: &mut BTreeSet<TreePath>,
) -> Result<(), TreeError> {
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
pub(in crate::commands) fn lint(tree: &dyn Tree, path: &TreePath, text: &[u8], now: Timestamp) -> Option<Vec<Fault>> {
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
pub(super) fn key_file(tree: &dyn Tree, folder: &TreePath, name: &str) -> Result<String, String> {
    let path = folder.join(name).ok_or_else(|| "it lies outside the repository".to_owned())?;
    let bytes = read_optional(tree, &path).map_err(|error| error.to_string())?;
    let bytes = bytes.ok_or_else(|| format!("there is no {path}"))?;
    String::from_utf8(bytes.to_vec()).map_err(|_| "it is not text".to_owned())
}
