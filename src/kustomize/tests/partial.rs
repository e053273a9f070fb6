//! Overlays with gaps: what is answered all the same, and what each gap is called.

use super::*;

fn gaps(images: &OverlayImages) -> Vec<(String, String, String)> {
    let gap = |gap: &crate::domain::Partial| (gap.reason.clone(), gap.what.clone(), gap.location.to_string());
    images.partial.iter().map(gap).collect()
}

fn found(images: &OverlayImages) -> Vec<(UseClass, String, String)> {
    let found = |found: &ImageUse| (found.class, found.image.clone(), found.location.to_string());
    images.uses.iter().map(found).collect()
}

#[test]
fn a_remote_base_leaves_its_pins_and_everything_else() {
    let kustomization = "resources:
- https://token@github.com/o/r//base?ref=v1
- d.yaml
images:
- {name: reg.example/api, newTag: '1.5'}
- {name: controller, newName: reg.example/controller, newTag: v2}
- {name: '.*', newTag: none}
";
    let found_ = render(&[("kustomization.yaml", kustomization), ("d.yaml", DEPLOYMENT)], "").unwrap();
    assert_eq!(
        gaps(&found_),
        [("remote-base".into(), "github.com/o/r//base?ref=v1".into(), "kustomization.yaml:2:3".into())]
    );
    let declared = |image: &str, at: &str| (UseClass::Declared, image.to_owned(), at.to_owned());
    assert_eq!(found(&found_)[0].0, UseClass::Container);
    assert_eq!(
        found(&found_)[1..],
        [
            declared("reg.example/api:1.5", "kustomization.yaml:5:36"),
            declared("reg.example/controller:v2", "kustomization.yaml:6:63"),
        ]
    );
}

#[test]
fn a_missing_file_is_a_gap_and_what_needs_it_too() {
    let patch = DEPLOYMENT.replace("name: api\nspec", "name: worker\nspec");
    let files = [
        ("kustomization.yaml", "resources: [none.yaml, d.yaml]\npatches: [{path: p.yaml}, {path: q.yaml}]\n"),
        ("d.yaml", DEPLOYMENT),
        ("p.yaml", patch.as_str()),
    ];
    let answer = render(&files, "").unwrap();
    let reasons: Vec<_> = gaps(&answer).into_iter().map(|(reason, _, place)| (reason, place)).collect();
    let gap = |reason: &str, place: &str| (reason.to_owned(), place.to_owned());
    assert_eq!(
        reasons,
        [
            gap("missing-file", "kustomization.yaml:1:13"),
            gap("not-found", "p.yaml:1:1"),
            gap("missing-file", "kustomization.yaml:2:34"),
        ]
    );
    let classes: Vec<_> = answer.uses.iter().map(|found| found.class).collect();
    assert_eq!(classes, [UseClass::Container, UseClass::Declared]);
}

#[test]
fn without_a_gap_a_patch_without_target_is_an_error() {
    let patch = DEPLOYMENT.replace("name: api\nspec", "name: worker\nspec");
    let files = [
        ("kustomization.yaml", "resources: [d.yaml]\npatches: [{path: p.yaml}]\n"),
        ("d.yaml", DEPLOYMENT),
        ("p.yaml", patch.as_str()),
    ];
    assert!(render(&files, "").unwrap_err().message.contains("no resource is"));
}

#[test]
fn a_chart_is_named_and_its_values_are_read() {
    let kustomization = "helmCharts:
- name: api
  version: 1.2.3
  valuesFile: values.yaml
  valuesInline:
    sidecar: {image: {repository: reg.example/sidecar, tag: v3}}
  additionalValuesFiles: [more.yaml]
";
    let values = "image: {repository: reg.example/api, tag: '1.3'}\n";
    let more = "image: {tag: '1.4'}\n";
    let files = [("kustomization.yaml", kustomization), ("values.yaml", values), ("more.yaml", more)];
    let answer = render(&files, "").unwrap();
    assert_eq!(gaps(&answer), [("helm".into(), "api 1.2.3".into(), "kustomization.yaml:2:3".into())]);
    let helm = |image: &str, at: &str| (UseClass::Helm, image.to_owned(), at.to_owned());
    assert_eq!(
        found(&answer),
        [helm("reg.example/api:1.4", "more.yaml:1:15"), helm("reg.example/sidecar:v3", "kustomization.yaml:6:61")]
    );
}

#[test]
fn the_secret_in_a_url_is_never_shown() {
    let text = "resources: ['https://user:secret@x/y.yaml?token=1', 'git@host:o/r.git?ref=v1&token=2']\n";
    let answer = render(&[("kustomization.yaml", text)], "").unwrap();
    let shown: Vec<_> = gaps(&answer).into_iter().map(|(_, what, _)| what).collect();
    assert_eq!(shown, ["x/y.yaml", "host:o/r.git"]);
}
