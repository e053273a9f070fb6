//! What an overlay names besides the images kustomize would render: those at paths that only a kind, or the configuration,
//! tells, and those that Argo CD or Flux will set.

use std::collections::{HashMap, HashSet};

use super::Settings;
use crate::domain::{Cause, ImageUse, OverlayError, OverlayImages, Partial, Tree, TreePath, UseClass, Workload};
use crate::gitops;
use crate::kustomize::{self, Rendered};
use crate::manifest;

/// Kinds whose `image` is a setting, never something that runs: Flux's image automation scans what they name.
const NOT_RUN: [&str; 2] = ["ImageRepository", "ImagePolicy"];

/// Lists all images of a rendered overlay.
pub(super) fn images(
    tree: &dyn Tree,
    path: &TreePath,
    settings: &Settings<'_>,
    rendered: &Rendered,
    mut images: OverlayImages,
) -> Result<OverlayImages, OverlayError> {
    let declared = gitops::declared(tree, rendered.documents());
    let mut added = manifest::configured(rendered.documents(), settings.fields);
    added.extend(declared.uses);
    images.partial.extend(declared.partial);
    for overrides in gitops::overrides(tree, path).map_err(|failure| failure.of_overlay(path))? {
        if let Some(first) = overrides.images.first().filter(|_| rendered.is_built()) {
            match kustomize::resolve_with_images(tree, path, &settings.options(), &overrides.images) {
                Ok(with_images) => added.extend(changed(&images.uses, kustomize::images(&with_images).uses)),
                Err(error) if error.cause == Cause::Circumstance => return Err(error),
                Err(error) => {
                    let location = error.location.unwrap_or_else(|| first.name.place.location());
                    images.partial.push(Partial::new("argocd-source", error.message, location));
                }
            }
        }
        // Rendered manifests have no `images` that could be set.
        if let Some(first) = overrides.images.first().filter(|_| !rendered.is_built() && settings.render.is_some()) {
            let what = "images are set for an overlay whose rendered manifests are read".to_owned();
            let location = first.name.place.location();
            images.partial.push(Partial::new("argocd-source", what, location));
        }
        added.extend(overrides.helm.uses);
        images.partial.extend(overrides.helm.partial);
    }
    images.uses.extend(added);
    Ok(images)
}

/// The uses that are another image than before at their place, or that were not there.
fn changed(before: &[ImageUse], after: Vec<ImageUse>) -> Vec<ImageUse> {
    let site = |found: &ImageUse| (found.workload.clone(), found.field.clone(), found.image.clone());
    let mut known: HashMap<_, usize> = HashMap::new();
    for found in before {
        *known.entry(site(found)).or_default() += 1;
    }
    let mut is_new = |found: &ImageUse| match known.get_mut(&site(found)) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    let changed = after.into_iter().filter(|found| is_new(found));
    changed.map(|found| ImageUse { class: UseClass::Declared, ..found }).collect()
}

/// Keeps the uses that may make a cluster pull an image. A configured or declared one takes the place of what stands there.
pub(super) fn run(uses: Vec<ImageUse>) -> Vec<ImageUse> {
    let is_added = |found: &ImageUse| matches!(found.class, UseClass::Configured | UseClass::Declared);
    let place = |found: &ImageUse| (found.workload.clone(), found.field.clone());
    let taken: HashSet<(Workload, String)> = uses.iter().filter(|found| is_added(found)).map(place).collect();
    let runs = |found: &ImageUse| {
        if is_added(found) {
            return true;
        }
        let is_of =
            |kinds: &[&str]| found.class != UseClass::Container && kinds.contains(&found.workload.kind.as_str());
        !is_of(&NOT_RUN) && !gitops::is_told(found) && (taken.is_empty() || !taken.contains(&place(found)))
    };
    uses.into_iter().filter(runs).collect()
}
