//! A kustomization file, decoded.

use crate::manifest::{Failure, Place, Result, Text};
use crate::yaml;

use super::charts::Chart;
use super::generators::Generator;
use super::images::ImageEntry;
use super::labels::Labels;
use super::openapi::OpenApi;
use super::patches::Patch;
use super::plugins::Plugins;
use super::replacements;
use super::replicas::Replica;
use super::section::Section;
use super::vars::Var;

/// Every field kustomize 5.8.1 knows.
const FIELDS: &[&str] = &[
    "apiVersion",
    "kind",
    "metadata",
    "openapi",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "patchesStrategicMerge",
    "patchesJson6902",
    "patches",
    "images",
    "imageTags",
    "replacements",
    "replicas",
    "vars",
    "sortOptions",
    "resources",
    "components",
    "crds",
    "bases",
    "configMapGenerator",
    "secretGenerator",
    "helmGlobals",
    "helmCharts",
    "helmChartInflationGenerator",
    "generatorOptions",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "buildMetadata",
];

/// What a kustomization asks for, as far as images can be concerned.
#[derive(Debug)]
pub(super) struct Kustomization {
    pub(super) is_component: bool,
    /// What its regular expressions weigh, in values.
    pub(super) expressions: usize,
    pub(super) resources: Vec<Text>,
    pub(super) crds: Vec<Text>,
    pub(super) components: Vec<Text>,
    pub(super) generators: Vec<Generator>,
    pub(super) charts: Vec<Chart>,
    pub(super) patches_strategic_merge: Vec<Text>,
    pub(super) patches: Vec<Patch>,
    pub(super) patches_json6902: Vec<Patch>,
    pub(super) namespace: Option<Text>,
    pub(super) name_prefix: Option<Text>,
    pub(super) name_suffix: Option<Text>,
    pub(super) configurations: Vec<Text>,
    pub(super) labels: Vec<Labels>,
    pub(super) common_labels: Vec<(String, Text)>,
    pub(super) common_annotations: Vec<(String, Text)>,
    pub(super) replicas: Vec<Replica>,
    pub(super) images: Vec<ImageEntry>,
    pub(super) vars: Vec<Var>,
    pub(super) replacements: Vec<replacements::Entry>,
    pub(super) plugins: Plugins,
    pub(super) openapi: OpenApi,
    /// Fails where the resources of this kustomization could not be ordered, were it the overlay.
    pub(super) sort_order: Result<()>,
}

impl Kustomization {
    /// Decodes the first document of a kustomization file; kustomize ignores the others.
    pub(super) fn read(documents: &[yaml::Node], file: &str, source: &[u8]) -> Result<Self> {
        let empty = || Failure::at(&Place::start_of(file), "the kustomization is empty", "list `resources`");
        let root = documents.first().filter(|root| !root.is_null()).ok_or_else(empty)?;
        let section = Section::of(root, "kustomization", FIELDS, source)?;
        if !section.has_content() {
            return Err(empty());
        }
        let is_component = read_kind(&section)?;
        check_ignored(&section)?;
        let mut resources = section.texts("resources")?;
        resources.extend(section.texts("bases")?);
        let mut images = ImageEntry::read_all(&section, "images")?;
        images.extend(ImageEntry::read_all(&section, "imageTags")?);
        let (patches, patches_json6902) =
            (Patch::read_all(&section, "patches")?, Patch::read_all(&section, "patchesJson6902")?);
        let replacements = replacements::Entry::read_all(&section)?;
        Ok(Self {
            is_component,
            expressions: section.expressions(),
            resources,
            crds: section.texts("crds")?,
            components: section.texts("components")?,
            generators: Generator::read_all(&section)?,
            charts: Chart::read_all(&section)?,
            patches_strategic_merge: section.texts("patchesStrategicMerge")?,
            patches,
            patches_json6902,
            namespace: section.text("namespace")?,
            name_prefix: section.text("namePrefix")?,
            name_suffix: section.text("nameSuffix")?,
            configurations: section.texts("configurations")?,
            labels: Labels::read_all(&section)?,
            common_labels: section.pairs("commonLabels")?,
            common_annotations: section.pairs("commonAnnotations")?,
            replicas: Replica::read_all(&section)?,
            images,
            vars: Var::read_all(&section)?,
            replacements,
            openapi: OpenApi::read(&section)?,
            sort_order: read_sort_order(&section)?,
            plugins: Plugins {
                generators: section.texts("generators")?,
                transformers: section.texts("transformers")?,
                validators: section.texts("validators")?,
            },
        })
    }
}

/// Returns whether the kustomization is a component.
fn read_kind(section: &Section<'_>) -> Result<bool> {
    let kind = section.text("kind")?;
    let is_component = match kind.as_ref().map(|kind| &*kind.text) {
        None | Some("Kustomization") => false,
        Some("Component") => true,
        Some(other) => {
            let place = kind.as_ref().map_or_else(|| section.place(), |kind| kind.place.clone());
            let message = format!("`kind` must be Kustomization or Component, found {other}");
            return Err(Failure::at(&place, message, "remove `kind`, or correct it"));
        }
    };
    let expected = match is_component {
        true => "kustomize.config.k8s.io/v1alpha1",
        false => "kustomize.config.k8s.io/v1beta1",
    };
    match section.text("apiVersion")? {
        Some(version) if &*version.text != expected => {
            let message = format!("`apiVersion` must be {expected}, found {}", version.text);
            Err(Failure::at(&version.place, message, "remove `apiVersion`, or correct it"))
        }
        _ => Ok(is_component),
    }
}

/// Checks the shape of fields that cannot change an image.
fn check_ignored(section: &Section<'_>) -> Result<()> {
    section.texts("buildMetadata")?;
    if let Some(metadata) = section.section("metadata", &["name", "namespace", "labels", "annotations"])? {
        metadata.text("name")?;
        metadata.text("namespace")?;
        metadata.pairs("labels")?;
        metadata.pairs("annotations")?;
    }
    Ok(())
}

/// Checks how resources are ordered: the outer result is about the file, the inner one about building it.
fn read_sort_order(section: &Section<'_>) -> Result<Result<()>> {
    let Some(options) = section.section("sortOptions", &["order", "legacySortOptions"])? else {
        return Ok(Ok(()));
    };
    let order = options.text("order")?;
    let legacy = options.section("legacySortOptions", &["orderFirst", "orderLast"])?;
    if let Some(legacy) = &legacy {
        legacy.texts("orderFirst")?;
        legacy.texts("orderLast")?;
    }
    let failure = |message: &str| Err(Failure::at(&options.place(), message, "correct `sortOptions`, or remove it"));
    Ok(match (order.as_ref().map_or("", |order| &order.text), legacy) {
        ("legacy", _) | ("fifo", None) => Ok(()),
        ("fifo", Some(_)) => failure("`legacySortOptions` needs the order legacy"),
        (other, _) => failure(&format!("the order must be fifo or legacy, found `{other}`")),
    })
}
