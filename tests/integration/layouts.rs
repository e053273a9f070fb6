//! Layouts people have: kustomizations with bases, components and patches, links, loose manifests with a broken file.

use serde_json::Value;

use crate::support::{Program, Repository, patch_image};

const CONFIG: &str = "\
version: 1
environments:
  dev: {overlays: overlays/dev, registry: dev.example}
  production: {overlays: overlays/production, registry: prod.example, from: dev}
";

fn offline(repository: &Repository, code: i32) -> Value {
    Program::new().json(repository.path(), &["check", "--offline"], code)
}

fn production(report: &Value) -> &Value {
    &report["environments"][1]
}

#[test]
fn a_tag_in_a_base_is_blamed_on_the_bases_line() {
    let repository = Repository::with(&[
        ("promote-bot.yaml", CONFIG),
        ("base/kustomization.yaml", "resources: [d.yaml]\n"),
        ("base/d.yaml", &patch_image("api", "prod.example/api:1")),
        ("overlays/production/kustomization.yaml", "resources: [../../base]\nnamePrefix: p-\n"),
    ]);
    repository.replace("base/d.yaml", "api:1", "api:2");
    let report = offline(&repository, 0);
    let image = &production(&report)["images"][0];
    assert_eq!(image["to"], "prod.example/api:2");
    assert_eq!(image["before"], "prod.example/api:1");
    assert_eq!(image["locations"], serde_json::json!([{"path": "base/d.yaml", "line": 11, "column": 18}]));
}

#[test]
fn an_overlay_that_cannot_be_resolved_is_a_no_with_its_place() {
    let repository = Repository::with(&[
        ("promote-bot.yaml", CONFIG),
        ("overlays/production/kustomization.yaml", "resources: [d.yaml]\n"),
        ("overlays/production/d.yaml", &patch_image("api", "prod.example/api:1")),
    ]);
    repository
        .write(&[("overlays/production/kustomization.yaml", "resources: [d.yaml]\nhelmCharts:\n- name: redis\n")]);
    let report = offline(&repository, 1);
    let finding = &production(&report)["findings"][0];
    assert_eq!(finding["rule"], "unresolved-overlay");
    assert!(finding["message"].as_str().unwrap().contains("Helm chart"), "{finding:#}");
    assert_eq!(
        (&finding["location"]["path"], &finding["location"]["line"]),
        (&"overlays/production/kustomization.yaml".into(), &3.into())
    );
    assert!(!finding["help"].as_str().unwrap().is_empty());
}

#[test]
fn a_link_inside_the_tree_is_followed_and_one_out_of_it_refused() {
    let mut repository = Repository::with(&[
        ("promote-bot.yaml", CONFIG),
        ("shared/d.yaml", &patch_image("api", "prod.example/api:1")),
        ("overlays/production/kustomization.yaml", "resources: [sub]\n"),
        ("overlays/production/sub/kustomization.yaml", "resources: [d.yaml]\n"),
        ("overlays/production/sub/d.yaml", &patch_image("api", "prod.example/api:2")),
    ]);
    repository.git(&["rm", "--quiet", "-r", "overlays/production/sub"]);
    std::os::unix::fs::symlink("../../shared-kustomization", repository.path().join("overlays/production/sub"))
        .unwrap();
    repository.write(&[
        ("shared-kustomization/kustomization.yaml", "resources: [d.yaml]\n"),
        ("shared-kustomization/d.yaml", &patch_image("api", "prod.example/api:3")),
    ]);
    repository.commit("a link");
    let arguments = ["check", "--offline", "--base", "HEAD~1", "--head", "HEAD"];
    let report = Program::new().json(repository.path(), &arguments, 0);
    assert_eq!(production(&report)["images"][0]["to"], "prod.example/api:3");
    std::fs::remove_file(repository.path().join("overlays/production/sub")).unwrap();
    std::os::unix::fs::symlink("/etc", repository.path().join("overlays/production/sub")).unwrap();
    let report = offline(&repository, 1);
    let finding = production(&report)["findings"][0]["message"].as_str().unwrap().to_owned();
    assert!(finding.contains("link"), "{finding}");
}

#[test]
fn a_loose_manifest_that_is_no_yaml_is_said_with_its_place() {
    let repository = Repository::with(&[
        ("promote-bot.yaml", CONFIG),
        ("overlays/production/a.yaml", &patch_image("api", "prod.example/api:1")),
    ]);
    repository.write(&[("overlays/production/b.yaml", "a: [1\nb: {{ .Values.x }}\n")]);
    let report = offline(&repository, 1);
    let finding = &production(&report)["findings"][0];
    assert_eq!(finding["location"]["path"], "overlays/production/b.yaml");
}

#[test]
fn an_overlay_that_was_broken_before_counts_all_its_images_as_new() {
    let repository = Repository::with(&[
        ("promote-bot.yaml", CONFIG),
        ("overlays/production/kustomization.yaml", "resources: [none.yaml]\n"),
        ("overlays/production/d.yaml", &patch_image("api", "prod.example/api:1")),
    ]);
    repository.write(&[("overlays/production/kustomization.yaml", "resources: [d.yaml]\n")]);
    let report = offline(&repository, 0);
    assert_eq!(production(&report)["images"][0]["kind"], "added");
    assert_eq!(production(&report)["findings"][0]["severity"], "warning");
}

#[test]
fn an_environment_without_overlays_is_said() {
    let repository = Repository::with(&[("promote-bot.yaml", CONFIG)]);
    let report = offline(&repository, 0);
    let finding = &production(&report)["findings"][0];
    assert_eq!((&finding["rule"], &finding["severity"]), (&"no-overlay".into(), &"warning".into()));
}

#[test]
fn an_overlay_in_a_submodule_is_said_not_skipped() {
    let other = Repository::with(&[("overlays/production/d.yaml", &patch_image("api", "prod.example/api:1"))]);
    let mut repository =
        Repository::with(&[("promote-bot.yaml", &CONFIG.replace("overlays/production", "sub/overlays/production"))]);
    let url = other.path().to_str().unwrap();
    repository.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", url, "sub"]);
    repository.commit("a submodule");
    for head in ["HEAD", "worktree"] {
        let report =
            Program::new().json(repository.path(), &["check", "--offline", "--base", "HEAD~1", "--head", head], 1);
        let message = production(&report)["findings"][0]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("submodule"), "{message}");
    }
}

#[test]
fn a_json_patch_lying_loose_counts_with_its_place() {
    let repository = Repository::with(&[("promote-bot.yaml", CONFIG), ("overlays/production/p.yaml", "[]\n")]);
    let patch = "- op: replace\n  path: /spec/template/spec/containers/0/image\n  value: prod.example/api:2\n";
    repository.write(&[("overlays/production/p.yaml", patch)]);
    let report = offline(&repository, 0);
    let image = &production(&report)["images"][0];
    assert_eq!(image["to"], "prod.example/api:2");
    assert_eq!(
        image["locations"],
        serde_json::json!([{"path": "overlays/production/p.yaml", "line": 3, "column": 10}])
    );
}
