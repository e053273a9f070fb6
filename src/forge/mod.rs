//! Forges: where a change is reviewed and its merge held. Statuses, check runs and one comment, each put there so that putting it
//! twice changes nothing.
//!
//! An edge: asynchronous, and the only home of `octocrab`, which carries requests and App credentials and nothing else: requests,
//! retries and limits are ours, since its own repeat what must not be repeated and wait without end.

mod address;
mod error;
mod github;
mod gitlab;
mod marker;
mod patience;
mod plain;

pub use error::Error;
pub use github::{Credentials, Facts, GitHub, Rule, Under};
pub use gitlab::{GitLab, MergeRequest};
pub use plain::Plain;

use async_trait::async_trait;

use crate::domain::Gate;

/// A comment on a change.
#[derive(Debug, Clone, Copy)]
pub struct Comment<'a> {
    /// Which of our comments it is: the path of the configuration.
    pub key: &'a str,
    /// What it says; none when there is nothing to say.
    pub text: Option<&'a str>,
    /// What a comment that is there already says when there is nothing to say any more.
    pub nothing_left: &'a str,
    /// Whether it is written anew each time, rather than changed.
    pub is_new: bool,
}

/// Where a change is reviewed. Calling twice with the same arguments changes nothing the second time.
#[async_trait]
pub trait Forge: Send + Sync + std::fmt::Debug {
    /// Shows each gate as a status of the commit.
    async fn put_statuses(&self, gates: &[Gate], url: Option<&str>) -> Result<(), Error>;

    /// Shows each gate as a check with its findings on their lines, where the forge has such.
    async fn put_checks(&self, gates: &[Gate], url: Option<&str>) -> Result<(), Error>;

    /// Shows our comment on the change.
    async fn put_comment(&self, comment: &Comment<'_>) -> Result<(), Error>;

    /// Closes every gate of ours that is still being worked on; returns how many there were.
    async fn settle(&self, why: &str) -> Result<usize, Error>;

    /// Returns when a commit came to `branch` by a merge of the forge's own (RFC 3339); none where it knows of no merge into that
    /// branch that made the commit.
    async fn merged_at(&self, commit: &str, branch: &str) -> Result<Option<String>, Error>;

    /// What it is called, for people.
    fn name(&self) -> String;
}

/// Cuts a line to what a forge takes.
fn cut(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text.chars().take(most - 1).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

/// Returns a number between 0 and 1 that differs from run to run.
fn jitter() -> f64 {
    use std::hash::{BuildHasher as _, RandomState};
    let bits = RandomState::new().hash_one(0u8);
    (bits >> 11) as f64 / (1u64 << 53) as f64
}
