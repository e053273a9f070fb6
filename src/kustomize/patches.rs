//! `patches`, `patchesStrategicMerge` and `patchesJson6902`: finding the text, what kind it is, and whom it is for.

use std::sync::Arc;

use crate::domain::TreePath;
use crate::manifest::{Failure, Node, Place, Reading, Result, Shift, Text, Value};
use crate::yaml;

use super::files::size;
use super::json6902::{self, Operation};
use super::layer::Layer;
use super::load::Loader;
use super::resource::{Resource, read_resources};
use super::section::Section;
use super::selector::Selector;
use super::strategic_merge::{self, Schemas};

/// One entry of `patches` or `patchesJson6902`.
#[derive(Debug)]
pub(super) struct Patch {
    place: Place,
    source: Source,
    target: Option<Selector>,
    allow_name_change: bool,
    allow_kind_change: bool,
}

#[derive(Debug)]
enum Source {
    Inline(Text),
    File(Text),
}

/// The fields of a patch.
pub(super) const FIELDS: &[&str] = &["path", "patch", "target", "options"];

impl Patch {
    /// Reads all entries under `key`.
    pub(super) fn read_all(kustomization: &Section<'_>, key: &'static str) -> Result<Vec<Self>> {
        let entries = kustomization.sections(key, FIELDS)?;
        entries.iter().map(Self::read).collect()
    }

    /// Reads one entry.
    pub(super) fn read(entry: &Section<'_>) -> Result<Self> {
        Self::read_from(entry, "patch")
    }

    /// Reads the configuration of a transformer that is for JSON patches only.
    pub(super) fn read_operations(entry: &Section<'_>) -> Result<Self> {
        Self::read_from(entry, "jsonOp")
    }

    fn read_from(entry: &Section<'_>, key: &'static str) -> Result<Self> {
        let inline = entry.text(key)?.filter(|text| !text.text.trim().is_empty());
        let source = match (inline, entry.text("path")?) {
            (Some(text), None) => Source::Inline(text),
            (None, Some(path)) => Source::File(path),
            _ => {
                let message = "a patch needs either `patch` or `path`";
                return Err(Failure::at(&entry.place(), message, "keep one of the two"));
            }
        };
        let options = entry.section("options", &["allowNameChange", "allowKindChange"])?;
        let option = |key| options.as_ref().map_or(Ok(false), |options| options.flag(key));
        Ok(Self {
            place: entry.place(),
            source,
            target: Selector::read(entry)?,
            allow_name_change: option("allowNameChange")?,
            allow_kind_change: option("allowKindChange")?,
        })
    }

    fn text(&self, loader: &mut Loader<'_>, root: &TreePath) -> Result<PatchText> {
        match &self.source {
            Source::Inline(text) => PatchText::inline(text),
            Source::File(path) => PatchText::file(loader, root, path),
        }
    }
}

/// A patch's documents, wherever they were written.
struct PatchText {
    documents: Arc<[yaml::Node]>,
    source: Arc<[u8]>,
    file: Arc<str>,
    shift: Shift,
}

impl PatchText {
    fn inline(text: &Text) -> Result<Self> {
        let documents = yaml::parse(&text.place.file, text.text.as_bytes()).map_err(|error| {
            let place = text.shift.place(&Place::of_error(&error));
            Failure::at(&place, error.message, "correct the YAML of the patch")
        })?;
        Ok(Self {
            documents: documents.into(),
            source: text.text.as_bytes().into(),
            file: text.place.file.clone(),
            shift: text.shift.clone(),
        })
    }

    fn file(loader: &mut Loader<'_>, root: &TreePath, path: &Text) -> Result<Self> {
        let (file, _) = loader.read(root, &path.text, &path.place)?;
        let parsed = loader.parse(&file, &path.place)?;
        Ok(Self {
            documents: parsed.documents()?,
            source: parsed.source.clone(),
            file: parsed.file.clone(),
            shift: Shift::None,
        })
    }

