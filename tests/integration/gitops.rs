//! Images that Argo CD and Flux set: declared, counted, and never among what kustomize renders.

use serde_json::{Value, json};

use crate::support::{Program, Repository, patch_image};

const CONFIG: &str = "\
version: 1
environments:
  production: {overlays: overlays/production, registry: prod.example}
";

const FLUX: &str = "\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps}
spec:
  path: ./apps
  images:
  - name: api
    newName: prod.example/api
    newTag: 1.0.0
  patches:
  - patch: |
      - op: replace
        path: /spec/template/spec/containers/0/image
        value: prod.example/worker:1.0.0
";

fn kustomized() -> Repository {
    Repository::with(&[
        ("promote-bot.yaml", CONFIG),
        ("base/kustomization.yaml", "resources: [d.yaml]\n"),
        ("base/d.yaml", &patch_image("api", "api")),
        (
            "overlays/production/kustomization.yaml",
            "resources: [../../base]\nimages:\n- {name: api, newName: prod.example/api, newTag: 1.0.0}\n",
        ),
        ("overlays/production/.argocd-source.yaml", "kustomize:\n  images:\n  - api=prod.example/api:1.1.0\n"),
    ])
}

fn line(repository: &Repository) -> Value {
    let run = Program::new().run(repository.path(), &["images", "overlays/production", "-f", "json"]).expect(0);
    serde_json::from_str(&run.stdout).unwrap()
}

fn changed(repository: &Repository) -> Vec<Value> {
    let report = Program::new().json(repository.path(), &["check", "--offline"], 0);
    let images = report["environments"][0]["images"].as_array().unwrap().clone();
    let is_changed = |image: &Value| image["kind"] != "unchanged";
    images
        .into_iter()
        .filter(is_changed)
        .map(|image| json!([image["before"], image["to"], image["locations"]]))
        .collect()
}

#[test]
fn what_flux_will_set_is_declared_and_changes_at_its_line() {
    let repository = Repository::with(&[("promote-bot.yaml", CONFIG), ("overlays/production/apps.yaml", FLUX)]);
    let found = line(&repository);
    let declared: Vec<&Value> = found["declared"].as_array().unwrap().iter().map(|image| &image["image"]).collect();
    assert_eq!(declared, ["prod.example/api:1.0.0", "prod.example/worker:1.0.0"]);
    assert_eq!((&found["images"], &found["fields"], &found["helm"]), (&json!([]), &json!([]), &json!([])));
    repository.replace("overlays/production/apps.yaml", "worker:1.0.0", "worker:1.1.0");
    let place = json!([{"path": "overlays/production/apps.yaml", "line": 14, "column": 16}]);
    assert_eq!(changed(&repository), [json!(["prod.example/worker:1.0.0", "prod.example/worker:1.1.0", place])]);
}

#[test]
fn argocd_source_files_take_the_place_of_the_overlays_images() {
    let repository = kustomized();
    let found = line(&repository);
    assert_eq!(found["images"][0]["image"], "prod.example/api:1.0.0");
    let declared = &found["declared"][0];
    assert_eq!(declared["image"], "prod.example/api:1.1.0");
    let image_use = &declared["uses"][0];
    assert_eq!(
        json!([image_use["kind"], image_use["container"], image_use["path"], image_use["line"], image_use["column"]]),
        json!(["Deployment", "api", "overlays/production/.argocd-source.yaml", 3, 26])
    );
    // What the kustomization says is not what runs, and so no change of what runs.
    repository.replace("overlays/production/kustomization.yaml", "1.0.0", "0.9.0");
    assert_eq!(changed(&repository), [] as [Value; 0]);
    repository.replace("overlays/production/.argocd-source.yaml", "1.1.0", "1.2.0");
    let place = json!([{"path": "overlays/production/.argocd-source.yaml", "line": 3, "column": 26}]);
    assert_eq!(changed(&repository), [json!(["prod.example/api:1.1.0", "prod.example/api:1.2.0", place])]);
}

#[test]
fn a_tag_for_an_image_nobody_names_is_said() {
    let application = "\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: api}
spec:
  source:
    chart: api
    helm:
      parameters:
      - {name: image.tag, value: 1.0.0}
";
    let repository = Repository::with(&[("promote-bot.yaml", CONFIG), ("overlays/production/app.yaml", application)]);
    let found = line(&repository);
    assert_eq!(
        found["partial"],
        json!([{
            "reason": "declared-name", "what": "image is given 1.0.0, and its name is left to the chart api",
            "path": "overlays/production/app.yaml", "line": 9,
        }])
    );
    repository.replace(
        "overlays/production/app.yaml",
        "      - {name: image.tag, value: 1.0.0}\n",
        "      - {name: image.tag, value: 1.0.1}\n      - {name: image.repository, value: prod.example/api}\n",
    );
    assert_eq!(line(&repository)["declared"][0]["image"], "prod.example/api:1.0.1");
}

#[test]
fn a_version_whose_image_only_the_chart_knows_is_refused_when_it_changes_and_noted_while_it_stays() {
    let release = "\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web}
spec:
  chart: {spec: {chart: web, version: 1.0.0}}
  values: {image: {tag: '1.0'}, other: x}
";
    let path = "overlays/production/web.yaml";
    let repository = Repository::with(&[("promote-bot.yaml", CONFIG), (path, release)]);
    let finding = |exit| {
        let report = Program::new().json(repository.path(), &["check", "--offline"], exit);
        let found = &report["environments"][0]["findings"][0];
        json!([found["severity"], found["message"], found["location"]["line"]])
    };
    let message = |tag: &str, chart: &str, end: &str| {
        format!(
            "settings name an image without its repository, so not every image is known: image is given {tag}, and its name is \
             left to the chart web {chart}{end}"
        )
    };
    repository.replace(path, "other: x", "other: y");
    assert_eq!(finding(0), json!(["note", message("1.0", "1.0.0", ", as before this change"), 6]));
    repository.replace(path, "'1.0'", "'1.1'");
    assert_eq!(finding(1), json!(["error", message("1.1", "1.0.0", ""), 6]));
    repository.replace(path, "'1.1'", "'1.0'");
    repository.replace(path, "version: 1.0.0", "version: 2.0.0");
    assert_eq!(finding(1), json!(["error", message("1.0", "2.0.0", ""), 6]));
}

#[test]
fn an_image_in_parts_of_its_own_changes_as_a_whole() {
    let release = "\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: ingress}
spec:
  values:
    controller: {image: {registry: prod.example, image: ingress/controller, tag: v1}}
";
    let path = "overlays/production/ingress.yaml";
    let repository = Repository::with(&[("promote-bot.yaml", CONFIG), (path, release)]);
    repository.replace(path, "tag: v1", "tag: v2");
    let place = json!([{"path": path, "line": 6, "column": 82}]);
    let image = "prod.example/ingress/controller";
    assert_eq!(changed(&repository), [json!([format!("{image}:v1"), format!("{image}:v2"), place])]);
}
