//! `policy test`: policies by themselves, before they judge anything.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::error::Error;
use super::policies;
use super::uses::select;
use super::workspace::{Scope, Snapshot};
use crate::domain::Environment;
use crate::policy::{self, BUILTINS, Policy};
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

/// Reads the policies of `paths`, else of the environments that were chosen.
fn chosen(scope: &Scope, paths: &[String]) -> Result<Vec<Policy>, Error> {
    let snapshot = Snapshot::open(scope, None)?;
    let environments = select(&snapshot.environments, &scope.environments)?;
    let named: Vec<String> = match paths.is_empty() {
        true => environments.into_iter().flat_map(|environment| environment.policies).collect(),
        false => paths.iter().map(|path| snapshot.path_from_root(path)).collect(),
    };
    if named.is_empty() {
        return Err(nothing_named(&snapshot, "name one: promote-bot policy test builtin:strict"));
    }
    let mut environment = Environment::of_overlays("policies".to_owned(), Vec::new());
    environment.policies = named;
    let set = policies::alone(snapshot.tree.as_ref(), &snapshot.revision, &environment)?;
    let mut seen = BTreeSet::new();
    Ok(set.policies.into_iter().filter(|policy| seen.insert(policy.file.clone())).collect())
}

/// Says that there is no policy to look at.
pub(super) fn nothing_named(snapshot: &Snapshot, hint: &str) -> Error {
    match snapshot.has_config {
        true => Error::usage("no environment names a policy", hint),
        false => Error::usage("there is no promote-bot.yaml, and so no environment that names a policy", hint),
    }
}

/// Prints a built-in policy as it is.
pub(super) fn builtin_text(name: &str) -> Result<&'static str, Error> {
    policy::text_of(name).ok_or_else(|| {
        let known: Vec<String> = BUILTINS.iter().map(|(name, _)| format!("builtin:{name}")).collect();
        Error::usage(format!("there is no policy builtin:{name}"), format!("known: {}", known.join(", ")))
    })
}
