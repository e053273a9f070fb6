//! The resources accumulated so far, in order.

use std::collections::HashSet;

use crate::manifest::{Failure, Node, Place, Result};

use super::id::Id;
use super::load::Loader;
use super::resource::{Behavior, Resource};
use super::unresolved::Unresolved;

/// Up to how many resources are compared with all that are there; for more, the ids of all are made.
const FEW: usize = 16;
/// How many comparisons of names count as one step.
const COMPARISONS_FOR_ONE: usize = 8;

/// Resources whose current ids differ when they are added.
#[derive(Debug, Default)]
pub(super) struct ResourceSet {
    pub(super) resources: Vec<Resource>,
}

impl ResourceSet {
    /// Adds resources that must be new.
    pub(super) fn append_all(&mut self, added: Vec<Resource>, loader: &mut Loader<'_>) -> Result<()> {
        let Some(first) = added.first() else { return Ok(()) };
        loader.step(self.resources.len() * added.len().min(FEW) / COMPARISONS_FOR_ONE, &first.node.place)?;
        let is_few = added.len() < FEW;
        let known = self.resources.iter().filter(|_| !is_few);
        let mut ids: HashSet<Id> = known.map(Resource::current_id).collect();
        for resource in added {
            let id = resource.current_id();
            let is_known = ids.contains(&id) || (is_few && self.resources.iter().any(|other| other.is(&id)));
            if is_known {
                let hint = "list each resource once, or give them different namespaces or a name prefix";
                return Err(Failure::at(&resource.node.place, format!("{id} is there already"), hint));
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
        let place = generated.node.place.clone();
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
        self.resources.retain(|resource| !resource.node.is_null() && !resource.node.is_empty_map());
    }

    /// Fails when two resources have one id.
    pub(super) fn check_unique(&self, place: &Place) -> Result<()> {
        let mut ids = HashSet::new();
        match self.resources.iter().map(Resource::current_id).find(|id| !ids.insert(id.clone())) {
            Some(id) => Err(Failure::at(place, format!("two resources become {id}"), "keep their names apart")),
            None => Ok(()),
        }
    }

    /// The documents that kustomize would print.
    pub(super) fn into_documents(self) -> Vec<Node> {
        let kept = self.resources.into_iter().filter(|resource| !resource.is_local());
        kept.map(|resource| resource.node).collect()
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
