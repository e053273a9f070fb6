//! `completions`: scripts that complete the command line in a shell.

use clap::Command;
use clap_complete::Shell;

/// Returns the completion script of `command` for a shell.
#[must_use]
pub fn completions(command: &mut Command, shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, command, "promote-bot", &mut script);
    script
}
