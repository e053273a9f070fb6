//! What each environment runs on both sides, and what of it is new.

use std::thread;

use super::error::Error;
use super::workspace::Workspace;
use crate::diff;
use crate::domain::tree::TreeError;
use crate::domain::{Change, Environment, Finding, OverlayError, Severity, Tree};
use crate::overlay::{self, Uses};
use crate::plan::{self, Sorted};

/// The changes of one environment, with what is to be said before any registry is asked.
pub(super) struct EnvironmentChanges {
    pub(super) environment: Environment,
    pub(super) changes: Vec<Change>,
    pub(super) sorted: Sorted,
    pub(super) findings: Vec<Finding>,
}

/// Compares the wanted environments of both trees; the two sides are read at the same time.
pub(super) fn changes(workspace: &Workspace, wanted: &[String]) -> Result<Vec<EnvironmentChanges>, Error> {
    let all = workspace.config.environments.clone();
    let environments = select(&all, wanted)?;
    let side = |tree: &dyn Tree| -> Result<Vec<Uses>, TreeError> {
        environments.iter().map(|environment| overlay::uses(tree, environment)).collect()
    };
    let (base, head) = thread::scope(|scope| {
        let base = scope.spawn(|| side(workspace.base.as_ref()));
        let head = side(workspace.head.as_ref());
        (base.join(), head)
    });
    let base =
        base.map_err(|_| Error::usage("reading the base revision failed", "report this as a fault of promote-bot"))??;
    let mut found = Vec::new();
    for ((environment, base), head) in environments.into_iter().zip(base).zip(head?) {
        let is_empty = base.overlays + head.overlays == 0;
        let mut changes = compare(environment, &all, &base, &head);
        if is_empty {
            changes.findings.push(plan::no_overlay(&changes.environment));
        }
        found.push(changes);
    }
    Ok(found)
}

/// Picks the environments that are wanted, all when none are named.
pub(super) fn select(all: &[Environment], wanted: &[String]) -> Result<Vec<Environment>, Error> {
    if let Some(unknown) = wanted.iter().find(|name| !all.iter().any(|environment| environment.name == **name)) {
        let names: Vec<&str> = all.iter().map(|environment| environment.name.as_str()).collect();
        return Err(Error::usage(
            format!("there is no environment {unknown}"),
            format!("environments: {}", names.join(", ")),
        ));
    }
    let is_wanted = |environment: &&Environment| wanted.is_empty() || wanted.contains(&environment.name);
    Ok(all.iter().filter(is_wanted).cloned().collect())
}

fn compare(environment: Environment, all: &[Environment], base: &Uses, head: &Uses) -> EnvironmentChanges {
    let changes = diff::changes(&base.sites, &head.sites);
    let sorted = plan::candidates(&environment, all, &changes);
    let mut findings: Vec<Finding> =
        head.errors.iter().map(|error| plan::unresolved_overlay(error, Severity::Error)).collect();
    findings.extend(head.partial.iter().map(plan::partial_overlay));
    for error in base.errors.iter().filter(|error| !head.errors.iter().any(|other| other.overlay == error.overlay)) {
        let message = format!(
            "the base of this overlay cannot be resolved, so every image in it counts as new: {}",
            error.message
        );
        findings.push(plan::unresolved_overlay(&OverlayError { message, ..error.clone() }, Severity::Warning));
    }
    EnvironmentChanges { environment, changes, sorted, findings }
}
