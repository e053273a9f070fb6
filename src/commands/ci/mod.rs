//! `init --ci`: what a CI needs to run promote-bot, written from templates that the README shows too.

use std::path::PathBuf;

use super::error::Error;
use super::init::{InitInputs, write};
use crate::git::Repository;

/// A CI, or what stands in for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ci {
    /// A workflow of GitHub Actions.
    Github,
    /// A declarative pipeline of Jenkins.
    Jenkins,
    /// A job of GitLab CI.
    Gitlab,
    /// The pre-push hook of a clone.
    Hook,
    /// A job that Argo CD runs before it syncs.
    Presync,
}

impl Ci {
    /// Returns where its file belongs, from the root of the repository, and what stands in it.
    #[must_use]
    pub fn file(self) -> (&'static str, String) {
        let (path, text) = match self {
            Self::Github => (".github/workflows/promote.yml", include_str!("github.yml")),
            Self::Jenkins => ("Jenkinsfile", include_str!("Jenkinsfile")),
            Self::Gitlab => (".gitlab/promote-bot.yml", include_str!("gitlab.yml")),
            Self::Hook => (".git/hooks/pre-push", include_str!("pre-push.sh")),
            Self::Presync => ("promote-bot-presync.yaml", include_str!("presync.yaml")),
        };
        (path, text.replace("{version}", env!("CARGO_PKG_VERSION")))
    }
}

/// Writes the file of a CI; returns its text and where it was written.
///
/// # Errors
/// When there is no work tree, or the file exists and `force` is not given.
pub fn init_ci(inputs: &InitInputs, ci: Ci) -> Result<(String, Option<PathBuf>), Error> {
    let repository = Repository::open(&inputs.directory)?;
    let (path, text) = ci.file();
    let Some(root) = repository.root().filter(|_| !inputs.dry_run) else { return Ok((text, None)) };
    let path = root.join(path);
    if ci == Ci::Hook && !root.join(".git").is_dir() {
        return Err(Error::usage(
            "this work tree shares its hooks with others",
            "print the hook with --dry-run, and write it where `git rev-parse --git-path hooks` says",
        ));
    }
    write(&path, &text, inputs.force)?;
    #[cfg(unix)]
    if ci == Ci::Hook {
        use std::os::unix::fs::PermissionsExt as _;
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, executable)
            .map_err(Error::io(format!("make {} executable", path.display())))?;
    }
    Ok((text, Some(path)))
}
