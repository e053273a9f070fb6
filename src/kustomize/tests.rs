//! Whole overlays in memory: where references come from, what is refused, and that nothing hostile gets through.

use crate::domain::tree::MemoryTree;
use crate::domain::{DecidedBy, ImageUse, OverlayImages, UseClass};

use super::*;

mod partial;

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  template:
    spec:
      containers:
        - name: api
          image: 'reg.example/api:1.4.1@sha256:aa'
";

fn resolve_at(tree: &MemoryTree, path: &str, load_restrictor: LoadRestrictor) -> Result<Rendered, OverlayError> {
    let files = Files::default();
    let options = Options { load_restrictor, ..Options::new(&files) };
    resolve(tree, &TreePath::parse(path).unwrap(), &options)
}

fn loose(tree: &MemoryTree) -> Result<Rendered, OverlayError> {
    read_loose(tree, &TreePath::parse("o").unwrap(), &Files::default())
}

fn render(files: &[(&str, &str)], overlay: &str) -> Result<OverlayImages, OverlayError> {
    let tree = MemoryTree::of(files.iter().copied());
    resolve_at(&tree, overlay, LoadRestrictor::Root).map(|rendered| images(&rendered))
}

fn only(files: &[(&str, &str)], overlay: &str) -> ImageUse {
    let mut uses = render(files, overlay).unwrap().uses;
    assert_eq!(uses.len(), 1);
    uses.remove(0)
}

fn refusal(files: &[(&str, &str)]) -> (String, String) {
    let error = render(files, "").unwrap_err();
    assert!(!error.hint.is_empty());
    (error.message, error.location.map(|location| location.to_string()).unwrap_or_default())
}

#[test]
fn a_reference_in_a_base_is_located_through_two_bases() {
    let files = [
        ("base/kustomization.yaml", "resources: [d.yaml]\n"),
        ("base/d.yaml", DEPLOYMENT),
        ("middle/kustomization.yaml", "resources: [../base]\n"),
        ("top/kustomization.yaml", "resources: [../middle]\n"),
    ];
    let found = only(&files, "top");
    assert_eq!(found.location.to_string(), "base/d.yaml:10:19");
    assert_eq!(found.origins.name.to_string(), "base/d.yaml:10:19");
    assert_eq!(found.origins.tag.unwrap().to_string(), "base/d.yaml:10:35");
    assert_eq!(found.origins.digest.unwrap().to_string(), "base/d.yaml:10:41");
    assert_eq!((found.workload.kind.as_str(), found.container.as_deref()), ("Deployment", Some("api")));
    assert_eq!(found.field, "spec.template.spec.containers[0].image");
}

#[test]
fn a_new_tag_decides_the_tag_and_leaves_the_name_its_origin() {
    let kustomization = "resources: [d.yaml]\nimages:\n- name: reg.example/api\n  newTag: \"1.4.2\"\n";
    let found = only(&[("kustomization.yaml", kustomization), ("d.yaml", DEPLOYMENT)], "");
    assert_eq!(found.image, "reg.example/api:1.4.2");
    assert_eq!(found.location.to_string(), "kustomization.yaml:4:12");
    assert_eq!(found.origins.tag.unwrap().to_string(), "kustomization.yaml:4:12");
    assert_eq!(found.origins.name.to_string(), "d.yaml:10:19");
    assert_eq!(found.origins.digest, None);
}

#[test]
fn a_tag_with_a_digest_in_it_gives_both_its_place() {
    let kustomization = "resources: [d.yaml]\nimages: [{name: reg.example/api, newTag: 2@sha256:bb}]\n";
    let found = only(&[("kustomization.yaml", kustomization), ("d.yaml", DEPLOYMENT)], "");
    assert_eq!(found.image, "reg.example/api:2@sha256:bb");
    assert_eq!(found.origins.digest, found.origins.tag);
}

#[test]
fn an_inline_patch_is_located_in_the_kustomization() {
    let kustomization = "resources: [d.yaml]
patches:
- target: {kind: Deployment}
  patch: |-
    - op: replace
      path: /spec/template/spec/containers/0/image
      value: \"reg.example/api:2\"
";
    let found = only(&[("kustomization.yaml", kustomization), ("d.yaml", DEPLOYMENT)], "");
    assert_eq!(found.location.to_string(), "kustomization.yaml:7:15");
    assert_eq!(found.origins.tag.unwrap().to_string(), "kustomization.yaml:7:31");
}

