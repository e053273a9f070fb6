//! What identifies a resource.

/// Group, version, kind, name and effective namespace; equal ids are one resource to kustomize.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Id {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) name: String,
    /// `default` where none is set, and [`NO_NAMESPACE`] for cluster-scoped kinds.
    pub(super) namespace: String,
}

/// The effective namespace of cluster-scoped resources.
const NO_NAMESPACE: &str = "_non_namespaceable_";

impl Id {
    /// Makes an id from the fields of a document.
    pub(super) fn new(api_version: &str, kind: &str, name: &str, namespace: &str) -> Self {
        let (group, version) = split_api_version(api_version);
        let namespace = match (is_cluster_scoped(api_version, kind), namespace) {
            (true, _) => NO_NAMESPACE,
            (false, "") => "default",
            (false, namespace) => namespace,
        };
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            namespace: namespace.to_owned(),
        }
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let slash = if self.group.is_empty() { "" } else { "/" };
        write!(f, "{}{slash}{} {} {}", self.group, self.version, self.kind, self.name)?;
        match self.namespace.as_str() {
            NO_NAMESPACE | "default" => Ok(()),
            namespace => write!(f, " in namespace {namespace}"),
        }
    }
}

/// Cuts `apps/v1` into group and version; the core group is empty.
pub(super) fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// Tells whether a type has no namespace, by the table kustomize has built in (Kubernetes 1.21.2); unknown kinds have one.
pub(super) fn is_cluster_scoped(api_version: &str, kind: &str) -> bool {
    let (group, version) = split_api_version(api_version);
    let versions: &[&str] = match (group, kind) {
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration")
        | ("apiextensions.k8s.io", "CustomResourceDefinition")
        | ("apiregistration.k8s.io", "APIService")
        | ("certificates.k8s.io", "CertificateSigningRequest")
        | ("networking.k8s.io", "IngressClass")
        | ("node.k8s.io", "RuntimeClass")
        | ("rbac.authorization.k8s.io", "ClusterRole" | "ClusterRoleBinding")
        | ("scheduling.k8s.io", "PriorityClass")
        | ("storage.k8s.io", "CSIDriver" | "CSINode" | "StorageClass" | "VolumeAttachment") => &["v1", "v1beta1"],
        ("flowcontrol.apiserver.k8s.io", "FlowSchema" | "PriorityLevelConfiguration")
        | ("policy", "PodSecurityPolicy") => &["v1beta1"],
        ("", "ComponentStatus" | "Namespace" | "Node" | "NodeProxyOptions" | "PersistentVolume") => &["v1"],
        _ => &[],
    };
    versions.contains(&version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_is_the_namespace_of_resources_without_one() {
        assert_eq!(Id::new("v1", "Pod", "a", ""), Id::new("v1", "Pod", "a", "default"));
        assert_ne!(Id::new("v1", "Pod", "a", ""), Id::new("v1", "Pod", "a", "b"));
        assert_eq!(Id::new("v1", "Node", "a", "x"), Id::new("v1", "Node", "a", "y"));
        assert_ne!(Id::new("x/v1", "Node", "a", "x"), Id::new("x/v1", "Node", "a", "y"));
    }
}
