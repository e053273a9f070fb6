//! `policy lint`: what is wrong with policies and the files beside them, and what of them is of no use.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::error::Error;
use super::policies;
use super::policy::nothing_named;
use super::uses::select;
use super::workspace::{Scope, Snapshot, read_optional};
use crate::domain::tree::{EntryKind, follow};
use crate::domain::{Environment, ImageRef, Tree, TreePath};
use crate::overlay;
use crate::policy::{InForce, Policy, Waiver};
use crate::report::{counted, safe};

/// Reads the policies, signers and waivers of the environments that were chosen, or those that lie at or below `paths`, and tells what
/// is of no use. Returns what is to be shown.
///
/// # Errors
/// What cannot be read, all faults at once.
pub fn policy_lint(scope: &Scope, paths: &[String]) -> Result<String, Error> {
    let snapshot = Snapshot::open(scope, None)?;
    let chosen = select(&snapshot.environments, &scope.environments)?;
    let targets = paths.iter().map(|path| target(&snapshot, path)).collect::<Result<Vec<_>, _>>()?;
    let all = policies::load(snapshot.tree.as_ref(), &snapshot.revision, &snapshot.environments, scope.now)?;
    let is_meant = |file: &str| {
        let path = TreePath::parse(file).unwrap_or_default();
        targets.is_empty() || targets.iter().any(|target| path.is_within(target))
    };
    let (mut out, mut remarks, mut files) = (String::new(), BTreeSet::new(), BTreeSet::new());
    for environment in &chosen {
        let Some(set) = all.get(&environment.name) else { continue };
        if !set.files.iter().any(|(file, _)| is_meant(file)) && !targets.is_empty() {
            continue;
        }
        out.push_str(&summary(&environment.name, set));
        files.extend(set.files.iter().map(|(file, _)| file.clone()).filter(|file| is_meant(file)));
        remarks.extend(set.policies.iter().flat_map(|policy| weak(policy, &environment.name, scope)));
        remarks.extend(of_no_use(set, scope));
        remarks.extend(strangers(snapshot.tree.as_ref(), environment, set)?);
    }
    for file in unread(&snapshot, &all, &targets)? {
        let text = read_optional(snapshot.tree.as_ref(), &file)?.unwrap_or_default();
        if let Some(faults) = policies::lint(snapshot.tree.as_ref(), &file, &text, scope.now) {
            return Err(Error::Faults { what: file.to_string(), faults, revision: snapshot.revision });
        }
        remarks.insert(format!("{file}: no environment names this policy"));
        files.insert(file.to_string());
    }
    if files.is_empty() && out.is_empty() {
        return Err(nothing_named(&snapshot, "give it one: `policy: policies/` in promote-bot.yaml"));
    }
    remarks.iter().for_each(|remark| _ = writeln!(out, "warning: {}", safe(remark)));
    let _ = writeln!(out, "{} read, no fault, {}", counted(files.len(), "file"), counted(remarks.len(), "warning"));
    Ok(out)
}

/// A file or a folder that a person names.
fn target(snapshot: &Snapshot, path: &str) -> Result<TreePath, Error> {
    let from_root = TreePath::parse(&snapshot.path_from_root(path));
    let found = match &from_root {
        Some(path) => follow(snapshot.tree.as_ref(), path)?,
        None => None,
    };
    let missing = || {
        let hint =
            "name files or folders of policies, or none for all; a built-in one: promote-bot explain builtin:strict";
        Error::usage(format!("there is no {path}"), hint)
    };
    found.and(from_root).ok_or_else(missing)
}

fn summary(environment: &str, set: &InForce) -> String {
    let rules: usize = set.policies.iter().map(|policy| policy.rules.len()).sum();
    let policies = match set.policies.is_empty() {
        true => "no policy".to_owned(),
        false => set.policies.iter().map(|policy| safe(&policy.name)).collect::<Vec<_>>().join(" "),
    };
    format!(
        "{}: {policies}, {}, {}, {}\n",
        safe(environment),
        counted(rules, "rule"),
        counted(set.signers.len(), "signer"),
        counted(set.waivers.len(), "waiver")
    )
}

