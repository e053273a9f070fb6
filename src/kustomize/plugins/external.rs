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
        Some(Self { reason, what, place: config.place().clone() })
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::{Node, Reading, Shift};
    use crate::yaml;

    use super::*;

    fn external(text: &str) -> Option<External> {
        let documents = yaml::parse("p.yaml", text.as_bytes()).unwrap();
        External::of(&Resource::new(Node::convert(&documents[0], Reading::Resource, &Shift::None).unwrap()))
    }

    #[test]
    fn plugins_that_are_programs_are_named_with_their_place() {
        let found = external("apiVersion: viaduct.ai/v1\nkind: ksops\nmetadata: {name: k}\n").unwrap();
        assert_eq!((found.reason, found.what.as_str()), (Obstacle::Plugin, "viaduct.ai/v1 ksops k"));
        assert_eq!(found.place, Place::start_of("p.yaml"));
        let helm = external("apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: h}\n").unwrap();
        assert_eq!(helm.reason, Obstacle::Helm);
        assert!(external("apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: p}\n").is_none());
        assert!(external("apiVersion: x/builtin\nkind: PatchTransformer\nmetadata: {name: p}\n").is_some());
    }
}
