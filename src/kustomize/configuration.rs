//! `configurations`: the field specs of a build, the built-in ones and those of files and bases, merged.

use std::sync::{Arc, LazyLock};

use crate::domain::TreePath;
use crate::manifest::{Failure, Place, Result, Text};
use crate::yaml;

use super::builtin_field_specs;
use super::field_spec::FieldSpec;
use super::load::Loader;
use super::section::Section;

/// How many field specs one field of a configuration may hold; each is tried on every resource.
const MAX_SPECS: usize = 1_000;
/// How many comparisons of field specs count as one value made.
const COMPARISONS_FOR_ONE: usize = 64;

/// A field of a configuration that is a list of field specs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    NamePrefix,
    NameSuffix,
    Namespace,
    CommonLabels,
    Labels,
    TemplateLabels,
    CommonAnnotations,
    VarReference,
    Images,
    Replicas,
}

/// All of them, with their names.
const FIELDS: [(Field, &str); 10] = [
    (Field::NamePrefix, "namePrefix"),
    (Field::NameSuffix, "nameSuffix"),
    (Field::Namespace, "namespace"),
    (Field::CommonLabels, "commonLabels"),
    (Field::Labels, "labels"),
    (Field::TemplateLabels, "templateLabels"),
    (Field::CommonAnnotations, "commonAnnotations"),
    (Field::VarReference, "varReference"),
    (Field::Images, "images"),
    (Field::Replicas, "replicas"),
];

const NAMES: &[&str] = &[
    "namePrefix",
    "nameSuffix",
    "namespace",
    "commonLabels",
    "labels",
    "templateLabels",
    "commonAnnotations",
    "nameReference",
    "varReference",
    "images",
    "replicas",
];

/// The field specs of every field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Configuration {
    specs: [Vec<FieldSpec>; FIELDS.len()],
    /// Which names refer to which type. No image can change by it; kept because a conflict in it is an error.
    name_reference: Vec<NameReference>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct NameReference {
    group: String,
    version: String,
    kind: String,
    referrers: Vec<FieldSpec>,
}

impl Configuration {
    /// The built-in field specs, made once.
    pub(super) fn built_in() -> Arc<Self> {
        static BUILT_IN: LazyLock<Arc<Configuration>> = LazyLock::new(|| {
            let mut built_in = Configuration::default();
            for (specs, (field, _)) in built_in.specs.iter_mut().zip(FIELDS) {
                *specs = builtin_field_specs::of(field);
                sort(specs);
            }
            Arc::new(built_in)
        });
        BUILT_IN.clone()
    }

    /// Tells whether nothing is configured beyond what is built in.
    pub(super) fn is_built_in(self: &Arc<Self>) -> bool {
        Arc::ptr_eq(self, &Self::built_in())
    }

    /// Returns the specs of a field.
    pub(super) fn specs(&self, field: Field) -> &[FieldSpec] {
        let at = FIELDS.iter().position(|(other, _)| *other == field);
        at.and_then(|at| self.specs.get(at)).map_or(&[], Vec::as_slice)
    }

    /// Reads the files that a kustomization lists under `configurations`, over what is built in.
    pub(super) fn load(loader: &mut Loader<'_>, root: &TreePath, files: &[Text]) -> Result<Arc<Self>> {
        let Some(first) = files.first() else {
            return Ok(Self::built_in());
        };
        let mut loaded = Self::default();
        for file in files {
            let (path, _) = loader.read(root, &file.text, &file.place)?;
            let parsed = loader.parse(&path, &file.place)?;
            if let Some(document) = parsed.documents()?.first() {
                loaded = loaded.merged(&Self::read(document, &parsed.source)?, loader, &file.place)?;
            }
        }
        Self::built_in().merged(&loaded, loader, &first.place).map(Arc::new)
    }

    fn read(document: &yaml::Node, source: &[u8]) -> Result<Self> {
        check_unique_keys(document)?;
        let section = Section::of(document, "configuration", NAMES, source)?;
        let mut read = Self::default();
        for (specs, (_, key)) in read.specs.iter_mut().zip(FIELDS) {
            *specs = FieldSpec::read_all(&section, key)?;
            sort(specs);
        }
        for entry in section.sections("nameReference", &["group", "version", "kind", "fieldSpecs"])? {
            let text = |key| entry.text(key).map(|text| text.map_or_else(String::new, |text| text.text.to_string()));
            read.name_reference.push(NameReference {
                group: text("group")?,
                version: text("version")?,
                kind: text("kind")?,
                referrers: FieldSpec::read_all(&entry, "fieldSpecs")?,
            });
        }
        Ok(read)
    }

