//! The programs that `render` and policies name, run on the files of a revision.
//!
//! Nothing is run unless the configuration says so. A program sees the revision's files and nothing of ours: of the environment
//! only what a program needs to find its tools and caches, so no token leaks into what a chart or a plugin does.

mod checkout;
mod program;

pub use checkout::Checkout;
pub use program::{Ended, Excess, Limits};
