//! How an environment wants its images copied.

use super::referrer::ReferrerFilter;

/// How an environment wants its images copied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CopyOptions {
    /// What is copied along with an image.
    pub referrers: ReferrerFilter,
    /// The most an image may be in all, in bytes.
    pub max_size_bytes: Option<u64>,
}
