//! Which resources a patch's `target` means.

use regex::Regex;

use crate::manifest::{Failure, Place, Result, Text};

use super::expression;
use super::id::split_api_version;
use super::label_selector::LabelSelector;
use super::resource::Resource;
use super::section::Section;

/// The fields of a selector.
pub(super) const FIELDS: &[&str] =
    &["group", "version", "kind", "name", "namespace", "annotationSelector", "labelSelector"];

/// Conditions on a resource; those that are absent always hold.
#[derive(Debug)]
pub(super) struct Selector {
    pub(super) place: Place,
    group: Option<Regex>,
    version: Option<Regex>,
    kind: Option<Regex>,
    pub(super) name: Option<Regex>,
    namespace: Option<Regex>,
    labels: Option<LabelSelector>,
    annotations: Option<LabelSelector>,
}

impl Selector {
    /// Reads the `target` of a patch.
    pub(super) fn read(patch: &Section<'_>) -> Result<Option<Self>> {
        patch.section("target", FIELDS)?.as_ref().map(Self::of).transpose()
    }

    /// Reads a selector.
    pub(super) fn of(section: &Section<'_>) -> Result<Self> {
        let pattern = |key| section.text(key)?.as_ref().map(anchored).transpose();
        let selector = |key| section.text(key)?.as_ref().map(LabelSelector::parse).transpose();
        Ok(Self {
            place: section.place(),
            group: pattern("group")?,
            version: pattern("version")?,
            kind: pattern("kind")?,
            name: pattern("name")?,
            namespace: pattern("namespace")?,
            labels: selector("labelSelector")?,
            annotations: selector("annotationSelector")?,
        })
    }

    /// Tells whether `resource` is meant: by its original or current name and namespace, and its current type.
    pub(super) fn selects(&self, resource: &Resource) -> bool {
        let fits = |pattern: &Option<Regex>, text: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(text));
        let (original, current) = (resource.original_id(), resource.current_id());
        (fits(&self.namespace, &original.namespace) || fits(&self.namespace, &current.namespace))
            && (fits(&self.name, &original.name) || fits(&self.name, &current.name))
            && fits(&self.group, &current.group)
            && fits(&self.version, &current.version)
            && fits(&self.kind, &current.kind)
            && self.selects_metadata(resource)
    }

    /// Tells whether labels and annotations of `resource` are meant.
    pub(super) fn selects_metadata(&self, resource: &Resource) -> bool {
        let fits = |selector: &Option<LabelSelector>, field| {
            let map = resource.node.path(&["metadata", field]);
            selector.as_ref().is_none_or(|selector| selector.matches(map))
        };
        fits(&self.labels, "labels") && fits(&self.annotations, "annotations")
    }

    /// Tells whether one of the names that `resource` has or had is meant, its namespace as it was written.
    pub(super) fn selects_any_name(&self, resource: &Resource) -> bool {
        let fits = |pattern: &Option<Regex>, text: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(text));
        let (group, version) = split_api_version(resource.api_version());
        let mut names = resource.names();
        fits(&self.group, group)
            && fits(&self.version, version)
            && names.any(|(kind, name, namespace)| {
                fits(&self.kind, kind) && fits(&self.name, name) && fits(&self.namespace, namespace)
            })
    }

    /// Tells whether the selector has conditions on names or types.
    pub(super) fn has_names(&self) -> bool {
        [&self.group, &self.version, &self.kind, &self.name, &self.namespace].iter().any(|pattern| pattern.is_some())
    }

    /// Tells whether the selector has conditions on labels or annotations.
    pub(super) fn has_metadata(&self) -> bool {
        self.labels.is_some() || self.annotations.is_some()
    }
}

fn anchored(text: &Text) -> Result<Regex> {
    expression::compile(&format!("^(?:{})$", text.text)).ok_or_else(|| {
        let message = format!("`{}` is not a regular expression", text.text);
        Failure::at(&text.place, message, "targets are matched as regular expressions: `.*` matches any name")
    })
}
