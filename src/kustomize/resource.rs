//! One Kubernetes object on its way through the transformers.

use std::sync::Arc;

use crate::manifest::{Failure, Late, Node, Place, Reading, Result, Shared, Shift, Value};
use crate::yaml::{self, ScalarKind};

use super::id::Id;

/// What a generated resource does to one that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Behavior {
    /// It must be new.
    #[default]
    Create,
    /// It takes the other's place.
    Replace,
    /// It is laid over the other.
    Merge,
}

/// A name the resource had; group and version are always the current ones.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Previous {
    kind: String,
    name: String,
    namespace: String,
}

/// A document with the names it had before.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    pub(super) node: Shared,
    pub(super) behavior: Behavior,
    /// Whether kustomize keeps notes of its own under `metadata.annotations`, which JSON patches can see.
    pub(super) has_notes: bool,
    /// Whether kustomize puts a hash of the content behind the name in the end.
    pub(super) has_hash: bool,
    /// The variables that are about this resource.
    pub(super) var_names: Vec<Arc<str>>,
    previous: Vec<Previous>,
}

impl Resource {
    /// Takes a document that was checked, or made here.
    pub(super) fn new(node: Node) -> Self {
        Self {
            node: node.into(),
            behavior: Behavior::Create,
            has_notes: false,
            has_hash: false,
            var_names: Vec::new(),
            previous: Vec::new(),
        }
    }

