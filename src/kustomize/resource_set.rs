//! The resources accumulated so far, in order.

use std::collections::HashSet;

use crate::manifest::{Failure, Node, Place, Result, Shared};

use super::id::Id;
use super::load::Loader;
use super::resource::{Behavior, Resource};
use super::unresolved::Unresolved;

/// How many comparisons of names count as one step.
const COMPARISONS_FOR_ONE: usize = 8;

/// Resources whose current ids differ when they are added.
#[derive(Debug, Default)]
pub(super) struct ResourceSet {
    pub(super) resources: Vec<Resource>,
}

impl ResourceSet {
    /// The current ids.
    pub(super) fn ids(&self) -> HashSet<Id> {
        self.resources.iter().map(Resource::current_id).collect()
    }

    /// Adds resources that must be new to `ids`, which are those of this set.
    pub(super) fn append_new(&mut self, added: Vec<Resource>, ids: &mut HashSet<Id>) -> Result<()> {
        self.resources.reserve(added.len());
        for resource in added {
            let id = resource.current_id();
            if ids.contains(&id) {
                let hint = "list each resource once, or give them different namespaces or a name prefix";
                return Err(Failure::at(resource.place(), format!("{id} is there already"), hint));
            }
            ids.insert(id);
            self.resources.push(resource);
        }
        Ok(())
    }

    /// Counts a search for one resource by its id.
    pub(super) fn step(&self, loader: &mut Loader<'_>, place: &Place) -> Result<()> {
        loader.step(self.resources.len() / COMPARISONS_FOR_ONE, place)
    }

    /// Adds a generated resource, by its behavior.
    pub(super) fn absorb(
        &mut self,
        mut generated: Resource,
        loader: &mut Loader<'_>,
        unresolved: &mut Unresolved,
    ) -> Result<()> {
        let id = generated.current_id();
        let place = generated.place().clone();
        self.step(loader, &place)?;
        let matches: Vec<usize> = self.indexes_of(&id);
        match (matches.as_slice(), generated.behavior) {
            ([], Behavior::Create) => {
                self.resources.push(generated);
                Ok(())
            }
            ([], _) => {
                let message = format!("{id} does not exist, so nothing can be merged or replaced");
                unresolved.absent(Failure::at(&place, message, "correct the name, or remove `behavior`"))?;
                self.resources.push(generated);
                Ok(())
            }
            ([_], Behavior::Create) => {
                Err(Failure::at(&place, format!("{id} exists already"), "set `behavior: merge` or `behavior: replace`"))
            }
            ([at], behavior) => {
                let Some(old) = self.resources.get_mut(*at) else {
                    return Ok(());
                };
                generated.inherit(old);
                if behavior == Behavior::Merge {
                    merge_data(&mut generated.node, &old.node);
                }
                *old = generated;
                Ok(())
            }
            _ => Err(Failure::at(&place, format!("several resources are or were {id}"), "give them different names")),
        }
    }

    /// The one resource that has or had `id`, if any.
    pub(super) fn position(&self, id: &Id, place: &Place) -> Result<Option<usize>> {
        match self.indexes_of(id).as_slice() {
            [at] => Ok(Some(*at)),
            [] => Ok(None),
            _ => Err(Failure::at(place, format!("several resources are or were {id}"), "give the patch a `target`")),
        }
    }

    /// Drops resources of which nothing is left.
    pub(super) fn drop_empty(&mut self) {
        self.resources.retain(|resource| !resource.is_empty());
    }

    /// Fails when two resources have one id.
    pub(super) fn check_unique(&self, place: &Place) -> Result<()> {
        let mut ids = HashSet::new();
        match self.resources.iter().map(Resource::current_id).find(|id| !ids.insert(id.clone())) {
            Some(id) => Err(Failure::at(place, format!("two resources become {id}"), "keep their names apart")),
            None => Ok(()),
        }
    }

    /// The documents that kustomize would print, of resources that are still complete and still differ.
    pub(super) fn into_documents(self) -> Result<Vec<Shared>> {
        let mut ids = HashSet::new();
        let mut documents = Vec::new();
        for resource in self.resources {
            resource.check_identity(resource.place())?;
            resource.check_subjects()?;
            if resource.is_local() {
                continue;
            }
            let id = resource.current_id();
            // A hash of the content would tell these apart.
            if !resource.has_hash && ids.contains(&id) {
                let message = format!("two resources became {id}");
                return Err(Failure::at(resource.place(), message, "keep their names apart"));
            }
            ids.insert(id);
            documents.push(resource.node);
        }
        Ok(documents)
    }

    fn indexes_of(&self, id: &Id) -> Vec<usize> {
        let matching = self.resources.iter().enumerate().filter(|(_, resource)| resource.has_any_id(id));
        matching.map(|(at, _)| at).collect()
    }
}

fn merge_data(generated: &mut Node, old: &Node) {
    for key in ["data", "binaryData"] {
        let Some(inherited) = old.get(key) else { continue };
        let mut merged = inherited.clone();
        if let Some(crate::manifest::Value::Map(entries)) = generated.remove(key).map(|own| own.value) {
            for (name, value) in entries {
                merged.set(&name, value);
            }
        }
        generated.set(key, merged);
    }
}
