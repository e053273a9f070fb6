//! The `promote-bot` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    promote_bot::cli::run(std::env::args_os())
}
