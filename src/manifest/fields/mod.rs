//! Images in custom resources at paths that only their kind tells: known ones, and those of the configuration.

mod known;
mod structures;

use std::collections::HashSet;

use crate::domain::{ImageField, ImageUse, UseClass, Workload};

use super::node::Node;
use super::reference::Decided;
use super::select::{field, select};
use super::shared::Shared;
use super::uses::{image_use, workload_of};

/// Lists the images at known paths and at `fields`, each place once.
pub(crate) fn configured<'d>(documents: impl IntoIterator<Item = &'d Shared>, fields: &[ImageField]) -> Vec<ImageUse> {
    let mut uses = Vec::new();
    for document in documents {
        let workload = workload_of(document.head());
        if workload.kind == "CustomResourceDefinition" {
            continue;
        }
        let mut found = Found { workload: &workload, seen: HashSet::new(), uses: &mut uses };
        for image_field in fields.iter().filter(|image_field| is_for(image_field, &workload)) {
            for selected in select(document, &image_field.path) {
                found.add_scalar(selected.node, field(&selected.steps));
            }
        }
        known::collect(document, &mut found);
        structures::collect(document, &mut found);
    }
    uses
}

fn is_for(image_field: &ImageField, workload: &Workload) -> bool {
    let fits = |group: &String| group == group_of(workload);
    image_field.kind == workload.kind && image_field.group.as_ref().is_none_or(fits)
}

fn group_of(workload: &Workload) -> &str {
    workload.api_version.split_once('/').map(|(group, _)| group).unwrap_or_default()
}

/// What was found in one document.
struct Found<'f> {
    workload: &'f Workload,
    seen: HashSet<String>,
    uses: &'f mut Vec<ImageUse>,
}

