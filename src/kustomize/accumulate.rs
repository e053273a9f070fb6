//! The order of things: resources, generators, components, then the transformers.

use std::collections::HashSet;
use std::sync::Arc;

use crate::domain::{TreePath, Vendored};
use crate::manifest::{Failure, ImageOverride, Place, Result, Text};

use super::configuration::{Configuration, Field};
use super::id::Id;
use super::images::ImageEntry;
use super::layer::Layer;
use super::load::{Found, Loader, MAX_ROOTS};
use super::model::Kustomization;
use super::names::Affix;
use super::openapi::Chosen;
use super::remote::{is_remote, shown};
use super::resource::Resource;
use super::resource_set::ResourceSet;
use super::unresolved::Unresolved;
use super::vars::VarSet;
use super::{labels, names, namespace, patches, plugins, replacements, set_images};

/// Builds the kustomization in `overlay`, with `overrides` laid over its own images.
pub(super) fn build(
    loader: &mut Loader<'_>,
    overlay: &TreePath,
    overrides: &[ImageOverride],
    vendored: &[Vendored],
) -> Result<(ResourceSet, Unresolved)> {
    let start = Place::start_of(overlay.as_str());
    let root = match loader.find(&TreePath::root(), from_root(overlay), &start) {
        Ok(Found::Directory(root)) => root,
        Ok(_) => {
            let hint = "name a directory that holds a kustomization.yaml";
            return Err(Failure::without_place(format!("{overlay} is not a directory"), hint));
        }
        Err(failure) => return Err(failure),
    };
    let mut target = Target {
        loader,
        roots: vec![root.clone()],
        schema: Chosen::default(),
        unresolved: Unresolved::default(),
        images_of_overlay: None,
        vendored,
    };
    let kustomization = target.read(&root, None)?;
    if !overrides.is_empty() {
        let mut images = kustomization.images.clone();
        set_images::set(&mut images, overrides);
        target.images_of_overlay = Some(images);
    }
    let mut accumulated = Accumulator::default();
    target.accumulate(&root, &kustomization, &mut accumulated)?;
    kustomization.sort_order.clone()?;
    let Accumulator { mut resources, configuration, vars, .. } = accumulated;
    vars.resolve(target.loader, &mut resources, configuration.specs(Field::VarReference), &mut target.unresolved)?;
    Ok((resources, target.unresolved))
}

/// The resources so far, and the rules by which they are transformed.
#[derive(Default)]
struct Accumulator {
    resources: ResourceSet,
    configuration: Arc<Configuration>,
    vars: VarSet,
    /// The ids of the resources, known while nothing is done but adding to them.
    ids: Option<HashSet<Id>>,
}

impl Accumulator {
    fn append(&mut self, added: Vec<Resource>) -> Result<()> {
        let ids = self.ids.get_or_insert_with(|| self.resources.ids());
        self.resources.append_new(added, ids)
    }
}

struct Target<'l, 't> {
    loader: &'l mut Loader<'t>,
    /// The kustomizations being built, the overlay first.
    roots: Vec<TreePath>,
    schema: Chosen,
    unresolved: Unresolved,
    /// What stands in place of the overlay's own images.
    images_of_overlay: Option<Vec<ImageEntry>>,
    /// Remote bases that lie in the repository.
    vendored: &'l [Vendored],
}

