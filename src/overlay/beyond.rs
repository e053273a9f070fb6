//! What an overlay names besides the images kustomize would render: those at paths that only a kind, or the configuration,
//! tells, and those that Argo CD or Flux will set.

use std::collections::HashSet;

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
                    images.partial.push(Partial { reason: "argocd-source".to_owned(), what: error.message, location });
                }
            }
        }
        added.extend(overrides.helm.uses);
        images.partial.extend(overrides.helm.partial);
    }
    images.uses.extend(added);
    Ok(images)
}

/// The uses that are another image than before. Only images differ between the two, so that the uses stand in one order.
fn changed(before: &[ImageUse], after: Vec<ImageUse>) -> Vec<ImageUse> {
    let differ = before.iter().zip(after).filter(|(before, after)| before.image != after.image);
    differ.map(|(_, after)| ImageUse { class: UseClass::Declared, ..after }).collect()
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
        let is_setting = found.class != UseClass::Container && NOT_RUN.contains(&found.workload.kind.as_str());
        !is_setting && (taken.is_empty() || !taken.contains(&place(found)))
    };
    uses.into_iter().filter(runs).collect()
}