#[test]
fn a_patch_file_is_the_origin_of_what_it_sets() {
    let patch = DEPLOYMENT.replace("1.4.1@sha256:aa", "3");
    let kustomization = "resources: [d.yaml]\npatches: [{path: patch-image.yaml}]\n";
    let files = [("kustomization.yaml", kustomization), ("d.yaml", DEPLOYMENT), ("patch-image.yaml", patch.as_str())];
    let found = only(&files, "");
    assert_eq!(found.origins.tag.unwrap().to_string(), "patch-image.yaml:10:35");
    assert_eq!(found.location.path, "patch-image.yaml");
}

#[test]
fn faults_of_a_kustomization_have_a_place() {
    for (text, message, place) in [
        ("resource: [a]\n", "has no field `resource`", "kustomization.yaml:1:1"),
        ("resources: [/etc/passwd]\n", "absolute", "kustomization.yaml:1:13"),
        ("resources: [../../x]\n", "leads out of the repository", "kustomization.yaml:1:13"),
        ("images:\n- {name: a, newTag: 1.10}\n", "reads 1.10 as a number", "kustomization.yaml:2:21"),
        ("resources: [.]\n", "being built", "kustomization.yaml:1:13"),
        ("kind: Kustomization\n", "empty", "kustomization.yaml:1:1"),
        ("a: [\n", "did not find", "kustomization.yaml:2:1"),
    ] {
        let (found, at) = refusal(&[("kustomization.yaml", text)]);
        assert!(found.contains(message), "{text}: {found}");
        assert_eq!(at, place, "{text}");
    }
}

#[test]
fn the_load_restrictor_keeps_files_in_and_can_be_lifted() {
    let files = [("d.yaml", DEPLOYMENT), ("o/kustomization.yaml", "resources: [../d.yaml]\n")];
    let error = render(&files, "o").unwrap_err();
    assert!(error.message.contains("load restrictor"), "{error}");
    let tree = MemoryTree::of(files);
    assert!(resolve_at(&tree, "o", LoadRestrictor::None).is_ok());
}

#[test]
fn links_are_followed_before_the_load_restrictor_looks() {
    let tree = MemoryTree::of([("b/d.yaml", DEPLOYMENT), ("o/kustomization.yaml", "resources: [d.yaml]\n")]);
    let tree = tree.with_link("o/d.yaml", "../b/d.yaml").with_link("p", "o");
    assert!(resolve_at(&tree, "o", LoadRestrictor::Root).is_err());
    assert_eq!(images(&resolve_at(&tree, "p", LoadRestrictor::None).unwrap()).uses[0].location.path, "b/d.yaml");
}

