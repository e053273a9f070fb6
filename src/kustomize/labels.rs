//! `labels`, `commonLabels` and `commonAnnotations`, with the selectors and templates they reach.

use crate::manifest::{Failure, Node, Place, Result, Text, Value};

use super::configuration::{Configuration, Field};
use super::field_spec::{FieldSpec, Leaf, reach};
use super::layer::Layer;
use super::section::Section;

/// One entry of `labels`.
#[derive(Debug)]
pub(super) struct Labels {
    place: Place,
    pairs: Vec<(String, Text)>,
    include_selectors: bool,
    include_templates: bool,
    fields: Vec<FieldSpec>,
}

impl Labels {
    /// Reads all entries.
    pub(super) fn read_all(kustomization: &Section<'_>) -> Result<Vec<Self>> {
        let known = &["pairs", "includeSelectors", "includeTemplates", "fields"];
        kustomization.sections("labels", known)?.iter().map(Self::read).collect()
    }

    fn read(entry: &Section<'_>) -> Result<Self> {
        Ok(Self {
            place: entry.place(),
            pairs: entry.pairs("pairs")?,
            include_selectors: entry.flag("includeSelectors")?,
            include_templates: entry.flag("includeTemplates")?,
            fields: FieldSpec::read_all(entry, "fields")?,
        })
    }

    /// Sets the labels on every resource.
    pub(super) fn apply(&self, layer: &mut Layer<'_, '_>, configuration: &Configuration) -> Result<()> {
        let specs = self.specs(configuration).map_err(|failure| failure.or_at(&self.place))?;
        set_all(layer, &self.pairs, &specs)
    }

    /// The entry's own fields first, then the configured ones that it includes.
    fn specs(&self, configuration: &Configuration) -> Result<Vec<FieldSpec>> {
        let mut specs = self.fields.clone();
        let mut merge = |field| {
            configuration.specs(field).iter().try_for_each(|incoming| FieldSpec::merge_into(&mut specs, incoming))
        };
        merge(Field::Labels)?;
        if self.include_selectors {
            merge(Field::CommonLabels)?;
            return Ok(specs);
        }
        if self.include_templates {
            merge(Field::TemplateLabels)?;
        }
        FieldSpec::merge_into(&mut specs, &FieldSpec::built_in("", "", "", "metadata/labels", true))?;
        Ok(specs)
    }
}

/// How many keys of a mapping that are passed over count as one step.
const KEYS_FOR_ONE: usize = 8;

/// Sets labels or annotations in the mappings that `specs` reach in every resource.
pub(super) fn set_all(layer: &mut Layer<'_, '_>, pairs: &[(String, Text)], specs: &[FieldSpec]) -> Result<()> {
    let Layer { loader, resources, .. } = layer;
    let mut sorted: Vec<&(String, Text)> = pairs.iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    for resource in &mut resources.resources {
        for (key, value) in &sorted {
            let mut seen = 0;
            reach(loader, resource, specs, Leaf::Map, &value.place, &mut |map| {
                seen += 1 + map.length() / KEYS_FOR_ONE;
                set(map, key, value)
            })?;
            loader.step(seen, &value.place)?;
        }
    }
    Ok(())
}

fn set(map: &mut Node, key: &str, value: &Text) -> Result<()> {
    if let Some(old) = map.get_mut(key) {
        old.replace_text(value.text.clone(), &value.place);
    } else if matches!(map.value, Value::Map(_)) {
        map.set(key, Node::string(value.text.clone(), &value.place));
    } else if !map.is_null() {
        // Null is left as it is where it may not become a mapping.
        let message = format!("labels and annotations must be a mapping, found a {}", map.kind_name());
        return Err(Failure::at(&map.place, message, "correct the manifest; kustomize fails on it too"));
    }
    Ok(())
}
