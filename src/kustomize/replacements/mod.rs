//! `replacements`: a value of one resource, or a given one, copied into fields of others.

mod entry;
mod matching;
mod path;
mod set;
mod stop;
mod structured;

pub(super) use entry::{Entry, Replacement};

use entry::{Source, Target};
use matching::{Kind, Walk};
use path::{lookup, split_path};
use stop::Stop;

use crate::manifest::{Failure, MAX_DEPTH, Node, Result, leads_to};

use super::id::split_api_version;
use super::layer::Layer;
use super::load::Loader;
use super::resource::Resource;

/// How much text that is read or written counts as one value.
const BYTES_FOR_ONE: usize = 64;
/// How many values weigh as much as the note of what stood in a field before.
const VALUES_FOR_DECISION: usize = 4;

/// What is copied, and from where, as long as it follows changes of its source.
struct Value {
    node: Node,
    source: Option<(usize, Vec<String>)>,
}

/// Applies the entries of one kustomization, or of one transformer, in order.
pub(super) fn apply(layer: &mut Layer<'_, '_>, entries: &[Entry]) -> Result<()> {
    for entry in entries {
        match entry {
            Entry::Inline(replacement) => apply_one(layer, replacement)?,
            Entry::File(path) => layer.unless_missing(|layer| {
                let replacements = entry::read_file(layer.loader, layer.root, path)?;
                replacements.iter().try_for_each(|replacement| apply_one(layer, replacement))
            })?,
        }
    }
    Ok(())
}

fn apply_one(layer: &mut Layer<'_, '_>, replacement: &Replacement) -> Result<()> {
    let Layer { loader, resources, unresolved, .. } = layer;
    let mut value = match &replacement.source {
        Source::Given(text) => Value { node: Node::untyped(&text.text, &text.place), source: None },
        Source::Field(source) => match source.counted_value(loader, &resources.resources) {
            Err(failure) if !resources.resources.iter().any(|resource| source.selects(resource)) => {
                return unresolved.absent(failure);
            }
            value => value?,
        },
    };
    for target in &replacement.targets {
        loader.spend(resources.resources.len(), &target.place)?;
        loader.step(resources.resources.len().saturating_mul(target.reject.len()), &target.place)?;
        for at in 0..resources.resources.len() {
            let Some(resource) = resources.resources.get_mut(at) else { continue };
            if !target.selects(resource) {
                continue;
            }
            for path in &target.paths {
                let visited = target.set(resource, path, &value.node)?;
                loader.spend(visited, &target.place)?;
                resource.check_identity(&target.place)?;
                value.follow(at, resource);
            }
        }
    }
    Ok(())
}

impl Value {
    /// A replacement that writes into its own source changes what it writes from there on.
    fn follow(&mut self, at: usize, resource: &Resource) {
        if let Some((source, path)) = &self.source
            && *source == at
            && let Ok(Some(node)) = lookup(&resource.node, path)
        {
            self.node = node.clone();
        }
    }
}

impl entry::SourceField {
    fn counted_value(&self, loader: &mut Loader<'_>, resources: &[Resource]) -> Result<Value> {
        loader.step(resources.len(), &self.place)?;
        self.value(resources)
    }

    fn value(&self, resources: &[Resource]) -> Result<Value> {
        let mut selected = resources.iter().enumerate().filter(|(_, resource)| self.selects(resource));
        let hint = "correct group, version, kind, name and namespace of the source; they are compared as they stand";
        let (Some((at, resource)), None) = (selected.next(), selected.next()) else {
            let is_any = resources.iter().any(|resource| self.selects(resource));
            let message = if is_any { "several resources are this source" } else { "no resource is this source" };
            return Err(Failure::at(&self.place, message, hint));
        };
        let path = split_path(&self.path);
        let found =
            lookup(resource.node.part(|late| leads_to(keys(&path), late)), &path).map_err(Stop::into_failure)?;
        let is_empty = |node: &&Node| node.is_null() || (node.as_scalar().is_none() && node.size() == 1);
        let Some(node) = found.filter(|node| !is_empty(node)) else {
            let message = format!("the source {} has no value at `{}`", resource.current_id(), self.path);
            return Err(Failure::at(&self.place, message, "correct `fieldPath`"));
        };
        match &self.options.delimiter {
            None => Ok(Value { node: node.clone(), source: Some((at, path)) }),
            Some(delimiter) => {
                let node = set::piece(node, delimiter, self.options.index, &self.place)?;
                Ok(Value { node, source: None })
            }
        }
    }

    /// Tells whether a name that the resource has or had is the source's.
    fn selects(&self, resource: &Resource) -> bool {
        let is = |wanted: &str, text: &str| wanted.is_empty() || wanted == text;
        let or_default = |namespace: &str| if namespace.is_empty() { "default" } else { namespace }.to_owned();
        let (group, version) = split_api_version(resource.api_version());
        let mut names = resource.names();
        is(&self.group, group)
            && is(&self.version, version)
            && names.any(|(kind, name, namespace)| {
                is(&self.kind, kind) && is(&self.name, name) && is(&self.namespace, &or_default(namespace))
            })
    }
}

/// The keys of a path; what is more, or less, than a name may be any.
fn keys(path: &[String]) -> impl Iterator<Item = &str> {
    path.iter().map(|part| part.trim()).map(|part| if part.is_empty() || part.starts_with('[') { "*" } else { part })
}

impl Target {
    fn selects(&self, resource: &Resource) -> bool {
        let is_rejected_by_metadata =
            self.reject.iter().any(|reject| reject.has_metadata() && reject.selects_metadata(resource));
        let is_rejected_by_name =
            self.reject.iter().any(|reject| reject.has_names() && reject.selects_any_name(resource));
        self.select.selects_metadata(resource)
            && !is_rejected_by_metadata
            && !is_rejected_by_name
            && self.select.selects_any_name(resource)
    }

    /// Sets the value at a path of a resource and returns how much work it was.
    fn set(&self, resource: &mut Resource, path: &str, value: &Node) -> Result<usize> {
        let parts = split_path(path);
        if parts.len() + value.height() > MAX_DEPTH {
            return Err(Failure::at(&self.place, "the replacement nests the document too deeply", "nest less"));
        }
        let create = self.options.create.then(|| Kind::of(value));
        let mut walk = Walk { create, place: &value.place, visited: 0, compiled: Vec::new() };
        let is_text = parts.len() > 1
            && structured::set_in_text(
                resource.node.part_mut(|late| leads_to(keys(&parts), late)),
                &parts,
                value,
                &mut walk,
            )
            .map_err(Stop::into_failure)?;
        if is_text {
            return Ok(walk.visited + value.size());
        }
        let mut set = |field: &mut Node| set::set(field, value, &self.options).map_err(Stop::Fatal);
        let found = walk
            .visit(resource.node.part_mut(|late| leads_to(keys(&parts), late)), &parts, &mut set)
            .map_err(Stop::into_failure)?;
        if found == 0 {
            let message = format!("{} has no field `{path}`", resource.current_id());
            return Err(Failure::at(&self.place, message, "correct the field path, or set `options.create`"));
        }
        let text = value.as_scalar().map_or(0, |scalar| scalar.text.len() / BYTES_FOR_ONE);
        Ok(walk.visited.saturating_add((VALUES_FOR_DECISION + value.size() + text).saturating_mul(found)))
    }
}
