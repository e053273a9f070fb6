//! What each environment runs on both sides, and what of it is new.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::thread;

use super::error::Error;
use super::workspace::Workspace;
use crate::diff;
use crate::domain::tree::TreeError;
use crate::domain::{
    Change, Difference, Environment, Finding, ImageSite, Location, OverlayError, OverlayImages, Partial, Render,
    Revision, Severity, Tree, TreePath,
};
use crate::kustomize::Files;
use crate::overlay::{self, Reach, Runner, Settings, Uses};
use crate::plan::{self, Sorted};

/// How many overlays a core takes at once to tell whether the change reaches them, which takes microseconds for each.
const OVERLAYS_AT_ONCE: usize = 16;

/// The changes of one environment, with what is to be said before any registry is asked.
pub(super) struct EnvironmentChanges {
    pub(super) environment: Environment,
    pub(super) changes: Vec<Change>,
    pub(super) sorted: Sorted,
    pub(super) findings: Vec<Finding>,
}

/// Compares the wanted environments of both trees, as far as the change between them can reach: an overlay that reads nothing
/// that differs is the same on both sides, and is not resolved. Programs that render are not run `offline`.
pub(super) fn changes(
    workspace: &Workspace,
    wanted: &[String],
    offline: bool,
) -> Result<Vec<EnvironmentChanges>, Error> {
    let all = workspace.config.environments.clone();
    let environments = select(&all, wanted)?;
    let (base, head) = (workspace.base.as_ref(), workspace.head.as_ref());
    let find = |tree: &dyn Tree| -> Result<Vec<Vec<TreePath>>, TreeError> {
        environments.iter().map(|environment| overlay::find_all(tree, environment)).collect()
    };
    let (difference, in_base) = thread::scope(|scope| {
        // Against nothing, everything differs.
        let difference = scope.spawn(|| match workspace.range.base {
            Revision::Empty => Ok(None),
            _ => Difference::between(base, head).map(Some),
        });
        let in_base = find(base);
        (joined(difference), in_base)
    });
    let (difference, in_base) = (difference?, in_base?);
    // The same names are the same overlays.
    let in_head = match &difference {
        Some(difference) if !difference.has_names() => in_base.clone(),
        _ => find(head)?,
    };
    // They are the configuration's, and so every environment's.
    let vendored = all.first().map(|environment| environment.vendored.as_slice()).unwrap_or_default();
    let reach = difference.as_ref().map(|difference| Reach::new(base, difference, vendored));
    let mut sides: Vec<Sides> =
        in_base.into_iter().zip(in_head).map(|(in_base, in_head)| Sides::of(in_base, in_head)).collect();
    if let Some(reach) = &reach {
        keep_reached(&mut sides, &environments, reach);
    }
    let (base_files, head_files) =
        (workspace.checkout(base, &workspace.range.base), workspace.checkout(head, &workspace.range.head));
    let (files, tasks) = (Files::default(), tasks(&sides));
    let resolve = |task: &Task| {
        let (tree, checkout) = if task.is_head { (head, &head_files) } else { (base, &base_files) };
        let runner: Option<&dyn Runner> = if offline { None } else { Some(checkout) };
        overlay::resolve(tree, &task.overlay, &Settings::of(&environments[task.environment], &files, runner))
    };
    let mut done = tasks.iter();
    overlay::in_order(&tasks, resolve, |images| {
        if let Some(task) = done.next() {
            let sides = &mut sides[task.environment];
            sides.note_rendered(task, &images);
            let side = if task.is_head { &mut sides.head } else { &mut sides.base };
            side.add(&task.overlay, images);
        }
        Ok::<(), Error>(())
    })?;
    for (environment, sides) in environments.iter().zip(&mut sides) {
        if let (Some(render), Some(difference)) = (&environment.render, &difference) {
            sides.mark_stale(render, difference);
        }
    }
    let changes = environments.into_iter().zip(sides).map(|(environment, sides)| sides.compare(environment, &all));
    Ok(changes.collect())
}