#[test]
fn kustomizations_that_double_themselves_stop_at_the_bounds() {
    let mut files = vec![("l0/kustomization.yaml".to_owned(), "resources: [d.yaml]\n".to_owned())];
    files.push(("l0/d.yaml".to_owned(), DEPLOYMENT.to_owned()));
    for level in 1..40 {
        let below = level - 1;
        for side in ["a", "b"] {
            let text = format!("namePrefix: {side}\nresources: [../../l{below}]\n");
            files.push((format!("l{level}/{side}/kustomization.yaml"), text));
        }
        files.push((format!("l{level}/kustomization.yaml"), "resources: [a, b]\n".to_owned()));
    }
    let tree = MemoryTree::of(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let error = resolve_at(&tree, "l39", LoadRestrictor::Root).unwrap_err();
    assert!(error.message.contains("more than"), "{error}");
}

#[test]
fn patches_cannot_nest_a_document_without_bound() {
    let operations: String = (0..300).map(|_| "- {op: copy, from: /spec, path: /spec/template/spec/x}\n").collect();
    let kustomization = "resources: [d.yaml]\npatches: [{path: ops.yaml, target: {kind: Deployment}}]\n";
    let files = [("kustomization.yaml", kustomization), ("d.yaml", DEPLOYMENT), ("ops.yaml", operations.as_str())];
    let (message, _) = refusal(&files);
    assert!(message.contains("deeply") || message.contains("large"), "{message}");
}

#[test]
fn a_directory_is_a_kustomization_by_any_of_three_names() {
    let tree = MemoryTree::of([("a/Kustomization", ""), ("b/kustomization.yml", ""), ("c/x.yaml", "")]);
    let has = |dir: &str| has_kustomization(&tree, &TreePath::parse(dir).unwrap()).unwrap();
    assert_eq!([has("a"), has("b"), has("c"), has("none")], [true, true, false, false]);
}

#[test]
fn loose_directories_are_read_file_by_file() {
    let tree = MemoryTree::of([
        ("o/patch-image.yaml", "spec:\n  containers:\n  - name: api\n    image: reg.example/api:1\n"),
        ("o/chart/values.yaml", "image: {repository: r, tag: \"2\"}\nimage2: x\nimage2: y\n---\n- image: z\n"),
        ("o/more.json", "{\"image\": \"j:1\"}"),
        ("o/.hidden/x.yaml", "image: hidden\n"),
        ("o/README.md", "image: readme\n"),
    ]);
    let found = images(&loose(&tree).unwrap());
    let seen: Vec<_> = found.uses.iter().map(|found| (found.image.as_str(), found.class)).collect();
    let expected = [
        ("r:2", UseClass::Helm),
        ("z", UseClass::Field),
        ("j:1", UseClass::Field),
        ("reg.example/api:1", UseClass::Container),
    ];
    assert_eq!(seen, expected);
    assert_eq!(found.uses[0].origins.tag.as_ref().unwrap().to_string(), "o/chart/values.yaml:1:30");
}

#[test]
fn a_loose_file_that_is_a_template_is_an_error_with_a_hint() {
    for text in ["image: {{ .Values.image }}\n", "{{ if .x }}\na: b\n{{ end }}\n"] {
        let tree = MemoryTree::of([("o/t.yaml", text)]);
        let error = loose(&tree).unwrap_err();
        assert!(error.hint.contains("Helm template"), "{error} {}", error.hint);
        assert_eq!(error.location.unwrap().path, "o/t.yaml");
    }
}

#[test]
fn null_is_not_an_image() {
    let tree = MemoryTree::of([("o/t.yaml", "image: ~\nx: {image: null}\ny: {image: {repository: r, tag: ~}}\n")]);
    let found = images(&loose(&tree).unwrap());
    assert_eq!(found.uses.len(), 1);
    assert_eq!(found.uses[0].image, "r");
}

const VARS: &str = "resources: [d.yaml, v.yaml]
configurations: [c.yaml]
vars:
- name: IMAGE
  objref: {apiVersion: v1, kind: ConfigMap, name: v}
  fieldref: {fieldPath: data.it}
";

#[test]
fn an_image_that_a_variable_goes_into_keeps_its_history() {
    let deployment = DEPLOYMENT.replace("reg.example/api:1.4.1@sha256:aa", "$(IMAGE)");
    let files = [
        ("kustomization.yaml", VARS),
        ("d.yaml", deployment.as_str()),
        ("v.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: v}\ndata: {it: \"reg.example/api:2\"}\n"),
        ("c.yaml", "varReference: [{path: spec/template/spec/containers/image}]\n"),
    ];
    let found = only(&files, "");
    let decisions: Vec<_> = found.decisions.iter().map(|decision| (decision.by, decision.image.as_str())).collect();
    assert_eq!(decisions, [(DecidedBy::Written, "$(IMAGE)"), (DecidedBy::Variable, "reg.example/api:2")]);
    assert_eq!(found.location.to_string(), "v.yaml:4:13");
    assert_eq!(found.origins.tag.unwrap().to_string(), "v.yaml:4:29");
}

#[test]
fn the_hash_of_a_generated_resource_is_not_guessed() {
    let deployment = DEPLOYMENT.replace("reg.example/api:1.4.1@sha256:aa", "$(IMAGE)");
    let kustomization = VARS.replace("data.it", "metadata.name").replace(", v.yaml", "");
    let kustomization = format!("{kustomization}configMapGenerator: [{{name: v, literals: [a=b]}}]\n");
    let files = [
        ("kustomization.yaml", kustomization.as_str()),
        ("d.yaml", deployment.as_str()),
        ("c.yaml", "varReference: [{path: spec/template/spec/containers/image}]\n"),
    ];
    let (message, place) = refusal(&files);
    assert!(message.contains("hash"), "{message}");
    assert_eq!(place, "kustomization.yaml:4:9");
}
