//! The order of things: resources, generators, components, then the transformers.

use std::sync::Arc;

use crate::domain::TreePath;
use crate::manifest::{Failure, Place, Result, Text};

use super::load::{Found, Loader, MAX_ROOTS};
use super::model::Kustomization;
use super::remote::{is_remote, shown};
use super::resource_set::ResourceSet;
use super::unresolved::Unresolved;
use super::{labels, names, patches};

/// Builds the kustomization in `overlay`.
pub(super) fn build(loader: &mut Loader<'_>, overlay: &TreePath) -> Result<(ResourceSet, Unresolved)> {
    let start = Place::start_of(overlay.as_str());
    let root = match loader.find(&TreePath::root(), overlay.as_str(), &start) {
        Ok(Found::Directory(root)) => root,
        Ok(_) => {
            let hint = "name a directory that holds a kustomization.yaml";
            return Err(Failure::without_place(format!("{overlay} is not a directory"), hint));
        }
        Err(failure) => return Err(failure),
    };
    let mut target = Target { loader, roots: vec![root.clone()], unresolved: Unresolved::default() };
    let kustomization = target.read(&root, None)?;
    let mut resources = ResourceSet::default();
    target.accumulate(&root, &kustomization, &mut resources)?;
    Ok((resources, target.unresolved))
}

struct Target<'l, 't> {
    loader: &'l mut Loader<'t>,
    /// The kustomizations being built, the overlay first.
    roots: Vec<TreePath>,
    unresolved: Unresolved,
}

impl Target<'_, '_> {
    fn read(&mut self, root: &TreePath, place: Option<&Place>) -> Result<Arc<Kustomization>> {
        self.loader.kustomization(root, place)?.kustomization()
    }

    /// Runs one kustomization on `resources`: empty for a kustomization, its parent's for a component.
    fn accumulate(
        &mut self,
        root: &TreePath,
        kustomization: &Kustomization,
        resources: &mut ResourceSet,
    ) -> Result<()> {
        self.unresolved.keep_pins(&kustomization.images);
        for entry in &kustomization.resources {
            let added = self.add_resource(root, entry, resources);
            self.unresolved.unless_missing(added)?;
        }
        for crd in &kustomization.crds {
            self.loader.read(root, &crd.text, &crd.place)?;
        }
        for generator in &kustomization.generators {
            let generated = generator.generate(self.loader, root);
            let absorbed = generated.and_then(|generated| resources.absorb(generated, &mut self.unresolved));
            self.unresolved.unless_missing(absorbed)?;
        }
        for chart in &kustomization.charts {
            chart.note(self.loader, root, &mut self.unresolved)?;
        }
        for entry in &kustomization.components {
            let added = self.add_component(root, entry, resources);
            self.unresolved.unless_missing(added)?;
        }
        self.transform(root, kustomization, resources)
    }

    fn transform(&mut self, root: &TreePath, kustomization: &Kustomization, resources: &mut ResourceSet) -> Result<()> {
        for patch in &kustomization.patches_strategic_merge {
            let applied = patches::apply_strategic_merge(self.loader, root, patch, resources, &mut self.unresolved);
            self.unresolved.unless_missing(applied)?;
        }
        for patch in &kustomization.patches {
            let applied = patches::apply(self.loader, root, patch, resources, &mut self.unresolved);
            self.unresolved.unless_missing(applied)?;
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
            let applied = patches::apply_json6902(self.loader, root, patch, resources);
            self.unresolved.unless_missing(applied)?;
        }
        kustomization.images.iter().try_for_each(|entry| entry.apply(resources))
    }

    /// Adds what a `resources` entry names: a file first, a directory second.
    fn add_resource(&mut self, root: &TreePath, entry: &Text, resources: &mut ResourceSet) -> Result<()> {
        let path = &*entry.text;
        let is_url = path.starts_with("http://") || path.starts_with("https://");
        if is_url {
            self.unresolved.note("remote-base", shown(path), &entry.place);
            return Ok(());
        }
        match self.loader.find(root, path, &entry.place) {
            Ok(Found::File(file)) => {
                self.loader.allow(root, &file, &entry.place)?;
                let parsed = self.loader.parse(&file, &entry.place)?;
                let added = parsed.resources()?.to_vec();
                resources.append_all(added).map_err(|failure| failure.or_at(&entry.place))
            }
            Ok(Found::Directory(directory)) => self.enter(&directory, entry, false, resources),
            Ok(Found::Nothing) | Err(_) if is_remote(path) => {
                self.unresolved.note("remote-base", shown(path), &entry.place);
                Ok(())
            }
            Ok(Found::Nothing) => Err(Failure::missing(path, &entry.place)),
            Err(failure) => Err(failure),
        }
    }

    /// Adds what a `components` entry names, which is a directory.
    fn add_component(&mut self, root: &TreePath, entry: &Text, resources: &mut ResourceSet) -> Result<()> {
        match self.loader.find(root, &entry.text, &entry.place) {
            Ok(Found::Directory(directory)) => self.enter(&directory, entry, true, resources),
            Ok(Found::File(_)) => Err(Failure::at(
                &entry.place,
                format!("the component `{}` is a file", entry.text),
                "name the component's directory",
            )),
            Ok(Found::Nothing) | Err(_) if is_remote(&entry.text) => {
                self.unresolved.note("remote-base", shown(&entry.text), &entry.place);
                Ok(())
            }
            Ok(Found::Nothing) => Err(Failure::missing(&entry.text, &entry.place)),
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
