//! `generators`, `transformers` and `validators`: the plugins built into kustomize, told what to do by resources.

mod config;
mod external;
mod generators;
mod transformers;
mod value_add;

pub(super) use config::inline;

use config::Config;
use external::{External, Obstacle};

use crate::manifest::{Failure, Result, Text};

use super::json6902::is_equal;
use super::layer::Layer;
use super::resource::Resource;
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
pub(super) fn generate(layer: &mut Layer<'_, '_>, configs: &[Resource]) -> Result<()> {
    built_in(layer, configs, |layer, config| {
        let generated = generators::run(config, layer.loader, layer.root)?;
        layer.absorb(generated)
    })
}

/// Runs transformers, in order.
pub(super) fn transform(layer: &mut Layer<'_, '_>, configs: &[Resource]) -> Result<()> {
    built_in(layer, configs, |layer, config| {
        let run = transformers::run(layer, config);
        layer.resources.drop_empty();
        run
    })
}

/// Runs the plugins that are built in, in order; what is not, or names a file that is missing, leaves a gap.
fn built_in(
    layer: &mut Layer<'_, '_>,
    configs: &[Resource],
    run: impl Fn(&mut Layer<'_, '_>, &Config) -> Result<()>,
) -> Result<()> {
    for resource in configs {
        if let Some(external) = External::of(resource) {
            external.note(layer.unresolved);
            continue;
        }
        let config = Config::of(resource, layer.loader)?;
        layer.unless_missing(|layer| run(layer, &config))?;
    }
    Ok(())
}

/// Runs validators: transformers that must not change anything.
pub(super) fn validate(layer: &mut Layer<'_, '_>, configs: &[Resource]) -> Result<()> {
    for config in configs {
        let before = layer.resources.resources.clone();
        layer.loader.spend(before.iter().map(|resource| resource.node.size()).sum(), config.place())?;
        transform(layer, std::slice::from_ref(config))?;
        let after = &layer.resources.resources;
        let is_same = |(old, new): (&Resource, &Resource)| {
            is_equal(&old.node, &new.node) && old.names().count() == new.names().count()
        };
        if before.len() != after.len() || !before.iter().zip(after).all(is_same) {
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
