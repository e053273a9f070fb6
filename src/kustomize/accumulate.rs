//! The order of things: resources, generators, components, then the transformers.

use std::rc::Rc;
use std::sync::Arc;

use crate::domain::TreePath;
use crate::manifest::{Failure, Place, Result, Shift, Text};

use super::configuration::{Configuration, Field};
use super::load::{Found, Loader, MAX_ROOTS, missing};
use super::model::Kustomization;
use super::names::Affix;
use super::remote::is_remote;
use super::resource::read_resources;
use super::resource_set::ResourceSet;
use super::vars::VarSet;
use super::{labels, names, namespace, patches};

/// Builds the kustomization in `overlay`.
pub(super) fn build(loader: &mut Loader<'_>, overlay: &TreePath) -> Result<ResourceSet> {
    let start = Place::start_of(overlay.as_str());
    let root = match loader.find(&TreePath::root(), overlay.as_str(), &start) {
        Ok(Found::Directory(root)) => root,
        Ok(_) => {
            let hint = "name a directory that holds a kustomization.yaml";
            return Err(Failure::without_place(format!("{overlay} is not a directory"), hint));
        }
        Err(failure) => return Err(failure),
    };
    let mut target = Target { loader, roots: vec![root.clone()] };
    let kustomization = target.read(&root, None)?;
    let mut accumulated = Accumulator::default();
    target.accumulate(&root, &kustomization, &mut accumulated)?;
    let Accumulator { mut resources, configuration, vars } = accumulated;
    vars.resolve(loader, &mut resources, configuration.specs(Field::VarReference))?;
    Ok(resources)
}

/// The resources so far, and the rules by which they are transformed.
#[derive(Default)]
struct Accumulator {
    resources: ResourceSet,
    configuration: Arc<Configuration>,
    vars: VarSet,
}

struct Target<'l, 't> {
    loader: &'l mut Loader<'t>,
    /// The kustomizations being built, the overlay first.
    roots: Vec<TreePath>,
}

impl Target<'_, '_> {
    fn read(&mut self, root: &TreePath, place: Option<&Place>) -> Result<Rc<Kustomization>> {
        let parsed = self.loader.kustomization(root, place)?;
        Kustomization::read(&parsed.documents, &parsed.file, &parsed.source).map(Rc::new)
    }

