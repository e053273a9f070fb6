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
) -> Result<()> {
    for resource in configs {
        if let Some(external) = External::of(resource) {
            external.refuse()?;
            continue;
        }
        let config = Config::of(resource, loader)?;
        resources.absorb(generators::read(&config)?.generate(loader, root)?)?;
    }
    Ok(())
}

/// Runs transformers, in order.
pub(super) fn transform(
    loader: &mut Loader<'_>,
    root: &TreePath,
    configs: &[Resource],
    resources: &mut ResourceSet,
) -> Result<()> {
    for resource in configs {
        if let Some(external) = External::of(resource) {
            external.refuse()?;
            continue;
        }
        let config = Config::of(resource, loader)?;
        transformers::run(&config, loader, root, resources)?;
        resources.drop_empty();
    }
    Ok(())
}

/// Runs validators: transformers that must not change anything.
pub(super) fn validate(
    loader: &mut Loader<'_>,
    root: &TreePath,
    configs: &[Resource],
    resources: &mut ResourceSet,
) -> Result<()> {
    for config in configs {
        let before = resources.resources.clone();
        loader.spend(before.iter().map(|resource| resource.node.size()).sum(), &config.node.place)?;
        transform(loader, root, std::slice::from_ref(config), resources)?;
        let is_same = |(old, new): (&Resource, &Resource)| {
            is_equal(&old.node, &new.node) && old.names().count() == new.names().count()
        };
        if before.len() != resources.resources.len() || !before.iter().zip(&resources.resources).all(is_same) {
            let message = format!("the validator {} changes resources", config.current_id());
            return Err(Failure::at(&config.node.place, message, "list it under `transformers`"));
        }
    }
    Ok(())
}

impl External {
    /// Stops at a plugin that is not run here. The one place to make a partial answer of it instead.
    fn refuse(self) -> Result<()> {
        let (message, hint) = match self.reason {
            Obstacle::Plugin => (
                format!("the plugin {} is not built into kustomize, and no plugin is run", self.what),
                "commit what the plugin makes, and list that under `resources`",
            ),
            Obstacle::Helm => (
                format!("{} asks for a Helm chart, and none is rendered", self.what),
                "commit the rendered chart and list it under `resources`",
            ),
        };
        Err(Failure::at(&self.place, message, hint))
    }
}