/// What a policy lets pass, or asks in vain, that its writer may not have meant to.
fn weak(policy: &Policy, environment: &str, scope: &Scope) -> Vec<String> {
    let mut weak = Vec::new();
    if policy.examples.is_empty() && !policy.file.starts_with("builtin:") {
        weak.push(format!("{}: it has no examples, so nobody tests what it says", policy.file));
    }
    for rule in &policy.rules {
        if rule.is_off() {
            weak.push(format!("{}: the rule {} is off", policy.file, rule.name()));
        }
        let idle = rule.idle(environment, scope.now);
        weak.extend(idle.into_iter().map(|why| format!("{}: the rule {}: {why}", policy.file, rule.name())));
    }
    weak
}

/// Waivers that hold for nothing any more.
fn of_no_use(set: &InForce, scope: &Scope) -> Vec<String> {
    let told = |waiver: &Waiver| {
        let when = waiver.expires.strftime("%Y-%m-%d %H:%M UTC");
        let what = match (waiver.is_expired(scope.now), waiver.ends_soon(scope.now)) {
            (true, _) => format!("expired at {when}"),
            (false, true) => format!("ends soon, at {when}"),
            (false, false) => return None,
        };
        Some(format!("{}:{}: the waiver `{}` {what}", waiver.file, waiver.line, waiver.id))
    };
    set.waivers.iter().filter_map(told).collect()
}

/// What fits no image that the environment references now.
fn strangers(tree: &dyn Tree, environment: &Environment, set: &InForce) -> Result<Vec<String>, Error> {
    let mut strangers = Vec::new();
    if set.policies.is_empty() {
        strangers.push(format!("{}: no policy is for it, and so every image is denied", environment.name));
    }
    // Programs that render are not run; where not everything is known, nothing is said.
    let uses = overlay::uses(tree, environment, None)?;
    if !(uses.errors.is_empty() && uses.partial.is_empty()) {
        return Ok(strangers);
    }
    let images: Vec<ImageRef> = uses.sites.iter().filter_map(|site| site.image_use.image.parse().ok()).collect();
    for policy in set.policies.iter().filter(|policy| policy.images.is_some()) {
        if !images.iter().any(|image| policy.applies(&environment.name, image.repository())) {
            strangers.push(format!("{}: its `images` fit nothing that {} references", policy.file, environment.name));
        }
    }
    let is_own = |waiver: &&Waiver| {
        set.policies
            .iter()
            .any(|policy| waiver.rule.strip_prefix(&policy.name).is_some_and(|rest| rest.starts_with('/')))
    };
    for waiver in set.waivers.iter().filter(is_own) {
        if !images.iter().any(|image| waiver.images.iter().any(|glob| glob.matches(image.repository()))) {
            let place = format!("{}:{}", waiver.file, waiver.line);
            let name = &environment.name;
            strangers.push(format!("{place}: the waiver `{}` fits no image that {name} references", waiver.id));
        }
    }
    Ok(strangers)
}

/// Policy files that are not in force: beside those that are, or at and below `targets`.
fn unread(
    snapshot: &Snapshot,
    all: &BTreeMap<String, InForce>,
    targets: &[TreePath],
) -> Result<BTreeSet<TreePath>, Error> {
    let tree = snapshot.tree.as_ref();
    let read: BTreeSet<&str> = all.values().flat_map(|set| &set.policies).map(|policy| policy.file.as_str()).collect();
    let beside =
        || read.iter().filter(|file| !file.starts_with("builtin:")).filter_map(|file| TreePath::parse(file)?.parent());
    let folders: BTreeSet<TreePath> =
        if targets.is_empty() { beside().collect() } else { targets.iter().cloned().collect() };
    let mut unread = BTreeSet::new();
    let mut add = |path: TreePath| -> Result<(), Error> {
        if policies::is_policy(path.name()) && !read.contains(path.as_str()) && read_optional(tree, &path)?.is_some() {
            unread.insert(path);
        }
        Ok(())
    };
    for folder in folders {
        match follow(tree, &folder)? {
            Some((directory, EntryKind::Directory)) => {
                for (name, _) in tree.list(&directory)? {
                    folder.child(&name).map_or(Ok(()), &mut add)?;
                }
            }
            _ => add(folder)?,
        }
    }
    Ok(unread)
}
