//! Overlays that cannot be resolved wholly, and the ways out: copies of remote bases, rendered manifests, a command.

use serde_json::{Value, json};

use crate::support::{Program, Repository};

const OVERLAY: &str = "overlays/production/kustomization.yaml";
const REMOTE: &str = "resources: ['https://github.com/o/r//base?ref=v1']
images: [{name: api, newName: prod.example/api, newTag: '1'}]
";

fn deployment(image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: api}}\nspec:\n  template:\n    spec:\n      containers:\n      \
         - {{name: api, image: '{image}'}}\n"
    )
}

fn config(more: &str) -> String {
    let production = "overlays: overlays/production\n    registry: prod.example\n";
    format!("version: 1\nenvironments:\n  production:\n    {production}{more}")
}

fn images(repository: &Repository, arguments: &[&str]) -> Value {
    let run = Program::new().run(repository.path(), &[&["images", "-f", "json"], arguments].concat()).expect(0);
    serde_json::from_str(&run.stdout).unwrap()
}

fn references(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|image| image["image"].as_str().unwrap()).collect()
}

fn findings(report: &Value) -> Vec<String> {
    let findings = report["environments"][0]["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_remote_base_is_a_gap_with_its_pins_and_its_line() {
    let repository = Repository::with(&[("promote-bot.yaml", &config("")), (OVERLAY, REMOTE)]);
    let found = images(&repository, &[]);
    let gap = json!([{
        "reason": "remote-base", "what": "https://github.com/o/r//base?ref=v1", "path": OVERLAY, "line": 1,
    }]);
    assert_eq!(found["partial"], gap);
    assert_eq!(references(&found["declared"]), ["prod.example/api:1"]);
    assert_eq!(found["declared"][0]["uses"][0]["line"], 2);
    assert_eq!(found["images"], json!([]));
}

#[test]
fn a_declared_pin_that_moves_is_a_change_and_the_gate_stays_shut() {
    let repository = Repository::with(&[("promote-bot.yaml", &config("")), (OVERLAY, REMOTE)]);
    repository.replace(OVERLAY, "newTag: '1'", "newTag: '2'");
    let report = Program::new().json(repository.path(), &["check", "--offline"], 1);
    let image = &report["environments"][0]["images"][0];
    assert_eq!((&image["before"], &image["to"]), (&"prod.example/api:1".into(), &"prod.example/api:2".into()));
    assert!(findings(&report)[0].contains("not every image is known"), "{report:#}");
}

#[test]
fn a_copy_of_a_remote_base_takes_its_place() {
    let vendored = "vendored:\n  https://github.com/o/r.git//base?ref=v1: vendor/r-v1/base\n";
    let repository = Repository::with(&[
        ("promote-bot.yaml", &config(vendored)),
        (OVERLAY, REMOTE),
        ("vendor/r-v1/base/kustomization.yaml", "resources: [d.yaml]\n"),
        ("vendor/r-v1/base/d.yaml", &deployment("api:0")),
    ]);
    let found = images(&repository, &[]);
    assert_eq!((references(&found["images"]), &found["partial"]), (vec!["prod.example/api:1"], &json!([])));
    repository.replace("vendor/r-v1/base/d.yaml", "'api:0'", "'prod.example/other:3'");
    let report = Program::new().json(repository.path(), &["check", "--offline"], 0);
    assert_eq!(report["environments"][0]["images"][0]["to"], "prod.example/other:3", "the copy is read and followed");
    repository.replace(OVERLAY, "?ref=v1", "?ref=v2");
    let report = Program::new().json(repository.path(), &["check", "--offline"], 1);
    assert!(findings(&report)[0].contains("?ref=v2"), "a copy serves its own revision only: {report:#}");
}

#[test]
fn rendered_manifests_take_the_place_of_what_cannot_be_resolved() {
    let rendered = "rendered/overlays/production/all.yaml";
    let repository = Repository::with(&[
        ("promote-bot.yaml", &config("    render: rendered/{overlay}\n")),
        (OVERLAY, REMOTE),
        (rendered, &deployment("prod.example/api:1")),
    ]);
    let found = images(&repository, &[]);
    assert_eq!((references(&found["images"]), &found["partial"]), (vec!["prod.example/api:1"], &json!([])));
    repository.replace(OVERLAY, "newTag: '1'", "newTag: '2'");
    let report = Program::new().json(repository.path(), &["check", "--offline"], 1);
    assert!(findings(&report)[0].contains("it says another image than they do"), "{report:#}");
    repository.replace(rendered, "api:1", "api:2");
    let report = Program::new().json(repository.path(), &["check", "--offline"], 0);
    let image = &report["environments"][0]["images"][0];
    assert_eq!((&image["before"], &image["to"]), (&"prod.example/api:1".into(), &"prod.example/api:2".into()));
    assert_eq!(image["locations"][0]["path"], rendered);
}

#[test]
fn a_command_renders_each_revision_and_is_never_run_offline() {
    let render = "    render: {command: [sh, -c, 'cat \"$0\"/rendered.txt', '{overlay}']}\n";
    let mut repository = Repository::with(&[
        ("promote-bot.yaml", &config(render)),
        (OVERLAY, REMOTE),
        ("overlays/production/rendered.txt", &deployment("prod.example/api:1")),
    ]);
    repository.replace(OVERLAY, "newTag: '1'", "newTag: '2'");
    repository.replace("overlays/production/rendered.txt", "api:1", "api:2");
    repository.commit("api 2");
    let at = |revision: &str| {
        let found = images(&repository, &["--rev", revision]);
        (found["images"].clone(), found["partial"].clone())
    };
    for (revision, image) in
        [("HEAD~1", "prod.example/api:1"), ("HEAD", "prod.example/api:2"), ("worktree", "prod.example/api:2")]
    {
        let (found, partial) = at(revision);
        assert_eq!((references(&found), partial), (vec![image], json!([])), "{revision}");
    }
    let report =
        Program::new().json(repository.path(), &["check", "--offline", "--base", "HEAD~1", "--head", "HEAD"], 1);
    assert!(findings(&report)[0].contains("remote base"), "{report:#}");
    repository.replace("promote-bot.yaml", "cat ", "echo to no avail >&2; exit 4; cat ");
    let found = images(&repository, &[]);
    let gap = found["partial"][1]["what"].as_str().unwrap();
    assert!(gap.contains("to no avail") && found["partial"][1]["reason"] == "render", "{found:#}");
}

#[test]
fn manifests_that_were_not_rendered_anew_prove_nothing() {
    let patched = format!(
        "{REMOTE}patches:\n- target: {{kind: Deployment}}\n  patch: '[{{\"op\": \"add\", \"path\": \"/x\", \"value\": \"1\"}}]'\n"
    );
    let repository = Repository::with(&[
        ("promote-bot.yaml", &config("    render: rendered/{name}\n")),
        (OVERLAY, &patched),
        ("rendered/production/all.yaml", &deployment("prod.example/api:1")),
    ]);
    repository.replace(OVERLAY, "images:", "# the images\nimages:");
    let report = Program::new().json(repository.path(), &["check", "--offline"], 0);
    assert_eq!(report["environments"][0]["findings"], json!([]), "a comment renders nothing else");
    repository.replace(OVERLAY, "\"1\"}]", "\"2\"}]");
    let report = Program::new().json(repository.path(), &["check", "--offline"], 1);
    assert!(findings(&report)[0].contains("its rendered manifests did not"), "{report:#}");
    repository.replace("rendered/production/all.yaml", "name: api}", "name: api, labels: {x: '2'}}");
    Program::new().json(repository.path(), &["check", "--offline"], 0);
}

#[test]
fn a_login_in_a_url_is_shown_nowhere() {
    let remote = REMOTE.replace("https://", "https://user:s3cr3t@");
    let repository = Repository::with(&[("promote-bot.yaml", &config(""))]);
    repository.write(&[(OVERLAY, remote.as_str())]);
    let run = Program::new().run(repository.path(), &["check", "--offline"]).expect(1);
    assert!(run.stdout.contains("github.com/o/r") && !run.stdout.contains("s3cr3t"), "{}", run.stdout);
    assert!(!run.stderr.contains("s3cr3t"), "{}", run.stderr);
}
