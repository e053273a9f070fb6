//! One kustomization at work.

use crate::domain::TreePath;
use crate::manifest::Result;

use super::load::Loader;
use super::resource::Resource;
use super::resource_set::ResourceSet;
use super::section::Section;
use super::unresolved::Unresolved;

/// What the fields of one kustomization act on, and with what.
pub(super) struct Layer<'l, 't> {
    pub(super) loader: &'l mut Loader<'t>,
    /// The directory of the kustomization, where its paths begin.
    pub(super) root: &'l TreePath,
    pub(super) resources: &'l mut ResourceSet,
    pub(super) unresolved: &'l mut Unresolved,
}

impl Layer<'_, '_> {
    /// Adds a generated resource, by its behavior.
    pub(super) fn absorb(&mut self, generated: Resource) -> Result<()> {
        self.resources.absorb(generated, self.loader, self.unresolved)
    }

    /// Counts the regular expressions that were compiled for `section`.
    pub(super) fn count_expressions(&mut self, section: &Section<'_>) -> Result<()> {
        self.loader.spend(section.expressions(), &section.place())
    }

    /// Runs `work`; a file that it misses is a gap, not a failure.
    pub(super) fn unless_missing(&mut self, work: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let done = work(self);
        self.unresolved.unless_missing(done)
    }
}
