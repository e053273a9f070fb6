//! The table of well-known custom resources. What stands under a key `image` is found without it.

use std::sync::LazyLock;

use crate::domain::{DecidedBy, FieldPath};

use super::super::node::Node;
use super::super::parts::{ImageParts, part};
use super::super::select::{Step, field, select};
use super::{Found, group_of};

/// How images stand at a path.
enum Rule {
    /// Whole references.
    Whole,
    /// OpenShift's object references, of which only those to `DockerImage` leave the cluster.
    DockerImage,
    /// Mappings that hold the parts under these keys; the first that is set counts, and no `image` stands beside them.
    Parts { name: &'static str, tags: &'static [&'static str], digest: &'static str },
    /// Mappings with a name under `image` and a tag, or a digest, under `version`.
    Versioned,
}

/// Group, kinds, path and rule.
type Row = (&'static str, &'static [&'static str], &'static str, Rule);

const PROMETHEUS: Rule = Rule::Parts { name: "baseImage", tags: &["tag", "version"], digest: "sha" };

const ROWS: &[Row] = &[
    // https://cloudnative-pg.io/documentation/current/cloudnative-pg.v1/#postgresql-cnpg-io-v1-ClusterSpec
    ("postgresql.cnpg.io", &["Cluster"], "spec.imageName", Rule::Whole),
    // https://cloudnative-pg.io/documentation/current/imagevolume_extensions
    ("postgresql.cnpg.io", &["Cluster"], "spec.postgresql.extensions[].image.reference", Rule::Whole),
    // https://github.com/zalando/postgres-operator/blob/master/docs/reference/cluster_manifest.md
    ("acid.zalan.do", &["postgresql"], "spec.dockerImage", Rule::Whole),
    ("acid.zalan.do", &["postgresql"], "spec.connectionPooler.dockerImage", Rule::Whole),
    // https://github.com/zalando/postgres-operator/blob/master/docs/reference/operator_parameters.md
    ("acid.zalan.do", &["OperatorConfiguration"], "configuration.docker_image", Rule::Whole),
    (
        "acid.zalan.do",
        &["OperatorConfiguration"],
        "configuration.connection_pooler.connection_pooler_image",
        Rule::Whole,
    ),
    (
        "acid.zalan.do",
        &["OperatorConfiguration"],
        "configuration.logical_backup.logical_backup_docker_image",
        Rule::Whole,
    ),
    // https://docs.openshift.com/container-platform/4.14/rest_api/image_apis/imagestream-image-openshift-io-v1.html
    ("image.openshift.io", &["ImageStream"], "spec.tags[].from", Rule::DockerImage),
    // https://docs.openshift.com/container-platform/4.14/rest_api/workloads_apis/buildconfig-build-openshift-io-v1.html
    ("build.openshift.io", &["BuildConfig", "Build"], "spec.strategy.*.from", Rule::DockerImage),
    ("build.openshift.io", &["BuildConfig", "Build"], "spec.source.images[].from", Rule::DockerImage),
    // https://docs.openshift.com/container-platform/4.14/rest_api/machine_apis/machineconfig-machineconfiguration-openshift-io-v1.html
    ("machineconfiguration.openshift.io", &["MachineConfig"], "spec.osImageURL", Rule::Whole),
    // https://github.com/openshift/hive/blob/master/docs/using-hive.md#openshift-version
    ("hive.openshift.io", &["ClusterImageSet"], "spec.releaseImage", Rule::Whole),
    // https://docs.crossplane.io/latest/packages/providers/, …/configurations/, …/functions/
    ("pkg.crossplane.io", &["Provider", "Configuration", "Function"], "spec.package", Rule::Whole),
    // https://knative.dev/docs/install/operator/configuring-serving-cr/
    ("operator.knative.dev", &["KnativeServing", "KnativeEventing"], "spec.registry.override.*", Rule::Whole),
    // https://github.com/prometheus-operator/prometheus-operator/blob/main/Documentation/api-reference/api.md
    ("monitoring.coreos.com", &["Prometheus", "Alertmanager", "ThanosRuler"], "spec", PROMETHEUS),
    ("monitoring.coreos.com", &["Prometheus"], "spec.thanos", PROMETHEUS),
    // https://github.com/argoproj-labs/argocd-operator/blob/master/docs/reference/argocd.md
    ("argoproj.io", &["ArgoCD"], "spec", Rule::Versioned),
    ("argoproj.io", &["ArgoCD"], "spec.*", Rule::Versioned),
    ("argoproj.io", &["ArgoCD"], "spec.sso.*", Rule::Versioned),
];

/// Kinds that OpenShift also serves without a group, as it did before 3.6.
const UNGROUPED: [&str; 2] = ["image.openshift.io", "build.openshift.io"];

static PATHS: LazyLock<Vec<(FieldPath, &'static Row)>> =
    LazyLock::new(|| ROWS.iter().filter_map(|row| Some((row.2.parse().ok()?, row))).collect());

/// Collects the images at known paths.
pub(super) fn collect(document: &Node, found: &mut Found<'_>) {
    let group = group_of(found.workload);
    for (path, (known, kinds, _, rule)) in PATHS.iter() {
        let is_group = *known == group || (group.is_empty() && UNGROUPED.contains(known));
        if !is_group || !kinds.contains(&found.workload.kind.as_str()) {
            continue;
        }
        for selected in select(document, path) {
            rule.read(selected.node, &selected.steps, found);
        }
    }
}

impl Rule {
    fn read(&self, node: &Node, steps: &[Step], found: &mut Found<'_>) {
        let below = |key: &str| format!("{}.{key}", field(steps));
        let at = |key: &str| node.get(key).and_then(part);
        match self {
            Self::Whole => found.add_scalar(node, field(steps)),
            Self::DockerImage => {
                let is_external = node.get("kind").and_then(Node::text) == Some("DockerImage");
                if let Some(name) = node.get("name").filter(|_| is_external) {
                    found.add_scalar(name, below("name"));
                }
            }
            Self::Parts { name, tags, digest } => {
                let (Some(repository), None) = (at(name), at("image")) else { return };
                let sha = at(digest).map(|(text, place)| (with_algorithm(text), place));
                let digest = sha.as_ref().map(|(text, place)| (text.as_str(), *place));
                let tag = tags.iter().find_map(|key| at(key)).filter(|_| digest.is_none());
                let (image, decided) = ImageParts { registry: None, repository, tag, digest }.join(DecidedBy::Written);
                found.add(&image, below(name), &decided);
            }
            Self::Versioned => {
                let (Some(repository), Some(version)) = (at("image"), at("version")) else { return };
                let is_digest = version.0.contains(':');
                let (tag, digest) = if is_digest { (None, Some(version)) } else { (Some(version), None) };
                let (image, decided) = ImageParts { registry: None, repository, tag, digest }.join(DecidedBy::Written);
                found.add(&image, below("image"), &decided);
            }
        }
    }
}

fn with_algorithm(sha: &str) -> String {
    if sha.contains(':') { sha.to_owned() } else { format!("sha256:{sha}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_path_that_can_be_read() {
        assert_eq!(PATHS.len(), ROWS.len());
    }
}
