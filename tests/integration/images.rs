//! `images`: effective images as JSON, one overlay a line.

use serde_json::{Value, json};

use crate::support::{Program, Repository};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn kustomized() -> Repository {
    Repository::with(&[
        ("base/kustomization.yaml", "resources:\n- deployment.yaml\n"),
        ("base/deployment.yaml", &crate::support::patch_image("api", "api:0")),
        (
            "overlays/production/kustomization.yaml",
            "resources:\n- ../../base\nimages:\n- name: api\n  newName: prod.example/team/api\n  newTag: \"1.4.2\"\n",
        ),
        ("overlays/broken/kustomization.yaml", "resource:\n- ../../base\n"),
    ])
}

#[test]
fn a_line_has_all_that_the_contract_names() {
    let repository = kustomized();
    let run = Program::new().run(repository.path(), &["images", "overlays/production", "-f", "json"]).expect(0);
    let found = lines(&run.stdout).remove(0);
    assert_eq!(found["overlay"], "overlays/production");
    assert_eq!(found["environment"], "production");
    assert_eq!(found["partial"], json!([]));
    assert_eq!(found["images"][0]["image"], "prod.example/team/api:1.4.2");
    let expected = json!([{
        "kind": "Deployment", "name": "api", "namespace": "", "container": "api",
        "field": "spec.template.spec.containers[0].image",
        "path": "overlays/production/kustomization.yaml", "line": 6, "column": 12,
    }]);
    assert_eq!(found["images"][0]["uses"], expected);
    assert_eq!(found["sites"].as_str().unwrap().len(), 64);
}

#[test]
fn one_that_cannot_be_resolved_is_its_own_line_and_the_others_go_on() {
    let repository = kustomized();
    std::fs::write(repository.path().join("list"), "overlays/broken\n\noverlays/production\noverlays/none\n").unwrap();
    let run = Program::new().run(repository.path(), &["images", "--overlays-from", "list", "-f", "json"]).expect(1);
    let found = lines(&run.stdout);
    assert_eq!(found.len(), 3);
    assert!(found[0]["error"].as_str().unwrap().contains("no field `resource`"), "{}", found[0]);
    assert!(!found[0]["hint"].as_str().unwrap().is_empty());
    assert_eq!(found[1]["images"][0]["image"], "prod.example/team/api:1.4.2");
    assert!(found[2]["error"].is_string());
}

#[test]
fn revisions_the_index_and_bare_repositories_are_read() {
    let mut repository = kustomized();
    let first = repository.git(&["rev-parse", "HEAD"]);
    repository.replace("overlays/production/kustomization.yaml", "1.4.2", "1.4.3");
    let image = |directory: &std::path::Path, arguments: &[&str]| {
        let run = Program::new()
            .run(directory, &[&["images", "overlays/production", "-f", "json"], arguments].concat())
            .expect(0);
        lines(&run.stdout)[0]["images"][0]["image"].as_str().unwrap().to_owned()
    };
    assert_eq!(image(repository.path(), &[]), "prod.example/team/api:1.4.3");
    assert_eq!(image(repository.path(), &["--rev", "index"]), "prod.example/team/api:1.4.2");
    assert_eq!(image(repository.path(), &["--rev", &first]), "prod.example/team/api:1.4.2");
    repository.commit("1.4.3");
    let (_directory, clone) = repository.clone_with(&["--bare"]);
    assert_eq!(image(&clone, &[]), "prod.example/team/api:1.4.3");
    assert_eq!(image(&clone, &["--rev", &first]), "prod.example/team/api:1.4.2");
}

#[test]
fn text_names_images_with_the_places_that_decided_them() {
    let repository = kustomized();
    let run = Program::new().run(repository.path(), &["images", "-e", "production"]).expect(0);
    insta::assert_snapshot!(run.stdout, @r"
    overlays/production  (production)
      prod.example/team/api:1.4.2
          Deployment/api (api)  overlays/production/kustomization.yaml:6:12
    ");
}

#[test]
fn what_is_asked_for_is_answered_and_nothing_else() {
    let repository = kustomized();
    std::fs::write(repository.path().join("list"), "\n").unwrap();
    let program = Program::new();
    let run = program.run(repository.path(), &["images", "--overlays-from", "list", "-f", "json"]).expect(0);
    assert_eq!(run.stdout, "");
    std::fs::write(repository.path().join("list"), "../..\noverlays/production\n").unwrap();
    let found =
        lines(&program.run(repository.path(), &["images", "--overlays-from", "list", "-f", "json"]).expect(1).stdout);
    assert_eq!((found.len(), &found[0]["overlay"]), (2, &json!("../..")));
    program.run(repository.path(), &["images", "-e", "none"]).expect(2);
    program.run(repository.path(), &["images", "overlays/production", "-e", "none"]).expect(2);
    let run = program.run(repository.path(), &["-c", "none.yaml", "images", "overlays/production"]).expect(2);
    assert!(run.stderr.contains("there is no none.yaml at worktree") && run.stdout.is_empty(), "{}", run.stderr);
}
