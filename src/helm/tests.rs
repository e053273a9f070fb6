//! Values sets in memory: what is laid over what, and where each part was decided.

use super::*;
use crate::domain::tree::MemoryTree;
use crate::domain::{DecidedBy, HelmImage, UseClass};

fn set(values: &[&str], chart: Option<&str>, images: Option<Vec<HelmImage>>) -> HelmValues {
    let values = values.iter().map(|file| (*file).to_owned()).collect();
    HelmValues { values, chart: chart.map(str::to_owned), images }
}

fn resolved(files: &[(&str, &str)], set: HelmValues) -> OverlayImages {
    let path = TreePath::parse(set.last()).unwrap();
    resolve(&MemoryTree::of(files.iter().copied()), &[set], &path).unwrap()
}

fn refused(files: &[(&str, &str)], set: HelmValues) -> String {
    let path = TreePath::parse(set.last()).unwrap();
    let error = resolve(&MemoryTree::of(files.iter().copied()), &[set], &path).unwrap_err();
    let place = error.location.map(|location| format!("{location}: ")).unwrap_or_default();
    format!("{place}{} | {}", error.message, error.hint)
}

fn images(found: &OverlayImages) -> Vec<(&str, &str)> {
    found.uses.iter().map(|found| (found.field.as_str(), found.image.as_str())).collect()
}

fn reasons(found: &OverlayImages) -> Vec<(&str, String)> {
    found.partial.iter().map(|partial| (partial.reason.as_str(), partial.location.to_string())).collect()
}

const CHART: &str = "apiVersion: v2\nname: api\nappVersion: \"3.1\"\n";

#[test]
fn each_part_keeps_the_line_that_decided_it_and_the_chain_below() {
    let files = [
        ("c/Chart.yaml", CHART),
        ("c/values.yaml", "image:\n  registry: docker.io\n  repository: team/api\n  tag: '1'\n"),
        ("stage.yaml", "image:\n  registry: reg.example\n"),
        ("prod.yaml", "replicas: 3\nimage:\n  tag: '2'\n"),
    ];
    let found = resolved(&files, set(&["stage.yaml", "prod.yaml"], Some("c"), None));
    assert_eq!(images(&found), [("image", "reg.example/team/api:2")]);
    let image = &found.uses[0];
    assert_eq!(image.class, UseClass::Helm);
    assert_eq!(image.location.to_string(), "prod.yaml:3:9");
    assert_eq!(image.origins.name.to_string(), "stage.yaml:2:13");
    let chain: Vec<(&str, String)> =
        image.decisions.iter().map(|step| (step.image.as_str(), step.location.to_string())).collect();
    let expected = [
        ("docker.io/team/api:1", "c/values.yaml:4:9"),
        ("reg.example/team/api:1", "stage.yaml:2:13"),
        ("reg.example/team/api:2", "prod.yaml:3:9"),
    ];
    assert_eq!(chain, expected.map(|(image, place)| (image, place.to_owned())));
    assert!(image.decisions.iter().all(|step| step.by == DecidedBy::Values));
}

#[test]
fn lists_are_replaced_and_null_takes_a_default_away() {
    let files = [
        ("c/Chart.yaml", CHART),
        ("c/values.yaml", "a: {image: {repository: a, tag: '1'}}\nb: {image: b:1}\nl: [{image: x:1}, {image: y:1}]\n"),
        ("v.yaml", "a:\nb: {image: null}\nl: [{image: z:1}]\n"),
    ];
    assert_eq!(images(&resolved(&files, set(&["v.yaml"], Some("c"), None))), [("l[0].image", "z:1")]);
}

#[test]
fn a_null_between_files_does_not_reach_the_charts_defaults() {
    // helm template c -f one.yaml -f two.yaml
    let files = [
        ("c/Chart.yaml", CHART),
        ("c/values.yaml", "image: {repository: a, tag: '1'}\n"),
        ("one.yaml", "image: null\n"),
        ("two.yaml", "image: {tag: '2'}\n"),
    ];
    assert_eq!(images(&resolved(&files, set(&["one.yaml", "two.yaml"], Some("c"), None))), [("image", "a:2")]);
}

#[test]
fn an_empty_tag_is_the_charts_app_version_or_said() {
    let files = [("c/Chart.yaml", CHART), ("v.yaml", "image: {repository: r.example/api, tag: ''}\n")];
    let known = resolved(&files, set(&["v.yaml"], Some("c"), None));
    assert_eq!(images(&known), [("image", "r.example/api:3.1")]);
    assert_eq!(known.uses[0].origins.tag.as_ref().unwrap().to_string(), "c/Chart.yaml:3:14");
    let unknown = resolved(&files, set(&["v.yaml"], None, None));
    assert_eq!(images(&unknown), []);
    assert_eq!(reasons(&unknown), [("helm-default-tag", "v.yaml:1:21".to_owned())]);
}

