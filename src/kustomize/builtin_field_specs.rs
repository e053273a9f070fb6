//! The field specs kustomize has built in, by the field of a configuration they stand in.

use super::configuration::Field;
use super::field_spec::FieldSpec;

/// Group, version, kind, path, and whether the path is created.
type Row = (&'static str, &'static str, &'static str, &'static str, bool);

const NAMESPACE: [Row; 3] = [
    ("", "", "Namespace", "metadata/name", true),
    ("apiregistration.k8s.io", "", "APIService", "spec/service/namespace", true),
    (
        "apiextensions.k8s.io",
        "",
        "CustomResourceDefinition",
        "spec/conversion/webhook/clientConfig/service/namespace",
        false,
    ),
];

const SELECTORS: [Row; 12] = [
    ("", "v1", "Service", "spec/selector", true),
    ("", "v1", "ReplicationController", "spec/selector", true),
    ("", "", "Deployment", "spec/selector/matchLabels", true),
    ("", "", "ReplicaSet", "spec/selector/matchLabels", true),
    ("", "", "DaemonSet", "spec/selector/matchLabels", true),
    ("apps", "", "StatefulSet", "spec/selector/matchLabels", true),
    ("batch", "", "Job", "spec/selector/matchLabels", false),
    ("batch", "", "CronJob", "spec/jobTemplate/spec/selector/matchLabels", false),
    ("policy", "", "PodDisruptionBudget", "spec/selector/matchLabels", false),
    ("networking.k8s.io", "", "NetworkPolicy", "spec/podSelector/matchLabels", false),
    ("networking.k8s.io", "", "NetworkPolicy", "spec/ingress/from/podSelector/matchLabels", false),
    ("networking.k8s.io", "", "NetworkPolicy", "spec/egress/to/podSelector/matchLabels", false),
];

/// Below the pod template of Deployments and StatefulSets.
const POD_SELECTORS: [&str; 5] = [
    "affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "topologySpreadConstraints/labelSelector/matchLabels",
];

const TEMPLATE_LABELS: [Row; 10] = [
    ("", "", "", "metadata/labels", true),
    ("", "v1", "ReplicationController", "spec/template/metadata/labels", true),
    ("", "", "Deployment", "spec/template/metadata/labels", true),
    ("", "", "ReplicaSet", "spec/template/metadata/labels", true),
    ("", "", "DaemonSet", "spec/template/metadata/labels", true),
    ("apps", "", "StatefulSet", "spec/template/metadata/labels", true),
    ("apps", "", "StatefulSet", "spec/volumeClaimTemplates[]/metadata/labels", true),
    ("batch", "", "Job", "spec/template/metadata/labels", true),
    ("batch", "", "CronJob", "spec/jobTemplate/metadata/labels", true),
    ("batch", "", "CronJob", "spec/jobTemplate/spec/template/metadata/labels", true),
];

const ANNOTATIONS: [Row; 9] = [
    ("", "", "", "metadata/annotations", true),
    ("", "v1", "ReplicationController", "spec/template/metadata/annotations", true),
    ("", "", "Deployment", "spec/template/metadata/annotations", true),
    ("", "", "ReplicaSet", "spec/template/metadata/annotations", true),
    ("", "", "DaemonSet", "spec/template/metadata/annotations", true),
    ("", "", "StatefulSet", "spec/template/metadata/annotations", true),
    ("batch", "", "Job", "spec/template/metadata/annotations", true),
    ("batch", "", "CronJob", "spec/jobTemplate/metadata/annotations", true),
    ("batch", "", "CronJob", "spec/jobTemplate/spec/template/metadata/annotations", true),
];

const IMAGES: [&str; 3] = ["containers[]/image", "initContainers[]/image", "volumes[]/image/reference"];

const REPLICAS: [&str; 4] = ["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"];

/// Where variables may stand in a container.
const CONTAINER_VARS: [&str; 4] = ["args", "command", "env/value", "volumeMounts/mountPath"];

/// Kinds with pods, where their pod is, and where kustomize looks for the server of an NFS volume.
const PODS: [(&str, &str, &str); 7] = [
    ("CronJob", "spec/jobTemplate/spec/template/spec", "spec/jobTemplate/spec/template/volumes/nfs/server"),
    ("DaemonSet", "spec/template/spec", "spec/template/spec/volumes/nfs/server"),
    ("Deployment", "spec/template/spec", "spec/template/spec/volumes/nfs/server"),
    ("Job", "spec/template/spec", "spec/template/spec/volumes/nfs/server"),
    ("Pod", "spec", "spec/volumes/nfs/server"),
    ("ReplicaSet", "spec/template/spec", "spec/template/spec/volumes/nfs/server"),
    ("StatefulSet", "spec/template/spec", "spec/volumeClaimTemplates/spec/nfs/server"),
];

const OTHER_VARS: [(&str, &str); 9] = [
    ("Deployment", "spec/template/metadata/annotations"),
    ("Ingress", "spec/rules/host"),
    ("Ingress", "spec/tls/hosts"),
    ("Ingress", "spec/tls/secretName"),
    ("Service", "spec/ports/port"),
    ("Service", "spec/ports/targetPort"),
    ("PersistentVolume", "spec/nfs/server"),
    ("", "metadata/labels"),
    ("", "metadata/annotations"),
];

/// Returns the built-in specs of one field.
pub(super) fn of(field: Field) -> Vec<FieldSpec> {
    match field {
        Field::NamePrefix | Field::NameSuffix => vec![FieldSpec::built_in("", "", "", "metadata/name", false)],
        Field::Namespace => rows(&NAMESPACE),
        Field::CommonLabels => common_labels(),
        Field::Labels => Vec::new(),
        Field::TemplateLabels => rows(&TEMPLATE_LABELS),
        Field::CommonAnnotations => rows(&ANNOTATIONS),
        Field::VarReference => var_reference(),
        Field::Images => ["spec", "spec/template/spec"].iter().flat_map(|pod| images(pod)).collect(),
        Field::Replicas => {
            REPLICAS.iter().map(|kind| FieldSpec::built_in("", "", kind, "spec/replicas", true)).collect()
        }
    }
}

fn rows(rows: &[Row]) -> Vec<FieldSpec> {
    let spec = |(group, version, kind, path, create): &Row| FieldSpec::built_in(group, version, kind, path, *create);
    rows.iter().map(spec).collect()
}

fn images(pod: &str) -> Vec<FieldSpec> {
    IMAGES.iter().map(|path| FieldSpec::built_in("", "", "", &format!("{pod}/{path}"), true)).collect()
}

fn common_labels() -> Vec<FieldSpec> {
    let mut specs = rows(&SELECTORS);
    for kind in ["Deployment", "StatefulSet"] {
        let path = |path: &&str| format!("spec/template/spec/{path}");
        specs.extend(POD_SELECTORS.iter().map(|end| FieldSpec::built_in("apps", "", kind, &path(end), false)));
    }
    specs.extend(rows(&TEMPLATE_LABELS));
    specs
}

fn var_reference() -> Vec<FieldSpec> {
    let mut paths: Vec<(&str, String)> = Vec::new();
    for (kind, pod, nfs) in PODS {
        for list in ["containers", "initContainers"] {
            paths.extend(CONTAINER_VARS.iter().map(|field| (kind, format!("{pod}/{list}/{field}"))));
        }
        paths.push((kind, nfs.to_owned()));
    }
    paths.extend(OTHER_VARS.iter().map(|(kind, path)| (*kind, (*path).to_owned())));
    paths.iter().map(|(kind, path)| FieldSpec::built_in("", "", kind, path, false)).collect()
}