impl<'t> Target<'_, 't> {
    fn layer<'l>(&'l mut self, root: &'l TreePath, resources: &'l mut ResourceSet) -> Layer<'l, 't> {
        Layer { loader: self.loader, root, resources, unresolved: &mut self.unresolved }
    }

    fn read(&mut self, root: &TreePath, place: Option<&Place>) -> Result<Arc<Kustomization>> {
        let kustomization = self.loader.kustomization(root, place)?.kustomization()?;
        let here = Place::start_of(root.as_str());
        self.loader.spend(kustomization.expressions, place.unwrap_or(&here))?;
        self.schema = kustomization.openapi.choose(self.loader, root, self.schema)?;
        Ok(kustomization)
    }

    /// Runs one kustomization on what is `accumulated`: nothing for a kustomization, its parent's for a component.
    fn accumulate(
        &mut self,
        root: &TreePath,
        kustomization: &Kustomization,
        accumulated: &mut Accumulator,
    ) -> Result<()> {
        // The overlay is the first to ask.
        let own = self.images_of_overlay.take();
        let images = own.as_deref().unwrap_or(&kustomization.images);
        self.unresolved.keep_pins(images);
        accumulated.ids = Some(accumulated.resources.ids());
        self.add_resources(root, &kustomization.resources, accumulated)?;
        accumulated.ids = None;
        let files = &kustomization.configurations;
        let configuration = Configuration::load(self.loader, root, files)?;
        let place = files.first().map_or_else(|| Place::start_of(root.as_str()), |file| file.place.clone());
        self.merge_configuration(accumulated, configuration, &place)?;
        for crd in &kustomization.crds {
            self.loader.read(root, &crd.text, &crd.place)?;
        }
        for generator in &kustomization.generators {
            self.schema = self.schema.after_resources();
            let mut layer = self.layer(root, &mut accumulated.resources);
            layer.unless_missing(|layer| {
                let generated = generator.generate(layer.loader, root)?;
                layer.absorb(generated)
            })?;
        }
        for chart in &kustomization.charts {
            chart.note(&mut self.layer(root, &mut accumulated.resources))?;
        }
        let configs = self.plugin_configs(root, &kustomization.plugins.generators)?;
        plugins::generate(&mut self.layer(root, &mut accumulated.resources), &configs)?;
        for entry in &kustomization.components {
            let added = self.add_component(root, entry, accumulated);
            self.unresolved.unless_missing(added)?;
        }
        let configuration = accumulated.configuration.clone();
        let mut layer = self.layer(root, &mut accumulated.resources);
        transform(&mut layer, kustomization, images, &configuration)?;
        let configs = self.plugin_configs(root, &kustomization.plugins.transformers)?;
        plugins::transform(&mut self.layer(root, &mut accumulated.resources), &configs)?;
        let configs = self.plugin_configs(root, &kustomization.plugins.validators)?;
        plugins::validate(&mut self.layer(root, &mut accumulated.resources), &configs)?;
        accumulated.vars.add(&kustomization.vars, &mut accumulated.resources, self.loader)
    }

    /// The configurations that entries hold or lead to; those that are written in place come first.
    fn plugin_configs(&mut self, root: &TreePath, entries: &[Text]) -> Result<Vec<Resource>> {
        let mut configs = Accumulator::default();
        let mut paths = Vec::new();
        for entry in entries {
            match plugins::inline(entry) {
                Some(inline) => configs.append(inline)?,
                None => paths.push(entry.clone()),
            }
        }
        self.add_resources(root, &paths, &mut configs)?;
        Ok(configs.resources.resources)
    }

    fn merge_configuration(
        &mut self,
        accumulated: &mut Accumulator,
        incoming: Arc<Configuration>,
        place: &Place,
    ) -> Result<()> {
        // Nearly every kustomization is content with what is built in, which merged with itself is itself.
        if incoming.is_built_in() && accumulated.configuration.is_built_in() {
            return Ok(());
        }
        accumulated.configuration = match *accumulated.configuration == Configuration::default() {
            true if incoming.is_built_in() => incoming,
            _ => Arc::new(accumulated.configuration.merged(&incoming, self.loader, place)?),
        };
        Ok(())
    }

    /// Adds what `resources` entries name.
    fn add_resources(&mut self, root: &TreePath, mut entries: &[Text], accumulated: &mut Accumulator) -> Result<()> {
        while let Some((entry, later)) = entries.split_first() {
            let added = self.add_resource(root, entry, later, accumulated);
            self.unresolved.unless_missing(added)?;
            entries = later;
        }
        Ok(())
    }

    /// Adds what a `resources` entry names: a file first, a directory second.
    fn add_resource(
        &mut self,
        root: &TreePath,
        entry: &Text,
        later: &[Text],
        accumulated: &mut Accumulator,
    ) -> Result<()> {
        let path = &*entry.text;
        let is_url = path.starts_with("http://") || path.starts_with("https://");
        if is_url {
            return self.add_remote(entry, false, accumulated);
        }
        match self.loader.find(root, path, &entry.place) {
            Ok(Found::File(file)) => {
                self.loader.allow(root, &file, &entry.place)?;
                self.loader.read_ahead(root, &file, later);
                self.add_file(&file, entry, accumulated)
            }
            Ok(Found::Directory(directory)) => self.enter(&directory, entry, false, accumulated),
            Ok(Found::Nothing) | Err(_) if is_remote(path) => self.add_remote(entry, false, accumulated),
            Ok(Found::Nothing) => Err(Failure::missing(path, &entry.place)),
            Err(failure) => Err(failure),
        }
    }

    /// Adds the copy of what lies elsewhere; what has none is a gap.
    fn add_remote(&mut self, entry: &Text, is_component: bool, accumulated: &mut Accumulator) -> Result<()> {
        let Some(copy) = Vendored::find(self.vendored, &entry.text) else {
            self.unresolved.note("remote-base", shown(&entry.text), &entry.place);
            return Ok(());
        };
        match self.loader.find(&TreePath::root(), from_root(&copy), &entry.place)? {
            Found::Directory(directory) => self.enter(&directory, entry, is_component, accumulated),
            Found::File(file) if !is_component => self.add_file(&file, entry, accumulated),
            _ => Err(Failure::missing(copy.as_str(), &entry.place)),
        }
    }

    fn add_file(&mut self, file: &TreePath, entry: &Text, accumulated: &mut Accumulator) -> Result<()> {
        let parsed = self.loader.parse(file, &entry.place)?;
        let added = parsed.resources()?.to_vec();
        self.schema = self.schema.after_resources();
        accumulated.append(added).map_err(|failure| failure.or_at(&entry.place))
    }

    /// Adds what a `components` entry names, which is a directory.
    fn add_component(&mut self, root: &TreePath, entry: &Text, accumulated: &mut Accumulator) -> Result<()> {
        match self.loader.find(root, &entry.text, &entry.place) {
            Ok(Found::Directory(directory)) => self.enter(&directory, entry, true, accumulated),
            Ok(Found::File(_)) => Err(Failure::at(
                &entry.place,
                format!("the component `{}` is a file", entry.text),
                "name the component's directory",
            )),
            Ok(Found::Nothing) | Err(_) if is_remote(&entry.text) => self.add_remote(entry, true, accumulated),
            Ok(Found::Nothing) => Err(Failure::missing(&entry.text, &entry.place)),
            Err(failure) => Err(failure),
        }
    }

    /// Builds the kustomization or component in `directory` into what is `accumulated`.
    fn enter(
        &mut self,
        directory: &TreePath,
        entry: &Text,
        is_component: bool,
        accumulated: &mut Accumulator,
    ) -> Result<()> {
        if self.roots.iter().any(|root| root.is_within(directory)) {
            let message = format!("`{}` leads back to {directory}, which is being built", entry.text);
            return Err(Failure::at(&entry.place, message, "remove the entry: a kustomization may not contain itself"));
        }
        if self.roots.len() >= MAX_ROOTS {
            let message = format!("kustomizations are nested more than {MAX_ROOTS} deep");
            return Err(Failure::at(&entry.place, message, "flatten the bases"));
        }
        let kustomization = self.read(directory, Some(&entry.place))?;
        check_kind(&kustomization, entry, is_component)?;
        self.roots.push(directory.clone());
        if is_component {
            self.accumulate(directory, &kustomization, accumulated)?;
            // kustomize moves everything into a new accumulator then, which finds what has become the same.
            self.loader.step(accumulated.resources.resources.len(), &entry.place)?;
            accumulated.resources.check_unique(&entry.place)?;
            let configuration = std::mem::take(&mut accumulated.configuration);
            self.merge_configuration(accumulated, configuration, &entry.place)?;
        } else {
            let mut own = Accumulator::default();
            self.accumulate(directory, &kustomization, &mut own)?;
            accumulated.append(own.resources.resources)?;
            self.merge_configuration(accumulated, own.configuration, &entry.place)?;
            accumulated.vars.merge(own.vars)?;
        }
        self.roots.pop();
        Ok(())
    }
}

