//! The plan: from changes to candidates, from candidates and evidence to steps pinned by digest. Pure.
//!
//! [`candidates()`] says where each newly referenced image must be and where it would come from; [`settle()`] weighs what the
//! registries said and makes each candidate a step, or refuses it with the ways out.

mod candidates;
mod outcomes;
mod refusals;
mod settle;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use candidates::{Sorted, candidates};
pub use outcomes::{after, forgotten};
pub use refusals::{EXPLANATIONS, Explanation, no_overlay, partial_overlay, unresolved_overlay};
pub use settle::settle;
