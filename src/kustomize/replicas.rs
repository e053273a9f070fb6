//! `replicas`: how many pods run.

use crate::manifest::{Failure, Node, Place, Result, Text};
use crate::yaml::ScalarKind;

use super::field_spec::{FieldSpec, Leaf, reach};
use super::layer::Layer;
use super::section::Section;

const FIELDS: &[&str] = &["name", "count"];

/// One entry of `replicas`.
#[derive(Debug)]
pub(super) struct Replica {
    place: Place,
    name: Option<Text>,
    count: i64,
}

impl Replica {
    /// Reads all entries.
    pub(super) fn read_all(kustomization: &Section<'_>) -> Result<Vec<Self>> {
        kustomization.sections("replicas", FIELDS)?.iter().map(Self::read).collect()
    }

    /// Reads the one entry under `key`.
    pub(super) fn read_one(owner: &Section<'_>, key: &'static str) -> Result<Self> {
        let entry = owner.section(key, FIELDS)?;
        entry.as_ref().map_or_else(|| Self::read(owner), Self::read)
    }

    fn read(entry: &Section<'_>) -> Result<Self> {
        Ok(Self { place: entry.place(), name: entry.text("name")?, count: entry.integer("count")?.unwrap_or(0) })
    }

    /// Sets the count of all resources that have or had the name; one must be of a type that `specs` mean.
    pub(super) fn apply(&self, layer: &mut Layer<'_, '_>, specs: &[FieldSpec]) -> Result<()> {
        let Layer { loader, resources, unresolved, .. } = layer;
        let name = self.name.as_ref().map_or("", |name| &name.text);
        let place = self.name.as_ref().map_or(&self.place, |name| &name.place);
        loader.step(resources.resources.len(), place)?;
        let mut is_found = false;
        for resource in &mut resources.resources {
            let ids: Vec<_> = resource.ids().into_iter().filter(|id| id.name == name).collect();
            for spec in specs {
                if ids.iter().any(|id| spec.is_for(&id.group, &id.version, &id.kind)) {
                    is_found = true;
                    let spec = std::slice::from_ref(spec);
                    reach(loader, resource, spec, Leaf::Scalar, place, &mut |node| self.set(node))?;
                }
            }
        }
        match is_found {
            true => Ok(()),
            false => {
                let message = format!("no resource with replicas is or was named `{name}`");
                unresolved.absent(Failure::at(place, message, "correct the name, or remove the entry"))
            }
        }
    }

    fn set(&self, node: &mut Node) -> Result<()> {
        if node.as_scalar().is_none() {
            let message = format!("`replicas` must be a number, found a {}", node.kind_name());
            return Err(Failure::at(&node.place, message, "correct the manifest; kustomize fails on it too"));
        }
        *node = Node::plain(self.count.to_string(), ScalarKind::Number, &self.place);
        Ok(())
    }
}
