//! How an environment wants its images copied.

use super::platform::Platform;
use super::referrer::ReferrerFilter;

/// How an environment wants its images copied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CopyOptions {
    /// What is copied along with an image.
    pub referrers: ReferrerFilter,
    /// The platforms of an index that are copied, at the price of its digest; all of them, and the digest kept, when empty.
    pub platforms: Vec<Platform>,
    /// The most an image may be in all, in bytes.
    pub max_size_bytes: Option<u64>,
}
