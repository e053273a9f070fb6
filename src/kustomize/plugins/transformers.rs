//! The transformers built into kustomize.

use crate::manifest::{Failure, Place, Result, Shift, Text};

use super::super::field_spec::FieldSpec;
use super::super::images::ImageEntry;
use super::super::labels;
use super::super::layer::Layer;
use super::super::names::{self, Affix};
use super::super::namespace::{self, Subjects};
use super::super::patches::{self, Patch};
use super::super::replacements;
use super::super::replicas::Replica;
use super::super::resource::Resource;
use super::super::section::Section;
use super::config::Config;
use super::value_add;

/// Runs one transformer.
pub(super) fn run(layer: &mut Layer<'_, '_>, config: &Config) -> Result<()> {
    match config.kind.as_str() {
        "PatchTransformer" => {
            let section = config.section(patches::FIELDS)?;
            let patch = Patch::read(&section)?;
            layer.count_expressions(&section)?;
            patches::apply(layer, &patch)
        }
        "PatchStrategicMergeTransformer" => merge(layer, config),
        "PatchJson6902Transformer" => {
            let section = config.section(&["path", "jsonOp", "target"])?;
            let patch = Patch::read_operations(&section)?;
            layer.count_expressions(&section)?;
            patches::apply_json6902(layer, &patch)
        }
        "NamespaceTransformer" => set_namespace(layer, config),
        "PrefixTransformer" => rename(layer, config, &[true]),
        "SuffixTransformer" => rename(layer, config, &[false]),
        "PrefixSuffixTransformer" => rename(layer, config, &[true, false]),
        "LabelTransformer" => {
            let section = config.section(&["labels", "fieldSpecs"])?;
            let specs = FieldSpec::read_all(&section, "fieldSpecs")?;
            labels::set_all(layer, &section.pairs("labels")?, &specs)
        }
        "AnnotationsTransformer" => {
            let section = config.section(&["annotations", "fieldSpecs"])?;
            let specs = FieldSpec::read_all(&section, "fieldSpecs")?;
            labels::set_all(layer, &section.pairs("annotations")?, &specs)
        }
        "ImageTagTransformer" => {
            let section = config.section(&["imageTag", "fieldSpecs"])?;
            let specs = FieldSpec::read_all(&section, "fieldSpecs")?;
            let entry = ImageEntry::read_one(&section, "imageTag")?;
            layer.count_expressions(&section)?;
            entry.apply(layer, &specs)
        }
        "ReplicaCountTransformer" => {
            let section = config.section(&["replica", "fieldSpecs"])?;
            let specs = FieldSpec::read_all(&section, "fieldSpecs")?;
            Replica::read_one(&section, "replica")?.apply(layer, &specs)
        }
        "ReplacementTransformer" => {
            let section = config.section(&["replacements"])?;
            let entries = replacements::Entry::read_all(&section)?;
            layer.count_expressions(&section)?;
            replacements::apply(layer, &entries)
        }
        "ValueAddTransformer" => value_add::run(layer, config),
        "HashTransformer" => {
            // The name that it makes is not known here; the one that was there stays, as one of those it had.
            let made = layer.resources.resources.iter_mut().filter(|resource| resource.has_hash());
            made.for_each(Resource::remember_id);
            Ok(())
        }
        other => {
            let message = format!("kustomize has no transformer {other} built in");
            Err(Failure::at(&config.place, message, "correct `kind`"))
        }
    }
}

fn merge(layer: &mut Layer<'_, '_>, config: &Config) -> Result<()> {
    let section = config.section(&["paths", "patches"])?;
    let (paths, inline) = (section.texts("paths")?, section.text("patches")?);
    if paths.is_empty() && inline.is_none() {
        let message = "the transformer has no patch";
        return Err(Failure::at(&config.place, message, "add `paths` or `patches`"));
    }
    let patches: Vec<Text> = paths.into_iter().chain(inline).collect();
    patches::apply_strategic_merges(layer, &patches)
}

fn rename(layer: &mut Layer<'_, '_>, config: &Config, is_prefix: &[bool]) -> Result<()> {
    let section = config.section(&["prefix", "suffix", "fieldSpecs"])?;
    if section.get("fieldSpecs").is_none() {
        let message = format!("{} needs `fieldSpecs`", config.kind);
        return Err(Failure::at(&config.place, message, "add `fieldSpecs` with the path metadata/name"));
    }
    let specs = FieldSpec::read_all(&section, "fieldSpecs")?;
    for is_prefix in is_prefix {
        let key = if *is_prefix { "prefix" } else { "suffix" };
        let text = section.text(key)?.unwrap_or_else(|| empty(&config.place));
        let affix = if *is_prefix { Affix::Prefix(&text) } else { Affix::Suffix(&text) };
        names::rename(layer, affix, &specs)?;
    }
    Ok(())
}

fn set_namespace(layer: &mut Layer<'_, '_>, config: &Config) -> Result<()> {
    let section = config.section(&["metadata", "fieldSpecs", "unsetOnly", "setRoleBindingSubjects"])?;
    let specs = FieldSpec::read_all(&section, "fieldSpecs")?;
    let options = namespace::Options { unset_only: section.flag("unsetOnly")?, subjects: subjects(&section)? };
    let metadata = section.section("metadata", &["namespace"])?;
    match metadata.map(|metadata| metadata.text("namespace")).transpose()?.flatten() {
        Some(namespace) => namespace::set_namespace(layer, &namespace, options, &specs),
        None => Ok(()),
    }
}

fn subjects(section: &Section<'_>) -> Result<Subjects> {
    let Some(text) = section.text("setRoleBindingSubjects")? else {
        return Ok(Subjects::default());
    };
    match &*text.text {
        "defaultOnly" => Ok(Subjects::NamedDefault),
        "allServiceAccounts" => Ok(Subjects::ServiceAccounts),
        "none" => Ok(Subjects::None),
        other => {
            let message = format!("`setRoleBindingSubjects` cannot be {other}");
            Err(Failure::at(&text.place, message, "write defaultOnly, allServiceAccounts or none"))
        }
    }
}

fn empty(place: &Place) -> Text {
    Text { text: "".into(), place: place.clone(), shift: Shift::Fixed(place.clone()) }
}