/// Writes a path of the repository as an entry of a kustomization at its root would.
fn from_root(path: &TreePath) -> &str {
    if path.as_str().is_empty() { "." } else { path.as_str() }
}

/// Runs the transformers of a kustomization, in kustomize's order whatever the order they are written in.
fn transform(
    layer: &mut Layer<'_, '_>,
    kustomization: &Kustomization,
    images: &[ImageEntry],
    configuration: &Configuration,
) -> Result<()> {
    patches::apply_strategic_merges(layer, &kustomization.patches_strategic_merge)?;
    for patch in &kustomization.patches {
        layer.unless_missing(|layer| patches::apply(layer, patch))?;
    }
    if let Some(namespace) = &kustomization.namespace {
        let specs = configuration.specs(Field::Namespace);
        namespace::set_namespace(layer, namespace, namespace::Options::default(), specs)?;
    }
    if let Some(prefix) = &kustomization.name_prefix {
        names::rename(layer, Affix::Prefix(prefix), configuration.specs(Field::NamePrefix))?;
    }
    if let Some(suffix) = &kustomization.name_suffix {
        names::rename(layer, Affix::Suffix(suffix), configuration.specs(Field::NameSuffix))?;
    }
    for labels in &kustomization.labels {
        labels.apply(layer, configuration)?;
    }
    labels::set_all(layer, &kustomization.common_labels, configuration.specs(Field::CommonLabels))?;
    labels::set_all(layer, &kustomization.common_annotations, configuration.specs(Field::CommonAnnotations))?;
    for patch in &kustomization.patches_json6902 {
        layer.unless_missing(|layer| patches::apply_json6902(layer, patch))?;
    }
    for replica in &kustomization.replicas {
        replica.apply(layer, configuration.specs(Field::Replicas))?;
    }
    for entry in images {
        entry.apply(layer, configuration.specs(Field::Images))?;
    }
    replacements::apply(layer, &kustomization.replacements)
}

fn check_kind(kustomization: &Kustomization, entry: &Text, is_component: bool) -> Result<()> {
    let (found, hint) = match (kustomization.is_component, is_component) {
        (true, false) => ("a component", "list it under `components`"),
        (false, true) => ("not a component", "list it under `resources`, or give it `kind: Component`"),
        _ => return Ok(()),
    };
    Err(Failure::at(&entry.place, format!("`{}` is {found}", entry.text), hint))
}
