//! promote-bot: reads a change to a Kustomize overlay repository as *which images become newly referenced, in which
//! environment*, judges exactly those, copies them to the target environment's registry with tag and digest unchanged, proves
//! that they are there, and only then opens the gate that holds the merge.
//!
//! # The words
//!
//! One word for one thing, everywhere.
//!
//! - **environment** — named overlays and the registry they pull from, in promotion order
//! - **overlay** — a directory an environment deploys (a kustomization, a Helm values set, or loose manifests)
//! - **image use** — an image as one container of one workload runs it, with the file, line and column that says so
//! - **change** — an image use that came, went or moved between two revisions
//! - **candidate** — a newly referenced image that must exist at its destination
//! - **evidence** — what registries (and scan reports) told us about candidates
//! - **plan** — steps, each pinned by digest, each with what it expects to find at the destination
//! - **rule** — one policy; **verdict** — what a rule says of a step; **waiver** — an exception with owner, reason and expiry
//! - **approved** — the steps of a plan that no rule denies; **outcome** — what became of a step
//! - **review** — all of this for one range of revisions: the one record every report is made from
//!
//! # The map
//!
//! A module uses only strictly lower rows; `tests/architecture.rs` holds it to that.
//!
//! ```text
//! cli                      arguments, environment variables, terminal, exit code
//! commands                 the stories, one file each: check promote images explain report doctor init schema demo
//! config  report           promote-bot.yaml -> settings of each part      review -> text json markdown sarif junit …
//! git registry forge render  EDGES: the only async, the only network, the only writes, the only other programs
//! plan  policy             PURE: decisions
//! overlay  diff            PURE: derivations
//! signature  attestation   PURE: who stands behind what hangs on an image, and what it says
//! kustomize  helm  gitops  PURE: files -> manifests, values and what other controllers set, over a `Tree`
//! manifest                 PURE: documents with places and histories -> image uses
//! domain  yaml             GROUND: the words; text <-> tree with positions
//! ```
//!
//! # The flow
//!
//! ```text
//! check     range -> configuration and policies -> per environment: overlays(base), overlays(head) -> changes
//!           -> candidates -> gather evidence -> settle (pinned plan, conflicts) -> judge -> report, gate
//! promote   the same function, then approve -> carry out (blobs, children, manifest, tag last) -> re-read and compare
//!           -> report, gate         (--dry-run stops before carry out, on this very path)
//! ```
//!
//! Three guarantees are held by types: only [`policy::approve`] makes an [`policy::Approved`], and only that is carried out; a
//! [`domain::Step`] says what it expects at the destination; a rule is a function of plain values and cannot reach the network.

pub mod attestation;
pub mod cli;
pub mod commands;
pub mod config;
pub mod diff;
pub mod domain;
pub mod forge;
pub mod git;
mod gitops;
mod helm;
pub mod kustomize;
mod manifest;
pub mod overlay;
pub mod plan;
pub mod policy;
pub mod registry;
pub mod render;
pub mod report;
pub mod signature;
pub mod yaml;