    /// The operations, when the first document is a list.
    fn operations(&self) -> Result<Option<Vec<Operation>>> {
        match self.documents.first() {
            Some(document) if matches!(document.value, yaml::Value::Sequence(_)) => {
                self.check_json(document)?;
                let list = Node::convert(document, Reading::JsonPatch, &self.shift)?;
                json6902::read(&list).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// A text that begins with `[` is taken for JSON, not for YAML's flow style.
    fn check_json(&self, document: &yaml::Node) -> Result<()> {
        let text = match self.shift {
            Shift::None => &self.source,
            _ => self.source.trim_ascii(),
        };
        if text.starts_with(b"[") && serde_json::from_slice::<serde::de::IgnoredAny>(text).is_err() {
            let message = "a patch that begins with `[` must be JSON, and this is not";
            let hint = "quote all keys and strings, or write the operations as a YAML list with `- op: …`";
            return Err(Failure::at(&self.shift.place(&Place::of(document)), message, hint));
        }
        Ok(())
    }

    /// Counts what the patch can add to so many resources.
    fn spend(&self, loader: &mut Loader<'_>, resources: usize, place: &Place) -> Result<()> {
        let values: usize = self.documents.iter().map(size).sum();
        loader.spend(values.saturating_mul(resources), place)?;
        loader.spend_text(self.source.len(), resources, place)
    }

    fn resources(&self) -> Result<Vec<Resource>> {
        read_resources(&self.documents, &self.source, &self.file, &self.shift)
    }
}

/// Applies an entry of `patches`.
pub(super) fn apply(layer: &mut Layer<'_, '_>, patch: &Patch) -> Result<()> {
    let text = patch.text(layer.loader, layer.root)?;
    layer.loader.step(layer.resources.resources.len(), &patch.place)?;
    if let Some(operations) = text.operations()? {
        let Some(target) = &patch.target else {
            let message = "a JSON patch needs a `target`";
            return Err(Failure::at(&patch.place, message, "add `target` with kind and name"));
        };
        return operate(layer, patch, &text, target, &operations, Resource::remember_id);
    }
    let mut merges = text.resources()?;
    if patch.target.is_some() {
        merges = merges.into_iter().map(copied).collect();
    }
    let may_change = (patch.allow_name_change, patch.allow_kind_change);
    match (&patch.target, merges.as_slice()) {
        (_, []) => Ok(()),
        (None, merges) => merges.iter().try_for_each(|merge| match target_of(layer, merge)? {
            Some(at) => merge_all(layer, &[at], merge, may_change),
            None => Ok(()),
        }),
        (Some(target), [merge]) => {
            let resources = layer.resources.resources.iter().enumerate();
            let selected = resources.filter(|(_, resource)| target.selects(resource));
            let selected: Vec<usize> = selected.map(|(at, _)| at).collect();
            text.spend(layer.loader, selected.len(), &patch.place)?;
            if selected.is_empty() {
                layer.unresolved.keep_patch(&merge.node);
            }
            merge_all(layer, &selected, merge, may_change)?;
            layer.resources.check_unique(&patch.place)
        }
        (Some(target), _) => {
            let message = "a strategic merge patch with a `target` may hold one document only";
            Err(Failure::at(&target.place, message, "split the patch, or remove `target`"))
        }
    }
}

/// Applies the entries of `patchesStrategicMerge`, each YAML or the path of a file; one of them must hold a patch.
pub(super) fn apply_strategic_merges(layer: &mut Layer<'_, '_>, entries: &[Text]) -> Result<()> {
    let mut found = 0;
    for entry in entries {
        layer.unless_missing(|layer| {
            let merges = read_merges(layer.loader, layer.root, entry)?;
            found += merges.len();
            merges.into_iter().try_for_each(|merge| match target_of(layer, &merge)? {
                Some(at) => merge_all(layer, &[at], &copied(merge), (false, false)),
                None => Ok(()),
            })
        })?;
    }
    match entries.first() {
        Some(first) if found == 0 && !layer.unresolved.has_gaps() => {
            Err(Failure::at(&first.place, "there is no patch in any of these", "remove them"))
        }
        _ => Ok(()),
    }
}

fn read_merges(loader: &mut Loader<'_>, root: &TreePath, entry: &Text) -> Result<Vec<Resource>> {
    let inline = PatchText::inline(entry).ok();
    let is_patch = |document: &yaml::Node| document.is_null() || matches!(document.value, yaml::Value::Mapping(_));
    // A text of comments only is a patch too, an empty one.
    let is_inline = |text: &PatchText| text.documents.iter().all(is_patch);
    let text = match inline.filter(is_inline) {
        Some(text) => text,
        None => PatchText::file(loader, root, entry)?,
    };
    text.resources()
}

/// Applies an entry of `patchesJson6902`.
pub(super) fn apply_json6902(layer: &mut Layer<'_, '_>, patch: &Patch) -> Result<()> {
    layer.loader.step(layer.resources.resources.len(), &patch.place)?;
    let Some(target) = patch.target.as_ref().filter(|target| target.name.is_some()) else {
        return Err(Failure::at(&patch.place, "the patch needs a `target` with a `name`", "add `target.name`"));
    };
    let text = patch.text(layer.loader, layer.root)?;
    let operations = text.operations()?.filter(|operations| !operations.is_empty()).ok_or_else(|| {
        Failure::at(
            &patch.place,
            "the patch is not a list of JSON patch operations",
            "write operations, or use `patches`",
        )
    })?;
    operate(layer, patch, &text, target, &operations, |_| {})
}

/// Applies operations to what `target` selects, each prepared by `prepare`.
fn operate(
    layer: &mut Layer<'_, '_>,
    patch: &Patch,
    text: &PatchText,
    target: &Selector,
    operations: &[Operation],
    prepare: impl Fn(&mut Resource),
) -> Result<()> {
    let Layer { loader, resources, .. } = layer;
    let resources = resources.resources.iter_mut();
    let selected: Vec<&mut Resource> = resources.filter(|resource| target.selects(resource)).collect();
    text.spend(loader, selected.len(), &patch.place)?;
    selected.into_iter().try_for_each(|resource| {
        loader.step(json6902::steps(resource, operations), &patch.place)?;
        prepare(resource);
        json6902::apply(resource, operations)
    })
}

/// Finds the resource that a patch without `target` is for; none where it may stand in a gap.
fn target_of(layer: &mut Layer<'_, '_>, merge: &Resource) -> Result<Option<usize>> {
    let (id, place) = (merge.original_id(), &merge.node.place);
    layer.resources.step(layer.loader, place)?;
    let found = layer.resources.position(&id, place)?;
    if found.is_none() {
        let message = format!("no resource is {id}, which this patch is for");
        let hint = "correct kind, name and namespace, or give the patch a `target`";
        layer.unresolved.absent(Failure::at(place, message, hint))?;
        layer.unresolved.keep_patch(&merge.node);
    }
    Ok(found)
}

/// The patch as kustomize copies it for the resources it selects: its labels and annotations become text, where null deletes
/// nothing any more. Only patches that name their resource themselves, under `patches`, are not copied.
fn copied(mut merge: Resource) -> Resource {
    let Some(metadata) = merge.node.get_mut("metadata") else { return merge };
    for key in ["labels", "annotations"] {
        let Some(map) = metadata.remove(key) else { continue };
        let Value::Map(entries) = map.value else { continue };
        let text = |node: &Node| node.as_scalar().map_or_else(|| "".into(), |scalar| scalar.text.clone());
        let as_text = |(name, node): (Arc<str>, Node)| (name, Node::string(text(&node), &node.place));
        let mut entries: Vec<(Arc<str>, Node)> = entries.into_iter().map(as_text).collect();
        if !entries.is_empty() {
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            metadata.set(key, Node::map(entries, &map.place));
        }
    }
    merge
}

/// Merges one patch into resources; name, kind and namespace stay theirs unless the options allow otherwise.
fn merge_all(
    layer: &mut Layer<'_, '_>,
    selected: &[usize],
    merge: &Resource,
    (allow_name, allow_kind): (bool, bool),
) -> Result<()> {
    let Layer { loader, resources: set, .. } = layer;
    let schema = loader.schema();
    let schemas = Schemas::of(schema.as_deref());
    let mut deleted = Vec::new();
    for at in selected {
        let Some(resource) = set.resources.get_mut(*at) else {
            continue;
        };
        let base = resource.node.part(|path| strategic_merge::is_about(&merge.node, path));
        loader.step(strategic_merge::steps(base) + resource.renames(), &merge.node.place)?;
        let (name, namespace) = (resource.name().to_owned(), resource.namespace().to_owned());
        let (kind, api_version) = (resource.kind().to_owned(), resource.api_version().to_owned());
        if allow_name || allow_kind {
            resource.remember_id();
        }
        let mut patch = merge.node.clone();
        let place = patch.place.clone();
        patch.set("apiVersion", Node::string(api_version, &place));
        let base = resource.node.part_mut(|path| strategic_merge::is_about(&merge.node, path));
        if !strategic_merge::merge(schemas, base, &mut patch)? {
            deleted.push(*at);
            continue;
        }
        if !allow_kind {
            let place = base.place.clone();
            base.set("kind", Node::string(kind, &place));
        }
        if !allow_name {
            resource.set_metadata("name", &name);
        }
        resource.set_metadata("namespace", &namespace);
    }
    for at in deleted.into_iter().rev() {
        set.resources.remove(at);
    }
    Ok(())
}
