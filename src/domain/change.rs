//! Changes: images that came, went or moved between two revisions of one environment.

use super::image_use::ImageUse;
use super::tree::TreePath;

/// An image use together with the overlay it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSite {
    /// The overlay's directory.
    pub overlay: TreePath,
    /// The use.
    pub image_use: ImageUse,
}

/// One or more places of the same image; never none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sites<T = ImageSite> {
    first: T,
    others: Vec<T>,
}

impl<T> Sites<T> {
    /// Begins with one.
    #[must_use]
    pub fn new(first: T) -> Self {
        Self { first, others: Vec::new() }
    }

    /// Adds another.
    pub fn push(&mut self, site: T) {
        self.others.push(site);
    }

    /// Returns the first.
    #[must_use]
    pub fn first(&self) -> &T {
        &self.first
    }

    /// Goes through all, in the order they were found.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl Sites<&ImageSite> {
    /// Makes them its own.
    #[must_use]
    pub fn cloned(&self) -> Sites {
        Sites { first: self.first.clone(), others: self.others.iter().map(|site| (*site).clone()).collect() }
    }
}

/// What happened to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// Referenced now; nothing stood in its place before.
    Added,
    /// Referenced now in place of another reference.
    Changed,
    /// No longer referenced, and nothing took its place.
    Removed,
    /// Referenced on both sides.
    Unchanged,
}

impl ChangeKind {
    /// Returns the word reports use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Unchanged => "unchanged",
        }
    }
}

/// One image reference of one environment on both sides, however many uses it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// The reference that stood in its place before, as written.
    pub before: Option<String>,
    /// The reference now, as written; none when removed.
    pub after: Option<String>,
    /// Where it is referenced now; where it was, when removed.
    pub sites: Sites,
}
