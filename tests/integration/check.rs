//! `check`: what is new, whether it may go, and that nothing is written.

use serde_json::json;

use crate::support::{Stage, push, single};

#[test]
fn an_uncommitted_change_is_seen_with_its_place() {
    let stage = Stage::new();
    let digest = stage.seed_small("api", "1.1.0");
    stage.bump("api", "1.1.0");
    let report = stage.program.json(stage.repository.path(), &["check"], 0);
    let image = Stage::image(&report, "production", "team/api");
    assert_eq!(image["state"], "missing");
    assert_eq!(image["kind"], "changed");
    assert_eq!(image["digest"], digest.to_string());
    assert_eq!(image["before"], stage.production_image("api", "1.0.0"));
    assert_eq!(image["to"], stage.production_image("api", "1.1.0"));
    assert_eq!(image["from"], format!("{}/api:1.1.0", stage.dev.host()));
    assert_eq!(image["platforms"], json!(["linux/amd64"]));
    assert_eq!(
        image["locations"],
        json!([{"path": "api/overlays/production/patch-image.yaml", "line": 11, "column": 18}])
    );
    assert!(image["bytes"].as_u64().unwrap() > 0);
    assert_eq!(report["change"]["head"], "worktree");
    assert_eq!(report["change"]["why"], "merge base with main");
    assert_eq!(report["result"], "success");
    assert_eq!(report["stats"]["to_promote"], 1);
    assert_eq!(stage.in_production("api", "1.1.0"), None);
}

#[test]
fn a_staged_change_is_seen_by_head_index_alone() {
    let stage = Stage::new();
    stage.seed_small("api", "1.1.0");
    stage.seed_small("web", "1.1.0");
    stage.bump("api", "1.1.0");
    stage.repository.git(&["add", "--all"]);
    stage.bump("web", "1.1.0");
    let report = stage.program.json(stage.repository.path(), &["check", "--head", "index"], 0);
    assert_eq!(Stage::image(&report, "production", "team/api")["state"], "missing");
    assert_eq!(report["stats"]["changed"], 1, "web is not staged");
}

#[test]
fn a_change_without_images_is_a_noop() {
    let mut stage = Stage::new();
    stage.repository.write(&[("README.md", "words\n")]);
    stage.repository.commit("words");
    let report = stage.program.json(stage.repository.path(), &["check"], 0);
    assert_eq!(report["result"], "noop");
    assert_eq!(report["stats"]["changed"], 0);
}

#[test]
fn a_destination_tag_that_holds_another_digest_is_a_conflict_that_names_both() {
    let stage = Stage::new();
    let wanted = stage.seed_small("api", "1.1.0");
    let other = single("somebody else's", &[]);
    push(&other, &stage.production_image("api", "1.1.0"));
    stage.bump("api", "1.1.0");
    for command in ["check", "promote"] {
        let report = stage.program.json(stage.repository.path(), &[command], 1);
        assert_eq!(Stage::image(&report, "production", "team/api")["state"], "conflict");
        let finding = &report["environments"][1]["findings"][0];
        let message = finding["message"].as_str().unwrap();
        assert_eq!(finding["rule"], "destination-conflict");
        assert!(message.contains(&wanted.to_string()) && message.contains(&other.digest().to_string()), "{message}");
        assert!(finding["help"].as_str().unwrap().contains("new tag"));
    }
    assert_eq!(stage.in_production("api", "1.1.0"), Some(other.digest()));
}

#[test]
fn tag_and_digest_that_disagree_are_a_conflict() {
    let stage = Stage::new();
    let tagged = stage.seed_small("api", "1.1.0");
    let other = stage.seed_small("api", "1.2.0");
    stage.bump("api", &format!("1.1.0@{other}"));
    let report = stage.program.json(stage.repository.path(), &["check"], 1);
    let finding = &report["environments"][1]["findings"][0];
    assert_eq!(finding["rule"], "tag-digest-mismatch");
    let message = finding["message"].as_str().unwrap();
    assert!(message.contains(&tagged.to_string()) && message.contains(&other.to_string()), "{message}");
}

