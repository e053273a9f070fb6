//! `ran_in`: since when the base branch has had the other environment reference an image.

use super::said;
use crate::support::github::GitHub;
use crate::support::{Program, Stage, patch_image, push, single};

/// dev, staging and production; production asks that an image has been in staging for a day. Returns the stage on `main`.
fn stage() -> Stage {
    let mut stage = Stage::new();
    stage.repository.git(&["switch", "--quiet", "main"]);
    let (dev, production) = (stage.dev.host().to_owned(), stage.production.host().to_owned());
    let config = format!(
        "version: 1\nenvironments:\n  dev: {{overlays: '*/overlays/dev', registry: '{dev}'}}\n  \
         staging: {{overlays: '*/overlays/staging', registry: '{production}/staging', from: dev}}\n  \
         production: {{overlays: '*/overlays/production', registry: '{production}/team', from: dev, policy: policies/production.yaml}}\n"
    );
    stage.repository.write(&[
        ("promote-bot.yaml", &config),
        (
            "policies/production.yaml",
            "version: 1\npolicy: production\nrules: {ran_in: {environment: staging, at_least: 24h}}\n",
        ),
        ("api/overlays/staging/patch-image.yaml", &patch_image("api", &format!("{production}/staging/api:1.0.0"))),
    ]);
    stage.repository.commit("staging");
    stage.seed_small("api", "1.1.0");
    in_staging(&stage);
    stage
}

