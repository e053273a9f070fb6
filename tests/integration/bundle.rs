//! Images that travel by disk: an environment whose registry is a directory, filled on one side and read on the other.

use promote_bot::domain::Digest;

use crate::support::{Stage, index};

/// `dev` and `production` as the stage has them, with a directory between them.
fn config(stage: &Stage) -> String {
    let (dev, production) = (stage.dev.host(), stage.production.host());
    format!(
        "version: 1\nenvironments:\n  dev:\n    overlays: '*/overlays/dev'\n    registry: {dev}\n  bundle:\n    \
         overlays: '*/overlays/production'\n    registry: oci:bundle\n    names: {production}/team\n    from: dev\n  production:\n    \
         overlays: '*/overlays/production'\n    registry: {production}/team\n    from: bundle\n"
    )
}

#[test]
fn an_image_travels_by_disk_to_a_registry_that_never_sees_the_other() {
    let mut stage = Stage::new();
    stage.repository.write(&[("promote-bot.yaml", &config(&stage)), (".gitignore", "bundle\n")]);
    let image = index("api 1.1.0", &[b"shared".to_vec()]);
    stage.seed("api", "1.1.0", &image);
    stage.seed_small("web", "1.2.0");
    stage.bump("api", "1.1.0");
    stage.bump("web", "1.2.0");
    stage.repository.commit("api 1.1.0, web 1.2.0");
    let path = stage.repository.path().to_owned();
    let name = format!("{}/team/api", stage.production.host());

    let report = stage.program.json(&path, &["promote", "-e", "bundle"], 0);
    let entry = Stage::image(&report, "bundle", &name);
    assert_eq!((&entry["state"], &entry["digest"]), (&"copied".into(), &image.digest().to_string().into()));
    assert_eq!(entry["to"], format!("oci:./bundle/{name}:1.1.0"));
    assert_eq!(entry["from"], format!("{}/api:1.1.0", stage.dev.host()));
    let index: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path.join("bundle/index.json")).unwrap()).unwrap();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 2, "only what is new: {index:#}");

    // The other side: the first registry is gone.
    drop(stage.dev);
    let report = stage.program.json(&path, &["check", "-e", "production"], 0);
    assert_eq!(Stage::image(&report, "production", "team/api")["state"], "missing");
    let run = stage.program.run(&path, &["promote", "-e", "production"]).expect(0);
    assert!(run.stdout.contains("promoted"), "{}", run.stdout);
    let there = crate::support::raw(&format!("{name}:1.1.0")).unwrap();
    assert_eq!((Digest::of(&there), &there), (image.digest(), &image.manifest));
    let report = stage.program.json(&path, &["promote", "-e", "production"], 0);
    assert_eq!(report["result"], "noop");
}

#[test]
fn a_mirror_takes_every_image_from_where_it_is() {
    let mut stage = Stage::new();
    let dev = stage.dev.host().to_owned();
    let config = "version: 1\nenvironments:\n  mirror:\n    overlays: '*/overlays/dev'\n    registry: oci:mirror\n";
    stage.repository.write(&[("promote-bot.yaml", config), (".gitignore", "mirror\n")]);
    let digest = stage.seed_small("api", "1.1.0");
    stage.repository.replace("api/overlays/dev/patch-image.yaml", ":1.0.0", ":1.1.0");
    stage.repository.commit("api 1.1.0 in dev");
    let report = stage.program.json(stage.repository.path(), &["promote"], 0);
    let entry = Stage::image(&report, "mirror", &format!("{dev}/api"));
    assert_eq!((&entry["state"], &entry["digest"]), (&"copied".into(), &digest.to_string().into()));
    assert!(stage.repository.path().join("mirror/blobs/sha256").join(digest.hex()).exists());
}
