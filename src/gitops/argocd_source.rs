//! `.argocd-source.yaml` and `.argocd-source-<application>.yaml`: what Argo CD lays over an application's own settings before
//! it renders the directory they lie in (<https://argo-cd.readthedocs.io/en/stable/user-guide/parameters/>).

use crate::domain::tree::{EntryKind, TreeError, follow};
use crate::domain::{Cause, Partial, Tree, TreePath, Workload};
use crate::manifest::{Failure, ImageOverride, Node, Place, Reading, Result, Shift, Value};
use crate::yaml;

use super::Declared;
use super::helm::{self, Base};
use super::sink::Sink;
use super::sources::Sources;

const GENERAL: &str = ".argocd-source.yaml";
/// How many applications may have settings of their own; each is a resolution of the overlay.
const MAX_APPLICATIONS: usize = 20;
/// How many images one file may set: each is a compiled expression, tried on every image.
const MAX_IMAGES: usize = 1_000;

/// The settings of one application for the directory.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    /// What takes the place of `images` of the same name in the directory's kustomization.
    pub(crate) images: Vec<ImageOverride>,
    /// What is set in the values of the directory's chart.
    pub(crate) helm: Declared,
}

/// Tells whether a file of this name holds such settings.
pub(crate) fn is_overrides(name: &str) -> bool {
    name == GENERAL || (name.starts_with(".argocd-source-") && name.ends_with(".yaml"))
}

/// The files that the settings in `directory` are read from and laid over; none where there are no settings.
///
/// # Errors
/// When the tree cannot be read.
pub(crate) fn reads(tree: &dyn Tree, directory: &TreePath) -> std::result::Result<Vec<TreePath>, TreeError> {
    let Some((directory, EntryKind::Directory)) = follow(tree, directory)? else { return Ok(Vec::new()) };
    let entries = tree.list(&directory)?;
    let names = entries.iter().map(|(name, _)| name.as_str()).filter(|name| is_overrides(name));
    let mut reads: Vec<TreePath> = names.filter_map(|name| directory.child(name)).collect();
    if !reads.is_empty() {
        reads.extend(["Chart.yaml", "values.yaml"].into_iter().filter_map(|name| directory.child(name)));
    }
    Ok(reads)
}

/// Reads the settings in `directory`: one for each application that has a file, else those for all. A fault in a file is said
/// as partial.
///
/// # Errors
/// When the storage fails.
pub(crate) fn overrides(tree: &dyn Tree, directory: &TreePath) -> Result<Vec<Overrides>> {
    let Some((directory, EntryKind::Directory)) =
        follow(tree, directory).map_err(|error| Failure::of_tree(&error, None))?
    else {
        return Ok(Vec::new());
    };
    let entries = tree.list(&directory).map_err(|error| Failure::of_tree(&error, None))?;
    let of_applications: Vec<&str> =
        entries.iter().map(|(name, _)| name.as_str()).filter(|name| is_overrides(name) && *name != GENERAL).collect();
    let has_general = entries.iter().any(|(name, _)| name == GENERAL);
    if !has_general && of_applications.is_empty() {
        return Ok(Vec::new());
    }
    if of_applications.len() > MAX_APPLICATIONS {
        let message = format!("{directory} has more than {MAX_APPLICATIONS} files .argocd-source-<application>.yaml");
        return Err(Failure::without_place(message, "deploy fewer applications from one directory"));
    }
    let general = has_general.then_some(GENERAL);
    let names: Vec<Option<&str>> = match of_applications.is_empty() {
        true => vec![None],
        false => of_applications.into_iter().map(Some).collect(),
    };
    let of_application = |name| {
        let settings = [read_named(tree, &directory, name)?, read_named(tree, &directory, general)?];
        read(tree, settings.each_ref().map(Option::as_ref), chart_values(tree, &directory)?.as_ref())
    };
    names.into_iter().map(|name| of_application(name).or_else(|failure| said(failure, &directory))).collect()
}

