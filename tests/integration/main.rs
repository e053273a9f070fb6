//! The program as a whole: the real binary on real git repositories, against real registries, with skopeo as witness.

#![expect(unreachable_pub, reason = "a test crate is a library to nobody")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot set its stage has failed, and may say what it measured"
)]

mod action;
mod bundle;
mod check;
mod cli;
mod configuration;
mod demo;
mod doctor;
mod explain;
mod faults;
mod forge;
mod gaps;
mod gitops;
mod helm;
mod hostile;
mod images;
#[path = "../kustomize/mod.rs"]
mod kustomize;
mod layouts;
mod memory;
mod policies;
mod promote;
mod reach;
mod readme;
mod support;
