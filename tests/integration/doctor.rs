//! `doctor` and `init --ci`: what a run stands on, and what a CI needs to run it.

use serde_json::json;

use crate::support::github::GitHub;
use crate::support::{Program, Repository, Stage};

#[test]
fn a_sound_repository_is_well_and_the_gate_is_told() {
    let mut stage = Stage::new();
    stage.seed_small("api", "1.0.0");
    stage.program.run(stage.repository.path(), &["init", "--ci", "github"]).expect(0);
    stage.repository.commit("a workflow");
    let run = stage.program.run(stage.repository.path(), &["doctor"]).expect(0);
    let has = |text: &str| assert!(run.stdout.contains(text), "{text} is not in:\n{}", run.stdout);
    has("✓ configuration: promote-bot.yaml at worktree, 2 environments");
    has("✓ overlays of production: 5 overlays, 5 image uses");
    has(&format!("✓ registry {}: asked anonymously, asked for reading: it answers, and has", stage.dev.host()));
    has(&format!("✓ registry {}: asked anonymously, asked for reading and writing", stage.production.host()));
    has("✓ workflow .github/workflows/promote.yml: it reports on every pull request");
    has("~ policy of production: none: every image may go\n    fix: give production a `policy`");
    has("? gate: what the forge requires was not asked: no forge is known here");
    has("it works; 2 could let something through");

    let github = GitHub::start();
    let event = stage.repository.path().join(".git/event.json");
    std::fs::write(&event, json!({"repository": {"default_branch": "main"}}).to_string()).unwrap();
    let job = Program::new()
        .env("GITHUB_TOKEN", "ghs_job")
        .env("GITHUB_API_URL", &github.url)
        .env("GITHUB_REPOSITORY", "acme/overlays")
        .env("GITHUB_EVENT_PATH", event.to_str().unwrap());
    let run = job.run(stage.repository.path(), &["doctor"]).expect(0);
    assert!(run.stdout.contains("✓ gate of main: promote-bot must be green before a merge"), "{}", run.stdout);
    assert!(run.stdout.contains("? token: it may not push"), "{}", run.stdout);
    assert!(github.take_log().iter().all(|(method, _)| method == "GET"));
}

#[test]
fn what_does_not_work_is_told_with_its_way_out() {
    let stage = Stage::new();
    let config = crate::support::config("127.0.0.1:1", stage.production.host());
    stage.repository.write(&[("promote-bot.yaml", &config.replace("'*/overlays/dev'", "nowhere"))]);
    let run = stage.program.run(stage.repository.path(), &["doctor"]).expect(1);
    let has = |text: &str| assert!(run.stdout.contains(text), "{text} is not in:\n{}", run.stdout);
    has("! overlays of dev: nothing is where it says\n    fix: correct `overlays`");
    has("! registry 127.0.0.1:1: asked anonymously, asked for reading: cannot look up 127.0.0.1:1/");
    has("2 do not work");
    let bare = Repository::with(&[("overlays/dev/pod.yaml", &crate::support::patch_image("a", "a:1"))]);
    let run = stage.program.run(bare.path(), &["doctor"]).expect(1);
    assert!(run.stdout.contains("! configuration: there is no promote-bot.yaml"), "{}", run.stdout);
}

#[test]
fn each_ci_gets_its_file_once() {
    let repository = Repository::with(&[("a", "b")]);
    let program = Program::new();
    for (ci, path, line) in [
        ("github", ".github/workflows/promote.yml", "  merge_group:"),
        ("jenkins", "Jenkinsfile", "        sh 'promote-bot report --settle'"),
        ("gitlab", ".gitlab/promote-bot.yml", "promote-bot:"),
        ("hook", ".git/hooks/pre-push", "while read -r _ head _ base; do"),
        ("presync", "promote-bot-presync.yaml", "kind: Job"),
    ] {
        program.run(repository.path(), &["init", "--ci", ci]).expect(0);
        let text = std::fs::read_to_string(repository.path().join(path)).unwrap();
        assert!(text.lines().any(|one| one == line), "{text}");
        assert!(!text.contains("{version}"), "{text}");
        let printed = program.run(repository.path(), &["init", "--ci", ci, "--dry-run"]).expect(0).stdout;
        assert_eq!(printed, text);
        let again = program.run(repository.path(), &["init", "--ci", ci]).expect(2);
        assert!(again.stderr.contains("exists already"), "{}", again.stderr);
    }
}

/// Pushes a change through the hook that `init --ci hook` writes.
#[test]
fn the_hook_judges_what_is_pushed() {
    let stage = Stage::new();
    let path = stage.repository.path();
    stage.program.run(path, &["init", "--ci", "hook"]).expect(0);
    let remote = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        let bin = std::path::Path::new(env!("CARGO_BIN_EXE_promote-bot")).parent().unwrap();
        let path_variable = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        std::process::Command::new("git")
            .args(arguments)
            .current_dir(path)
            .env_clear()
            .env("PATH", path_variable)
            .env("HOME", remote.path())
            .output()
            .unwrap()
    };
    let place = remote.path().join("origin.git").display().to_string();
    assert!(git(&["init", "-q", "--bare", &place]).status.success());
    assert!(git(&["remote", "add", "origin", &place]).status.success());
    let push = git(&["push", "-q", "--no-verify", "origin", "main"]);
    assert!(push.status.success(), "{}", String::from_utf8_lossy(&push.stderr));
    stage.bump("api", "9.9.9");
    assert!(git(&["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", "api 9.9.9"]).status.success());
    let push = git(&["push", "-q", "origin", "change"]);
    assert!(!push.status.success());
    assert!(String::from_utf8_lossy(&push.stdout).contains("does not exist"), "{push:?}");
}
