//! The command line itself: exit codes, help, empty variables, formats.

use crate::support::{Program, Repository, Stage};

#[test]
fn wrong_usage_is_exit_2() {
    let stage = Stage::new();
    let path = stage.repository.path();
    for arguments in [
        &["chekc"][..],
        &["check", "--base"],
        &["check", "-f", "xml"],
        &["check", "-f", "text", "-f", "json"],
        &["check", "-e", "none"],
    ] {
        let run = stage.program.run(path, arguments).expect(2);
        assert!(run.stderr.contains("error"), "{arguments:?}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{arguments:?}");
    }
}

#[test]
fn help_is_an_answer() {
    let run = Program::new().run(std::path::Path::new("."), &["--help"]).expect(0);
    assert!(run.stdout.contains("Exit codes: 0"), "{}", run.stdout);
    assert_eq!(run.stderr, "");
}

#[test]
fn an_unknown_revision_is_said_with_a_way_out() {
    let stage = Stage::new();
    let run = stage.program.run(stage.repository.path(), &["check", "--base", "none"]).expect(2);
    assert!(run.stderr.starts_with("error: cannot compare the revisions\ncaused by: "), "{}", run.stderr);
    assert!(run.stderr.contains("hint: "), "{}", run.stderr);
}

#[test]
fn outside_a_repository_is_exit_2() {
    let nowhere = tempfile::tempdir().unwrap();
    let run = Program::new().env("GIT_CEILING_DIRECTORIES", "/").run(nowhere.path(), &["check"]).expect(2);
    assert!(run.stderr.contains("hint: "), "{}", run.stderr);
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let stage = Stage::new();
    let names = [
        "BASE",
        "HEAD",
        "FORMAT",
        "COLOR",
        "CONFIG",
        "ENVIRONMENT",
        "FAIL_ON",
        "OFFLINE",
        "VERBOSE",
        "QUIET",
        "DIRECTORY",
    ];
    let mut program = Program::new();
    for name in names {
        program = program.env(&format!("PROMOTE_BOT_{name}"), "");
    }
    let run = program.run(stage.repository.path(), &["check", "--offline"]).expect(0);
    assert!(run.stdout.contains("nothing to do"), "{}", run.stdout);
}

#[test]
fn variables_stand_for_flags_and_flags_win() {
    let stage = Stage::new();
    let program = Program::new().env("PROMOTE_BOT_FORMAT", "json").env("PROMOTE_BOT_OFFLINE", "true");
    program.run(stage.repository.path(), &["check"]).expect(0).json();
    let text = program.run(stage.repository.path(), &["check", "-f", "text"]).expect(0);
    assert!(text.stdout.starts_with("comparing "), "{}", text.stdout);
}

#[test]
fn a_format_may_go_to_a_file_beside_the_answer() {
    let stage = Stage::new();
    let run = stage
        .program
        .run(stage.repository.path(), &["check", "--offline", "-f", "text", "-f", "json=report.json"])
        .expect(0);
    assert!(run.stdout.starts_with("comparing "), "{}", run.stdout);
    let report = std::fs::read_to_string(stage.repository.path().join("report.json")).unwrap();
    assert!(report.contains("promote-bot/report/v1"), "{report}");
}

#[test]
fn colours_are_for_those_who_ask() {
    let stage = Stage::new();
    let path = stage.repository.path();
    let always = stage.program.run(path, &["check", "--offline", "--color", "always"]).expect(0);
    assert!(always.stdout.contains('\u{1b}'));
    let forced = Program::new().env("FORCE_COLOR", "1").run(path, &["check", "--offline"]).expect(0);
    assert!(forced.stdout.contains('\u{1b}'));
    let refused =
        Program::new().env("FORCE_COLOR", "1").env("NO_COLOR", "1").run(path, &["check", "--offline"]).expect(0);
    assert!(!refused.stdout.contains('\u{1b}'));
}

#[test]
fn schemas_are_json_and_a_report_is_as_its_schema_says() {
    let stage = Stage::new();
    let path = stage.repository.path();
    let schema = stage.program.run(path, &["schema", "report"]).expect(0).json();
    let report = stage.program.json(path, &["check", "--offline"], 0);
    let keys = |value: &serde_json::Value| -> std::collections::BTreeSet<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(keys(&schema["properties"]), keys(&report));
    for (definition, part) in
        [("Change", &report["change"]), ("Stats", &report["stats"]), ("Environment", &report["environments"][0])]
    {
        assert_eq!(keys(&schema["$defs"][definition]["properties"]), keys(part), "{definition}");
    }
    let policy = stage.program.run(path, &["schema", "policy"]).expect(0).json();
    assert!(policy["properties"]["rules"].is_object());
    let config = stage.program.run(path, &["schema", "config"]).expect(0).json();
    assert!(config["properties"]["environments"].is_object());
}

#[test]
fn completions_are_written_for_each_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = Program::new().run(std::path::Path::new("."), &["completions", shell]).expect(0);
        assert!(run.stdout.contains("promote-bot"), "{shell}");
    }
}

#[test]
fn a_rule_a_finding_and_an_image_are_explained() {
    let stage = Stage::new();
    let path = stage.repository.path();
    for (subject, part) in [("tag", "forbid:"), ("production/tag", "forbid:"), ("missing-source", "ImagePullBackOff")] {
        let run = stage.program.run(path, &["explain", subject]).expect(0);
        assert!(run.stdout.contains(part), "{subject}: {}", run.stdout);
    }
    let run = stage.program.run(path, &["explain", "production/api"]).expect(0);
    assert!(run.stdout.contains("api/overlays/production/patch-image.yaml:11:"), "{}", run.stdout);
    assert!(run.stdout.contains("Deployment/api, container api"), "{}", run.stdout);
    stage.program.run(path, &["explain", "none"]).expect(2);
    stage.program.run(path, &["explain", "production/none"]).expect(2);
}

#[test]
fn init_writes_what_check_can_read_and_keeps_what_is_there() {
    let repository = Repository::with(&[
        ("overlays/dev/p.yaml", &crate::support::patch_image("api", "dev.example:5000/api:1")),
        ("overlays/production/p.yaml", &crate::support::patch_image("api", "prod.example/team/api:1")),
    ]);
    let program = Program::new();
    let shown = program.run(repository.path(), &["init", "--dry-run"]).expect(0).stdout;
    insta::assert_snapshot!(shown, @r#"
    # promote-bot: which overlays make an environment, and which registry it pulls from.
    # Reference: promote-bot schema config, and the README.
    version: 1
    environments:                       # in promotion order
      dev:
        overlays: overlays/dev
        registry: dev.example:5000
      production:
        overlays: overlays/production
        registry: prod.example/team
        from: dev            # where a missing image is copied from
    # registries:                       # only where docker's or podman's login does not serve
    #   prod.registry.example: { username: "env:PROD_USER", password: "env:PROD_PASSWORD" }
    "#);
    program.run(repository.path(), &["init"]).expect(0);
    program.run(repository.path(), &["check", "--offline"]).expect(0);
    let run = program.run(repository.path(), &["init"]).expect(2);
    assert!(run.stderr.contains("exists already"), "{}", run.stderr);
}
