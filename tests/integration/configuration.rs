//! The configuration and the policies: where they come from, and what their faults look like.

use crate::support::{Program, Repository, Stage, patch_image};

const POLICY: &str = "version: 1\npolicy: production\nrules: {tag: {forbid: [latest]}}\n";

fn with_policy(stage: &mut Stage) {
    stage.repository.git(&["switch", "--quiet", "main"]);
    stage.repository.write(&[("policies/production.yaml", POLICY)]);
    stage.repository.replace(
        "promote-bot.yaml",
        "    from: dev\n",
        "    from: dev\n    policy: policies/production.yaml\n",
    );
    stage.repository.commit("a policy");
    stage.repository.branch("loosening");
}

#[test]
fn all_faults_are_told_at_once_with_line_column_and_nearest_spelling() {
    let text = "version: 1\nenvironments:\n  dev:\n    overlays: overlays/dev\n    regsitry: dev.example\n  production:\n    \
                overlays: overlays/production\n    registry: prod.example\n    from: staging\n    polcy: p.yaml\n";
    let repository = Repository::with(&[("promote-bot.yaml", text)]);
    let run = Program::new().run(repository.path(), &["check"]).expect(2);
    insta::assert_snapshot!(run.stderr, @r"
    error: promote-bot.yaml:4:5: environment `dev` needs `registry`
    error: promote-bot.yaml:5:5: environment `dev` has no field `regsitry`
    hint: did you mean `registry`?
    error: promote-bot.yaml:9:11: there is no environment `staging`
    hint: environments: `dev`, `production`
    error: promote-bot.yaml:10:5: environment `production` has no field `polcy`
    hint: did you mean `policy`?
    ");
    assert_eq!(run.stdout, "");
}

#[test]
fn a_fault_in_a_policy_has_its_place_too() {
    let mut stage = Stage::new();
    with_policy(&mut stage);
    stage
        .repository
        .write(&[("policies/production.yaml", "version: 1\npolicy: p\nrules: {tag: {forbidd: [latest]}}\n")]);
    let run = stage.program.run(stage.repository.path(), &["check", "--offline"]).expect(2);
    assert!(
        run.stderr.contains("policies/production.yaml:3:15: the rule `tag` has no field `forbidd`"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("did you mean `forbid`?"), "{}", run.stderr);
}

#[test]
fn without_a_configuration_only_reading_works() {
    let repository = Repository::with(&[("overlays/dev/p.yaml", &patch_image("api", "dev.example/api:1"))]);
    repository.write(&[("overlays/dev/p.yaml", &patch_image("api", "dev.example/api:2"))]);
    let program = Program::new();
    let run = program.run(repository.path(), &["check"]).expect(2);
    assert!(run.stderr.contains("promote-bot init"), "{}", run.stderr);
    let report = program.json(repository.path(), &["check", "--offline"], 0);
    assert_eq!(report["environments"][0]["name"], "dev");
    assert_eq!(report["stats"]["changed"], 1);
}

#[test]
fn in_ci_a_change_cannot_loosen_the_rules_it_is_judged_by() {
    let mut stage = Stage::new();
    with_policy(&mut stage);
    stage.repository.write(&[("policies/production.yaml", &POLICY.replace("latest", "edge"))]);
    stage.repository.replace("promote-bot.yaml", "version: 1\n", "version: 1 # looser\n");
    stage.bump("api", "latest");
    let head = stage.repository.commit("looser");
    let base = stage.repository.git(&["rev-parse", "main"]);
    let path = stage.repository.path();
    let arguments = ["check", "--offline", "--base", "main", "--head", &head];
    let ci = Program::new().env("CI", "true").json(path, &arguments, 1);
    assert_eq!(ci["config"]["revision"], base);
    assert_eq!(ci["environments"][1]["findings"][0]["rule"], "production/tag");
    let notes = ci["notes"].to_string();
    assert!(notes.contains("this change edits promote-bot.yaml") && notes.contains("after the merge"), "{notes}");
    assert!(notes.contains("policies/production.yaml"), "{notes}");
    let laptop = Program::new().json(path, &arguments, 0);
    assert_eq!(laptop["config"]["revision"], "worktree");
    let told = Program::new().env("CI", "true").json(path, &[&arguments[..], &["--config-from", "head"]].concat(), 0);
    assert_eq!(told["config"]["revision"], head);
    Program::new().env("CI", "false").json(path, &arguments, 0);
}

#[test]
fn the_change_that_brings_the_configuration_is_judged_by_it() {
    let mut repository = Repository::with(&[("overlays/dev/p.yaml", &patch_image("api", "dev.example/api:1"))]);
    repository.branch("adopt");
    repository.write(&[(
        "promote-bot.yaml",
        "version: 1\nenvironments: {dev: {overlays: overlays/dev, registry: dev.example}}\n",
    )]);
    repository.commit("adopt promote-bot");
    let arguments = ["check", "--offline", "--base", "main", "--head", "HEAD"];
    let report = Program::new().env("CI", "true").json(repository.path(), &arguments, 0);
    assert!(report["notes"].to_string().contains("this change brings it"), "{report:#}");
}

#[test]
fn warnings_count_where_they_are_asked_to() {
    let mut stage = Stage::new();
    with_policy(&mut stage);
    stage.repository.write(&[("policies/production.yaml", &POLICY.replace("[latest]", "[latest], level: warn"))]);
    stage.bump("api", "latest");
    let path = stage.repository.path();
    stage.program.run(path, &["check", "--offline"]).expect(0);
    stage.program.run(path, &["check", "--offline", "--fail-on", "warning"]).expect(1);
    stage.repository.write(&[("policies/production.yaml", POLICY)]);
    stage.program.run(path, &["check", "--offline"]).expect(1);
    stage.program.run(path, &["check", "--offline", "--fail-on", "never"]).expect(0);
}

#[test]
fn a_policy_that_is_not_there_or_not_for_the_environment_is_a_fault() {
    let mut stage = Stage::new();
    with_policy(&mut stage);
    let path = stage.repository.path().to_owned();
    stage.repository.write(&[("policies/production.yaml", &format!("{POLICY}environments: [dev]\n"))]);
    let run = stage.program.run(&path, &["check", "--offline"]).expect(2);
    assert!(run.stderr.contains("is not for environment production"), "{}", run.stderr);
    std::fs::remove_file(path.join("policies/production.yaml")).unwrap();
    let run = stage.program.run(&path, &["check", "--offline"]).expect(2);
    assert!(run.stderr.contains("does not exist"), "{}", run.stderr);
}

#[test]
fn a_folder_of_policies_denies_what_none_is_for() {
    let mut stage = Stage::new();
    with_policy(&mut stage);
    stage.repository.replace("promote-bot.yaml", "policies/production.yaml", "policies");
    stage.repository.write(&[("policies/production.yaml", &format!("{POLICY}images: ['team/web']\n"))]);
    stage.bump("api", "1.1.0");
    stage.bump("web", "1.1.0");
    let report = stage.program.json(stage.repository.path(), &["check", "--offline"], 1);
    let findings = report["environments"][1]["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!((&findings[0]["rule"], &findings[0]["image"]), (&"no-policy".into(), &"team/api".into()));
}

#[test]
fn a_builtin_policy_needs_no_file() {
    let stage = Stage::new();
    stage.repository.replace("promote-bot.yaml", "    from: dev\n", "    from: dev\n    policy: builtin:baseline\n");
    stage.bump("api", "latest");
    let report = stage.program.json(stage.repository.path(), &["check", "--offline"], 1);
    assert_eq!(report["environments"][1]["findings"][0]["rule"], "baseline/tag");
}

#[test]
fn in_ci_rules_come_from_the_tip_of_what_the_change_goes_into() {
    let mut stage = Stage::new();
    stage.repository.git(&["switch", "--quiet", "main"]);
    stage.repository.branch("stale");
    stage.bump("api", "latest");
    let head = stage.repository.commit("latest");
    stage.repository.git(&["switch", "--quiet", "main"]);
    stage.repository.replace("promote-bot.yaml", "    from: dev\n", "    from: dev\n    policy: builtin:baseline\n");
    let tip = stage.repository.commit("stricter");
    let ci = Program::new().env("JENKINS_URL", "u").env("CHANGE_TARGET", "main").env("GIT_COMMIT", &head);
    let report = ci.json(stage.repository.path(), &["check"], 1);
    assert_eq!(report["config"]["revision"], tip);
    assert!(report["environments"][1]["findings"].to_string().contains("baseline/tag"), "{report:#}");
    let elsewhere = Program::new().env("JENKINS_URL", "u").env("CHANGE_TARGET", "release").env("GIT_COMMIT", &head);
    let run = elsewhere.run(stage.repository.path(), &["check"]).expect(3);
    assert!(run.stderr.contains("git fetch origin release"), "{}", run.stderr);
}

#[test]
fn a_new_policy_that_cannot_be_read_is_said_before_it_is_merged() {
    let mut stage = Stage::new();
    with_policy(&mut stage);
    stage.repository.write(&[("policies/production.yaml", "version: 1\npolicy: production\nrulez: {}\n")]);
    stage.repository.commit("a fault");
    let ci = Program::new().env("CI", "true");
    let report = ci.json(stage.repository.path(), &["check", "--offline", "--base", "main", "--head", "HEAD"], 0);
    assert!(
        report["notes"].to_string().contains("policies/production.yaml:3:1: the policy has no field `rulez`"),
        "{report:#}"
    );
}

#[test]
fn a_policy_in_a_folder_inside_the_folder_is_not_passed_over() {
    let mut stage = Stage::new();
    with_policy(&mut stage);
    stage.repository.replace("promote-bot.yaml", "policies/production.yaml", "policies");
    stage.repository.write(&[("policies/stricter/p.yaml", POLICY), ("policies/keys/README.md", "no policy\n")]);
    let run = stage.program.run(stage.repository.path(), &["check", "--offline"]).expect(2);
    assert!(run.stderr.contains("policies/stricter"), "{}", run.stderr);
    std::fs::remove_dir_all(stage.repository.path().join("policies/stricter")).unwrap();
    stage.program.run(stage.repository.path(), &["check", "--offline"]).expect(0);
}

#[test]
fn certificates_that_are_none_are_a_fault_of_the_configuration() {
    let stage = Stage::new();
    let registries = format!("registries:\n  {}: {{ca: certs/ca.pem}}\n", stage.production.host());
    stage.repository.replace("promote-bot.yaml", "version: 1\n", &format!("version: 1\n{registries}"));
    let missing = stage.program.run(stage.repository.path(), &["check"]).expect(2);
    assert!(missing.stderr.contains("certs/ca.pem"), "{}", missing.stderr);
    stage.repository.write(&[("certs/ca.pem", "no certificate\n")]);
    let empty = stage.program.run(stage.repository.path(), &["check"]).expect(2);
    assert!(empty.stderr.contains("has no certificate"), "{}", empty.stderr);
}
