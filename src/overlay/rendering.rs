//! The way out of a partial answer: manifests that something else rendered, held against what could be resolved.

use std::collections::{HashMap, HashSet};

use super::Settings;
use crate::domain::{
    ImageRef, ImageUse, OverlayError, OverlayImages, Partial, Render, Tree, TreePath, UseClass, Workload,
};
use crate::kustomize::{self, Rendered};

/// Runs a program that prints the manifests of an overlay.
pub trait Runner: Sync {
    /// Runs `command` in the root of a revision's files and returns what it printed.
    ///
    /// # Errors
    /// What went wrong, in one line.
    fn run(&self, command: &[String]) -> Result<Vec<u8>, String>;
}

/// Puts rendered manifests in place of a partial answer, where the settings say where they come from.
pub(super) fn close(
    tree: &dyn Tree,
    path: &TreePath,
    settings: &Settings<'_>,
    resolved: Rendered,
) -> Result<(Rendered, OverlayImages), OverlayError> {
    let images = kustomize::images(&resolved);
    let Some(render) = settings.render.filter(|_| !images.partial.is_empty()) else {
        return Ok((resolved, images));
    };
    match read(tree, path, settings, render)? {
        Found::Manifests(rendered) => {
            let closed = held_against(kustomize::images(&rendered), &images);
            // What a command rendered is of the same revision.
            let is_committed = matches!(render, Render::Directory(_));
            let rendered_from = resolved.fingerprint().filter(|_| is_committed);
            Ok((rendered, OverlayImages { rendered_from, ..closed }))
        }
        Found::Nothing => Ok((resolved, images)),
        Found::Failure(what) => {
            let mut partial = images.partial;
            let location = partial.first().map(|gap| gap.location.clone());
            partial.extend(location.map(|location| Partial::new("render", what, location)));
            Ok((resolved, OverlayImages { partial, ..images }))
        }
    }
}

/// What came of looking for rendered manifests.
enum Found {
    Manifests(Rendered),
    /// There are none for this overlay.
    Nothing,
    /// The program that renders them failed.
    Failure(String),
}

fn read(tree: &dyn Tree, path: &TreePath, settings: &Settings<'_>, render: &Render) -> Result<Found, OverlayError> {
    if let Render::Command(command) = render {
        let Some(runner) = settings.runner else { return Ok(Found::Nothing) };
        let command: Vec<String> = command.iter().map(|word| Render::fill(word, path)).collect();
        let rendered = runner.run(&command).and_then(|text| kustomize::read_printed(path, &text));
        return Ok(rendered.map_or_else(Found::Failure, Found::Manifests));
    }
    let is_there = |directory: &TreePath| matches!(tree.list(directory), Ok(entries) if !entries.is_empty());
    match render.directory(path).filter(is_there) {
        Some(directory) => {
            let rendered = kustomize::read_loose(tree, &directory, settings.files)?;
            // An empty directory proves nothing.
            Ok(if rendered.documents().next().is_none() { Found::Nothing } else { Found::Manifests(rendered) })
        }
        None => Ok(Found::Nothing),
    }
}

/// Takes the rendered images, each with the place that decided it where it could be resolved too. What was resolved and is not
/// among them shows that the manifests were rendered from something else.
fn held_against(rendered: OverlayImages, resolved: &OverlayImages) -> OverlayImages {
    let slot = |found: &ImageUse| -> (Workload, String, String) {
        (found.workload.clone(), found.field.clone(), found.image.clone())
    };
    let known: HashMap<_, &ImageUse> = resolved.uses.iter().map(|found| (slot(found), found)).collect();
    let images: HashSet<String> = rendered.uses.iter().map(|found| canonical(&found.image)).collect();
    let names: HashSet<String> = rendered.uses.iter().filter_map(|found| name_of(&found.image)).collect();
    let is_stale = |found: &&ImageUse| {
        let is_rendered = images.contains(&canonical(&found.image));
        // A pin or a chart's value may be for nothing that is deployed; under the same name it is for this.
        let is_meant = match found.class {
            UseClass::Container | UseClass::Field => found.workload.kind != "HelmChart",
            _ => false,
        };
        !is_rendered && (is_meant || name_of(&found.image).is_some_and(|name| names.contains(&name)))
    };
    let stale = resolved.uses.iter().filter(is_stale);
    let stale = stale.map(|found| Partial::new("render-stale", found.image.clone(), found.location.clone()));
    let partial = stale.collect();
    let uses = rendered.uses.into_iter().map(|found| known.get(&slot(&found)).map_or(found, |known| (*known).clone()));
    OverlayImages { uses: uses.collect(), partial, rendered_from: None }
}

fn canonical(image: &str) -> String {
    image.parse::<ImageRef>().map_or_else(|_| image.to_owned(), |image| image.to_string())
}

fn name_of(image: &str) -> Option<String> {
    image.parse::<ImageRef>().ok().map(|image| image.locator())
}