/// Commits on the branch at hand with the dates of author and committer.
fn commit_at(stage: &Stage, message: &str, author: &str, committer: &str) {
    stage.repository.git(&["add", "--all"]);
    let output = std::process::Command::new("git")
        .args(["commit", "--quiet", "--allow-empty", "-m", message])
        .current_dir(stage.repository.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs([("GIT_AUTHOR_NAME", "A"), ("GIT_AUTHOR_EMAIL", "a@example.org"), ("GIT_AUTHOR_DATE", author)])
        .envs([
            ("GIT_COMMITTER_NAME", "A"),
            ("GIT_COMMITTER_EMAIL", "a@example.org"),
            ("GIT_COMMITTER_DATE", committer),
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Puts the image into staging's registry, where its tag names it.
fn in_staging(stage: &Stage) {
    push(&single("api 1.1.0", &[]), &format!("{}/staging/api:1.1.0", stage.production.host()));
}

fn to_staging(stage: &Stage) {
    stage.repository.replace("api/overlays/staging/patch-image.yaml", ":1.0.0", ":1.1.0");
}

/// Judges the change to production at a time; returns what is said.
fn judged(stage: &Stage, at: &str, code: i32) -> Vec<String> {
    stage.repository.git(&["switch", "--quiet", "-C", "change"]);
    stage.bump("api", "1.1.0");
    let report = stage.program.json(stage.repository.path(), &["check", "--at", at, "--base", "main"], code);
    said(&report, "error")
}

const TENTH: &str = "2026-11-10T12:00:00Z";

#[test]
fn an_image_goes_when_it_has_been_there_for_so_long() {
    let stage = stage();
    to_staging(&stage);
    commit_at(&stage, "staging 1.1.0", TENTH, TENTH);
    let told = judged(&stage, "2026-11-11T11:00:00Z", 1).remove(0);
    assert!(told.starts_with("production/ran_in: team/api has been in staging for 23 hours, and must be there for 1 day (by commit times in first-parent order"), "{told}");
    stage.repository.git(&["checkout", "--quiet", "--force", "main"]);
    assert_eq!(judged(&stage, "2026-11-11T12:00:00Z", 0), Vec::<String>::new());
}

#[test]
fn what_was_never_there_or_is_not_any_more_does_not_go() {
    let stage = stage();
    let told = judged(&stage, "2026-11-11T11:00:00Z", 1);
    assert_eq!(told.len(), 1);
    let absent = "production/ran_in: team/api:1.1.0 is not in staging on the base branch, which has ";
    assert!(told[0].starts_with(absent) && told[0].ends_with("/staging/api:1.0.0"), "{told:?}");
    stage.repository.git(&["checkout", "--quiet", "--force", "main"]);
    to_staging(&stage);
    commit_at(&stage, "there", TENTH, TENTH);
    stage.repository.replace("api/overlays/staging/patch-image.yaml", ":1.1.0", ":1.0.0");
    commit_at(&stage, "back", TENTH, "2026-11-10T13:00:00Z");
    assert_eq!(judged(&stage, "2026-11-20T12:00:00Z", 1).len(), 1);
}

#[test]
fn a_break_begins_the_time_anew() {
    let stage = stage();
    to_staging(&stage);
    commit_at(&stage, "there", TENTH, TENTH);
    stage.repository.replace("api/overlays/staging/patch-image.yaml", ":1.1.0", ":1.0.0");
    commit_at(&stage, "back", TENTH, "2026-11-15T12:00:00Z");
    to_staging(&stage);
    commit_at(&stage, "there again", TENTH, "2026-11-20T12:00:00Z");
    let told = judged(&stage, "2026-11-21T11:00:00Z", 1).remove(0);
    assert!(told.contains("has been in staging for 23 hours"), "{told}");
}

#[test]
fn forged_dates_make_nothing_older_than_what_it_stands_on() {
    let stage = stage();
    commit_at(&stage, "something else", TENTH, "2026-11-20T12:00:00Z");
    to_staging(&stage);
    let ancient = "2001-01-01T00:00:00Z";
    commit_at(&stage, "forged", ancient, ancient);
    let told = judged(&stage, "2026-11-20T13:00:00Z", 1).remove(0);
    assert!(told.contains("has been in staging for 1 hour,"), "{told}");
}

#[test]
fn what_stands_on_a_merged_branch_counts_from_the_merge() {
    let stage = stage();
    stage.repository.git(&["switch", "--quiet", "-c", "topic"]);
    to_staging(&stage);
    commit_at(&stage, "on the branch", "2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z");
    stage.repository.git(&["switch", "--quiet", "main"]);
    commit_at(&stage, "meanwhile", TENTH, TENTH);
    stage.repository.git(&["merge", "--quiet", "--no-ff", "--no-commit", "topic"]);
    commit_at(&stage, "the merge", "2026-11-01T00:00:00Z", "2026-11-20T12:00:00Z");
    let told = judged(&stage, "2026-11-21T11:00:00Z", 1).remove(0);
    assert!(told.contains("has been in staging for 23 hours"), "{told}");
}

#[test]
fn the_change_itself_proves_nothing() {
    let stage = stage();
    stage.repository.git(&["switch", "--quiet", "-C", "change"]);
    to_staging(&stage);
    commit_at(&stage, "both at once", "2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z");
    stage.bump("api", "1.1.0");
    let report =
        stage.program.json(stage.repository.path(), &["check", "--at", "2026-11-20T00:00:00Z", "--base", "main"], 1);
    let told = said(&report, "error").remove(0);
    assert!(
        told.starts_with("production/ran_in: team/api:1.1.0 is not in staging on the base branch, which"),
        "{told}"
    );
}

#[test]
fn a_tag_that_names_another_image_there_by_now_proves_nothing() {
    let stage = stage();
    to_staging(&stage);
    commit_at(&stage, "staging 1.1.0", TENTH, TENTH);
    push(&single("something else", &[]), &format!("{}/staging/api:1.1.0", stage.production.host()));
    let told = judged(&stage, "2026-11-20T12:00:00Z", 1).remove(0);
    assert!(told.ends_with("which is there, is another image by now"), "{told}");
}

#[test]
fn in_a_shallow_clone_commit_times_prove_nothing() {
    let stage = stage();
    to_staging(&stage);
    commit_at(&stage, "staging 1.1.0", TENTH, TENTH);
    stage.repository.git(&["switch", "--quiet", "-C", "change"]);
    stage.bump("api", "1.1.0");
    commit_at(&stage, "production 1.1.0", TENTH, TENTH);
    let (_kept, clone) = stage.repository.clone_with(&["--depth", "2", "--branch", "change"]);
    let arguments = ["check", "--at", "2026-11-20T12:00:00Z", "--base", "HEAD~1", "--head", "HEAD"];
    let report = stage.program.json(&clone, &arguments, 1);
    let told = said(&report, "error").remove(0);
    assert!(told.contains("how long team/api has been in staging cannot be told"), "{told}");
}

#[test]
fn the_forge_s_time_of_the_merge_counts_more_than_the_commit_s() {
    let mut stage = stage();
    to_staging(&stage);
    commit_at(&stage, "staging 1.1.0", TENTH, TENTH);
    let merge = stage.repository.git(&["rev-parse", "HEAD"]);
    let github = GitHub::start();
    let set = |branch: &str, at: &str| {
        github.state().merges.insert(merge.clone(), vec![(branch.to_owned(), at.to_owned())]);
    };
    stage.program = Program::new()
        .env("GITHUB_TOKEN", "ghs_job")
        .env("GITHUB_API_URL", &github.url)
        .env("GITHUB_REPOSITORY", "acme/overlays")
        .env("GITHUB_SHA", &"b".repeat(40))
        .env("GITHUB_BASE_REF", "main");
    // The commit says the tenth; it was merged on the twentieth.
    set("main", "2026-11-20T12:00:00Z");
    let told = judged(&stage, "2026-11-21T11:00:00Z", 1).remove(0);
    assert!(
        told.contains(
            "has been in staging for 23 hours, and must be there for 1 day (by the forge's time of the merge"
        ),
        "{told}"
    );
    stage.repository.git(&["checkout", "--quiet", "--force", "main"]);
    assert_eq!(judged(&stage, "2026-11-21T12:00:00Z", 0), Vec::<String>::new());
    // A merge into another branch says nothing of when it came here.
    stage.repository.git(&["checkout", "--quiet", "--force", "main"]);
    stage.repository.replace("policies/production.yaml", "at_least: 24h", "at_least: 24h, clock: forge");
    commit_at(&stage, "only the forge is believed", TENTH, TENTH);
    set("topic", "2026-11-01T12:00:00Z");
    let told = judged(&stage, "2026-11-21T12:00:00Z", 1).remove(0);
    assert!(told.contains("how long team/api has been in staging cannot be told"), "{told}");
}
