//! From documents to image uses.

use std::fmt::Write as _;

use crate::domain::{DecidedBy, Digest, ImageUse, OverlayImages, UseClass, Workload};

use super::node::{Node, Scalar, Value};
use super::parts::ImageParts;
use super::reference::Decided;
use super::shared::Shared;

/// Lists the images of documents; those that define custom resources are left out, as nothing in them runs.
pub(crate) fn uses<'d>(documents: impl IntoIterator<Item = &'d Shared>) -> Vec<ImageUse> {
    let is_definition = |document: &Shared| document.head().get("kind").and_then(Node::text) == Some(DEFINITION);
    documents.into_iter().filter(|document| !is_definition(document)).flat_map(|document| uses_in(document)).collect()
}

/// Lists the images in one text: a document, a part of one, or a JSON patch.
pub(crate) fn uses_in(document: &Node) -> Vec<ImageUse> {
    let (workload, mut uses) = (workload_of(document), Vec::new());
    if workload.kind != DEFINITION {
        let mut walk = Walk { workload, uses: &mut uses, path: String::new() };
        match &document.value {
            Value::List(operations) => walk.visit_operations(operations),
            _ => walk.visit(document, Position::Elsewhere),
        }
    }
    uses
}

const DEFINITION: &str = "CustomResourceDefinition";

/// Computes the digest of all uses and their places, configured and declared ones left out, independent of resource names: the SHA-256 of the sorted lines
/// `<apiVersion>/<kind>`, path and image, separated by tabs.
#[must_use]
pub fn sites_digest(images: &OverlayImages) -> String {
    let line = |image_use: &ImageUse| {
        let Workload { api_version, kind, .. } = &image_use.workload;
        format!("{api_version}/{kind}\t.{}\t{}", image_use.field, image_use.image)
    };
    // What only this program reads off documents is not part of what is compared with kustomize's own sites.
    let is_plain = |image_use: &&ImageUse| !matches!(image_use.class, UseClass::Configured | UseClass::Declared);
    let mut lines: Vec<String> = images.uses.iter().filter(is_plain).map(line).collect();
    lines.sort_unstable();
    Digest::of(lines.join("\n").as_bytes()).hex().to_owned()
}

/// What stands around a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// In the list `containers`, `initContainers` or `ephemeralContainers`.
    Container,
    /// In the list `volumes`.
    Volume,
    Elsewhere,
}

struct Walk<'u> {
    workload: Workload,
    uses: &'u mut Vec<ImageUse>,
    path: String,
}

impl Walk<'_> {
    fn visit(&mut self, node: &Node, position: Position) {
        match &node.value {
            Value::Scalar(_) => {}
            Value::List(elements) => self.visit_elements(elements, Position::Elsewhere),
            Value::Map(entries) => {
                for (key, value) in entries {
                    let length = self.path.len();
                    if length > 0 {
                        self.path.push('.');
                    }
                    self.path.push_str(key);
                    if &**key == "image" {
                        self.visit_image(node, value, position);
                    }
                    match &value.value {
                        Value::List(elements) => self.visit_elements(elements, position_in(key)),
                        Value::Scalar(scalar) if !matches!(&**key, "image" | "reference") => {
                            self.visit_transformed(value, scalar);
                        }
                        _ => self.visit(value, Position::Elsewhere),
                    }
                    self.path.truncate(length);
                }
            }
        }
    }

    /// Where `images` put something, by a field specification of the overlay's own, an image stands whatever the key.
    fn visit_transformed(&mut self, node: &Node, scalar: &Scalar) {
        if scalar.decided.as_ref().is_some_and(|decided| decided.by == DecidedBy::Images) {
            self.add_scalar(node, UseClass::Configured, None, "");
        }
    }

    fn visit_elements(&mut self, elements: &[Node], position: Position) {
        for (index, element) in elements.iter().enumerate() {
            let length = self.path.len();
            // Writing to a String cannot fail.
            let _ = write!(self.path, "[{index}]");
            self.visit(element, position);
            self.path.truncate(length);
        }
    }

    /// A document that is a list is a JSON patch lying loose: what it puts in an `image` will run wherever it is applied.
    fn visit_operations(&mut self, operations: &[Node]) {
        for operation in operations {
            let target = operation.get("path").and_then(Node::text).and_then(|path| path.strip_suffix("/image"));
            if let (Some(target), Some(value)) = (target, operation.get("value")) {
                let list = target.rsplit('/').nth(1).unwrap_or_default();
                let is_container = position_in(list) == Position::Container;
                self.path = format!("{}.image", target.trim_start_matches('/').replace('/', "."));
                self.add_scalar(value, if is_container { UseClass::Container } else { UseClass::Field }, None, "");
                self.path.clear();
            }
        }
        self.visit_elements(operations, Position::Elsewhere);
    }

    fn visit_image(&mut self, owner: &Node, image: &Node, position: Position) {
        let container = owner.get("name").and_then(Node::text).map(str::to_owned);
        let named = container.filter(|_| position != Position::Elsewhere);
        if image.as_scalar().is_some() {
            let class = if position == Position::Container { UseClass::Container } else { UseClass::Field };
            self.add_scalar(image, class, named, "");
            return;
        }
        if position == Position::Volume
            && let Some(reference) = image.get("reference")
        {
            self.add_scalar(reference, UseClass::Container, named.clone(), ".reference");
        }
        self.add_helm(image, named);
    }

    fn add_scalar(&mut self, node: &Node, class: UseClass, container: Option<String>, suffix: &str) {
        let (Some(scalar), Some(image)) = (node.as_scalar(), node.text().filter(|text| !text.is_empty())) else {
            return;
        };
        let decided = Decided::of(node, scalar);
        self.add(image, class, container, suffix, &decided);
    }

    /// A mapping with a repository, as Helm values have it.
    fn add_helm(&mut self, image: &Node, container: Option<String>) {
        if let Some(parts) = ImageParts::of_mapping(image) {
            let (text, decided) = parts.join(DecidedBy::Written);
            self.add(&text, UseClass::Helm, container, "", &decided);
        }
    }

    fn add(&mut self, image: &str, class: UseClass, container: Option<String>, suffix: &str, decided: &Decided) {
        let field = format!("{}{suffix}", self.path);
        let found = decided.image_use(image, class, field);
        self.uses.push(ImageUse { workload: self.workload.clone(), container, ..found });
    }
}

/// Makes an image use of a reference and where it was decided.
pub(crate) fn image_use(
    workload: &Workload,
    class: UseClass,
    container: Option<String>,
    field: String,
    image: &str,
    decided: &Decided,
) -> ImageUse {
    ImageUse { workload: workload.clone(), container, ..decided.image_use(image, class, field) }
}

/// Names the object a document describes.
pub(crate) fn workload_of(document: &Node) -> Workload {
    let text = |path: &[&str]| document.path(path).and_then(Node::text).unwrap_or_default().to_owned();
    Workload {
        api_version: text(&["apiVersion"]),
        kind: text(&["kind"]),
        name: text(&["metadata", "name"]),
        namespace: text(&["metadata", "namespace"]),
    }
}

fn position_in(key: &str) -> Position {
    match key {
        "containers" | "initContainers" | "ephemeralContainers" => Position::Container,
        "volumes" => Position::Volume,
        _ => Position::Elsewhere,
    }
}