    /// This configuration with `incoming` added, as what the text at `place` asks for.
    pub(super) fn merged(&self, incoming: &Self, loader: &mut Loader<'_>, place: &Place) -> Result<Self> {
        let mut merged = self.clone();
        for (specs, incoming) in merged.specs.iter_mut().zip(&incoming.specs) {
            merge(specs, incoming, loader, place)?;
            sort(specs);
        }
        for reference in &incoming.name_reference {
            let same = merged.name_reference.iter_mut().find(|other| {
                (&other.group, &other.version, &other.kind) == (&reference.group, &reference.version, &reference.kind)
            });
            match same {
                Some(other) => merge(&mut other.referrers, &reference.referrers, loader, place)?,
                None => merged.name_reference.push(reference.clone()),
            }
        }
        check_number(merged.name_reference.len(), place)?;
        Ok(merged)
    }
}

fn merge(specs: &mut Vec<FieldSpec>, incoming: &[FieldSpec], loader: &mut Loader<'_>, place: &Place) -> Result<()> {
    check_number(incoming.len(), place)?;
    loader.spend(specs.len().saturating_mul(incoming.len()) / COMPARISONS_FOR_ONE, place)?;
    for spec in incoming {
        FieldSpec::merge_into(specs, spec).map_err(|failure| failure.or_at(place))?;
    }
    check_number(specs.len(), place)
}

fn check_number(specs: usize, place: &Place) -> Result<()> {
    match specs > MAX_SPECS {
        true => {
            let message = format!("a field of the configuration has more than {MAX_SPECS} field specs");
            Err(Failure::at(place, message, "configure fewer fields"))
        }
        false => Ok(()),
    }
}

/// Unlike a kustomization, a configuration may give no key twice, however deep.
fn check_unique_keys(node: &yaml::Node) -> Result<()> {
    match &node.value {
        yaml::Value::Scalar(_) => Ok(()),
        yaml::Value::Sequence(elements) => elements.iter().try_for_each(check_unique_keys),
        yaml::Value::Mapping(entries) => {
            let mut seen = std::collections::HashSet::new();
            for (key, value) in entries {
                if !seen.insert(key.as_str().unwrap_or_default()) {
                    let message = format!("the key `{}` is given twice", key.as_str().unwrap_or_default());
                    return Err(Failure::at(&Place::of(key), message, "remove one of them"));
                }
                check_unique_keys(value)?;
            }
            Ok(())
        }
    }
}

/// Kinds kustomize puts first, in its order.
const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
/// Kinds kustomize puts last.
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Sorts by type. It decides which spec survives: when merged, one for any kind is dropped if one for some kind stands before it.
fn sort(specs: &mut [FieldSpec]) {
    let rank = |kind: &str| match FIRST.iter().position(|first| *first == kind) {
        Some(at) => at,
        None => FIRST.len() + LAST.iter().position(|last| *last == kind).map_or(0, |at| at + 1),
    };
    let or = |text: &str, absent: &str| if text.is_empty() { absent.to_owned() } else { text.to_owned() };
    specs.sort_by_cached_key(|spec| {
        let (group, version) = (or(&spec.group, "~G"), or(&spec.version, "~V"));
        (rank(&spec.kind), format!("{group}_{version}_{}", or(&spec.kind, "~K")))
    });
}

#[cfg(test)]
mod tests {
    use crate::domain::tree::MemoryTree;

    use super::super::Options;
    use super::*;

    #[test]
    fn what_is_built_in_merged_with_itself_is_itself() {
        let tree = MemoryTree::of([]);
        let store = crate::kustomize::Files::default();
        let mut loader = Loader::new(&tree, &Options::new(&store));
        let (built_in, place) = (Configuration::built_in(), Place::start_of("k"));
        assert_eq!(Configuration::default().merged(&built_in, &mut loader, &place).unwrap(), *built_in);
        assert_eq!(built_in.merged(&built_in, &mut loader, &place).unwrap(), *built_in);
        assert_eq!(built_in.specs(Field::VarReference).len(), 72);
        assert_eq!(built_in.specs(Field::CommonLabels).len(), 32);
    }
}
