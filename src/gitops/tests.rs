//! GitOps objects in memory: what they declare, and where.

use super::*;
use crate::domain::tree::MemoryTree;
use crate::domain::{OverlayError, TreePath, UseClass};
use crate::manifest::{Reading, Shift};
use crate::yaml;

fn read(text: &str) -> Declared {
    let tree = MemoryTree::of([("f.yaml", text)]);
    let documents: Vec<Shared> = yaml::parse("f.yaml", text.as_bytes())
        .unwrap()
        .iter()
        .map(|document| Node::convert(document, Reading::Resource, &Shift::None).unwrap().into())
        .collect();
    declared(&tree, &documents)
}

fn uses(declared: &Declared) -> Vec<(&str, &str, String)> {
    assert!(declared.uses.iter().all(|found| found.class == UseClass::Declared));
    let show = |found: &'_ ImageUse| format!("{}:{}", found.location.line, found.location.column);
    declared.uses.iter().map(|found| (found.field.as_str(), found.image.as_str(), show(found))).collect()
}

fn reasons(declared: &Declared) -> Vec<(&str, u32)> {
    declared.partial.iter().map(|partial| (partial.reason.as_str(), partial.location.line)).collect()
}

#[test]
fn images_of_a_flux_kustomization_and_its_patches_are_declared() {
    let text = "\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps}
spec:
  images:
  - name: api
    newName: reg.example/api
    newTag: '2'
  - {name: web, digest: 'sha256:ab'}
  - {name: db, newName: reg.example/db}
  patches:
  - patch: |
      - op: replace
        path: /spec/template/spec/containers/0/image
        value: reg.example/worker:3
    target: {kind: Deployment}
  - patch: |-
      kind: Deployment
      spec: {template: {spec: {containers: [{name: x, image: 'x:1'}]}}}
  - patch: \"broken: [image\"
";
    let found = read(text);
    assert_eq!(
        uses(&found),
        [
            ("spec.images[0]", "reg.example/api:2", "8:14".to_owned()),
            ("spec.images[1]", "web@sha256:ab", "9:26".to_owned()),
            ("spec.patches[0].patch.spec.template.spec.containers.0.image", "reg.example/worker:3", "15:16".to_owned()),
            ("spec.patches[1].patch.spec.template.spec.containers[0].image", "x:1", "19:63".to_owned()),
        ]
    );
    assert_eq!(reasons(&found), [("declared-tag", 10), ("declared-text", 20)]);
    assert_eq!(found.uses[0].container.as_deref(), Some("api"));
    assert_eq!(found.uses[0].origins.name.to_string(), "f.yaml:7:14");
}

#[test]
fn what_a_helm_release_lays_over_its_chart_is_declared_and_its_values_are_not() {
    let text = "\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
spec:
  values: {image: {repository: r, tag: '1'}}
  postRenderers:
  - kustomize:
      images: [{name: r, newTag: '2'}]
      patches: [{patch: '[{\"op\": \"add\", \"path\": \"/spec/image\", \"value\": \"z:1\"}]'}]
      patchesJson6902: [{patch: [{op: replace, path: /a/containers/0/image, value: 'y:1'}]}]
";
    let field = "spec.postRenderers[0].kustomize";
    let found = read(text);
    let shown: Vec<(String, &str)> =
        uses(&found).into_iter().map(|(at, image, _)| (at.replace(field, ""), image)).collect();
    let expected = [
        (".images[0]", "r:2"),
        (".patches[0].patch.spec.image", "z:1"),
        (".patchesJson6902[0].patch.a.containers.0.image", "y:1"),
    ];
    assert_eq!(shown, expected.map(|(at, image)| (at.to_owned(), image)));
}

#[test]
fn images_of_argo_applications_are_declared() {
    let text = "\
apiVersion: argoproj.io/v1alpha1
kind: Application
spec:
  sources:
  - kustomize:
      images:
      - api=reg.example/api:2
      - reg.example/web@sha256:ab
      - db=reg.example/db
---
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
spec:
  template:
    spec:
      source: {kustomize: {images: ['web:{{tag}}']}}
";
    let found = read(text);
    assert_eq!(
        uses(&found),
        [
            ("spec.sources[0].kustomize.images[0]", "reg.example/api:2", "7:29".to_owned()),
            ("spec.sources[0].kustomize.images[1]", "reg.example/web@sha256:ab", "8:25".to_owned()),
        ]
    );
    assert_eq!(reasons(&found), [("declared-tag", 9), ("declared-template", 16)]);
}