#[test]
fn a_tag_whose_repository_is_the_charts_is_said() {
    let found = resolved(&[("v.yaml", "image: {tag: '2'}\n")], set(&["v.yaml"], None, None));
    assert_eq!(
        (images(&found), reasons(&found)),
        (vec![], vec![("helm-default-repository", "v.yaml:1:15".to_owned())])
    );
}

#[test]
fn bare_digests_and_global_registries_are_read_as_charts_read_them() {
    let hex = "0123456789abcdef".repeat(4);
    let text = format!(
        "global: {{imageRegistry: mirror.example}}\na: {{image: {{repository: team/a, tag: '1'}}}}\nb: {{image: {{registry: docker.io, repository: b, sha: {hex}}}}}\nc: {{image: {{repository: ghcr.io/c, tag: '1'}}}}\n"
    );
    let found = resolved(&[("v.yaml", text.as_str())], set(&["v.yaml"], None, None));
    let digest = format!("mirror.example/b@sha256:{hex}");
    assert_eq!(
        images(&found),
        [("a.image", "mirror.example/team/a:1"), ("b.image", digest.as_str()), ("c.image", "ghcr.io/c:1")]
    );
}

#[test]
fn configured_images_are_found_where_they_are_said_to_be() {
    let path = |text: &str| text.parse().unwrap();
    let parts = HelmImage::Parts {
        repository: path("jobs[].name"),
        tag: Some(path("jobs[].version")),
        registry: Some(path("hub")),
        digest: None,
    };
    let at = |text: &str| HelmImage::At(path(text));
    let text = "hub: h.example\nworker: {pic: 'w:1'}\nsidecar: {repository: s, tag: '2'}\njobs: [{name: a, version: '3'}, {name: b, version: '4'}]\nimage: ignored:1\n";
    let files = [("v.yaml", text)];
    let found =
        resolved(&files, set(&["v.yaml"], None, Some(vec![at("worker.pic"), at("sidecar"), parts, at("wroker")])));
    let expected = [
        ("worker.pic", "w:1"),
        ("sidecar", "s:2"),
        ("jobs[0].name", "h.example/a:3"),
        ("jobs[1].name", "h.example/b:4"),
    ];
    assert_eq!(images(&found), expected);
    assert_eq!(reasons(&found), [("helm-no-image", "v.yaml:1:1".to_owned())]);
    let wrong = |text: &str| refused(&files, set(&["v.yaml"], None, Some(vec![at(text)])));
    assert!(
        wrong("worker").starts_with("v.yaml:2:9: `worker` is a mapping without `repository` | "),
        "{}",
        wrong("worker")
    );
    assert!(wrong("jobs").starts_with("v.yaml:4:7: `jobs` must be text, found a list | "), "{}", wrong("jobs"));
}

#[test]
fn faults_of_values_have_their_places() {
    let fault = |text: &str| refused(&[("v.yaml", text)], set(&["v.yaml"], None, None));
    assert!(
        fault("a: 1\nb: 2\na: 3\n").starts_with("v.yaml:3:4: the key `a` is given twice"),
        "{}",
        fault("a: 1\na: 1\n")
    );
    assert!(fault("- a\n").starts_with("v.yaml:1:1: values must be a mapping, found a list | "), "{}", fault("- a\n"));
    assert!(fault("a: [\n").starts_with("v.yaml:"), "{}", fault("a: [\n"));
    let missing = refused(&[("v.yaml", "")], set(&["base.yaml", "v.yaml"], None, None));
    assert!(missing.contains("base.yaml does not exist"), "{missing}");
    assert!(refused(&[("v.yaml", "")], set(&["v.yaml"], Some("c"), None)).contains("has no Chart.yaml"));
}

#[test]
fn stars_find_one_set_for_every_file_and_links_are_followed() {
    let tree =
        MemoryTree::of([("a/x/values-prod.yaml", ""), ("a/y/values-prod.yaml", ""), ("a/y/values-dev.yaml", "")])
            .with_link("a/z", "x");
    let sets = [set(&["a/*/values-prod.yaml"], None, None), set(&["none/v.yaml"], None, None)];
    let found: Vec<String> = find(&tree, &sets).unwrap().into_iter().map(|path| path.to_string()).collect();
    assert_eq!(found, ["a/x/values-prod.yaml", "a/y/values-prod.yaml", "a/z/values-prod.yaml"]);
}
