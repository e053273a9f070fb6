//! `policy test` and `policy lint`: policies by themselves, before they judge anything.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::error::Error;
use super::policies;
use super::workspace::{Scope, Snapshot, read_optional};
use crate::domain::tree::{EntryKind, follow};
use crate::domain::{Environment, TreePath};
use crate::policy::{self, BUILTINS, InForce, Policy, Waiver};
use crate::report::{counted, safe};

/// Runs the examples of policies: those of `paths`, else those of all environments. Returns what is to be shown, and whether all
/// hold.
///
/// # Errors
/// When a policy cannot be read, or there is none.
pub fn policy_test(scope: &Scope, paths: &[String]) -> Result<(String, bool), Error> {
    let policies = chosen(scope, paths)?;
    let (mut out, mut failed, mut run) = (String::new(), 0, 0);
    for policy in &policies {
        let _ = writeln!(out, "{} ({})", safe(&policy.name), safe(&policy.file));
        if policy.examples.is_empty() {
            let _ = writeln!(out, "  no examples");
        }
        for example in &policy.examples {
            run += 1;
            match example.run(policy) {
                Ok(()) => _ = writeln!(out, "  ok    {}", safe(&example.name)),
                Err(why) => {
                    failed += 1;
                    let _ = writeln!(
                        out,
                        "  FAIL  {}\n        {}: {}",
                        safe(&example.name),
                        safe(&example.location.to_string()),
                        safe(&why.why)
                    );
                    why.said.iter().for_each(|said| _ = writeln!(out, "        it says: {}", safe(said)));
                }
            }
        }
    }
    let _ = writeln!(out, "\n{} of {} as expected", run - failed, counted(run, "example"));
    if run == 0 {
        return Err(Error::usage(
            "no policy has an example",
            "write `examples` into a policy; promote-bot explain builtin:strict shows some",
        ));
    }
    Ok((out, failed == 0))
}

/// Reads the policies of `paths`, else of all environments.
fn chosen(scope: &Scope, paths: &[String]) -> Result<Vec<Policy>, Error> {
    let snapshot = Snapshot::open(scope, None)?;
    let named: Vec<String> = match paths.is_empty() {
        true => snapshot.environments.iter().flat_map(|environment| environment.policies.clone()).collect(),
        false => paths.iter().map(|path| snapshot.path_from_root(path)).collect(),
    };
    if named.is_empty() {
        return Err(Error::usage("no environment names a policy", "name one: promote-bot policy test builtin:strict"));
    }
    let mut environment = Environment::of_overlays("policies".to_owned(), Vec::new());
    environment.policies = named;
    let set = policies::alone(snapshot.tree.as_ref(), &snapshot.revision, &environment)?;
    let mut seen = BTreeSet::new();
    Ok(set.policies.into_iter().filter(|policy| seen.insert(policy.file.clone())).collect())
}

