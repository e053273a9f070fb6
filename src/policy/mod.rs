//! Policies: typed rules that judge a plan. Pure: a rule sees a step and the evidence, never the network.
//!
//! A policy file is read by [`read()`], all faults at once; [`judge()`] asks every policy that is in force for an image;
//! [`approve`] keeps the steps that none denies. Each rule is one file, and one arm of [`Rule`].

mod approved;
mod builtin;
mod judge;
mod level;
mod read;
mod rule;
mod schema;
mod tag;
#[cfg(test)]
pub(crate) mod testing;

pub use approved::{Approved, Verdict, approve};
pub use builtin::{BUILTINS, builtin};
pub use judge::{InForce, judge};
pub use read::{Policy, read};
pub use rule::{Rule, Subject, explain};
pub use schema::json_schema;
