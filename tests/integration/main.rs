//! The program as a whole: the real binary on real git repositories, against real registries, with skopeo as witness.

#![expect(unreachable_pub, reason = "a test crate is a library to nobody")]

mod check;
mod cli;
mod configuration;
mod demo;
mod faults;
mod images;
mod layouts;
mod promote;
mod readme;
mod support;