fn joined<T>(handle: thread::ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// One overlay of one environment to be resolved on one side.
struct Task {
    environment: usize,
    overlay: TreePath,
    is_head: bool,
}

/// The two sides of one environment.
struct Sides {
    /// The overlays to be resolved, each with whether it is there at the base and at the head.
    overlays: BTreeMap<TreePath, (bool, bool)>,
    is_empty: bool,
    base: Uses,
    head: Uses,
    /// What committed manifests were rendered from, at the base and at the head.
    rendered_from: BTreeMap<TreePath, (Option<u64>, Option<u64>)>,
}

impl Sides {
    /// Takes the overlays of both sides.
    fn of(in_base: Vec<TreePath>, in_head: Vec<TreePath>) -> Self {
        let mut overlays: BTreeMap<TreePath, (bool, bool)> = BTreeMap::new();
        for overlay in in_base {
            overlays.entry(overlay).or_default().0 = true;
        }
        for overlay in in_head {
            overlays.entry(overlay).or_default().1 = true;
        }
        let is_empty = overlays.is_empty();
        Self { overlays, is_empty, base: Uses::default(), head: Uses::default(), rendered_from: BTreeMap::new() }
    }

    fn note_rendered(&mut self, task: &Task, images: &Result<OverlayImages, OverlayError>) {
        if let Some(source) = images.as_ref().ok().and_then(|images| images.rendered_from) {
            let noted = self.rendered_from.entry(task.overlay.clone()).or_default();
            *(if task.is_head { &mut noted.1 } else { &mut noted.0 }) = Some(source);
        }
    }

    /// Committed manifests whose sources changed while they did not were rendered from something else.
    fn mark_stale(&mut self, render: &Render, difference: &Difference) {
        for (overlay, (before, after)) in &self.rendered_from {
            let Some(directory) = render.directory(overlay).filter(|_| after.is_some() && before != after) else {
                continue;
            };
            if !difference.touches(&directory) {
                let location = Location::new(overlay.as_str(), 1, 1);
                self.head.partial.push(Partial::new("render-stale", directory.to_string(), location));
            }
        }
    }

    fn compare(self, environment: Environment, all: &[Environment]) -> EnvironmentChanges {
        let mut changes = compare(environment, all, &self.base, &self.head);
        if self.is_empty {
            changes.findings.push(plan::no_overlay(&changes.environment));
        }
        changes
    }
}

/// Drops the overlays that the change cannot reach.
fn keep_reached(sides: &mut [Sides], environments: &[Environment], reach: &Reach<'_>) {
    let mut asked = Vec::new();
    for (sides, environment) in sides.iter().zip(environments) {
        asked.extend(sides.overlays.iter().map(|(overlay, there)| (overlay, *there, environment)));
    }
    let parts: Vec<_> = asked.chunks(OVERLAYS_AT_ONCE).collect();
    // An overlay that only one side names is new or gone, whatever it reads.
    let is_reached = |(overlay, there, environment): &(&TreePath, (bool, bool), &Environment)| {
        *there != (true, true) || reach.touches(overlay, environment)
    };
    let mut reached = Vec::with_capacity(asked.len());
    let answer = |part: &&[_]| part.iter().map(is_reached).collect::<Vec<bool>>();
    let keep = |part| {
        reached.extend::<Vec<bool>>(part);
        Ok::<(), Infallible>(())
    };
    let Ok(()) = overlay::in_order(&parts, answer, keep);
    let mut reached = reached.into_iter();
    for sides in sides {
        sides.overlays.retain(|_, _| reached.next().unwrap_or(true));
    }
}

/// What is to be resolved; the two sides of an overlay follow each other, for they share most files.
fn tasks(sides: &[Sides]) -> Vec<Task> {
    let mut tasks = Vec::new();
    for (environment, sides) in sides.iter().enumerate() {
        for (overlay, (in_base, in_head)) in &sides.overlays {
            for (is_there, is_head) in [(in_base, false), (in_head, true)] {
                if *is_there {
                    tasks.push(Task { environment, overlay: overlay.clone(), is_head });
                }
            }
        }
    }
    tasks
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

/// Finds the gap of the other side that is about the same thing, whatever its revision.
fn predecessor<'p>(gap: &Partial, others: &'p [Partial]) -> Option<&'p Partial> {
    let thing = |gap: &Partial| gap.what.split('?').next().unwrap_or_default().to_owned();
    let same = |other: &&Partial| {
        other.reason == gap.reason && other.location.path == gap.location.path && thing(other) == thing(gap)
    };
    others.iter().find(same)
}

fn compare(environment: Environment, all: &[Environment], base: &Uses, head: &Uses) -> EnvironmentChanges {
    // What an overlay that cannot be resolved no longer references is not known.
    let is_known = |site: &&ImageSite| !head.errors.iter().any(|error| error.overlay == site.overlay);
    let before: Vec<ImageSite> = base.sites.iter().filter(is_known).cloned().collect();
    let changes = diff::changes(&before, &head.sites);
    let sorted = plan::candidates(&environment, all, &changes);
    let mut findings: Vec<Finding> =
        head.errors.iter().map(|error| plan::unresolved_overlay(error, Severity::Error)).collect();
    findings.extend(head.partial.iter().map(|gap| plan::partial_overlay(gap, predecessor(gap, &base.partial))));
    for gap in base.partial.iter().filter(|gap| predecessor(gap, &head.partial).is_none()) {
        let finding = plan::partial_overlay(gap, None);
        let message = format!("at the base {}; an image may count as new that is not", finding.message);
        findings.push(Finding { severity: Severity::Warning, message, ..finding });
    }
    for error in base.errors.iter().filter(|error| !head.errors.iter().any(|other| other.overlay == error.overlay)) {
        let message = format!(
            "the base of this overlay cannot be resolved, so every image in it counts as new: {}",
            error.message
        );
        findings.push(plan::unresolved_overlay(&OverlayError { message, ..error.clone() }, Severity::Warning));
    }
    EnvironmentChanges { environment, changes, sorted, findings }
}