impl Found<'_> {
    /// Takes a scalar that is a whole reference; anything else, and a place already taken, is passed over.
    fn add_scalar(&mut self, node: &Node, field: String) {
        if let (Some(scalar), Some(text)) = (node.as_scalar(), node.text().filter(|text| !text.is_empty())) {
            let decided = Decided::of(node, scalar);
            self.add(text, field, &decided);
        }
    }

    fn add(&mut self, image: &str, field: String, decided: &Decided) {
        if self.seen.insert(field.clone()) {
            self.uses.push(image_use(self.workload, UseClass::Configured, None, field, image, decided));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Reading, Shift};
    use super::*;
    use crate::yaml;

    fn found(text: &str, fields: &[ImageField]) -> Vec<(String, String, String)> {
        let documents: Vec<Shared> = yaml::parse("f.yaml", text.as_bytes())
            .unwrap()
            .iter()
            .map(|document| Node::convert(document, Reading::Resource, &Shift::None).unwrap().into())
            .collect();
        let uses = configured(&documents, fields);
        let show = |found: ImageUse| (found.field, found.image, found.location.to_string());
        uses.into_iter().map(show).collect()
    }

    fn only(text: &str) -> Vec<(String, String)> {
        found(text, &[]).into_iter().map(|(field, image, _)| (field, image)).collect()
    }

    fn pair(field: &str, image: &str) -> (String, String) {
        (field.to_owned(), image.to_owned())
    }

    #[test]
    fn known_kinds_are_read_at_their_paths_and_others_of_that_name_are_not() {
        let text = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nspec:\n  imageName: ghcr.io/x/pg:17\n---\n\
                    apiVersion: cluster.x-k8s.io/v1beta1\nkind: Cluster\nspec:\n  imageName: other\n---\n\
                    apiVersion: acid.zalan.do/v1\nkind: postgresql\nspec: {dockerImage: spilo:1, connectionPooler: {dockerImage: pgb:2}}\n---\n\
                    apiVersion: pkg.crossplane.io/v1\nkind: Provider\nspec: {package: xpkg.io/p:v1}\n";
        assert_eq!(
            only(text),
            [
                pair("spec.imageName", "ghcr.io/x/pg:17"),
                pair("spec.dockerImage", "spilo:1"),
                pair("spec.connectionPooler.dockerImage", "pgb:2"),
                pair("spec.package", "xpkg.io/p:v1"),
            ]
        );
    }

    #[test]
    fn only_what_openshift_takes_from_a_registry_is_an_image() {
        let text = "apiVersion: image.openshift.io/v1\nkind: ImageStream\nspec:\n  tags:\n  - from: {kind: DockerImage, name: 'quay.io/a/b:1'}\n  \
                    - from: {kind: ImageStreamTag, name: 'b:2'}\n---\napiVersion: build.openshift.io/v1\nkind: BuildConfig\nspec:\n  \
                    strategy: {dockerStrategy: {from: {kind: DockerImage, name: base:9}}}\n  source: {images: [{from: {kind: DockerImage, name: tools:1}}]}\n";
        assert_eq!(
            only(text),
            [
                pair("spec.tags[0].from.name", "quay.io/a/b:1"),
                pair("spec.strategy.dockerStrategy.from.name", "base:9"),
                pair("spec.source.images[0].from.name", "tools:1"),
            ]
        );
    }

    #[test]
    fn parts_are_joined_and_the_tag_decides() {
        let text = "apiVersion: nvidia.com/v1\nkind: ClusterPolicy\nspec:\n  driver:\n    repository: nvcr.io/nvidia\n    image: driver\n    version: '535'\n  \
                    dcgm: {repository: r, image: dcgm, version: 'sha256:ab'}\n---\n\
                    apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nspec: {baseImage: quay.io/p/p, version: v2, tag: v3}\n---\n\
                    apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nspec: {image: 'x:1', baseImage: quay.io/p/p, version: v2}\n---\n\
                    apiVersion: argoproj.io/v1beta1\nkind: ArgoCD\nspec: {image: quay.io/a/argocd, version: v2.9, dex: {image: dex}}\n";
        let shown = found(text, &[]);
        assert_eq!(shown[0], ("spec.driver.image".into(), "nvcr.io/nvidia/driver:535".into(), "f.yaml:7:15".into()));
        let rest: Vec<(String, String)> = shown.into_iter().skip(1).map(|(field, image, _)| (field, image)).collect();
        assert_eq!(
            rest,
            [
                pair("spec.dcgm.image", "r/dcgm@sha256:ab"),
                pair("spec.baseImage", "quay.io/p/p:v3"),
                pair("spec.image", "quay.io/a/argocd:v2.9"),
            ]
        );
    }

    #[test]
    fn bundles_of_tekton_are_found_wherever_they_are_resolved() {
        let text = "apiVersion: tekton.dev/v1\nkind: Pipeline\nspec:\n  tasks:\n  - taskRef:\n      resolver: bundles\n      params:\n      \
                    - {name: name, value: init}\n      - {name: bundle, value: 'quay.io/t/init:0.2@sha256:aa'}\n  - taskRef: {resolver: git, params: [{name: bundle, value: x}]}\n";
        assert_eq!(only(text), [pair("spec.tasks[0].taskRef.params[1].value", "quay.io/t/init:0.2@sha256:aa")]);
    }

    #[test]
    fn configured_paths_come_first_and_name_a_place_once() {
        let image_field = |group: Option<&str>, path: &str| ImageField {
            kind: "Cluster".to_owned(),
            group: group.map(str::to_owned),
            path: path.parse().unwrap(),
        };
        let text =
            "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nspec: {imageName: pg:1, extra: {a: 'x:1', b: 2, c: }}\n";
        let fields = [image_field(Some("postgresql.cnpg.io"), "spec.extra.*"), image_field(None, "spec.imageName")];
        let shown: Vec<String> = found(text, &fields).into_iter().map(|(_, image, _)| image).collect();
        assert_eq!(shown, ["x:1", "2", "pg:1"]);
        assert_eq!(found(text, &[image_field(Some("other"), "spec.extra.a")]).len(), 1);
    }
}