    /// The same with the value at `path` to be read late.
    pub(super) fn with_rest(mut self, path: &'static [&'static str], value: Arc<dyn Late>) -> Self {
        self.node = self.node.with_rest(path, value);
        self
    }

    pub(super) fn api_version(&self) -> &str {
        self.field(&["apiVersion"])
    }

    pub(super) fn kind(&self) -> &str {
        self.field(&["kind"])
    }

    pub(super) fn name(&self) -> &str {
        self.field(&["metadata", "name"])
    }

    pub(super) fn namespace(&self) -> &str {
        self.field(&["metadata", "namespace"])
    }

    /// The id the resource has now.
    pub(super) fn current_id(&self) -> Id {
        Id::new(self.api_version(), self.kind(), self.name(), self.namespace())
    }

    /// The oldest id.
    pub(super) fn original_id(&self) -> Id {
        self.previous.first().map_or_else(|| self.current_id(), |first| self.id_of(first))
    }

    /// All ids the resource had, and the one it has.
    pub(super) fn ids(&self) -> Vec<Id> {
        let previous = self.previous.iter().map(|previous| self.id_of(previous));
        previous.chain([self.current_id()]).collect()
    }

    /// Tells whether the resource has this id now.
    pub(super) fn is(&self, id: &Id) -> bool {
        // Most differ by name, which needs no copy to be seen.
        self.name() == id.name && self.current_id() == *id
    }

    /// How many names the resource had.
    pub(super) fn renames(&self) -> usize {
        self.previous.len()
    }

    /// Tells whether the resource has or had this id.
    pub(super) fn has_any_id(&self, id: &Id) -> bool {
        self.is(id) || self.previous.iter().any(|previous| previous.name == id.name && self.id_of(previous) == *id)
    }

    /// Kind, name and namespace as they are written now, then those the resource had.
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        let previous = self.previous.iter().map(|had| (&*had.kind, &*had.name, &*had.namespace));
        std::iter::once((self.kind(), self.name(), self.namespace())).chain(previous)
    }

    /// Notes the current id before a change of name, namespace or kind.
    pub(super) fn remember_id(&mut self) {
        self.has_notes = true;
        self.previous.push(Previous {
            kind: self.kind().to_owned(),
            name: self.name().to_owned(),
            namespace: self.namespace().to_owned(),
        });
    }

    /// Tells whether kustomize will put a hash to the name.
    pub(super) fn has_hash(&self) -> bool {
        self.has_notes && matches!((self.api_version(), self.kind()), ("v1", "ConfigMap" | "Secret"))
    }

    /// Runs `change` on the resource as kustomize has it: with the annotations in which it keeps its notes.
    pub(super) fn with_notes<T>(&mut self, change: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.has_notes
            && let Some(metadata) = self.node.head_mut().get_mut("metadata")
        {
            metadata.map_at("annotations");
        }
        let changed = change(self)?;
        if self.has_notes {
            self.drop_empty_annotations();
        }
        Ok(changed)
    }

    /// Removes annotations that nothing was put in.
    pub(super) fn drop_empty_annotations(&mut self) {
        if self.node.head().path(&["metadata", "annotations"]).is_some_and(Node::is_empty_map)
            && let Some(metadata) = self.node.head_mut().get_mut("metadata")
        {
            metadata.remove("annotations");
        }
    }

    /// Takes over names, labels and annotations of the resource that this generated one replaces or is laid over.
    pub(super) fn inherit(&mut self, old: &Self) {
        self.previous.clone_from(&old.previous);
        self.var_names.clone_from(&old.var_names);
        self.has_notes |= old.has_notes;
        for key in ["labels", "annotations"] {
            if let Some(Value::Map(inherited)) = old.node.path(&["metadata", key]).map(|map| map.value.clone())
                && let Some(own) = self.node.map_at("metadata").and_then(|metadata| metadata.map_at(key))
            {
                for (name, value) in inherited {
                    if own.get(&name).is_none() {
                        own.set(&name, value);
                    }
                }
            }
        }
        self.set_metadata("name", old.name());
        self.set_metadata("namespace", old.namespace());
    }

    /// Sets a text field of the metadata; an empty text removes it.
    pub(super) fn set_metadata(&mut self, key: &str, text: &str) {
        let Some(metadata) = self.node.head_mut().map_at("metadata") else {
            return;
        };
        if text.is_empty() {
            metadata.remove(key);
        } else if metadata.get(key).and_then(Node::text) != Some(text) {
            let place = metadata.get(key).map_or_else(|| metadata.place.clone(), |old| old.place.clone());
            metadata.set(key, Node::string(text, &place));
        }
    }

    /// Tells whether kustomize leaves the resource out of its output.
    pub(super) fn is_local(&self) -> bool {
        const LOCAL: &str = "config.kubernetes.io/local-config";
        let annotation = self.node.head().path(&["metadata", "annotations", LOCAL]);
        annotation.is_some_and(|value| value.text() != Some("false"))
    }

    /// Checks that the resource has a kind and, unless it is a list, a name; `place` is what may have taken them away.
    pub(super) fn check_identity(&self, place: &Place) -> Result<()> {
        let message = match (self.kind(), self.name()) {
            ("", _) => "the resource has lost its `kind`",
            (kind, "") if !kind.ends_with("List") => "the resource has lost its `metadata.name`",
            _ => return Ok(()),
        };
        Err(Failure::at(place, message, "let no patch and no replacement take it away"))
    }

    /// Checks that service accounts a RoleBinding is for have a namespace that is text, if they have one: kustomize reads it
    /// when it looks for names to follow.
    pub(super) fn check_subjects(&self) -> Result<()> {
        let subjects = (self.kind() == "RoleBinding").then(|| self.node.get("subjects")).flatten();
        let Some(Value::List(subjects)) = subjects.map(|subjects| &subjects.value) else { return Ok(()) };
        let is_account = |subject: &&Node| subject.get("kind").and_then(Node::text) == Some("ServiceAccount");
        let mut namespaces = subjects.iter().filter(is_account).filter_map(|subject| subject.get("namespace"));
        let is_text = |node: &Node| {
            node.as_scalar().is_some_and(|scalar| matches!(scalar.kind, ScalarKind::Str | ScalarKind::Timestamp))
        };
        match namespaces.find(|namespace| !is_text(namespace)) {
            Some(namespace) => {
                let message = "the namespace of a service account must be text";
                Err(Failure::at(&namespace.place, message, "name the namespace, or remove the key"))
            }
            None => Ok(()),
        }
    }

    /// The place of the whole.
    pub(super) fn place(&self) -> &Place {
        &self.node.head().place
    }

    /// Tells whether nothing is left of it.
    pub(super) fn is_empty(&self) -> bool {
        self.node.head().is_null() || self.node.head().is_empty_map()
    }

    fn field(&self, path: &[&str]) -> &str {
        self.node.head().path(path).and_then(Node::text).unwrap_or_default()
    }

    fn id_of(&self, previous: &Previous) -> Id {
        Id::new(self.api_version(), &previous.kind, &previous.name, &previous.namespace)
    }
}