#[test]
fn the_elements_of_a_list_fill_in_the_template_of_a_set() {
    let text = "\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
spec:
  generators:
  - list:
      elements:
      - {cluster: a, tag: '1'}
      - {cluster: b, tag: '2', image: {name: reg.example/b}}
  template:
    spec:
      source:
        kustomize: {images: ['web:{{ .tag }}']}
        helm:
          parameters: [{name: app.image, value: '{{image.name}}:{{tag}}'}]
          valuesObject: {image: {repository: api, tag: 'v{{tag}}'}}
";
    let found = read(text);
    let element = |index: usize| format!("spec.generators[0].list.elements[{index}]:spec.template.spec.source");
    let expected = [
        (format!("{}.kustomize.images[0]", element(0)), "web:1", "7:28"),
        (format!("{}.helm.valuesObject.image", element(0)), "api:v1", "7:28"),
        (format!("{}.kustomize.images[0]", element(1)), "web:2", "8:28"),
        (format!("{}.helm.parameters[0].value", element(1)), "reg.example/b:2", "8:28"),
        (format!("{}.helm.valuesObject.image", element(1)), "api:v2", "8:28"),
    ];
    let seen = uses(&found);
    let seen: Vec<_> = seen.iter().map(|(field, image, place)| ((*field).to_owned(), *image, place.as_str())).collect();
    assert_eq!(seen, expected);
    let gap = &found.partial[0];
    assert_eq!((gap.what.as_str(), &gap.source), ("{{image.name}}:1 is filled in by the generators", &None));
    let matrix = read(&text.replace("- list:", "- matrix: {}\n    list:"));
    assert_eq!((matrix.uses.len(), reasons(&matrix).len()), (0, 3));
}

#[test]
fn a_gap_is_the_same_only_while_all_that_decides_it_stays() {
    let text = "\
apiVersion: argoproj.io/v1alpha1
kind: Application
spec:
  source:
    repoURL: https://charts.example
    chart: web
    targetRevision: 1.0.0
    helm: {parameters: [{name: image.tag, value: '2'}], values: 'other: x'}
";
    let gap = |text: &str| {
        let found = read(text);
        assert_eq!(reasons(&found), [("declared-name", 8)]);
        (found.partial[0].what.clone(), found.partial[0].source.clone())
    };
    let (what, source) = gap(text);
    assert!(source.is_some());
    assert_eq!(gap(&text.replace("other: x", "other: y")), (what.clone(), source.clone()));
    let (same_what, other_source) = gap(&text.replace("charts.example", "other.example"));
    assert!(same_what == what && other_source.is_some() && other_source != source);
    // What stands in files, or is yet to be filled in, may change elsewhere.
    assert_eq!(gap(&text.replace("helm: {", "helm: {valueFiles: [v.yaml], ")).1, None);
    assert_eq!(gap(&text.replace("chart: web", "path: charts/web")).1, None);
    assert_eq!(gap(&text.replace("1.0.0", "'{{ .rev }}'")).1, None);
}

#[test]
fn values_that_name_an_image_in_part_are_said_once_whether_text_or_object() {
    let text = "\
apiVersion: argoproj.io/v1alpha1
kind: Application
spec:
  source:
    helm:
      values: |
        controller: {image: {registry: reg.example, image: ingress/controller, tag: v1}}
        whole: {image: {repository: 'reg.example/a:1'}}
        name: {image: {repository: reg.example/b}}
";
    let found = read(text);
    let images: Vec<&str> = uses(&found).into_iter().map(|(_, image, _)| image).collect();
    assert_eq!(images, ["reg.example/ingress/controller:v1", "reg.example/a:1"]);
    assert_eq!(reasons(&found), [("declared-tag", 9)]);
    let found = |repository: &str| {
        let origin = crate::domain::Location::new("f", 1, 1);
        let origins = crate::domain::Origins { name: origin.clone(), tag: None, digest: None };
        is_told(&ImageUse {
            image: repository.to_owned(),
            class: UseClass::Helm,
            workload: crate::domain::Workload {
                api_version: "helm.toolkit.fluxcd.io/v2".to_owned(),
                kind: "HelmRelease".to_owned(),
                ..Default::default()
            },
            container: None,
            field: "spec.values.image".to_owned(),
            location: origin,
            origins,
            decisions: Vec::new(),
        })
    };
    assert!(found("reg.example/a") && !found("reg.example/a:1"));
}

#[test]
fn values_that_name_an_image_in_part_are_said_or_put_together() {
    let text = "\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
spec:
  chart: {spec: {chart: ingress-nginx, version: 4.10.0}}
  values:
    controller:
      image: {registry: reg.example, image: ingress/controller, tag: v1, digest: 'sha256:ab'}
    whole: {image: {repository: reg.example/a, tag: '1'}}
    version: {image: {tag: '2'}}
    name: [{image: {repository: reg.example/b}}]
    text: {image: reg.example/c}
    pull: {image: {pullPolicy: Always}}
";
    let found = read(text);
    let image = "reg.example/ingress/controller:v1@sha256:ab";
    assert_eq!(uses(&found), [("spec.values.controller.image.image", image, "7:70".to_owned())]);
    let said: Vec<&str> = found.partial.iter().map(|partial| partial.what.as_str()).collect();
    assert_eq!(
        said,
        [
            "version.image is given 2, and its name is left to the chart ingress-nginx 4.10.0",
            "reg.example/b has no tag in these values, so that of the chart ingress-nginx 4.10.0 counts",
        ]
    );
    assert_eq!(reasons(&found), [("declared-name", 9), ("declared-tag", 10)]);
}

