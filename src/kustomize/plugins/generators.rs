//! The generators built into kustomize.

use crate::manifest::{Failure, Result};

use super::super::generators::{self, Generator, Kind};
use super::config::Config;

/// Reads what a generator makes.
pub(super) fn read(config: &Config) -> Result<Generator> {
    let kind = match config.kind.as_str() {
        "ConfigMapGenerator" => Kind::ConfigMap,
        "SecretGenerator" => Kind::Secret,
        "IAMPolicyGenerator" => {
            let message = "the generator IAMPolicyGenerator is not supported";
            return Err(Failure::at(&config.place, message, "commit what it makes and list it under `resources`"));
        }
        other => {
            let message = format!("kustomize has no generator {other} built in");
            return Err(Failure::at(&config.place, message, "correct `kind`"));
        }
    };
    let section = config.section(generators::PLUGIN_FIELDS)?;
    let metadata = section.section("metadata", &["name", "namespace"])?;
    let namespace = metadata.as_ref().map(|metadata| metadata.text("namespace")).transpose()?.flatten();
    Generator::read_plugin(&section, kind, config.name.clone(), namespace)
}
