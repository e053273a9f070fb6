//! Helm values as overlays: what they run, which line says so, and a changed tag as a change.

use serde_json::{Value, json};

use crate::support::{Program, Repository};

const CONFIG: &str = "\
version: 1
fields:
- {kind: Database, group: db.example, path: 'spec.replicas[].engine'}
environments:
  dev:
    registry: dev.example
    helm:
    - {values: 'charts/*/values-dev.yaml', chart: 'charts/*'}
  production:
    registry: prod.example/team
    from: dev
    overlays: overlays/production
    helm:
    - values: [charts/production.yaml, 'charts/*/values-production.yaml']
      chart: charts/*
";

fn charts() -> Repository {
    Repository::with(&[
        ("promote-bot.yaml", CONFIG),
        ("charts/production.yaml", "image:\n  registry: prod.example\n"),
        ("charts/api/Chart.yaml", "apiVersion: v2\nname: api\nappVersion: 1.0.0\n"),
        ("charts/api/values.yaml", "image:\n  registry: dev.example\n  repository: team/api\n  tag: \"\"\n"),
        ("charts/api/values-dev.yaml", "image: {tag: 1.1.0}\n"),
        ("charts/api/values-production.yaml", "replicas: 2\nimage:\n  tag: 1.0.0 # runs\n"),
        ("charts/web/Chart.yaml", "apiVersion: v2\nname: web\nappVersion: 7.1.0\n"),
        ("charts/web/values-production.yaml", "image: {repository: team/web}\n"),
        (
            "overlays/production/d.yaml",
            "apiVersion: db.example/v1\nkind: Database\nspec: {replicas: [{engine: 'prod.example/team/db:1'}]}\n",
        ),
    ])
}

fn lines(repository: &Repository, arguments: &[&str]) -> Vec<Value> {
    let run = Program::new().run(repository.path(), &[&["images", "-f", "json"], arguments].concat()).expect(0);
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_set_is_an_overlay_of_its_own() {
    let found = lines(&charts(), &["-e", "production"]);
    let shown: Vec<Value> =
        found.iter().map(|line| json!([line["overlay"], line["helm"][0]["image"], line["environment"]])).collect();
    assert_eq!(
        json!(shown),
        json!([
            ["overlays/production", null, "production"],
            ["charts/api/values-production.yaml", "prod.example/team/api:1.0.0", "production"],
            ["charts/web/values-production.yaml", "prod.example/team/web:7.1.0", "production"],
        ])
    );
    let api = &found[1]["helm"][0]["uses"][0];
    assert_eq!(
        json!([api["field"], api["path"], api["line"]]),
        json!(["image", "charts/api/values-production.yaml", 3])
    );
    assert_eq!(found[2]["helm"][0]["uses"][0]["path"], "charts/web/Chart.yaml");
    assert_eq!(lines(&charts(), &["charts/api/values-production.yaml"])[0], found[1]);
}

#[test]
fn configured_fields_are_a_class_of_their_own() {
    let found = &lines(&charts(), &["overlays/production"])[0];
    assert_eq!(found["configured"][0]["image"], "prod.example/team/db:1");
    assert_eq!(found["configured"][0]["uses"][0]["field"], "spec.replicas[0].engine");
    assert_eq!((&found["images"], &found["fields"], &found["helm"]), (&json!([]), &json!([]), &json!([])));
}

#[test]
fn a_changed_tag_is_a_change_with_its_line() {
    let repository = charts();
    repository.replace("charts/api/values-production.yaml", "1.0.0", "1.1.0");
    let report = Program::new().json(repository.path(), &["check", "--offline"], 0);
    let images = report["environments"][1]["images"].as_array().unwrap();
    let changed: Vec<&Value> = images.iter().filter(|image| image["kind"] != "unchanged").collect();
    assert_eq!(changed.len(), 1, "{report:#}");
    assert_eq!(changed[0]["before"], "prod.example/team/api:1.0.0");
    assert_eq!(changed[0]["to"], "prod.example/team/api:1.1.0");
    let place = json!([{"path": "charts/api/values-production.yaml", "line": 3, "column": 8}]);
    assert_eq!(changed[0]["locations"], place);
}

#[test]
fn a_configured_field_that_changes_is_a_change_too() {
    let repository = charts();
    repository.replace("overlays/production/d.yaml", "db:1", "db:2");
    let report = Program::new().json(repository.path(), &["check", "--offline"], 0);
    let images = report["environments"][1]["images"].to_string();
    assert!(images.contains("prod.example/team/db:2"), "{report:#}");
}

#[test]
fn a_tag_that_only_the_chart_knows_is_said_and_not_guessed() {
    let repository = charts();
    repository.replace("charts/web/Chart.yaml", "appVersion: 7.1.0\n", "");
    let report = Program::new().json(repository.path(), &["check", "--offline"], 1);
    let finding = &report["environments"][1]["findings"][0];
    assert!(finding["message"].as_str().unwrap().contains("whose tag only the chart knows"), "{finding:#}");
    assert_eq!(finding["location"]["path"], "charts/web/values-production.yaml");
}

#[test]
fn a_fault_in_values_is_told_with_line_and_column() {
    let repository = charts();
    repository.write(&[("charts/api/values-production.yaml", "image: {tag: a}\nimage: {tag: b}\n")]);
    let report = Program::new().json(repository.path(), &["check", "--offline"], 1);
    let finding = &report["environments"][1]["findings"][0];
    assert!(finding["message"].as_str().unwrap().contains("`image` is given twice"), "{finding:#}");
    assert_eq!(finding["location"], json!({"path": "charts/api/values-production.yaml", "line": 2, "column": 8}));
}

#[test]
fn explain_tells_the_layers_a_reference_came_through() {
    let run = Program::new().run(charts().path(), &["explain", "production/team/api"]).expect(0);
    insta::assert_snapshot!(run.stdout, @r"
    prod.example/team/api:1.0.0
      overlay      charts/api/values-production.yaml
      field        image
      name from    charts/production.yaml:2:13
      tag from     charts/api/values-production.yaml:3:8
      decided by
        charts/api/Chart.yaml:3:13             values      dev.example/team/api:1.0.0
        charts/production.yaml:2:13            values      prod.example/team/api:1.0.0
        charts/api/values-production.yaml:3:8  values      prod.example/team/api:1.0.0
      rules        none: no policy is named for this environment
    ");
}
