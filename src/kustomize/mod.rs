//! The effective images of a Kustomize overlay, without running kustomize.
//!
//! [`resolve`] does to the files of a [`Tree`] what `kustomize build` 5.8.1 does, as far as images can be concerned by it,
//! and keeps for every reference where its name, tag and digest were decided. What needs the network or another program
//! leaves a gap that is named (`unresolved`); what kustomize refuses, or is not known here, is an [`OverlayError`]; nothing is
//! guessed. [`read_loose`] reads a directory without a kustomization, [`images()`] lists what either found, and [`mentions()`]
//! tells what a kustomization may read without building it.
//!
//! # Adding a field
//!
//! `model` decodes a kustomization, one member a field, through `section` (any letter case, types as kustomize has them);
//! `accumulate` calls the fields in kustomize's order; what a field does has a file of its own name. A field that names files
//! needs nothing in `mentions`, which takes every text for a path. The recorded case comes first: a folder in
//! `tests/kustomize/cases`, and `record.sh` has the real tool render it.
//!
//! Nothing here recurses deeper than the trees of [`crate::yaml`] or 64 nested kustomizations, and one overlay reads at most
//! 10,000 files and makes at most 10 million values.

mod accumulate;
mod builtin_field_specs;
mod charts;
mod configuration;
mod expression;
mod field_path;
mod field_spec;
mod files;
mod generators;
mod id;
mod images;
mod json6902;
mod label_selector;
mod labels;
mod layer;
mod load;
mod loose;
mod mentions;
mod model;
mod names;
mod namespace;
mod openapi;
mod outline;
mod patches;
mod plugins;
mod pointer;
mod refvar;
mod remote;
mod replacements;
mod replicas;
mod resource;
mod resource_set;
mod section;
mod selector;
mod set_images;
mod strategic_merge;
mod unresolved;
mod vars;

pub use crate::manifest::sites_digest;
pub use files::Files;
pub use loose::{read_loose, read_printed};
pub use mentions::{Mentions, mentions};

use crate::domain::tree::TreeError;
use crate::domain::{LoadRestrictor, OverlayError, OverlayImages, Tree, TreePath, Vendored};
use crate::manifest::{self, ImageOverride, Shared};

/// How an overlay is resolved.
#[derive(Debug, Clone, Copy)]
pub struct Options<'f> {
    /// Which files a kustomization may load.
    pub load_restrictor: LoadRestrictor,
    /// Where parsed files are kept for the next overlay.
    pub files: &'f Files,
    /// Remote bases that lie in the repository.
    pub vendored: &'f [Vendored],
    /// Whether a number for all that is read is wanted, to tell whether committed manifests are older.
    pub has_fingerprint: bool,
}

impl<'f> Options<'f> {
    /// The settings kustomize begins with.
    #[must_use]
    pub fn new(files: &'f Files) -> Self {
        Self { load_restrictor: LoadRestrictor::default(), files, vendored: &[], has_fingerprint: false }
    }
}

/// The documents of an overlay, as they would be deployed.
#[derive(Debug, Clone, Default)]
pub struct Rendered {
    documents: Vec<Shared>,
    /// What could not be resolved, and the images declared for it.
    unresolved: OverlayImages,
    is_built: bool,
    fingerprint: Option<u64>,
}

impl Rendered {
    /// A number for all the files that were read, if it was wanted; comments do not count.
    pub(crate) fn fingerprint(&self) -> Option<u64> {
        self.fingerprint
    }

    /// Tells whether a kustomization was built, and not files read as they lie.
    pub(crate) fn is_built(&self) -> bool {
        self.is_built
    }

    /// The documents as they would be deployed.
    pub(crate) fn documents(&self) -> impl Iterator<Item = &Shared> {
        self.documents.iter()
    }
}

/// Tells whether a directory holds a kustomization, whatever its name.
///
/// # Errors
/// When the tree cannot be read.
pub fn has_kustomization(tree: &dyn Tree, dir: &TreePath) -> Result<bool, TreeError> {
    load::kustomization_files(tree, dir).map(|files| !files.is_empty())
}

/// Resolves the kustomization in `overlay` as `kustomize build` would.
///
/// # Errors
/// The first thing kustomize would fail on, or that is not supported here; always with a hint, and with the place
/// wherever there is one.
pub fn resolve(tree: &dyn Tree, overlay: &TreePath, options: &Options<'_>) -> Result<Rendered, OverlayError> {
    resolve_with_images(tree, overlay, options, &[])
}

/// Resolves the kustomization in `overlay` after `images` were set in it, as `kustomize edit set image` does.
///
/// # Errors
/// As [`resolve`] has them.
pub(crate) fn resolve_with_images(
    tree: &dyn Tree,
    overlay: &TreePath,
    options: &Options<'_>,
    images: &[ImageOverride],
) -> Result<Rendered, OverlayError> {
    let mut loader = load::Loader::new(tree, options);
    accumulate::build(&mut loader, overlay, images, options.vendored)
        .and_then(|(resources, unresolved)| {
            let documents = resources.into_documents()?;
            let (unresolved, fingerprint) = (unresolved.into_parts(), loader.fingerprint());
            Ok(Rendered { documents, unresolved, is_built: true, fingerprint })
        })
        .map_err(|failure| failure.of_overlay(overlay))
}

/// Lists the images of an overlay.
#[must_use]
pub fn images(rendered: &Rendered) -> OverlayImages {
    let mut uses = manifest::uses(rendered.documents());
    uses.extend(rendered.unresolved.uses.iter().cloned());
    OverlayImages { uses, partial: rendered.unresolved.partial.clone(), rendered_from: None }
}

#[cfg(test)]
mod tests;
