//! Where an image comes from: every text that had a say, base to last word.

use crate::support::{Program, Repository};

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  template:
    spec:
      containers:
        - name: api
          image: api:0.1
";

#[test]
fn the_whole_chain_is_told_base_to_last_word() {
    let patch = DEPLOYMENT.replace("api:0.1", "api:0.2");
    let repository = Repository::with(&[
        (
            "promote-bot.yaml",
            "version: 1\nenvironments: {production: {overlays: overlays/production, registry: prod.example}}\n",
        ),
        ("base/kustomization.yaml", "resources: [d.yaml]\n"),
        ("base/d.yaml", DEPLOYMENT),
        ("middle/kustomization.yaml", "resources: [../base]\npatches: [{path: p.yaml}]\n"),
        ("middle/p.yaml", &patch),
        (
            "overlays/production/kustomization.yaml",
            "resources: [../../middle]
patches:
- target: {kind: Deployment}
  patch: '[{\"op\": \"replace\", \"path\": \"/spec/template/spec/containers/0/image\", \"value\": \"api:0.3\"}]'
images:
- name: api
  newName: prod.example/team/api
  newTag: 1.4.2
",
        ),
    ]);
    let run = Program::new().run(repository.path(), &["explain", "production/team/api"]).expect(0);
    insta::assert_snapshot!(run.stdout, @"
    prod.example/team/api:1.4.2
      overlay      overlays/production
      used by      Deployment/api, container api
      field        spec.template.spec.containers[0].image
      name from    overlays/production/kustomization.yaml:7:12
      tag from     overlays/production/kustomization.yaml:8:11
      decided by
        base/d.yaml:10:18                            manifest    api:0.1
        middle/p.yaml:10:18                          patch       api:0.2
        overlays/production/kustomization.yaml:4:90  JSON patch  api:0.3
        overlays/production/kustomization.yaml:8:11  images      prod.example/team/api:1.4.2
      rules        none: no policy is named for this environment
    ");
}
