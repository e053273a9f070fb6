//! Images told by the shape around them, at any depth of some documents.

use crate::domain::DecidedBy;

use super::super::node::{Node, Value};
use super::super::parts::{ImageParts, part};
use super::{Found, group_of};

/// Groups whose objects have mappings `{repository, image, version}`:
/// <https://github.com/NVIDIA/gpu-operator/blob/main/api/nvidia/v1/clusterpolicy_types.go>,
/// <https://github.com/Mellanox/network-operator/blob/master/api/v1alpha1/nicclusterpolicy_types.go>.
const TRIPLES: [&str; 2] = ["nvidia.com", "mellanox.com"];

/// Collects the images of a document that its kind alone does not tell.
pub(super) fn collect(document: &Node, found: &mut Found<'_>) {
    let has_triples = TRIPLES.contains(&group_of(found.workload));
    visit(document, &mut String::new(), has_triples, found);
}

fn visit(node: &Node, path: &mut String, has_triples: bool, found: &mut Found<'_>) {
    let length = path.len();
    match &node.value {
        Value::Scalar(_) => {}
        Value::List(elements) => {
            for (index, element) in elements.iter().enumerate() {
                path.push_str(&format!("[{index}]"));
                visit(element, path, has_triples, found);
                path.truncate(length);
            }
        }
        Value::Map(entries) => {
            read_bundle(node, path, found);
            if has_triples {
                read_triple(node, path, found);
            }
            for (key, value) in entries {
                path.extend([if length > 0 { "." } else { "" }, key]);
                visit(value, path, has_triples, found);
                path.truncate(length);
            }
        }
    }
}

/// A task or pipeline that Tekton takes from an image: <https://tekton.dev/docs/pipelines/bundle-resolver/>.
fn read_bundle(node: &Node, path: &str, found: &mut Found<'_>) {
    if node.get("resolver").and_then(Node::text) != Some("bundles") {
        return;
    }
    let Some(Value::List(params)) = node.get("params").map(|params| &params.value) else { return };
    for (index, param) in params.iter().enumerate() {
        let is_bundle = param.get("name").and_then(Node::text) == Some("bundle");
        if let Some(value) = param.get("value").filter(|_| is_bundle) {
            found.add_scalar(value, format!("{path}.params[{index}].value"));
        }
    }
}

fn read_triple(node: &Node, path: &str, found: &mut Found<'_>) {
    let at = |key: &str| node.get(key).and_then(part);
    let (Some(repository), Some(image), Some(version)) = (at("repository"), at("image"), at("version")) else {
        return;
    };
    let (tag, digest) = if version.0.starts_with("sha256:") { (None, Some(version)) } else { (Some(version), None) };
    let parts = ImageParts { registry: Some(repository), repository: image, tag, digest };
    let (text, decided) = parts.join(DecidedBy::Written);
    found.add(&text, format!("{path}.image"), &decided);
}
