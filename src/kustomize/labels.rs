//! `labels`, `commonLabels` and `commonAnnotations`, on the metadata only: that is what selectors of patches see.

use crate::manifest::{Node, Text};

use super::resource_set::ResourceSet;

/// Sets labels or annotations (`field`) on every resource.
pub(super) fn set_all(resources: &mut ResourceSet, field: &str, pairs: &[(String, Text)]) {
    for resource in &mut resources.resources {
        if let Some(map) = resource.node.map_at("metadata").and_then(|metadata| metadata.map_at(field)) {
            for (key, value) in pairs {
                map.set(key, Node::string(value.text.clone(), &value.place));
            }
        }
    }
}
