//! The stories, one file each: what promote-bot does when asked.
//!
//! A command takes its own inputs, already read from arguments and variables, and returns what is to be shown. [`check()`] and
//! [`promote()`] are one story, told in `judge`: `promote` goes on where `check` stops.

mod check;
mod ci;
mod completions;
mod demo;
mod doctor;
mod error;
mod evidence;
mod explain;
mod history;
mod images;
mod init;
mod judge;
mod lint;
mod policies;
mod policy;
mod posting;
mod programs;
mod promote;
mod proofs;
mod review;
mod said;
mod saved;
mod schema;
mod settings;
mod uses;
mod workspace;

pub use crate::policy::BreakGlass;
pub use check::check;
pub use ci::{Ci, init_ci};
pub use completions::completions;
pub use demo::{Demo, demo};
pub use doctor::{AtForge, Diagnosis, Health, doctor};
pub use error::{Error, Exit};
pub use explain::explain;
pub use images::{ImagesInputs, images};
pub use init::{InitInputs, init};
pub use judge::{FailOn, Inputs};
pub use lint::policy_lint;
pub use policy::policy_test;
pub use posting::{Posting, Wanted};
pub use promote::promote;
pub use saved::{saved_report, settle};
pub use schema::{SchemaOf, schema};
pub use workspace::{ConfigFrom, Scope};