    /// Runs one kustomization on what is `accumulated`: nothing for a kustomization, its parent's for a component.
    fn accumulate(
        &mut self,
        root: &TreePath,
        kustomization: &Kustomization,
        accumulated: &mut Accumulator,
    ) -> Result<()> {
        for entry in &kustomization.resources {
            self.add_resource(root, entry, accumulated)?;
        }
        let files = &kustomization.configurations;
        let configuration = Configuration::load(self.loader, root, files)?;
        let place = files.first().map_or_else(|| Place::start_of(root.as_str()), |file| file.place.clone());
        self.merge_configuration(accumulated, configuration, &place)?;
        for crd in &kustomization.crds {
            self.loader.read(root, &crd.text, &crd.place)?;
        }
        for generator in &kustomization.generators {
            accumulated.resources.absorb(generator.generate(self.loader, root)?)?;
        }
        for entry in &kustomization.components {
            let directory = self.directory(root, entry)?;
            self.enter(&directory, entry, true, accumulated)?;
        }
        let configuration = accumulated.configuration.clone();
        self.transform(root, kustomization, &mut accumulated.resources, &configuration)?;
        accumulated.vars.add(&kustomization.vars, &mut accumulated.resources, self.loader)
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

    fn transform(
        &mut self,
        root: &TreePath,
        kustomization: &Kustomization,
        resources: &mut ResourceSet,
        configuration: &Configuration,
    ) -> Result<()> {
        let loader = &mut *self.loader;
        for patch in &kustomization.patches_strategic_merge {
            patches::apply_strategic_merge(loader, root, patch, resources)?;
        }
        for patch in &kustomization.patches {
            patches::apply(loader, root, patch, resources)?;
        }
        if let Some(namespace) = &kustomization.namespace {
            let specs = configuration.specs(Field::Namespace);
            namespace::set_namespace(loader, resources, namespace, namespace::Options::default(), specs)?;
        }
        if let Some(prefix) = &kustomization.name_prefix {
            names::rename(loader, resources, Affix::Prefix(prefix), configuration.specs(Field::NamePrefix))?;
        }
        if let Some(suffix) = &kustomization.name_suffix {
            names::rename(loader, resources, Affix::Suffix(suffix), configuration.specs(Field::NameSuffix))?;
        }
        for labels in &kustomization.labels {
            labels.apply(loader, resources, configuration)?;
        }
        for (pairs, field) in [
            (&kustomization.common_labels, Field::CommonLabels),
            (&kustomization.common_annotations, Field::CommonAnnotations),
        ] {
            labels::set_all(loader, resources, pairs, configuration.specs(field))?;
        }
        for patch in &kustomization.patches_json6902 {
            patches::apply_json6902(loader, root, patch, resources)?;
        }
        for replica in &kustomization.replicas {
            replica.apply(loader, resources, configuration.specs(Field::Replicas))?;
        }
        kustomization
            .images
            .iter()
            .try_for_each(|entry| entry.apply(loader, resources, configuration.specs(Field::Images)))
    }

    /// Adds what a `resources` entry names: a file first, a directory second.
    fn add_resource(&mut self, root: &TreePath, entry: &Text, accumulated: &mut Accumulator) -> Result<()> {
        let path = &*entry.text;
        let is_url = path.starts_with("http://") || path.starts_with("https://");
        if is_url {
            return Err(remote(path, &entry.place));
        }
        match self.loader.find(root, path, &entry.place) {
            Ok(Found::File(file)) => {
                self.loader.allow(root, &file, &entry.place)?;
                let parsed = self.loader.parse(&file, &entry.place)?;
                let added = read_resources(&parsed.documents, &parsed.source, &parsed.file, &Shift::None)?;
                accumulated.resources.append_all(added).map_err(|failure| failure.or_at(&entry.place))
            }
            Ok(Found::Directory(directory)) => self.enter(&directory, entry, false, accumulated),
            Ok(Found::Nothing) | Err(_) if is_remote(path) => Err(remote(path, &entry.place)),
            Ok(Found::Nothing) => Err(missing(path, &entry.place)),
            Err(failure) => Err(failure),
        }
    }

    fn directory(&mut self, root: &TreePath, entry: &Text) -> Result<TreePath> {
        match self.loader.find(root, &entry.text, &entry.place) {
            Ok(Found::Directory(directory)) => Ok(directory),
            Ok(Found::File(_)) => Err(Failure::at(
                &entry.place,
                format!("the component `{}` is a file", entry.text),
                "name the component's directory",
            )),
            Ok(Found::Nothing) | Err(_) if is_remote(&entry.text) => Err(remote(&entry.text, &entry.place)),
            Ok(Found::Nothing) => Err(missing(&entry.text, &entry.place)),
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
            accumulated.resources.check_unique(&entry.place)?;
            let configuration = std::mem::take(&mut accumulated.configuration);
            self.merge_configuration(accumulated, configuration, &entry.place)?;
        } else {
            let mut own = Accumulator::default();
            self.accumulate(directory, &kustomization, &mut own)?;
            accumulated.resources.append_all(own.resources.resources)?;
            self.merge_configuration(accumulated, own.configuration, &entry.place)?;
            accumulated.vars.merge(own.vars)?;
        }
        self.roots.pop();
        Ok(())
    }
}

fn check_kind(kustomization: &Kustomization, entry: &Text, is_component: bool) -> Result<()> {
    let (found, hint) = match (kustomization.is_component, is_component) {
        (true, false) => ("a component", "list it under `components`"),
        (false, true) => ("not a component", "list it under `resources`, or give it `kind: Component`"),
        _ => return Ok(()),
    };
    Err(Failure::at(&entry.place, format!("`{}` is {found}", entry.text), hint))
}

fn remote(path: &str, place: &Place) -> Box<Failure> {
    // What stands before an `@` may be a credential.
    let shown = path.rsplit_once('@').map_or(path, |(_, host)| host);
    // And so may what stands in a query, its revision apart.
    let shown = shown
        .split_once('?')
        .map_or(shown, |(base, query)| if query.starts_with("ref=") && !query.contains('&') { shown } else { base });
    let message = format!("the resource `{shown}` is remote, and nothing is fetched");
    Failure::at(place, message, "vendor the base into this repository")
}
