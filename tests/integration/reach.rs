//! Only what a change can reach is read: through bases, components and links, and on every kind of head.

use crate::support::{Program, Repository};

const CONFIG: &str = "version: 1
environments:
  production:
    overlays: 'apps/*/overlays/production'
    registry: prod.example
";

fn deployment(image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: api}}\nspec:\n  template:\n    spec:\n      containers:\n      \
         - {{name: api, image: '{image}'}}\n"
    )
}

/// Two apps on one base, a third on its own, a fourth that nothing can resolve.
fn repository() -> Repository {
    let overlay = "resources: [../../../../base]\nimages: [{name: api, newName: prod.example/api, newTag: '1'}]\n";
    let own = "resources: [d.yaml]\n";
    Repository::with(&[
        ("promote-bot.yaml", CONFIG),
        ("base/kustomization.yaml", "resources: [d.yaml]\ncomponents: [../sidecar]\n"),
        ("base/d.yaml", &deployment("api:0")),
        (
            "sidecar/kustomization.yaml",
            "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nresources: [s.yaml]\n",
        ),
        ("sidecar/s.yaml", &deployment("prod.example/sidecar:1").replace("name: api}", "name: sidecar}")),
        ("apps/one/overlays/production/kustomization.yaml", overlay),
        ("apps/two/overlays/production/kustomization.yaml", overlay),
        ("apps/own/overlays/production/kustomization.yaml", own),
        ("apps/own/overlays/production/d.yaml", &deployment("prod.example/own:1")),
        ("apps/broken/overlays/production/kustomization.yaml", "resource: [none]\n"),
        ("apps/loose/overlays/production/patch-image.yaml", &deployment("prod.example/loose:1")),
    ])
}

fn images(repository: &Repository, arguments: &[&str]) -> Vec<(String, String)> {
    let report = Program::new().json(repository.path(), &[&["check", "--offline"], arguments].concat(), 0);
    let production = &report["environments"][0];
    assert_eq!(production["findings"], serde_json::json!([]));
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    production["images"].as_array().unwrap().iter().map(|image| (word(&image["name"]), word(&image["kind"]))).collect()
}

fn pair(name: &str, kind: &str) -> (String, String) {
    (name.to_owned(), kind.to_owned())
}

#[test]
fn what_a_change_cannot_reach_is_not_read_even_if_it_is_broken() {
    let repository = repository();
    repository.replace("apps/own/overlays/production/d.yaml", "own:1", "own:2");
    assert_eq!(images(&repository, &[]), [pair("own", "changed")]);
}

#[test]
fn a_component_of_a_base_reaches_every_overlay_on_it() {
    let mut repository = repository();
    repository.replace("sidecar/s.yaml", "sidecar:1", "sidecar:2");
    let expected = [pair("sidecar", "changed"), pair("api", "unchanged")];
    assert_eq!(images(&repository, &[]), expected);
    repository.git(&["add", "--all"]);
    assert_eq!(images(&repository, &["--head", "index"]), expected);
    repository.commit("sidecar 2");
    assert_eq!(images(&repository, &["--base", "HEAD~1", "--head", "HEAD"]), expected);
}

#[test]
fn a_new_file_counts_for_what_looked_for_it() {
    let repository = repository();
    repository.write(&[
        ("apps/new/overlays/production/d.yaml", &deployment("prod.example/new:1")),
        ("apps/loose/overlays/production/second.yaml", &deployment("prod.example/second:1")),
    ]);
    assert_eq!(images(&repository, &[]), [pair("new", "added"), pair("second", "added"), pair("loose", "unchanged")]);
}

#[test]
fn a_remote_base_that_moves_is_said_with_both_revisions() {
    let repository = repository();
    let path = "apps/own/overlays/production/kustomization.yaml";
    let with = |revision: &str| format!("resources: [d.yaml, 'https://github.com/o/r//base?ref={revision}']\n");
    let mut repository = {
        repository.write(&[(path, with("v1").as_str())]);
        repository
    };
    repository.commit("remote base");
    repository.write(&[(path, with("v2").as_str())]);
    let report = Program::new().json(repository.path(), &["check", "--offline"], 1);
    let findings = report["environments"][0]["findings"].as_array().unwrap();
    let message = findings[0]["message"].as_str().unwrap();
    assert!(message.contains("?ref=v2, moved from https://github.com/o/r//base?ref=v1"), "{message}");
    assert_eq!(findings[0]["location"]["line"], 1);
}
