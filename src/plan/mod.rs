//! The plan: from changes to candidates, from candidates and evidence to steps pinned by digest. Pure.
//!
//! [`candidates()`] says where each newly referenced image must be and where it would come from; [`settle()`] weighs what the
//! registries said and makes each candidate a step, or refuses it with the ways out.

mod candidates;
mod explanations;
mod outcomes;
mod platforms;
mod refusals;
mod settle;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use candidates::{Sorted, candidates};
pub use explanations::{EXPLANATIONS, Explanation};
pub use outcomes::{after, before, forgotten};
pub use refusals::{no_overlay, partial_overlay, unresolved_overlay};
pub use settle::settle;
