//! `promote`: exactly the new images, digests unchanged, proved; a second run does nothing.

use promote_bot::domain::Digest;

use crate::support::{Stage, docker_list, index, push, raw, single};

#[test]
fn two_of_five_modules_are_promoted_and_the_others_left_alone() {
    let mut stage = Stage::new();
    for module in crate::support::MODULES {
        stage.seed_small(module, "1.0.0");
        stage.seed_small(module, "1.1.0");
    }
    let (api, web) = (stage.seed_small("api", "1.1.0"), stage.seed_small("web", "1.1.0"));
    stage.bump("api", "1.1.0");
    stage.bump("web", "1.1.0");
    stage.repository.commit("api and web 1.1.0");
    let report = stage.program.json(stage.repository.path(), &["promote"], 0);
    assert_eq!(Stage::image(&report, "production", "team/api")["state"], "copied");
    assert_eq!(report["stats"]["promoted"], 2);
    assert_eq!(stage.in_production("api", "1.1.0"), Some(api));
    assert_eq!(stage.in_production("web", "1.1.0"), Some(web));
    for module in ["worker", "mailer", "search"] {
        assert_eq!(stage.in_production(module, "1.0.0"), None, "{module}");
        assert_eq!(stage.in_production(module, "1.1.0"), None, "{module}");
    }
    let again = stage.program.json(stage.repository.path(), &["promote"], 0);
    assert_eq!((&again["result"], &again["stats"]["promoted"]), (&"noop".into(), &0.into()));
    assert_eq!(again["stats"]["bytes_copied"], 0);
    let run = stage.program.run(stage.repository.path(), &["promote"]).expect(0);
    assert!(run.stdout.contains("nothing to do"), "{}", run.stdout);
}

#[test]
fn an_index_arrives_whole_with_its_attestations() {
    let stage = Stage::new();
    let image = index("api 1.1.0", &[b"shared".to_vec()]);
    stage.seed("api", "1.1.0", &image);
    stage.bump("api", "1.1.0");
    let report = stage.program.json(stage.repository.path(), &["promote"], 0);
    let entry = Stage::image(&report, "production", "team/api");
    assert_eq!(entry["digest"], image.digest().to_string());
    assert_eq!(entry["platforms"], serde_json::json!(["linux/amd64", "linux/arm64"]));
    assert_eq!(raw(&stage.production_image("api", "1.1.0")).unwrap(), image.manifest);
    let repository = format!("{}/team/api", stage.production.host());
    let children = serde_json::from_slice::<serde_json::Value>(&image.manifest).unwrap();
    let children: Vec<&str> =
        children["manifests"].as_array().unwrap().iter().map(|m| m["digest"].as_str().unwrap()).collect();
    assert_eq!(children.len(), 4);
    for child in children {
        let manifest = raw(&format!("{repository}@{child}")).expect("a child is missing");
        assert_eq!(Digest::of(&manifest).to_string(), child);
    }
}

#[test]
fn docker_media_types_stay_what_they_are() {
    let stage = Stage::new();
    let image = docker_list("api 1.1.0");
    stage.seed("api", "1.1.0", &image);
    stage.bump("api", "1.1.0");
    stage.program.json(stage.repository.path(), &["promote"], 0);
    assert_eq!(raw(&stage.production_image("api", "1.1.0")).unwrap(), image.manifest);
}

#[test]
fn references_by_digest_and_by_tag_and_digest_are_promoted() {
    let stage = Stage::new();
    let (api, web) = (stage.seed_small("api", "1.1.0"), stage.seed_small("web", "1.1.0"));
    stage.repository.replace("api/overlays/production/patch-image.yaml", ":1.0.0", &format!("@{api}"));
    stage.bump("web", &format!("1.1.0@{web}"));
    let report = stage.program.json(stage.repository.path(), &["promote"], 0);
    assert_eq!(report["stats"]["promoted"], 2);
    let host = stage.production.host();
    assert_eq!(Digest::of(&raw(&format!("{host}/team/api@{api}")).unwrap()), api);
    assert_eq!(stage.in_production("api", "1.1.0"), None);
    assert_eq!(stage.in_production("web", "1.1.0"), Some(web));
}

#[test]
fn a_missing_source_stops_neither_of_the_other_two() {
    let stage = Stage::new();
    let (api, worker) = (stage.seed_small("api", "1.1.0"), stage.seed_small("worker", "1.1.0"));
    for module in ["api", "web", "worker"] {
        stage.bump(module, "1.1.0");
    }
    let run = stage.program.run(stage.repository.path(), &["promote"]).expect(1);
    assert!(run.stdout.contains("missing-source") && run.stdout.contains("team/web:1.1.0"), "{}", run.stdout);
    assert_eq!(stage.in_production("api", "1.1.0"), Some(api));
    assert_eq!(stage.in_production("worker", "1.1.0"), Some(worker));
    let report = stage.program.json(stage.repository.path(), &["promote"], 1);
    assert_eq!(Stage::image(&report, "production", "team/web")["state"], "no-source");
    assert_eq!(Stage::image(&report, "production", "team/api")["state"], "present");
}

