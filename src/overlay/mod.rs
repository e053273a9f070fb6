//! Overlays: the directories an environment deploys, found and resolved to image uses. Pure, over a [`Tree`].

mod find;
mod layout;
mod reach;
mod spread;

pub use find::find;
pub use layout::{Layout, layout};
pub use reach::Reach;
pub use spread::in_order;

use crate::domain::tree::{EntryKind, TreeError, follow};
use crate::domain::{
    Cause, Environment, ImageSite, LoadRestrictor, OverlayError, OverlayImages, Partial, Tree, TreePath, UseClass,
};
use crate::kustomize::{self, Files};

/// Kinds whose `image` is a setting, never something that runs: Flux's image automation scans what they name.
const NOT_RUN: [&str; 2] = ["ImageRepository", "ImagePolicy"];

/// All overlays of one environment in one tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uses {
    /// How many overlays there are.
    pub overlays: usize,
    /// What they run.
    pub sites: Vec<ImageSite>,
    /// What could not be resolved in those that otherwise could.
    pub partial: Vec<Partial>,
    /// The overlays that could not be resolved.
    pub errors: Vec<OverlayError>,
}

impl Uses {
    /// Adds an overlay.
    pub fn add(&mut self, overlay: &TreePath, images: Result<OverlayImages, OverlayError>) {
        self.overlays += 1;
        match images {
            Ok(images) => {
                let site = |image_use| ImageSite { overlay: overlay.clone(), image_use };
                self.sites.extend(images.uses.into_iter().filter(runs).map(site));
                self.partial.extend(images.partial);
            }
            Err(error) => self.errors.push(error),
        }
    }
}

/// What an overlay is resolved with.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'s> {
    /// Where parsed files are kept for the next overlay.
    pub files: &'s Files,
    /// Which files a kustomization may load.
    pub load_restrictor: LoadRestrictor,
}

impl<'s> Settings<'s> {
    /// The settings of an environment.
    #[must_use]
    pub fn of(environment: &'s Environment, files: &'s Files) -> Self {
        Self { files, load_restrictor: environment.load_restrictor }
    }
}

/// Resolves one overlay: as kustomize would where it holds a kustomization, file by file where it does not.
///
/// # Errors
/// What kustomize would refuse, and what is not supported yet, by name.
pub fn resolve(tree: &dyn Tree, path: &TreePath, settings: &Settings<'_>) -> Result<OverlayImages, OverlayError> {
    let unreadable = |error: TreeError| OverlayError {
        overlay: path.clone(),
        message: error.to_string(),
        hint: "check the path and the links on the way to it".to_owned(),
        location: None,
        cause: error.cause(),
    };
    if matches!(follow(tree, path).map_err(unreadable)?, Some((_, EntryKind::Submodule))) {
        return Err(OverlayError {
            overlay: path.clone(),
            message: "it lies in a submodule, whose files are not in this repository".to_owned(),
            hint: "run promote-bot in the submodule's own repository, or vendor its files here".to_owned(),
            location: None,
            cause: Cause::Change,
        });
    }
    let rendered = if kustomize::has_kustomization(tree, path).map_err(unreadable)? {
        kustomize::resolve(
            tree,
            path,
            &kustomize::Options { load_restrictor: settings.load_restrictor, files: settings.files },
        )?
    } else {
        kustomize::read_loose(tree, path, settings.files)?
    };
    Ok(kustomize::images(&rendered))
}

/// Resolves all overlays of `environment`.
///
/// # Errors
/// When the tree itself cannot be read; an overlay that cannot be resolved is an entry of [`Uses::errors`].
pub fn uses(tree: &dyn Tree, environment: &Environment) -> Result<Uses, TreeError> {
    let (files, mut found) = (Files::default(), Uses::default());
    let settings = Settings::of(environment, &files);
    let overlays = find(tree, &environment.overlays)?;
    let resolved = |overlay: &TreePath| resolve(tree, overlay, &settings);
    let mut paths = overlays.iter();
    in_order(&overlays, resolved, |images| {
        if let Some(path) = paths.next() {
            found.add(path, images);
        }
        Ok::<(), TreeError>(())
    })?;
    Ok(found)
}

/// Tells whether a use may make a cluster pull the image.
fn runs(image_use: &crate::domain::ImageUse) -> bool {
    image_use.class == UseClass::Container || !NOT_RUN.contains(&image_use.workload.kind.as_str())
}
