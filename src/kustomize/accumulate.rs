//! The order of things: resources, generators, components, then the transformers.

use std::rc::Rc;

use crate::domain::TreePath;
use crate::manifest::{Failure, ImageOverride, Place, Result, Shift, Text};

use super::load::{Found, Loader, MAX_ROOTS, missing};
use super::model::Kustomization;
use super::remote::is_remote;
use super::resource::read_resources;
use super::resource_set::ResourceSet;
use super::{labels, names, patches, set_images};

/// Builds the kustomization in `overlay`, with `overrides` laid over its own images.
pub(super) fn build(loader: &mut Loader<'_>, overlay: &TreePath, overrides: &[ImageOverride]) -> Result<ResourceSet> {
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
    let mut kustomization = target.read(&root, None)?;
    if let Some(own) = Rc::get_mut(&mut kustomization).filter(|_| !overrides.is_empty()) {
        set_images::set(&mut own.images, overrides)?;
    }
    let mut resources = ResourceSet::default();
    target.accumulate(&root, &kustomization, &mut resources)?;
    Ok(resources)
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

    /// Runs one kustomization on `resources`: empty for a kustomization, its parent's for a component.
    fn accumulate(
        &mut self,
        root: &TreePath,
        kustomization: &Kustomization,
        resources: &mut ResourceSet,
    ) -> Result<()> {
        for entry in &kustomization.resources {
            self.add_resource(root, entry, resources)?;
        }
        for crd in &kustomization.crds {
            self.loader.read(root, &crd.text, &crd.place)?;
        }
        for generator in &kustomization.generators {
            resources.absorb(generator.generate(self.loader, root)?)?;
        }
        for entry in &kustomization.components {
            let directory = self.directory(root, entry)?;
            self.enter(&directory, entry, true, resources)?;
        }
        self.transform(root, kustomization, resources)
    }

    fn transform(&mut self, root: &TreePath, kustomization: &Kustomization, resources: &mut ResourceSet) -> Result<()> {
        for patch in &kustomization.patches_strategic_merge {
            patches::apply_strategic_merge(self.loader, root, patch, resources)?;
        }
        for patch in &kustomization.patches {
            patches::apply(self.loader, root, patch, resources)?;
        }
        if let Some(namespace) = &kustomization.namespace {
            names::set_namespace(resources, namespace)?;
        }
        names::rename(resources, kustomization.name_prefix.as_ref(), |prefix, name| format!("{prefix}{name}"));
        names::rename(resources, kustomization.name_suffix.as_ref(), |suffix, name| format!("{name}{suffix}"));
        for (field, pairs) in [("labels", &kustomization.labels), ("annotations", &kustomization.annotations)] {
            if let Some((_, first)) = pairs.first() {
                self.loader.spend(pairs.len().saturating_mul(resources.resources.len()), &first.place)?;
                labels::set_all(resources, field, pairs);
            }
        }
        for patch in &kustomization.patches_json6902 {
            patches::apply_json6902(self.loader, root, patch, resources)?;
        }
        kustomization.images.iter().try_for_each(|entry| entry.apply(resources))
    }

    /// Adds what a `resources` entry names: a file first, a directory second.
    fn add_resource(&mut self, root: &TreePath, entry: &Text, resources: &mut ResourceSet) -> Result<()> {
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
                resources.append_all(added).map_err(|failure| failure.or_at(&entry.place))
            }
            Ok(Found::Directory(directory)) => self.enter(&directory, entry, false, resources),
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

    /// Builds the kustomization or component in `directory` into `resources`.
    fn enter(
        &mut self,
        directory: &TreePath,
        entry: &Text,
        is_component: bool,
        resources: &mut ResourceSet,
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
            self.accumulate(directory, &kustomization, resources)?;
        } else {
            let mut own = ResourceSet::default();
            self.accumulate(directory, &kustomization, &mut own)?;
            resources.append_all(own.resources)?;
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