#[test]
fn a_tag_that_moved_between_check_and_promote_is_resolved_anew_and_said() {
    let stage = Stage::new();
    let first = stage.seed_small("api", "1.1.0");
    stage.bump("api", "1.1.0");
    let checked = stage.program.json(stage.repository.path(), &["check"], 0);
    assert_eq!(Stage::image(&checked, "production", "team/api")["digest"], first.to_string());
    let second = stage.seed("api", "1.1.0", &single("api 1.1.0, built again", &[]));
    let promoted = stage.program.json(stage.repository.path(), &["promote"], 0);
    assert_eq!(Stage::image(&promoted, "production", "team/api")["digest"], second.to_string());
    assert_eq!(stage.in_production("api", "1.1.0").as_ref(), Some(&second));
    // And when it moves once more, what production has stays, and the difference is a conflict.
    stage.seed("api", "1.1.0", &single("api 1.1.0, a third time", &[]));
    stage.program.json(stage.repository.path(), &["promote"], 1);
    assert_eq!(stage.in_production("api", "1.1.0"), Some(second));
}

#[test]
fn a_dry_run_stops_before_the_first_write() {
    let stage = Stage::new();
    stage.seed_small("api", "1.1.0");
    stage.bump("api", "1.1.0");
    let report = stage.program.json(stage.repository.path(), &["promote", "--dry-run"], 0);
    assert_eq!(Stage::image(&report, "production", "team/api")["state"], "missing");
    assert_eq!(stage.in_production("api", "1.1.0"), None);
}

#[test]
fn a_denied_image_is_not_copied_and_the_others_are() {
    let stage = Stage::new();
    let api = stage.seed_small("api", "1.1.0");
    stage.seed_small("web", "latest");
    let policy = "version: 1\npolicy: production\nrules: {tag: {forbid: [latest]}}\n";
    stage.repository.write(&[("policies/production.yaml", policy)]);
    stage.repository.replace(
        "promote-bot.yaml",
        "    from: dev\n",
        "    from: dev\n    policy: policies/production.yaml\n",
    );
    stage.bump("api", "1.1.0");
    stage.bump("web", "latest");
    let report = stage.program.json(stage.repository.path(), &["promote"], 1);
    let finding = &report["environments"][1]["findings"][0];
    assert_eq!((&finding["rule"], &finding["image"]), (&"production/tag".into(), &"team/web".into()));
    let line = format!("          image: {}", stage.production_image("web", ""));
    assert_eq!(finding["location"]["line"], 11);
    assert_eq!(finding["location"]["column"], line.len() + 1);
    assert_eq!(stage.in_production("api", "1.1.0"), Some(api));
    assert_eq!(stage.in_production("web", "latest"), None);
}

#[test]
fn inside_one_registry_layers_are_mounted() {
    let stage = Stage::new();
    let host = stage.dev.host();
    let config =
        crate::support::config(host, host).replace(&format!("registry: {host}\n"), &format!("registry: {host}/dev\n"));
    stage.repository.write(&[("promote-bot.yaml", &config)]);
    let path = "api/overlays/production/patch-image.yaml";
    stage.repository.replace(path, stage.production.host(), host);
    stage.bump("api", "1.1.0");
    let image = single("api 1.1.0", &[vec![7; 100_000]]);
    push(&image, &format!("{host}/dev/api:1.1.0"));
    let report = stage.program.json(stage.repository.path(), &["promote"], 0);
    let entry = Stage::image(&report, "production", "team/api");
    assert_eq!(entry["state"], "copied");
    assert!(entry["bytes_copied"].as_u64().unwrap() < 10_000, "{entry:#}");
    assert_eq!(crate::support::digest_of(&format!("{host}/team/api:1.1.0")), Some(image.digest()));
}

#[test]
fn an_image_may_pass_two_environments_in_one_change() {
    let stage = Stage::new();
    let api = stage.seed_small("api", "1.1.0");
    let (dev, production) = (stage.dev.host(), stage.production.host());
    let config = format!(
        "version: 1\nenvironments:\n  dev: {{overlays: '*/overlays/dev', registry: {dev}}}\n  staging:\n    \
         overlays: '*/overlays/staging'\n    registry: {production}/staging\n    from: dev\n  production:\n    \
         overlays: '*/overlays/production'\n    registry: {production}/team\n    from: staging\n"
    );
    stage.repository.write(&[
        ("promote-bot.yaml", &config),
        (
            "api/overlays/staging/patch-image.yaml",
            &crate::support::patch_image("api", &format!("{production}/staging/api:1.1.0")),
        ),
    ]);
    stage.bump("api", "1.1.0");
    let report = stage.program.json(stage.repository.path(), &["promote"], 0);
    assert_eq!(report["stats"]["promoted"], 2);
    assert_eq!(stage.in_production("api", "1.1.0"), Some(api));
}

