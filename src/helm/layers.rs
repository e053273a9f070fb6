//! Values laid over each other: maps are merged, anything else is replaced, and null takes a chart's default away.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::tree::{EntryKind, follow};
use crate::domain::{Tree, TreePath, ValuesFiles};
use crate::manifest::{Failure, Node, Place, Reading, Result, Shift, Value};
use crate::yaml;

/// How many files one set may have.
const MAX_FILES: usize = 32;
/// How many values all files of one set may hold; each state of the layers holds them once more.
const MAX_VALUES: usize = 500_000;

/// The files of one set, read.
pub(super) struct Layers {
    chart: Option<Node>,
    app_version: Option<Node>,
    values: Vec<Node>,
}

impl Layers {
    /// Reads all files.
    pub(super) fn read(tree: &dyn Tree, files: &ValuesFiles) -> Result<Self> {
        if files.values.len() > MAX_FILES {
            let message = format!("more than {MAX_FILES} values files are laid over each other");
            return Err(Failure::without_place(message, "name fewer files under `values`"));
        }
        let (chart, app_version) = match &files.chart {
            Some(directory) => read_chart(tree, directory)?,
            None => (None, None),
        };
        let mut values = Vec::new();
        for file in &files.values {
            let Some(read) = read_file(tree, file)? else {
                let message = format!("the values file {file} does not exist");
                return Err(Failure::without_place(
                    message,
                    "correct `helm.values` in promote-bot.yaml, or add the file",
                ));
            };
            values.push(read);
        }
        let size: usize = values.iter().chain(&chart).map(Node::size).sum();
        match values.last() {
            Some(last) if size > MAX_VALUES => {
                let message = format!("the values files hold more than {MAX_VALUES} values");
                Err(Failure::at(&last.place, message, "name fewer or smaller files under `values`"))
            }
            _ => Ok(Self { chart, app_version, values }),
        }
    }

    /// The version of what the chart deploys.
    pub(super) fn app_version(&self) -> Option<&Node> {
        self.app_version.as_ref()
    }

    /// Tells whether `place` is in a later file than `other`.
    pub(super) fn is_above(&self, place: &Place, other: &Place) -> bool {
        let layer =
            |place: &Place| self.chart.iter().chain(&self.values).position(|file| file.place.file == place.file);
        layer(place) > layer(other)
    }

    /// The values after each layer, the chart's own first.
    pub(super) fn states(&self) -> impl Iterator<Item = Node> + '_ {
        // helm merges the files it is given first, where null is a value like any other, and lays that over the chart's.
        let mut given: Option<Node> = None;
        let of_files = self.values.iter().map(move |file| {
            let merged = match given.take() {
                Some(below) => merge(below, file),
                None => file.clone(),
            };
            given = Some(merged.clone());
            match &self.chart {
                Some(chart) => coalesce(merged, chart),
                None => merged,
            }
        });
        self.chart.iter().cloned().chain(of_files)
    }
}

fn read_chart(tree: &dyn Tree, directory: &TreePath) -> Result<(Option<Node>, Option<Node>)> {
    let file = |name| directory.child(name).unwrap_or_default();
    let Some(chart) = read_file(tree, &file("Chart.yaml"))? else {
        let message = format!("the chart {directory} has no Chart.yaml");
        return Err(Failure::without_place(message, "correct `helm.chart` in promote-bot.yaml"));
    };
    let app_version = chart.get("appVersion").filter(|version| version.text().is_some_and(|text| !text.is_empty()));
    Ok((read_file(tree, &file("values.yaml"))?, app_version.cloned()))
}

/// Reads a file of values, which is one mapping; nothing where there is no file.
fn read_file(tree: &dyn Tree, path: &TreePath) -> Result<Option<Node>> {
    let Some((file, EntryKind::File)) = follow(tree, path).map_err(|error| Failure::of_tree(&error, None))? else {
        return Ok(None);
    };
    let start = Place::start_of(file.as_str());
    let source = tree.read(&file).map_err(|error| Failure::of_tree(&error, Some(&start)))?;
    let documents = yaml::parse(file.as_str(), &source).map_err(|error| {
        Failure::at(&Place::of_error(&error), error.message, "correct the YAML; `helm template` fails on it too")
    })?;
    // helm reads the first document only.
    let Some(document) = documents.first().filter(|document| !document.is_null()) else {
        return Ok(Some(Node::map(Vec::new(), &start)));
    };
    let node = Node::convert(document, Reading::Resource, &Shift::None)?;
    match node.value {
        Value::Map(_) => Ok(Some(node)),
        _ => {
            let message = format!("values must be a mapping, found a {}", node.kind_name());
            Err(Failure::at(&node.place, message, "name files as `helm --values` takes them"))
        }
    }
}

/// Lays `over` over `below`.
fn merge(below: Node, over: &Node) -> Node {
    let (place, below) = (below.place, below.value);
    match (below, &over.value) {
        (Value::Map(mut entries), Value::Map(new)) => {
            let index = index(&entries);
            for (key, value) in new {
                match index.get(key).and_then(|at| entries.get_mut(*at)) {
                    Some((_, old)) => {
                        let taken = std::mem::replace(old, Node::null(&place));
                        *old = merge(taken, value);
                    }
                    None => entries.push((key.clone(), value.clone())),
                }
            }
            Node { value: Value::Map(entries), place }
        }
        _ => over.clone(),
    }
}

/// Fills `values` up with the defaults of a chart; null keeps a default out.
fn coalesce(values: Node, defaults: &Node) -> Node {
    let (Value::Map(mut entries), Value::Map(below)) = (values.value, &defaults.value) else {
        return Node { value: defaults.value.clone(), place: defaults.place.clone() };
    };
    let index = index(&entries);
    let mut removed = Vec::new();
    for (key, default) in below {
        match index.get(key).copied().and_then(|at| Some((at, entries.get_mut(at)?))) {
            None => entries.push((key.clone(), default.clone())),
            Some((at, (_, value))) if value.is_null() => removed.push(at),
            Some((_, (_, value))) if is_map(value) && is_map(default) => {
                let taken = std::mem::replace(value, Node::null(&values.place));
                *value = coalesce(taken, default);
            }
            Some(_) => {}
        }
    }
    let mut position = 0;
    removed.sort_unstable();
    entries.retain(|_| {
        position += 1;
        removed.binary_search(&(position - 1)).is_err()
    });
    Node { value: Value::Map(entries), place: values.place }
}

fn is_map(node: &Node) -> bool {
    matches!(node.value, Value::Map(_))
}

/// Where each key stands: maps may be large, and a look-up must not cost their length.
fn index(entries: &[(Arc<str>, Node)]) -> HashMap<Arc<str>, usize> {
    entries.iter().enumerate().map(|(at, (key, _))| (key.clone(), at)).collect()
}
