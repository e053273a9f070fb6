//! The GitHub Action's scripts, run as the runner runs them.

use std::path::Path;
use std::process::Command;

use crate::support::{Repository, patch_image};

/// Runs a script of the action; returns its exit code and what it left in `GITHUB_OUTPUT`.
fn run(script: &str, directory: &Path, variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let outputs = tempfile::tempdir().unwrap();
    let file = outputs.path().join("outputs");
    let status = Command::new("bash")
        .arg(root.join(".github/action").join(script))
        .current_dir(directory)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", outputs.path())
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_OUTPUT", &file)
        .env("RUNNER_TEMP", outputs.path())
        .env("PB_ACTION_PATH", root)
        .envs(variables.iter().copied())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    (status.code(), std::fs::read_to_string(file).unwrap_or_default())
}

#[test]
fn a_binary_that_is_named_is_taken() {
    let (code, outputs) = run("fetch.sh", Path::new("."), &[("PROMOTE_BOT_BIN", "/opt/promote-bot")]);
    assert_eq!((code, outputs.as_str()), (Some(0), "binary=/opt/promote-bot\n"));
}

#[test]
fn the_result_and_the_exit_code_are_the_programs() {
    let config = "version: 1\nenvironments: {dev: {overlays: overlays/dev, registry: dev.example, policy: 'builtin:baseline'}}\n";
    let overlay = |tag: &str| patch_image("nginx", &format!("nginx:{tag}"));
    let repository = Repository::with(&[("promote-bot.yaml", config), ("overlays/dev/p.yaml", &overlay("1"))]);
    let binary = env!("CARGO_BIN_EXE_promote-bot");
    let variables =
        [("PB_BINARY", binary), ("PB_COMMAND", "check"), ("PROMOTE_BOT_BASE", ""), ("PROMOTE_BOT_CONFIG", "")];
    let (code, outputs) = run("run.sh", repository.path(), &variables);
    assert_eq!(code, Some(0));
    assert!(outputs.contains("report=") && outputs.contains("result=noop\n"), "{outputs}");
    assert!(outputs.ends_with("settled=true\n"), "{outputs}");
    repository.write(&[("overlays/dev/p.yaml", &overlay("latest"))]);
    let (code, outputs) = run("run.sh", repository.path(), &variables);
    assert_eq!((code, outputs.contains("result=failure\n")), (Some(1), true), "{outputs}");
    repository.write(&[("promote-bot.yaml", "version: 9\n")]);
    let (code, outputs) = run("run.sh", repository.path(), &variables);
    assert_eq!((code, outputs.as_str()), (Some(2), "result=error\n"));
    let (code, _) = run("run.sh", repository.path(), &[("PB_BINARY", binary), ("PB_COMMAND", "images; true")]);
    assert_eq!(code, Some(2));
}
