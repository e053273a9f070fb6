//! The command line: arguments and variables in, exit code out.
//!
//! stdout is the answer, stderr the story.

mod args;
mod ci;
mod errors;
mod forge;
mod health;
mod instant;
mod output;
mod progress;
mod run;
mod runner;
mod show;

pub use run::run;
