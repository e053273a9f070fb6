//! Plugins that are programs of their own.

use crate::manifest::Place;

use super::super::id::split_api_version;
use super::super::resource::Resource;

/// Why a plugin cannot be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// It is a program, a container or a Go plugin.
    Plugin,
    /// It is built into kustomize, which calls Helm.
    Helm,
}

/// A plugin that cannot be run.
#[derive(Debug, Clone)]
pub(super) struct External {
    pub(super) reason: Obstacle,
    /// Its apiVersion, kind and name.
    pub(super) what: String,
    /// Where its configuration begins.
    pub(super) place: Place,
}

impl External {
    /// Takes the configuration of a plugin that is not built in.
    pub(super) fn of(config: &Resource) -> Option<Self> {
        let is_built_in = split_api_version(config.api_version()) == ("", "builtin");
        let reason = match (is_built_in, config.kind()) {
            (true, "HelmChartInflationGenerator") => Obstacle::Helm,
            (true, _) => return None,
            (false, _) => Obstacle::Plugin,
        };
        let what = format!("{} {} {}", config.api_version(), config.kind(), config.name());
        Some(Self { reason, what, place: config.node.place.clone() })
    }
}
