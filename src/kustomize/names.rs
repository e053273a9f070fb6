//! `namespace`, `namePrefix` and `nameSuffix`.

use crate::manifest::{Result, Text};

use super::id::{is_cluster_scoped, split_api_version};
use super::resource::Resource;
use super::resource_set::ResourceSet;

/// Puts every resource that can have one into `namespace`; two that become one are a conflict.
pub(super) fn set_namespace(resources: &mut ResourceSet, namespace: &Text) -> Result<()> {
    for resource in &mut resources.resources {
        resource.remember_id();
        if resource.kind() == "Namespace" && resource.api_version() == "v1" {
            resource.set_metadata("name", &namespace.text);
        } else if !is_cluster_scoped(resource.api_version(), resource.kind()) {
            resource.set_metadata("namespace", &namespace.text);
        }
    }
    resources.check_unique(&namespace.place)
}

/// Renames every resource whose name is its own to choose.
pub(super) fn rename(resources: &mut ResourceSet, affix: Option<&Text>, join: impl Fn(&str, &str) -> String) {
    let Some(affix) = affix else { return };
    for resource in resources.resources.iter_mut().filter(|resource| is_renamed(resource)) {
        resource.remember_id();
        let name = join(&affix.text, resource.name());
        resource.set_metadata("name", &name);
    }
}

fn is_renamed(resource: &Resource) -> bool {
    let id = resource.original_id();
    match id.kind.as_str() {
        "CustomResourceDefinition" | "Namespace" => false,
        "APIService" => split_api_version(resource.api_version()).0 != "apiregistration.k8s.io",
        _ => true,
    }
}