#[test]
fn what_staging_may_not_have_production_does_not_get() {
    let stage = Stage::new();
    stage.seed_small("api", "latest");
    let (dev, production) = (stage.dev.host(), stage.production.host());
    let config = format!(
        "version: 1\nenvironments:\n  dev: {{overlays: '*/overlays/dev', registry: {dev}}}\n  staging:\n    \
         overlays: '*/overlays/staging'\n    registry: {production}/staging\n    from: dev\n    policy: builtin:baseline\n  \
         production:\n    overlays: '*/overlays/production'\n    registry: {production}/team\n    from: staging\n"
    );
    let staging = crate::support::patch_image("api", &format!("{production}/staging/api:latest"));
    stage.repository.write(&[("promote-bot.yaml", &config), ("api/overlays/staging/patch-image.yaml", &staging)]);
    stage.bump("api", "latest");
    let report = stage.program.json(stage.repository.path(), &["promote"], 1);
    assert_eq!(report["environments"][2]["result"], "failure");
    assert_eq!(report["environments"][2]["findings"][0]["rule"], "source-refused");
    assert_eq!(report["stats"]["to_promote"], 0);
    assert_eq!(stage.in_production("api", "latest"), None);
}

#[test]
fn a_digest_that_nobody_has_is_not_taken_for_what_its_tag_holds() {
    let stage = Stage::new();
    let there = single("api, built by somebody else", &[]);
    push(&there, &stage.production_image("api", "1.1.0"));
    let wanted = Digest::of(b"an image that is nowhere");
    stage.bump("api", &format!("1.1.0@{wanted}"));
    for command in ["check", "promote"] {
        let report = stage.program.json(stage.repository.path(), &[command], 1);
        assert_eq!(Stage::image(&report, "production", "team/api")["state"], "conflict");
    }
}

#[test]
fn many_tags_of_one_image_go_to_one_repository_at_once() {
    let stage = Stage::new();
    let image = index("api", &[]);
    let tags: Vec<String> = (1..=12).map(|number| format!("2.{number}.0")).collect();
    let mut documents = String::new();
    for tag in &tags {
        stage.seed("api", tag, &image);
        documents += &format!(
            "---\n{}",
            crate::support::patch_image(&format!("api-{tag}"), &stage.production_image("api", tag))
        );
    }
    stage.repository.write(&[("api/overlays/production/patch-image.yaml", documents.as_str())]);
    // Two runs at once, as two pull requests have them; the registry takes one manifest at a time.
    let other = stage.program.start(stage.repository.path(), &["promote", "-j", "12"]);
    stage.program.run(stage.repository.path(), &["promote", "-j", "12"]).expect(0);
    crate::support::Run::of(other.wait_with_output().unwrap()).expect(0);
    for tag in &tags {
        assert_eq!(stage.in_production("api", tag), Some(image.digest()), "{tag}");
    }
}

#[test]
fn only_the_platforms_that_are_wanted_are_copied_where_a_new_index_is_accepted() {
    let mut stage = Stage::new();
    let image = index("api 1.1.0", &[b"shared".to_vec()]);
    stage.seed("api", "1.1.0", &image);
    stage.bump("api", "1.1.0");
    let config = crate::support::config(stage.dev.host(), stage.production.host());
    stage.repository.write(&[("promote-bot.yaml", &format!("{config}    platforms: linux/amd64\n"))]);
    let refused = stage.program.run(stage.repository.path(), &["check"]).expect(2);
    assert!(refused.stderr.contains("accept that with `rewrite_index: true`"), "{}", refused.stderr);
    let accepted = format!("{config}    platforms: linux/amd64\n    rewrite_index: true\n");
    stage.repository.write(&[("promote-bot.yaml", &accepted)]);
    stage.repository.commit("api 1.1.0, amd64 only");
    let report = stage.program.json(stage.repository.path(), &["promote"], 0);
    let entry = Stage::image(&report, "production", "team/api");
    assert_eq!((&entry["state"], &entry["platforms"]), (&"copied".into(), &serde_json::json!(["linux/amd64"])));
    let there = raw(&stage.production_image("api", "1.1.0")).unwrap();
    assert_eq!(entry["digest"], Digest::of(&there).to_string());
    let children = serde_json::from_slice::<serde_json::Value>(&there).unwrap();
    let whole = serde_json::from_slice::<serde_json::Value>(&image.manifest).unwrap();
    let left = children["manifests"].as_array().unwrap();
    assert_eq!((left.len(), &left[0]), (2, &whole["manifests"][0]), "the image and its attestation: {left:?}");
    let findings = report["environments"][1]["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["rule"] == "platforms-left-out" && finding["severity"] == "note"));
    let again = stage.program.json(stage.repository.path(), &["promote"], 0);
    assert_eq!(again["result"], "noop");
}
