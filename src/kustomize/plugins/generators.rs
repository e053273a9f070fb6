//! The generators built into kustomize.

use crate::domain::TreePath;
use crate::manifest::{Failure, Node, Result, Text};

use super::super::generators::{self, Generator, Kind};
use super::super::load::Loader;
use super::super::resource::Resource;
use super::config::Config;

/// Runs one generator.
pub(super) fn run(config: &Config, loader: &mut Loader<'_>, root: &TreePath) -> Result<Resource> {
    match config.kind.as_str() {
        "ConfigMapGenerator" => read(config, Kind::ConfigMap)?.generate(loader, root),
        "SecretGenerator" => read(config, Kind::Secret)?.generate(loader, root),
        "IAMPolicyGenerator" => service_account(config),
        other => {
            let message = format!("kustomize has no generator {other} built in");
            Err(Failure::at(&config.place, message, "correct `kind`"))
        }
    }
}

fn read(config: &Config, kind: Kind) -> Result<Generator> {
    let section = config.section(generators::PLUGIN_FIELDS)?;
    let metadata = section.section("metadata", &["name", "namespace"])?;
    let namespace = metadata.as_ref().map(|metadata| metadata.text("namespace")).transpose()?.flatten();
    Generator::read_plugin(&section, kind, config.name.clone(), namespace)
}

/// The service account of a policy: the one thing that is made of it.
fn service_account(config: &Config) -> Result<Resource> {
    let section = config.section(&["cloud", "kubernetesService", "serviceAccount"])?;
    let cloud = section.text("cloud")?;
    if cloud.as_ref().is_none_or(|cloud| &*cloud.text != "gke") {
        return Err(Failure::at(&config.place, "IAMPolicyGenerator knows the cloud gke only", "write `cloud: gke`"));
    }
    let service = section.section("kubernetesService", &["name", "namespace"])?;
    let account = section.section("serviceAccount", &["name", "projectId"])?;
    let field = |owner: &Option<_>, key| owner.as_ref().map_or(Ok(None), |owner: &super::Section<'_>| owner.text(key));
    let (name, namespace) = (field(&service, "name")?, field(&service, "namespace")?);
    let plain = |text: Option<Text>| text.map(|text| text.text.to_string()).unwrap_or_default();
    let (account, project) = (plain(field(&account, "name")?), plain(field(&account, "projectId")?));
    let name = name.ok_or_else(|| Failure::at(&config.place, "the service account has no name", "add a name"))?;
    let text = |text: &str| Node::string(text, &config.place);
    let address = text(&format!("{account}@{project}.iam.gserviceaccount.com"));
    let annotations = Node::map(vec![("iam.gke.io/gcp-service-account".into(), address)], &config.place);
    let mut metadata = vec![("annotations".into(), annotations), ("name".into(), text(&name.text))];
    metadata.extend(namespace.map(|namespace| ("namespace".into(), text(&namespace.text))));
    let metadata = Node::map(metadata, &config.place);
    let entries =
        vec![("apiVersion".into(), text("v1")), ("kind".into(), text("ServiceAccount")), ("metadata".into(), metadata)];
    Ok(Resource::new(Node::map(entries, &config.place)))
}
