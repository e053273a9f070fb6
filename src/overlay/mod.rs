//! Overlays: the directories an environment deploys, found and resolved to image uses. Pure, over a [`Tree`].

mod beyond;
mod find;
mod layout;
mod reach;
mod rendering;
mod spread;

pub use find::find;
pub use layout::{Layout, layout};
pub use reach::Reach;
pub use rendering::Runner;
pub use spread::in_order;

use crate::domain::tree::{EntryKind, TreeError, follow};
use crate::domain::{
    Cause, Environment, HelmValues, ImageField, ImageSite, LoadRestrictor, OverlayError, OverlayImages, Partial,
    Render, Tree, TreePath, Vendored,
};
use crate::helm;
use crate::kustomize::{self, Files};

/// How overlays are resolved.
#[derive(Clone, Copy)]
pub struct Settings<'s> {
    /// Where parsed files are kept for the next overlay.
    pub files: &'s Files,
    /// Which files a kustomization may read.
    pub load_restrictor: LoadRestrictor,
    /// Helm values that are overlays.
    pub helm: &'s [HelmValues],
    /// Where custom resources name images.
    pub fields: &'s [ImageField],
    /// Remote bases that lie in the repository.
    pub vendored: &'s [Vendored],
    /// Where rendered manifests come from.
    pub render: Option<&'s Render>,
    /// What runs the command that renders; nothing is run without.
    pub runner: Option<&'s dyn Runner>,
}

impl<'s> Settings<'s> {
    /// The settings of no environment.
    #[must_use]
    pub fn new(files: &'s Files) -> Self {
        let load_restrictor = LoadRestrictor::default();
        Self { files, load_restrictor, helm: &[], fields: &[], vendored: &[], render: None, runner: None }
    }

    /// The settings of an environment.
    #[must_use]
    pub fn of(environment: &'s Environment, files: &'s Files, runner: Option<&'s dyn Runner>) -> Self {
        let Environment { load_restrictor, helm, fields, vendored, render, .. } = environment;
        Self { files, load_restrictor: *load_restrictor, helm, fields, vendored, render: render.as_ref(), runner }
    }

    fn options(&self) -> kustomize::Options<'s> {
        kustomize::Options {
            load_restrictor: self.load_restrictor,
            files: self.files,
            vendored: self.vendored,
            // Committed manifests may be older than what they were rendered from.
            has_fingerprint: matches!(self.render, Some(Render::Directory(_))),
        }
    }
}

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
                self.sites.extend(beyond::run(images.uses).into_iter().map(site));
                self.partial.extend(images.partial);
            }
            Err(error) => self.errors.push(error),
        }
    }
}

/// Resolves one overlay: as kustomize would where it holds a kustomization, file by file where it does not, as helm lays
/// values over each other where it is the last file of a set.
///
/// # Errors
/// What kustomize would refuse, and what is not supported yet, by name.
pub fn resolve(tree: &dyn Tree, path: &TreePath, settings: &Settings<'_>) -> Result<OverlayImages, OverlayError> {
    if helm::is_set(settings.helm, path) {
        return helm::resolve(tree, settings.helm, path);
    }
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
    let has_kustomization = kustomize::has_kustomization(tree, path).map_err(unreadable)?;
    let rendered = match has_kustomization {
        true => kustomize::resolve(tree, path, &settings.options())?,
        false => kustomize::read_loose(tree, path, settings.files)?,
    };
    let (rendered, images) = rendering::close(tree, path, settings, rendered)?;
    beyond::images(tree, path, settings, &rendered, images)
}

/// Finds the overlays of `environment`: directories, and the last files of its Helm values.
///
/// # Errors
/// When the tree cannot be read.
pub fn find_all(tree: &dyn Tree, environment: &Environment) -> Result<Vec<TreePath>, TreeError> {
    let mut overlays = find(tree, &environment.overlays)?;
    overlays.extend(helm::find(tree, &environment.helm)?);
    Ok(overlays)
}

/// Resolves all overlays of `environment`.
///
/// # Errors
/// When the tree itself cannot be read; an overlay that cannot be resolved is an entry of [`Uses::errors`].
pub fn uses(tree: &dyn Tree, environment: &Environment, runner: Option<&dyn Runner>) -> Result<Uses, TreeError> {
    let (files, mut found) = (Files::default(), Uses::default());
    let settings = Settings::of(environment, &files, runner);
    let overlays = find_all(tree, environment)?;
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
