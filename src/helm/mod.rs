//! Helm values: files laid over each other as `helm` does, and the images named in the outcome. Pure, over a [`Tree`].
//!
//! No chart is rendered: what a template makes of its values is not looked at. An image is a mapping with a `repository`
//! under a key `image`, a scalar there, or what the configuration names; where a part of it comes from the chart alone, and
//! the chart is not known, that is said and not guessed.

mod find;
mod images;
mod layers;

pub(crate) use find::find;

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::{HelmValues, OverlayError, OverlayImages, Tree, TreePath, Workload};
use crate::manifest::{self, Decided, Result};

use images::Images;
use layers::Layers;

/// Tells whether `path` is the last values file of one of `sets`.
pub(crate) fn is_set(sets: &[HelmValues], path: &TreePath) -> bool {
    sets.iter().any(|set| set.files_at(path).is_some())
}

/// The files that the sets at `path` read, there or not.
pub(crate) fn reads(sets: &[HelmValues], path: &TreePath) -> Vec<TreePath> {
    let mut read = Vec::new();
    for files in sets.iter().filter_map(|set| set.files_at(path)) {
        let of_chart = |name| files.chart.as_ref().and_then(|chart| chart.child(name));
        read.extend(["Chart.yaml", "values.yaml"].into_iter().filter_map(of_chart));
        read.extend(files.values);
    }
    read
}

/// Resolves the sets whose last values file is `path`.
///
/// # Errors
/// When a file is absent, is not YAML, has a key twice, or has another shape than values have.
pub(crate) fn resolve(
    tree: &dyn Tree,
    sets: &[HelmValues],
    path: &TreePath,
) -> std::result::Result<OverlayImages, OverlayError> {
    let mut found = OverlayImages::default();
    for set in sets {
        read(tree, set, path, &mut found).map_err(|failure| failure.of_overlay(path))?;
    }
    Ok(found)
}

fn read(tree: &dyn Tree, set: &HelmValues, path: &TreePath, found: &mut OverlayImages) -> Result<()> {
    let Some(files) = set.files_at(path) else { return Ok(()) };
    let layers = Layers::read(tree, &files)?;
    let mut states = Vec::new();
    for values in layers.states() {
        states.push(images::read(&values, set, &layers)?);
    }
    let Some(last) = states.pop() else { return Ok(()) };
    found.partial.extend(last.partial);
    let below = histories(&states);
    for image in last.images {
        let (_, decided) = image.decided_after(below.get(image.field.as_str()).cloned());
        found.uses.push(manifest::image_use(
            &Workload::default(),
            image.class,
            None,
            image.field,
            &image.text,
            &decided,
        ));
    }
    Ok(())
}

/// What the layers made of each image until now, by its field. An image that a layer took away begins anew.
fn histories(states: &[Images]) -> HashMap<&str, (Arc<str>, Decided)> {
    let mut histories = HashMap::new();
    for state in states {
        let mut next = HashMap::new();
        for image in &state.images {
            let field = image.field.as_str();
            next.insert(field, image.decided_after(histories.remove(field)));
        }
        histories = next;
    }
    histories
}

#[cfg(test)]
mod tests;