/// Reads the resources of a text: its documents, lists expanded, each with a kind and a name.
pub(super) fn read_resources(
    documents: &[yaml::Node],
    source: &[u8],
    file: &str,
    shift: &Shift,
) -> Result<Vec<Resource>> {
    let starts = check_separators(source, file, shift)?;
    let mut resources = Vec::new();
    let mut last_chunk = None;
    for document in documents {
        // Nothing at all stands where the next separator begins.
        let is_nothing = document.mark.start == document.mark.end;
        let at = document.mark.start;
        let chunk = starts.partition_point(|start| if is_nothing { *start < at } else { *start <= at });
        // Only the first document between two separators is read; `...` does not start another.
        if last_chunk.replace(chunk) == Some(chunk) || document.is_null() {
            continue;
        }
        let node = Node::convert(document, Reading::Resource, shift)?;
        expand(node, &mut resources)?;
    }
    Ok(resources)
}

fn expand(mut node: Node, resources: &mut Vec<Resource>) -> Result<()> {
    if node.is_null() || node.is_empty_map() || matches!(&node.value, Value::List(elements) if elements.is_empty()) {
        return Ok(());
    }
    let is_list = node.get("kind").and_then(Node::text).is_some_and(|kind| kind.ends_with("List"));
    if !is_list || node.get("items").is_none() {
        check(&node, is_list)?;
        resources.push(Resource::new(node));
        return Ok(());
    }
    match node.remove("items").map(|items| (items.is_null(), items.value)) {
        Some((_, Value::List(items))) => items.into_iter().try_for_each(|item| expand(item, resources)),
        Some((true, _)) | None => Ok(()),
        Some(_) => Err(Failure::at(&node.place, "`items` of a list must be a list", "correct the manifest")),
    }
}

fn check(node: &Node, is_list: bool) -> Result<()> {
    let hint = "a resource needs `apiVersion`, `kind` and `metadata.name`; list only manifests under `resources`";
    if !matches!(node.value, Value::Map(_)) {
        return Err(Failure::at(
            &node.place,
            format!("a resource must be a mapping, found a {}", node.kind_name()),
            hint,
        ));
    }
    let is_set = |path: &[&str]| {
        let scalar = node.path(path).and_then(Node::as_scalar);
        scalar.is_some_and(|scalar| scalar.kind != ScalarKind::Null && !scalar.text.is_empty())
    };
    match (is_set(&["kind"]), is_set(&["metadata", "name"])) {
        (false, _) => Err(Failure::at(&node.place, "the resource has no `kind`", hint)),
        (true, false) if !is_list => Err(Failure::at(&node.place, "the resource has no `metadata.name`", hint)),
        _ => Ok(()),
    }
}

/// Checks the lines that separate documents and returns where they start.
fn check_separators(source: &[u8], file: &str, shift: &Shift) -> Result<Vec<usize>> {
    let mut starts = Vec::new();
    let mut offset = 0;
    for (index, line) in source.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let text = line.trim_ascii_end();
        let is_separator = index > 0 && text.starts_with(b"---");
        let rest = text.get(3..).unwrap_or_default().trim_ascii_start();
        let is_directive = index == 0 && text.starts_with(b"%");
        if is_directive || (is_separator && !rest.is_empty() && !rest.starts_with(b"#")) {
            let place = Place { line: u32::try_from(index + 1).unwrap_or(u32::MAX), ..Place::start_of(file) };
            let message = format!("`{}` is not a document separator kustomize accepts", String::from_utf8_lossy(text));
            return Err(Failure::at(&shift.place(&place), message, "write `---` alone on its line"));
        }
        if is_separator {
            starts.push(offset);
        }
        offset += line.len();
    }
    Ok(starts)
}
