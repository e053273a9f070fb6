//! Policies: typed rules that judge a plan. Pure: a rule sees a step, the evidence and the time, never the network.
//!
//! A policy file is read by [`read()`], all faults at once; [`needs`] says what the rules that apply have to know of each image;
//! [`judge()`] asks every policy that is in force for an image; [`approve`] keeps the steps that none denies. Each rule is one file,
//! and one line of the table in `rule`. Whatever cannot be told is a no.

mod age;
mod approved;
mod builtin;
mod complaint;
mod coverage;
mod dossier;
mod example;
mod exceptions;
mod exec;
mod expr;
pub mod expression;
mod flow;
mod freeze;
mod globs;
mod judge;
mod level;
mod named;
mod names;
mod pinned;
mod platforms;
mod provenance;
mod ran_in;
mod read;
mod record;
mod rule;
mod sbom;
mod schema;
mod signature_rule;
mod signed_by;
mod signers;
mod source;
mod span;
mod subject;
mod tag;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod vulnerabilities;
mod waivers;

pub use approved::{Approved, Verdict, approve};
pub use builtin::{BUILTINS, builtin, text_of};
pub use dossier::{Dossier, Exhibit, Gap, MadeImage, Make, ProgramEnd, Ran, What, examine};
pub use example::{Example, Failed};
pub use exceptions::BreakGlass;
pub use judge::{Asked, Facts, InForce, Judgement, Opinion, digest_of, explain_step, judge, needs, signature_findings};
pub use read::{Policy, read};
pub use record::{Promotion, is_same_record, policy_digest, statement};
pub use rule::{Rule, explain, names};
pub use schema::json_schema;
pub use signers::{ReadFile, read_signers};
pub use subject::{Needs, Program, RanInNeed, Subject};
pub use waivers::{Waiver, read_waivers};
