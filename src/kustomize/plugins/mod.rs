//! `generators`, `transformers` and `validators`: the plugins built into kustomize, told what to do by resources.

mod config;
mod external;
mod generators;
mod transformers;
mod value_add;

pub(super) use config::inline;

use config::Config;
use external::{External, Obstacle};

use crate::domain::TreePath;
use crate::manifest::{Failure, Result, Text};

use super::json6902::is_equal;
use super::load::Loader;
use super::resource::Resource;
use super::resource_set::ResourceSet;
use super::section::Section;
use super::unresolved::Unresolved;

/// The lists of a kustomization that name plugins.
#[derive(Debug, Default)]
pub(super) struct Plugins {
    pub(super) generators: Vec<Text>,
    pub(super) transformers: Vec<Text>,
    pub(super) validators: Vec<Text>,
}

/// Runs generators, in order, and adds what they make.
pub(super) fn generate(
    loader: &mut Loader<'_>,
    root: &TreePath,
    configs: &[Resource],
    resources: &mut ResourceSet,
    unresolved: &mut Unresolved,
) -> Result<()> {
    built_in(configs, loader, unresolved, |config, loader, unresolved| {
        resources.absorb(generators::run(config, loader, root)?, loader, unresolved)
    })
}

/// Runs transformers, in order.
pub(super) fn transform(
    loader: &mut Loader<'_>,
    root: &TreePath,
    configs: &[Resource],
    resources: &mut ResourceSet,
    unresolved: &mut Unresolved,
) -> Result<()> {
    built_in(configs, loader, unresolved, |config, loader, unresolved| {
        let run = transformers::run(config, loader, root, resources, unresolved);
        resources.drop_empty();
        run
    })
}

/// Runs the plugins that are built in, in order; what is not, or names a file that is missing, leaves a gap.
fn built_in(
    configs: &[Resource],
    loader: &mut Loader<'_>,
    unresolved: &mut Unresolved,
    mut run: impl FnMut(&Config, &mut Loader<'_>, &mut Unresolved) -> Result<()>,
) -> Result<()> {
    for resource in configs {
        if let Some(external) = External::of(resource) {
            external.note(unresolved);
            continue;
        }
        let config = Config::of(resource, loader)?;
        let done = run(&config, loader, unresolved);
        unresolved.unless_missing(done)?;
    }
    Ok(())
}

/// Runs validators: transformers that must not change anything.
pub(super) fn validate(
    loader: &mut Loader<'_>,
    root: &TreePath,
    configs: &[Resource],
    resources: &mut ResourceSet,
    unresolved: &mut Unresolved,
) -> Result<()> {
    for config in configs {
        let before = resources.resources.clone();
        loader.spend(before.iter().map(|resource| resource.node.size()).sum(), config.place())?;
        transform(loader, root, std::slice::from_ref(config), resources, unresolved)?;
        let is_same = |(old, new): (&Resource, &Resource)| {
            is_equal(&old.node, &new.node) && old.names().count() == new.names().count()
        };
        if before.len() != resources.resources.len() || !before.iter().zip(&resources.resources).all(is_same) {
            let message = format!("the validator {} changes resources", config.current_id());
            return Err(Failure::at(config.place(), message, "list it under `transformers`"));
        }
    }
    Ok(())
}

impl External {
    /// Notes a plugin that is not run here.
    fn note(self, unresolved: &mut Unresolved) {
        let reason = match self.reason {
            Obstacle::Plugin => "plugin",
            Obstacle::Helm => "helm",
        };
        unresolved.note(reason, self.what, &self.place);
    }
}
