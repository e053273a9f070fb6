//! `namespace`: where resources live, and the fields that name it.

use crate::manifest::{Failure, Node, Result, Text, Value};

use super::field_spec::{FieldSpec, Leaf, reach};
use super::id::is_cluster_scoped;
use super::layer::Layer;
use super::load::Loader;
use super::resource::Resource;

/// Which subjects of role bindings get the namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Subjects {
    /// Those with the name `default`.
    #[default]
    NamedDefault,
    /// All service accounts.
    ServiceAccounts,
    None,
}

/// What can be asked of the namespace transformer besides the namespace.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Options {
    /// Whether a namespace that is there already stays.
    pub(super) unset_only: bool,
    pub(super) subjects: Subjects,
}

/// Puts every resource that can have one into `namespace`; two that become one are a conflict.
pub(super) fn set_namespace(
    layer: &mut Layer<'_, '_>,
    namespace: &Text,
    options: Options,
    specs: &[FieldSpec],
) -> Result<()> {
    let Layer { loader, resources, .. } = layer;
    let setter = Setter { namespace, options };
    let own = [FieldSpec::built_in("", "", "", "metadata/namespace", true)];
    for resource in resources.resources.iter_mut().filter(|resource| !is_made_by_helm(resource)) {
        // Every id that is made of it holds it anew.
        loader.spend_text(namespace.text.len() + resource.name().len(), 2, &namespace.place)?;
        resource.remember_id();
        if !is_cluster_scoped(resource.api_version(), resource.kind()) {
            setter.reach(loader, resource, &own)?;
        }
        let is_binding = is_role_binding(resource.kind());
        if is_binding {
            setter.set_subjects(resource)?;
        }
        let is_core = resource.api_version() == "v1";
        for spec in specs {
            let is_set_above = match &*spec.path {
                "metadata/namespace" => true,
                "metadata/name" => !is_core,
                "subjects/namespace" => is_binding && is_role_binding(&spec.kind),
                _ => false,
            };
            if !is_set_above {
                setter.reach(loader, resource, std::slice::from_ref(spec))?;
            }
        }
    }
    resources.check_unique(&namespace.place)
}

struct Setter<'t> {
    namespace: &'t Text,
    options: Options,
}

impl Setter<'_> {
    fn reach(&self, loader: &mut Loader<'_>, resource: &mut Resource, specs: &[FieldSpec]) -> Result<()> {
        reach(loader, resource, specs, Leaf::Scalar, &self.namespace.place, &mut |node| self.set(node))
    }

    fn set(&self, node: &mut Node) -> Result<()> {
        if self.options.unset_only && node.text().is_some_and(|text| !text.is_empty()) {
            return Ok(());
        }
        if node.as_scalar().is_none() {
            return Err(wrong(node, "a namespace must be a string"));
        }
        node.replace_text(self.namespace.text.clone(), &self.namespace.place);
        Ok(())
    }

    fn set_subjects(&self, resource: &mut Resource) -> Result<()> {
        let (key, expected) = match self.options.subjects {
            Subjects::NamedDefault => ("name", "default"),
            Subjects::ServiceAccounts => ("kind", "ServiceAccount"),
            Subjects::None => return Ok(()),
        };
        let Some(subjects) = resource.node.get_mut("subjects").filter(|subjects| !subjects.is_null()) else {
            return Ok(());
        };
        if !matches!(subjects.value, Value::List(_)) {
            return Err(wrong(subjects, "`subjects` must be a list"));
        }
        let Value::List(subjects) = &mut subjects.value else { return Ok(()) };
        for subject in subjects {
            if !matches!(subject.value, Value::Map(_)) && !subject.is_null() {
                return Err(wrong(subject, "a subject must be a mapping"));
            }
            let is_meant = match subject.get(key) {
                Some(found) if found.as_scalar().is_none() => {
                    return Err(wrong(found, &format!("`{key}` of a subject must be a string")));
                }
                found => found.and_then(Node::text) == Some(expected),
            };
            if is_meant {
                self.set_namespace_of(subject)?;
            }
        }
        Ok(())
    }

    fn set_namespace_of(&self, subject: &mut Node) -> Result<()> {
        match subject.get_mut("namespace") {
            Some(namespace) => self.set(namespace),
            None => {
                subject.set("namespace", Node::string(self.namespace.text.clone(), &self.namespace.place));
                Ok(())
            }
        }
    }
}

fn wrong(node: &Node, rule: &str) -> Box<Failure> {
    let message = format!("{rule}, found a {}", node.kind_name());
    Failure::at(&node.place, message, "correct the manifest; kustomize fails on it too")
}

fn is_role_binding(kind: &str) -> bool {
    matches!(kind, "RoleBinding" | "ClusterRoleBinding")
}

/// Helm put what it made where it belongs.
fn is_made_by_helm(resource: &Resource) -> bool {
    const MADE_BY_HELM: &str = "internal.config.kubernetes.io/helm-generated";
    resource.node.head().path(&["metadata", "annotations", MADE_BY_HELM]).and_then(Node::text) == Some("true")
}
