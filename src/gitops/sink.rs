//! Where declared images are collected, each under the object that declares it.

use std::sync::Arc;

use crate::domain::{DecidedBy, ImageUse, Partial, UseClass, Workload};
use crate::manifest::{
    self, Decided, Failure, ImageOverride, ImageParts, Node, Part, Place, Reading, Result, Text, Value, Written,
};
use crate::yaml;

use super::Declared;
use super::sources::Sources;

/// Collects what one object declares.
pub(super) struct Sink<'s, 't> {
    workload: Workload,
    sources: &'s mut Sources<'t>,
    declared: &'s mut Declared,
    /// A name for all that decides what is left open, where all of it stands here.
    source: Option<String>,
    is_template: bool,
}

impl<'s, 't> Sink<'s, 't> {
    /// Collects for `workload`.
    pub(super) fn new(workload: Workload, sources: &'s mut Sources<'t>, declared: &'s mut Declared) -> Self {
        Self { workload, sources, declared, source: None, is_template: false }
    }

    /// Says what is not known.
    pub(super) fn say(&mut self, reason: &str, what: impl Into<String>, place: &Place) {
        let source = self.source.clone();
        self.declared.partial.push(Partial { source, ..Partial::new(reason, what, place.location()) });
    }

    /// Runs `read` on what `source` decides together with what stands there, or more than that where there is none.
    pub(super) fn about(&mut self, source: Option<String>, read: impl FnOnce(&mut Self)) {
        let around = std::mem::replace(&mut self.source, source);
        read(self);
        self.source = around;
    }

    /// Runs `read` on a template that generators fill in.
    pub(super) fn in_template(&mut self, read: impl FnOnce(&mut Self)) {
        self.is_template = true;
        read(self);
        self.is_template = false;
    }

    /// Tells whether what is read is a template.
    pub(super) fn is_in_template(&self) -> bool {
        self.is_template
    }

    /// Takes an image that `name` tells from its neighbours.
    pub(super) fn add(&mut self, image: &str, name: Option<String>, field: String, decided: &Decided) {
        let found = manifest::image_use(&self.workload, UseClass::Declared, name, field, image, decided);
        self.push(found);
    }

    /// Keeps an image, or says that it is yet to be filled in.
    fn push(&mut self, found: ImageUse) {
        if !self.is_template || !found.image.contains("{{") {
            return self.declared.uses.push(found);
        }
        let what = format!("{} is filled in by the generators", found.image);
        self.declared.partial.push(Partial::new("declared-template", what, found.location));
    }

    /// Takes what an entry of a list of images sets; a tag that it leaves to the manifests is said.
    pub(super) fn add_override(&mut self, entry: &ImageOverride, field: String) {
        let is_set = |written: &&Written| &*written.text != "*";
        let name = entry.new_name.as_ref().filter(is_set).unwrap_or(&entry.name);
        let (tag, digest) = (entry.new_tag.as_ref().filter(is_set), entry.digest.as_ref().filter(is_set));
        let image_parts = manifest::split(&name.text);
        if tag.is_none() && digest.is_none() && image_parts.tag.is_none() && image_parts.digest.is_none() {
            let what = format!("{} keeps the tag of the manifests it is set in", name.text);
            return self.say("declared-tag", what, &name.place);
        }
        fn part(written: &Written) -> Part<'_> {
            (&written.text, &written.place)
        }
        let parts = ImageParts { registry: None, repository: part(name), tag: tag.map(part), digest: digest.map(part) };
        let (image, decided) = parts.join(DecidedBy::Images);
        self.add(&image, Some(entry.name.text.to_string()), field, &decided);
    }

    /// Takes the images of a patch: text, or operations in the object itself.
    pub(super) fn add_patch(&mut self, patch: &Node, field: &str) {
        match &patch.value {
            Value::Scalar(_) => {
                for document in self.parse(patch) {
                    self.add_uses_of(&document, field);
                }
            }
            Value::List(_) => {
                // What stands whole in the values of operations is found without this.
                let operations = manifest::uses_in(patch).into_iter().filter(|found| !found.field.starts_with('['));
                let found: Vec<ImageUse> = operations.collect();
                self.take(found, field);
            }
            Value::Map(_) => {}
        }
    }

    fn add_uses_of(&mut self, document: &Node, field: &str) {
        self.take(manifest::uses_in(document), field);
    }

    /// Takes uses found in a part of the object.
    pub(super) fn take(&mut self, uses: Vec<ImageUse>, field: &str) {
        for found in uses {
            let joint = if found.field.starts_with('[') { "" } else { "." };
            let field = format!("{field}{joint}{}", found.field);
            self.push(ImageUse { class: UseClass::Declared, workload: self.workload.clone(), field, ..found });
        }
    }

    /// Parses the YAML in a scalar; text that is none, and may name an image, is said.
    pub(super) fn parse(&mut self, node: &Node) -> Vec<Node> {
        let Some(scalar) = node.as_scalar().filter(|scalar| !scalar.text.trim().is_empty()) else {
            return Vec::new();
        };
        if self.sources.spend(0) {
            self.say("declared-text", "the texts of this overlay hold more than can be read", &node.place);
            return Vec::new();
        }
        let text = self.sources.text(&node.place, scalar);
        match read(&text) {
            Ok(documents) => {
                self.sources.spend(documents.iter().map(Node::size).sum());
                documents
            }
            Err(failure) => {
                if text.text.contains("image") {
                    self.say("declared-text", failure.message().to_owned(), failure.place().unwrap_or(&node.place));
                }
                Vec::new()
            }
        }
    }
}

fn read(text: &Text) -> Result<Vec<Node>> {
    let file: &Arc<str> = &text.place.file;
    let documents = yaml::parse(file, text.text.as_bytes()).map_err(|error| {
        let place = text.shift.place(&Place::of_error(&error));
        Failure::at(&place, error.message, "correct the YAML")
    })?;
    documents.iter().map(|document| Node::convert(document, Reading::Loose, &text.shift)).collect()
}