#[test]
fn parameters_are_laid_over_values_and_joined_by_prefix() {
    let text = "\
apiVersion: argoproj.io/v1alpha1
kind: Application
spec:
  source:
    helm:
      parameters:
      - {name: image.tag, value: '3'}
      - {name: worker.image.repository, value: reg.example/worker}
      - {name: worker.image.tag, value: '4'}
      - {name: cron.image, value: 'cron:5'}
      - {name: other.image.tag, value: '6'}
      - {name: service.name, value: x}
      values: |
        image:
          repository: reg.example/api
          tag: '2'
        sidecar:
          image: reg.example/sidecar:7
        bare:
          image: {repository: reg.example/bare}
";
    let found = read(text);
    assert_eq!(
        uses(&found),
        [
            ("spec.source.helm.parameters[3].value", "cron:5", "10:36".to_owned()),
            ("spec.source.helm.values.image", "reg.example/api:3", "7:35".to_owned()),
            ("spec.source.helm.parameters[2].value", "reg.example/worker:4", "9:42".to_owned()),
            ("spec.source.helm.values.sidecar.image", "reg.example/sidecar:7", "18:18".to_owned()),
        ]
    );
    assert_eq!(reasons(&found), [("declared-name", 11), ("declared-tag", 20)]);
    let api = &found.uses[1];
    assert_eq!((api.origins.name.line, api.decisions[0].image.as_str()), (15, "reg.example/api:2"));
}

#[test]
fn a_values_object_takes_the_place_of_the_text_and_is_declared_where_parameters_change_it() {
    let text = "\
apiVersion: argoproj.io/v1alpha1
kind: Application
spec:
  source:
    helm:
      parameters: [{name: image.tag, value: '3'}]
      values: 'image: gone:1'
      valuesObject: {image: {repository: r, tag: '2'}, other: {image: o:1}}
";
    let found = read(text);
    assert_eq!(uses(&found), [("spec.source.helm.valuesObject.image", "r:3", "6:46".to_owned())]);
}

fn settings(files: &[(&str, &str)]) -> Result<Vec<argocd_source::Overrides>, OverlayError> {
    let path = TreePath::parse("o").unwrap();
    overrides(&MemoryTree::of(files.iter().copied()), &path).map_err(|failure| failure.of_overlay(&path))
}

#[test]
fn argocd_source_files_are_read_for_each_application() {
    assert!(settings(&[("o/kustomization.yaml", "")]).unwrap().is_empty());
    assert!(settings(&[]).unwrap().is_empty());
    let general = (
        "o/.argocd-source.yaml",
        "kustomize: {images: ['a:1']}\nhelm: {parameters: [{name: image.tag, value: '2'}]}\n",
    );
    let chart = [("o/Chart.yaml", "name: c\n"), ("o/values.yaml", "image: {repository: r, tag: '1'}\n")];
    let found = settings(&[general, chart[0], chart[1]]).unwrap();
    assert_eq!((found.len(), &*found[0].images[0].name.text), (1, "a"));
    assert_eq!(uses(&found[0].helm), [("image", "r:2", "2:47".to_owned())]);
    let own = ("o/.argocd-source-x.yaml", "kustomize: {images: ['b:1', 'c=d:1']}\n");
    let found = settings(&[general, own]).unwrap();
    assert_eq!((found.len(), found[0].images.len(), reasons(&found[0].helm)), (1, 2, vec![("declared-name", 2)]));
}

#[test]
fn faults_in_argocd_source_files_are_said_with_their_place_and_the_others_count() {
    let fault = |text: &str| {
        let found = settings(&[
            ("o/.argocd-source-a.yaml", text),
            ("o/.argocd-source-b.yaml", "kustomize: {images: ['a:1']}\n"),
        ]);
        let found = found.unwrap();
        assert_eq!(found[1].images.len(), 1);
        let partial = &found[0].helm.partial[0];
        format!("{} {}: {}", partial.reason, partial.location, partial.what)
    };
    let place = "argocd-source o/.argocd-source-a.yaml";
    assert_eq!(
        fault("kustomize: {images: x}\n"),
        format!("{place}:1:21: `kustomize.images` must be a list, found a string")
    );
    assert!(fault("kustomize: {images: [x]}\n").starts_with(&format!("{place}:1:22: an entry of")));
    assert!(fault("helm: {parameters: x}\n").starts_with(&format!("{place}:1:20: `helm.parameters` must be")));
    assert!(fault("a: [\n").starts_with(&format!("{place}:")));
}
