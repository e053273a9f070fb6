//! The command line: arguments and variables in, exit code out.
//!
//! stdout is the answer, stderr the story.

mod args;
mod ci;
mod errors;
mod output;
mod progress;
mod run;

pub use run::run;