/// A fault in a file keeps Argo CD from deploying one application, and nothing else of the directory from being known.
fn said(failure: Box<Failure>, directory: &TreePath) -> Result<Overrides> {
    if failure.cause() == Cause::Circumstance {
        return Err(failure);
    }
    let place = failure.place().cloned().unwrap_or_else(|| Place::start_of(directory.as_str()));
    let what = failure.message().to_owned();
    let partial = vec![Partial::new("argocd-source", what, place.location())];
    Ok(Overrides { images: Vec::new(), helm: Declared { uses: Vec::new(), partial } })
}

fn read_named(tree: &dyn Tree, directory: &TreePath, name: Option<&str>) -> Result<Option<Node>> {
    name.map_or(Ok(None), |name| read_file(tree, directory, name))
}

/// Reads settings of which the first that has a list has the word: Argo CD merges files as JSON, where lists are replaced.
fn read(tree: &dyn Tree, settings: [Option<&Node>; 2], values: Option<&Node>) -> Result<Overrides> {
    let first = |path: [&str; 2]| settings.into_iter().flatten().find_map(|settings| settings.path(&path));
    let mut overrides = Overrides::default();
    if let Some(images) = first(["kustomize", "images"]).filter(|images| !images.is_null()) {
        let Value::List(entries) = &images.value else {
            let message = format!("`kustomize.images` must be a list, found a {}", images.kind_name());
            return Err(Failure::at(&images.place, message, "write a list of `name=image:tag`"));
        };
        if let Some(first) = entries.get(MAX_IMAGES) {
            let message = format!("`kustomize.images` has more than {MAX_IMAGES} entries");
            return Err(Failure::at(&first.place, message, "set them in the kustomization"));
        }
        overrides.images = entries.iter().map(read_image).collect::<Result<_>>()?;
    }
    let with_parameters =
        settings.into_iter().flatten().find(|settings| settings.path(&["helm", "parameters"]).is_some());
    if let Some(helm) = with_parameters.and_then(|settings| settings.get("helm")) {
        check_list(helm)?;
        let base = values.map(|values| Base { values, field: String::new() });
        let mut sources = Sources::new(tree);
        let mut sink = Sink::new(Workload::default(), &mut sources, &mut overrides.helm);
        helm::read_parameters(helm, base.as_ref(), "helm", "the chart", &mut sink);
    }
    Ok(overrides)
}

fn check_list(helm: &Node) -> Result<()> {
    match helm.get("parameters") {
        Some(Node { value: Value::List(_), .. }) | None => Ok(()),
        Some(other) if other.is_null() => Ok(()),
        Some(other) => {
            let message = format!("`helm.parameters` must be a list, found a {}", other.kind_name());
            Err(Failure::at(&other.place, message, "write a list of `name` and `value`"))
        }
    }
}

fn read_image(node: &Node) -> Result<ImageOverride> {
    ImageOverride::of_text(node).ok_or_else(|| {
        let message = "an entry of `kustomize.images` must set a name, a tag or a digest";
        Failure::at(&node.place, message, "write `name=image:tag`, `image:tag` or `image@digest`")
    })
}

/// The values of the chart that lies in the directory, if one does.
fn chart_values(tree: &dyn Tree, directory: &TreePath) -> Result<Option<Node>> {
    let chart = directory.child("Chart.yaml").unwrap_or_default();
    match follow(tree, &chart).map_err(|error| Failure::of_tree(&error, None))? {
        Some((_, EntryKind::File)) => read_file(tree, directory, "values.yaml"),
        _ => Ok(None),
    }
}

fn read_file(tree: &dyn Tree, directory: &TreePath, name: &str) -> Result<Option<Node>> {
    let path = directory.child(name).unwrap_or_default();
    let Some((path, EntryKind::File)) = follow(tree, &path).map_err(|error| Failure::of_tree(&error, None))? else {
        return Ok(None);
    };
    let place = Place::start_of(path.as_str());
    let source = tree.read(&path).map_err(|error| Failure::of_tree(&error, Some(&place)))?;
    let documents = yaml::parse(path.as_str(), &source).map_err(|error| Failure::of_yaml(&error, &source))?;
    match documents.first().filter(|document| !document.is_null()) {
        Some(document) => Node::convert(document, Reading::Resource, &Shift::None).map(Some),
        None => Ok(None),
    }
}
