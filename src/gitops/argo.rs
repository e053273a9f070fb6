//! Argo CD: `Application` (<https://argo-cd.readthedocs.io/en/stable/user-guide/application-specification/>) and
//! `ApplicationSet`, whose template is one.

use crate::manifest::{ImageOverride, Node};

use super::flux::elements;
use super::sink::Sink;
use super::values;
use super::{generators, helm};

/// Reads the sources of an `Application`.
pub(super) fn read_application(document: &Node, sink: &mut Sink<'_, '_>) {
    if let Some(spec) = document.get("spec") {
        read_sources(spec, "spec", sink);
    }
}

/// Reads the sources in the template of an `ApplicationSet`, once for each element of its list generators. What other generators
/// fill in is not known.
pub(super) fn read_application_set(document: &Node, sink: &mut Sink<'_, '_>) {
    let Some(template) = document.path(&["spec", "template", "spec"]) else { return };
    match generators::fill(document.path(&["spec", "generators"]), template) {
        None => sink.in_template(|sink| read_sources(template, "spec.template.spec", sink)),
        Some(filled) => {
            for generators::Filled { template, element } in filled {
                let field = format!("{element}:spec.template.spec");
                sink.in_template(|sink| read_sources(&template, &field, sink));
            }
        }
    }
}

fn read_sources(spec: &Node, field: &str, sink: &mut Sink<'_, '_>) {
    if let Some(source) = spec.get("source") {
        read_source(source, &format!("{field}.source"), sink);
    }
    for (index, source) in elements(spec.get("sources")).enumerate() {
        read_source(source, &format!("{field}.sources[{index}]"), sink);
    }
}

fn read_source(source: &Node, field: &str, sink: &mut Sink<'_, '_>) {
    if let Some(kustomize) = source.get("kustomize") {
        for (index, image) in elements(kustomize.get("images")).enumerate() {
            if let Some(entry) = ImageOverride::of_text(image) {
                sink.add_override(&entry, format!("{field}.kustomize.images[{index}]"));
            }
        }
        for (index, entry) in elements(kustomize.get("patches")).enumerate() {
            if let Some(patch) = entry.get("patch") {
                sink.add_patch(patch, &format!("{field}.kustomize.patches[{index}].patch"));
            }
        }
    }
    if let Some(settings) = source.get("helm") {
        let chart = values::chart(source.get("chart").or(source.get("path")), source.get("targetRevision"));
        sink.about(chart_source(source, settings), |sink| helm::read(settings, &format!("{field}.helm"), &chart, sink));
    }
}

/// A name for what says which chart it is, and with which values besides those that are read here; none where these, or the
/// chart itself, stand in files, or where it is yet to be filled in.
fn chart_source(source: &Node, settings: &Node) -> Option<String> {
    const READ: [&str; 4] = ["values", "valuesObject", "parameters", "kustomize"];
    let is_whole = source.get("chart").is_some() && elements(settings.get("valueFiles")).next().is_none();
    (is_whole && !generators::is_open(source)).then(|| values::fingerprint(source, &READ))
}