#[test]
fn an_external_image_is_shown_and_never_asked_for() {
    let stage = Stage::new();
    stage.repository.replace(
        "api/overlays/production/patch-image.yaml",
        &stage.production_image("api", "1.0.0"),
        "registry.invalid/other/nginx:1",
    );
    let report = stage.program.json(stage.repository.path(), &["check"], 0);
    let image = Stage::image(&report, "production", "other/nginx");
    assert_eq!((&image["state"], &image["from"]), (&json!("external"), &json!(null)));
}

#[test]
fn a_first_environment_must_have_its_image_already() {
    let stage = Stage::new();
    stage.repository.replace("api/overlays/dev/patch-image.yaml", ":1.0.0", ":9.9.9");
    let report = stage.program.json(stage.repository.path(), &["check"], 1);
    assert_eq!(Stage::image(&report, "dev", "api")["state"], "no-source");
    stage.seed_small("api", "9.9.9");
    let report = stage.program.json(stage.repository.path(), &["check"], 0);
    assert_eq!(Stage::image(&report, "dev", "api")["state"], "present");
}

#[test]
fn the_range_may_be_given_and_empty_makes_everything_new() {
    let mut stage = Stage::new();
    stage.seed_small("api", "1.1.0");
    stage.bump("api", "1.1.0");
    let head = stage.repository.commit("api 1.1.0");
    let report = stage.program.json(stage.repository.path(), &["check", "--base", "HEAD~1", "--head", "HEAD"], 0);
    assert_eq!(report["change"]["head"], head);
    assert_eq!(report["stats"]["changed"], 1);
    let report =
        stage.program.json(stage.repository.path(), &["check", "--offline", "--base", "empty", "-e", "production"], 0);
    assert_eq!(report["stats"]["changed"], 5);
    assert_eq!(Stage::image(&report, "production", "team/api")["kind"], "added");
}

#[test]
fn an_all_zero_base_is_the_merge_base_with_the_default_branch() {
    let mut stage = Stage::new();
    stage.seed_small("api", "1.1.0");
    stage.bump("api", "1.1.0");
    stage.repository.commit("api 1.1.0");
    let main = stage.repository.git(&["rev-parse", "main"]);
    let zero = "0".repeat(40);
    let report = stage.program.json(stage.repository.path(), &["check", "--base", &zero, "--head", "HEAD"], 0);
    assert_eq!(report["change"]["base"], main);
    assert_eq!(report["stats"]["changed"], 1);
}

#[test]
fn a_base_missing_from_a_shallow_clone_is_exit_3_with_the_command_that_mends_it() {
    let mut stage = Stage::new();
    let first = stage.repository.git(&["rev-parse", "HEAD"]);
    stage.bump("api", "1.1.0");
    stage.repository.commit("api 1.1.0");
    let (_directory, clone) = stage.repository.clone_with(&["--depth=1"]);
    for base in [first.as_str(), "HEAD^1"] {
        let run = stage.program.run(&clone, &["check", "--base", base, "--head", "HEAD"]).expect(3);
        assert!(run.stderr.contains("hint: ") && run.stderr.contains("git fetch"), "{}", run.stderr);
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn a_bare_repository_is_read_without_a_checkout() {
    let mut stage = Stage::new();
    stage.seed_small("api", "1.1.0");
    stage.bump("api", "1.1.0");
    stage.repository.commit("api 1.1.0");
    let (_directory, clone) = stage.repository.clone_with(&["--bare"]);
    let elsewhere = tempfile::tempdir().unwrap();
    let arguments = ["-C", clone.to_str().unwrap(), "check", "--base", "main", "--head", "change"];
    let report = stage.program.json(elsewhere.path(), &arguments, 0);
    assert_eq!(Stage::image(&report, "production", "team/api")["state"], "missing");
}

#[test]
fn the_text_says_what_to_do_next() {
    let stage = Stage::new();
    stage.seed_small("api", "1.1.0");
    stage.bump("api", "1.1.0");
    let run = stage.program.run(stage.repository.path(), &["check"]).expect(0);
    assert!(run.stdout.contains("1.0.0 → 1.1.0"), "{}", run.stdout);
    assert!(run.stdout.contains("next: promote-bot promote"), "{}", run.stdout);
    assert!(!run.stdout.contains('\u{1b}'), "colours without a terminal: {}", run.stdout);
}
