//! An OpenAPI schema from a file, as far as it says which lists are merged by which keys.

use std::collections::HashMap;
use std::sync::Arc;

use crate::manifest::{Failure, Place, Result};
use crate::yaml;

use super::super::files::Parsed;

/// How many references may follow each other.
const MAX_REFERENCES: usize = 64;

/// The definitions of a schema file.
#[derive(Debug)]
pub(in super::super) struct Definitions {
    documents: Arc<[yaml::Node]>,
    /// Names of definitions by apiVersion and kind.
    types: HashMap<(String, String), String>,
    /// Definitions by name, as positions in the file.
    names: HashMap<String, usize>,
}

/// One definition, or a part of one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Definition<'s> {
    all: &'s Definitions,
    node: &'s yaml::Node,
}

impl Definitions {
    /// Reads a schema file.
    pub(in super::super) fn read(parsed: &Parsed, place: &Place) -> Result<Self> {
        let documents = parsed.documents()?;
        let Some(root) = documents.first().filter(|root| root.as_mapping().is_some()) else {
            let message = format!("{} is no OpenAPI schema", parsed.file);
            return Err(Failure::at(place, message, "name a file that `kustomize openapi fetch` made"));
        };
        // Types that only such a path makes cluster-scoped are not known here.
        if root.get("paths").and_then(yaml::Node::as_mapping).is_some_and(|paths| !paths.is_empty()) {
            let hint = "remove `paths` from the schema, or the schema from the kustomization";
            return Err(Failure::at(place, "`paths` in the schema of `openapi` are not supported", hint));
        }
        let definitions = root.get("definitions").and_then(yaml::Node::as_mapping).unwrap_or_default();
        let (mut types, mut names) = (HashMap::new(), HashMap::new());
        for (at, (name, definition)) in definitions.iter().enumerate() {
            let name = name.as_str().unwrap_or_default();
            names.insert(name.to_owned(), at);
            let kinds = definition.get("x-kubernetes-group-version-kind").and_then(yaml::Node::as_sequence);
            for kind in kinds.unwrap_or_default() {
                let text = |key| kind.get(key).and_then(yaml::Node::as_str).unwrap_or_default();
                let slash = if text("group").is_empty() { "" } else { "/" };
                let api_version = format!("{}{slash}{}", text("group"), text("version"));
                types.insert((api_version, text("kind").to_owned()), name.to_owned());
            }
        }
        Ok(Self { types, names, documents: documents.clone() })
    }

    /// The definition of a type.
    pub(super) fn find(&self, api_version: &str, kind: &str) -> Option<Definition<'_>> {
        let name = self.types.get(&(api_version.to_owned(), kind.to_owned()))?;
        Some(Definition { all: self, node: self.named(name)? })
    }

    fn named(&self, name: &str) -> Option<&yaml::Node> {
        let definitions = self.documents.first()?.get("definitions")?.as_mapping()?;
        definitions.get(*self.names.get(name)?).map(|(_, definition)| definition)
    }
}

impl<'s> Definition<'s> {
    /// The keys of a list that is merged; empty for a set of scalars.
    pub(super) fn keys(self) -> Option<Vec<&'s str>> {
        let strategy = self.node.get("x-kubernetes-patch-strategy")?.as_str()?;
        if !strategy.contains("merge") {
            return None;
        }
        if let Some(keys) = self.node.get("x-kubernetes-list-map-keys").and_then(yaml::Node::as_sequence) {
            return Some(keys.iter().filter_map(yaml::Node::as_str).collect());
        }
        Some(self.node.get("x-kubernetes-patch-merge-key").and_then(yaml::Node::as_str).into_iter().collect())
    }

    /// The definition of a list's elements.
    pub(super) fn element(self) -> Option<Self> {
        let is_list = self.node.get("type").and_then(yaml::Node::as_str) == Some("array");
        self.resolved(self.node.get("items").filter(|_| is_list)?)
    }

    /// The definition of a field, or of any value of a map.
    pub(super) fn field(self, name: &str) -> Option<Self> {
        let own = self.node.get("properties").and_then(|properties| properties.get(name));
        let any = || self.node.get("additionalProperties").filter(|values| values.as_mapping().is_some());
        self.resolved(own.or_else(any)?)
    }

    fn resolved(self, mut node: &'s yaml::Node) -> Option<Self> {
        for _ in 0..MAX_REFERENCES {
            match node.get("$ref").and_then(yaml::Node::as_str) {
                None => return Some(Self { all: self.all, node }),
                Some(reference) => node = self.all.named(reference.strip_prefix("#/definitions/")?)?,
            }
        }
        None
    }
}
