//! `namePrefix` and `nameSuffix`.

use crate::manifest::{Failure, Node, Result, Text};

use super::field_spec::{FieldSpec, Leaf, reach};
use super::layer::Layer;
use super::resource::Resource;

/// What is put before or behind a name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Affix<'t> {
    Prefix(&'t Text),
    Suffix(&'t Text),
}

impl Affix<'_> {
    fn text(&self) -> &Text {
        match self {
            Self::Prefix(text) | Self::Suffix(text) => text,
        }
    }

    fn put(&self, name: &str) -> String {
        match self {
            Self::Prefix(prefix) => format!("{}{name}", prefix.text),
            Self::Suffix(suffix) => format!("{name}{}", suffix.text),
        }
    }
}

/// Puts the affix to what `specs` reach, in every resource whose name is its own to choose.
pub(super) fn rename(layer: &mut Layer<'_, '_>, affix: Affix<'_>, specs: &[FieldSpec]) -> Result<()> {
    let Layer { loader, resources, .. } = layer;
    for resource in resources.resources.iter_mut().filter(|resource| is_renamed(resource)) {
        let text = affix.text();
        loader.spend_text(text.text.len() + resource.name().len(), 2, &text.place)?;
        let original = resource.original_id();
        for spec in specs.iter().filter(|spec| spec.is_for(&original.group, &original.version, &original.kind)) {
            if &*spec.path == "metadata/name" && !affix.text().text.is_empty() {
                resource.remember_id();
            }
            let place = &affix.text().place;
            let mut put = |node: &mut Node| {
                let Some(scalar) = node.as_scalar() else {
                    let message = format!("a name must be a string, found a {}", node.kind_name());
                    return Err(Failure::at(&node.place, message, "correct the manifest, or the field spec"));
                };
                node.replace_text(affix.put(&scalar.text), place);
                Ok(())
            };
            reach(loader, resource, std::slice::from_ref(spec), Leaf::Scalar, place, &mut put)?;
        }
    }
    Ok(())
}

fn is_renamed(resource: &Resource) -> bool {
    let id = resource.original_id();
    match id.kind.as_str() {
        "CustomResourceDefinition" | "Namespace" => false,
        "APIService" => id.group != "apiregistration.k8s.io",
        _ => true,
    }
}
