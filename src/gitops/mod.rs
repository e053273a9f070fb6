//! GitOps objects: the images that Argo CD and Flux will set in what they deploy. Pure, over documents and a [`Tree`].
//!
//! [`declared`] reads them off `Application`, `ApplicationSet`, `Kustomization` and `HelmRelease` objects; [`overrides`] reads
//! the `.argocd-source` files of a directory. Where an object deploys another directory of the repository, that directory
//! is not resolved: it is an overlay of its own.

mod argo;
mod argocd_source;
mod flux;
mod generators;
mod helm;
mod sink;
mod sources;
mod values;

pub(crate) use argocd_source::{is_overrides, overrides, reads};

use crate::domain::{ImageUse, Partial, Tree, UseClass};
use crate::manifest::{Node, Shared, has_version, workload_of};

use sink::Sink;
use sources::Sources;

/// The images that other controllers set, and what is not said of them.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    pub(crate) uses: Vec<ImageUse>,
    pub(crate) partial: Vec<Partial>,
}

/// Lists the images that the GitOps objects among `documents` declare.
pub(crate) fn declared<'d>(tree: &dyn Tree, documents: impl IntoIterator<Item = &'d Shared>) -> Declared {
    let mut sources = Sources::new(tree);
    let mut declared = Declared::default();
    for document in documents {
        let workload = workload_of(document.head());
        let (group, kind) = (workload.api_version.split('/').next().unwrap_or_default(), workload.kind.as_str());
        let read: fn(&Node, &mut Sink<'_, '_>) = match (group, kind) {
            ("argoproj.io", "Application") => argo::read_application,
            ("argoproj.io", "ApplicationSet") => argo::read_application_set,
            ("kustomize.toolkit.fluxcd.io", "Kustomization") => flux::read_kustomization,
            ("helm.toolkit.fluxcd.io", "HelmRelease") => flux::read_helm_release,
            _ => continue,
        };
        read(document, &mut Sink::new(workload, &mut sources, &mut declared));
    }
    declared
}

/// Tells whether [`declared`] says in another way what stands at a field of a GitOps object: an image named in part, or a
/// template that is filled in.
pub(crate) fn is_told(found: &ImageUse) -> bool {
    let group = found.workload.api_version.split('/').next().unwrap_or_default();
    let (is_of_values, is_template) = match (group, found.workload.kind.as_str()) {
        ("helm.toolkit.fluxcd.io", "HelmRelease") => (found.field.starts_with("spec.values."), false),
        ("argoproj.io", "Application") => (found.field.contains(".helm.valuesObject."), false),
        ("argoproj.io", "ApplicationSet") => {
            let is_read = found.field.starts_with("spec.template.spec.");
            (is_read && found.field.contains(".helm.valuesObject."), is_read && found.image.contains("{{"))
        }
        _ => (false, false),
    };
    is_template || (is_of_values && found.class == UseClass::Helm && !has_version(&found.image))
}

#[cfg(test)]
mod tests;
