//! Flux: `Kustomization` (<https://fluxcd.io/flux/components/kustomize/kustomizations/>) and `HelmRelease`
//! (<https://fluxcd.io/flux/components/helm/helmreleases/>), whose `values` are found as any other field `image`.

use crate::manifest::{ImageOverride, Node, Value};

use super::sink::Sink;
use super::values;

/// Reads `spec.images` and the patches of a `Kustomization`.
pub(super) fn read_kustomization(document: &Node, sink: &mut Sink<'_, '_>) {
    if let Some(spec) = document.get("spec") {
        read_kustomize(spec, "spec", sink);
    }
}

/// Reads what a `HelmRelease` hands to its chart, as far as it names images in part, and what it lays over the rendered chart.
pub(super) fn read_helm_release(document: &Node, sink: &mut Sink<'_, '_>) {
    if let Some(given) = document.path(&["spec", "values"]) {
        let of_chart = |key| document.path(&["spec", "chart", "spec", key]);
        let reference = document.path(&["spec", "chartRef", "name"]);
        let chart = values::chart(of_chart("chart").or(reference), of_chart("version"));
        // What they refer to stands elsewhere.
        let is_whole = ["chartRef", "valuesFrom"].iter().all(|key| document.path(&["spec", key]).is_none());
        let source = document.path(&["spec", "chart"]).filter(|_| is_whole);
        sink.about(source.map(|source| values::fingerprint(source, &[])), |sink| {
            values::read(given, "spec.values", &mut Vec::new(), &chart, sink);
        });
    }
    for (index, renderer) in elements(document.path(&["spec", "postRenderers"])).enumerate() {
        if let Some(kustomize) = renderer.get("kustomize") {
            read_kustomize(kustomize, &format!("spec.postRenderers[{index}].kustomize"), sink);
        }
    }
}

/// The fields that Flux takes over from kustomize; `patchesStrategicMerge` holds objects, which are found without this.
fn read_kustomize(node: &Node, field: &str, sink: &mut Sink<'_, '_>) {
    for (index, entry) in elements(node.get("images")).enumerate() {
        if let Some(entry) = ImageOverride::of_mapping(entry) {
            sink.add_override(&entry, format!("{field}.images[{index}]"));
        }
    }
    for key in ["patches", "patchesJson6902"] {
        for (index, entry) in elements(node.get(key)).enumerate() {
            if let Some(patch) = entry.get("patch") {
                sink.add_patch(patch, &format!("{field}.{key}[{index}].patch"));
            }
        }
    }
}

/// The elements of a list; none of anything else.
pub(super) fn elements(node: Option<&Node>) -> impl Iterator<Item = &Node> {
    let elements = match node.map(|node| &node.value) {
        Some(Value::List(elements)) => elements.as_slice(),
        _ => &[],
    };
    elements.iter()
}
