//! Which lists are merged by which key: the rows of Kubernetes 1.21.2's schema, the one built into kustomize.

/// What is known of a value: its type, and for lists the keys of their elements.
#[derive(Debug, Clone, Copy)]
pub(super) struct BuiltIn {
    owner: Type,
    keys: Option<&'static [&'static str]>,
}

/// The types on the way to a list with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    /// A kind with `spec.template`: Deployment, DaemonSet, …
    Templated,
    TemplatedSpec,
    CronJob,
    CronJobSpec,
    JobTemplate,
    PodTemplate,
    /// `PodTemplateSpec` and `Pod`: `metadata` and a pod's `spec`.
    Pod,
    PodSpec,
    Container,
    Service,
    ServiceSpec,
    ServiceAccount,
    WebhookConfiguration,
    Node,
    NodeSpec,
    CsiNode,
    CsiNodeSpec,
    /// A built-in kind without lists of its own that are merged.
    Object,
    Status,
    Metadata,
    /// Inside a known type, with nothing to merge below.
    Other,
}

const NAME: &[&str] = &["name"];
const TYPE: &[&str] = &["type"];

impl BuiltIn {
    /// The schema of a built-in type; none for custom resources and for versions newer or older than 1.21 serves.
    pub(super) fn of(api_version: &str, kind: &str) -> Option<Self> {
        let owner = match (api_version, kind) {
            ("apps/v1", "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet")
            | ("batch/v1", "Job")
            | ("v1", "ReplicationController") => Type::Templated,
            ("batch/v1" | "batch/v1beta1", "CronJob") => Type::CronJob,
            ("v1", "PodTemplate") => Type::PodTemplate,
            ("v1", "Pod") => Type::Pod,
            ("v1", "Service") => Type::Service,
            ("v1", "ServiceAccount") => Type::ServiceAccount,
            ("v1", "Node") => Type::Node,
            (
                "admissionregistration.k8s.io/v1" | "admissionregistration.k8s.io/v1beta1",
                "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration",
            ) => Type::WebhookConfiguration,
            ("storage.k8s.io/v1" | "storage.k8s.io/v1beta1", "CSINode") => Type::CsiNode,
            _ if is_built_in(api_version, kind) => Type::Object,
            _ => return None,
        };
        Some(Self { owner, keys: None })
    }

    /// The keys of a list that is merged; empty for a set of scalars.
    pub(super) fn keys(self) -> Option<&'static [&'static str]> {
        self.keys
    }

    /// The schema of a list's elements.
    pub(super) fn element(self) -> Self {
        Self { keys: None, ..self }
    }

    /// The schema of a field.
    pub(super) fn field(self, name: &str) -> Option<Self> {
        if self.keys.is_some() {
            return None;
        }
        let (owner, keys): (Type, Option<&'static [&'static str]>) = match (self.owner, name) {
            (Type::Metadata, "finalizers") => (Type::Other, Some(&[])),
            (Type::Metadata, "ownerReferences") => (Type::Other, Some(&["uid"])),
            (Type::Status, "conditions" | "addresses") => (Type::Other, Some(TYPE)),
            (Type::Status, "podIPs") => (Type::Other, Some(&["ip"])),
            (owner, "metadata") if owner.is_object() => (Type::Metadata, None),
            (owner, "status") if owner.is_object() => (Type::Status, None),
            (owner, "spec" | "template" | "jobTemplate") => (owner.below(name), None),
            (Type::PodSpec, _) => pod_spec_list(name),
            (Type::Container, _) => container_list(name),
            (Type::ServiceSpec, "ports") => (Type::Other, Some(&["port", "protocol"])),
            (Type::ServiceAccount, "secrets") => (Type::Other, Some(NAME)),
            (Type::WebhookConfiguration, "webhooks") => (Type::Other, Some(NAME)),
            (Type::NodeSpec, "podCIDRs") => (Type::Other, Some(&[])),
            (Type::CsiNodeSpec, "drivers") => (Type::Other, Some(NAME)),
            _ => (Type::Other, None),
        };
        Some(Self { owner, keys })
    }
}

impl Type {
    fn is_object(self) -> bool {
        !matches!(
            self,
            Self::TemplatedSpec
                | Self::CronJobSpec
                | Self::PodSpec
                | Self::Container
                | Self::ServiceSpec
                | Self::NodeSpec
                | Self::CsiNodeSpec
                | Self::Status
                | Self::Metadata
                | Self::Other
        )
    }

    fn below(self, name: &str) -> Self {
        match (self, name) {
            (Self::Templated | Self::JobTemplate, "spec") => Self::TemplatedSpec,
            (Self::TemplatedSpec | Self::PodTemplate, "template") => Self::Pod,
            (Self::CronJob, "spec") => Self::CronJobSpec,
            (Self::CronJobSpec, "jobTemplate") => Self::JobTemplate,
            (Self::Pod, "spec") => Self::PodSpec,
            (Self::Service, "spec") => Self::ServiceSpec,
            (Self::Node, "spec") => Self::NodeSpec,
            (Self::CsiNode, "spec") => Self::CsiNodeSpec,
            _ => Self::Other,
        }
    }
}

fn pod_spec_list(name: &str) -> (Type, Option<&'static [&'static str]>) {
    match name {
        "containers" | "initContainers" | "ephemeralContainers" => (Type::Container, Some(NAME)),
        "volumes" | "imagePullSecrets" => (Type::Other, Some(NAME)),
        "hostAliases" => (Type::Other, Some(&["ip"])),
        "topologySpreadConstraints" => (Type::Other, Some(&["topologyKey", "whenUnsatisfiable"])),
        _ => (Type::Other, None),
    }
}

fn container_list(name: &str) -> (Type, Option<&'static [&'static str]>) {
    match name {
        "env" => (Type::Other, Some(NAME)),
        "ports" => (Type::Other, Some(&["containerPort", "protocol"])),
        "volumeMounts" => (Type::Other, Some(&["mountPath"])),
        "volumeDevices" => (Type::Other, Some(&["devicePath"])),
        _ => (Type::Other, None),
    }
}

/// Tells whether the kind is one of Kubernetes' own, as far as metadata of patched kinds is concerned.
fn is_built_in(api_version: &str, kind: &str) -> bool {
    match api_version {
        "v1" => matches!(
            kind,
            "ConfigMap"
                | "Secret"
                | "Namespace"
                | "PersistentVolume"
                | "PersistentVolumeClaim"
                | "Endpoints"
                | "Event"
                | "LimitRange"
                | "ResourceQuota"
        ),
        "rbac.authorization.k8s.io/v1" => matches!(kind, "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding"),
        "networking.k8s.io/v1" => matches!(kind, "Ingress" | "IngressClass" | "NetworkPolicy"),
        "autoscaling/v1" | "autoscaling/v2beta1" | "autoscaling/v2beta2" => kind == "HorizontalPodAutoscaler",
        "policy/v1" | "policy/v1beta1" => matches!(kind, "PodDisruptionBudget" | "PodSecurityPolicy"),
        "storage.k8s.io/v1" => matches!(kind, "StorageClass" | "CSIDriver" | "VolumeAttachment"),
        "apiextensions.k8s.io/v1" => kind == "CustomResourceDefinition",
        "apiregistration.k8s.io/v1" => kind == "APIService",
        _ => false,
    }
}