/// Reads the policies, signers and waivers of `paths`, else of all environments, and tells what is wrong or of no use. Returns what
/// is to be shown, and whether nothing is wrong.
///
/// # Errors
/// What cannot be read, all faults at once.
pub fn policy_lint(scope: &Scope, paths: &[String]) -> Result<(String, bool), Error> {
    let snapshot = Snapshot::open(scope, None)?;
    let mut environments = snapshot.environments.clone();
    if !paths.is_empty() {
        let mut one = Environment::of_overlays("policies".to_owned(), Vec::new());
        one.policies = paths.iter().map(|path| snapshot.path_from_root(path)).collect();
        environments.push(one);
    }
    let all = policies::load(snapshot.tree.as_ref(), &snapshot.revision, &environments, scope.now)?;
    let wanted = |name: &str| paths.is_empty() || name == "policies";
    let (mut out, mut remarks) = (String::new(), BTreeSet::new());
    let mut files = BTreeSet::new();
    for (name, set) in all.iter().filter(|(name, _)| wanted(name)) {
        files.extend(set.policies.iter().map(|policy| policy.file.clone()));
        set.policies.iter().for_each(|policy| remarks.extend(weak(policy)));
        remarks.extend(of_no_use(set, scope));
        if paths.is_empty() {
            let rules: usize = set.policies.iter().map(|policy| policy.rules.len()).sum();
            let waivers = counted(set.waivers.len(), "waiver");
            let _ = writeln!(
                out,
                "{}: {}, {}, {}, {waivers}",
                safe(name),
                policies_of(set),
                counted(rules, "rule"),
                counted(set.signers.len(), "signer")
            );
        }
    }
    if files.is_empty() {
        return Err(Error::usage(
            "no environment names a policy",
            "give it one: `policy: policies/` in promote-bot.yaml",
        ));
    }
    for file in unread(&snapshot, &all)? {
        remarks.insert(format!("{file}: no environment names this policy"));
    }
    remarks.iter().for_each(|remark| _ = writeln!(out, "warning: {}", safe(remark)));
    let _ =
        writeln!(out, "{} read, no fault, {}", counted(files.len(), "policy file"), counted(remarks.len(), "warning"));
    Ok((out, true))
}

fn policies_of(set: &InForce) -> String {
    set.policies.iter().map(|policy| safe(&policy.name)).collect::<Vec<_>>().join(" ")
}

/// What a policy lets pass that its writer may not have meant to.
fn weak(policy: &Policy) -> Vec<String> {
    let mut weak = Vec::new();
    if policy.examples.is_empty() && !policy.file.starts_with("builtin:") {
        weak.push(format!("{}: it has no examples, so nobody tests what it says", policy.file));
    }
    for rule in policy.rules.iter().filter(|rule| rule.is_off()) {
        weak.push(format!("{}: the rule {} is off", policy.file, rule.name()));
    }
    weak
}

/// Waivers that hold for nothing any more.
fn of_no_use(set: &InForce, scope: &Scope) -> Vec<String> {
    let expired = |waiver: &Waiver| {
        waiver
            .is_expired(scope.now)
            .then(|| format!("{}:{}: the waiver `{}` has expired", waiver.file, waiver.line, waiver.id))
    };
    let soon = |waiver: &Waiver| {
        waiver
            .ends_soon(scope.now)
            .then(|| format!("{}:{}: the waiver `{}` ends soon", waiver.file, waiver.line, waiver.id))
    };
    set.waivers.iter().flat_map(|waiver| [expired(waiver), soon(waiver)]).flatten().collect()
}

/// Policy files that lie beside those in force and are not in force themselves.
fn unread(snapshot: &Snapshot, all: &std::collections::BTreeMap<String, InForce>) -> Result<Vec<String>, Error> {
    let read: BTreeSet<&str> = all.values().flat_map(|set| &set.policies).map(|policy| policy.file.as_str()).collect();
    let folders: BTreeSet<TreePath> = read
        .iter()
        .filter(|file| !file.starts_with("builtin:"))
        .filter_map(|file| TreePath::parse(file)?.parent())
        .collect();
    let mut unread = Vec::new();
    for folder in folders {
        let Some((directory, EntryKind::Directory)) = follow(snapshot.tree.as_ref(), &folder)? else { continue };
        for (name, _) in snapshot.tree.list(&directory)? {
            let Some(path) = folder.child(&name).filter(|_| policies::is_policy(&name)) else { continue };
            if !read.contains(path.as_str()) && read_optional(snapshot.tree.as_ref(), &path)?.is_some() {
                unread.push(path.to_string());
            }
        }
    }
    Ok(unread)
}

/// Prints a built-in policy as it is.
pub(super) fn builtin_text(name: &str) -> Result<&'static str, Error> {
    policy::text_of(name).ok_or_else(|| {
        let known: Vec<String> = BUILTINS.iter().map(|(name, _)| format!("builtin:{name}")).collect();
        Error::usage(format!("there is no policy builtin:{name}"), format!("known: {}", known.join(", ")))
    })
}
