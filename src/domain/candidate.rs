//! Candidates and the evidence about them.

use super::change::{ChangeKind, Sites};
use super::copy_options::CopyOptions;
use super::digest::Digest;
use super::image::ImageRef;
use super::image_use::ImageUse;

/// A newly referenced image that must exist at its destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The environment that references it.
    pub environment: String,
    /// Where it must be: the reference as the overlay names it.
    pub to: ImageRef,
    /// Where it is copied from when missing; none in an environment without `from`.
    pub from: Option<ImageRef>,
    /// How its environment wants it copied.
    pub copy: CopyOptions,
    /// Whether it is added or takes another's place.
    pub kind: ChangeKind,
    /// The reference it takes the place of, as written.
    pub before: Option<String>,
    /// Where it is referenced.
    pub sites: Sites,
}

impl Candidate {
    /// Returns the first use, which findings speak of.
    #[must_use]
    pub fn image_use(&self) -> &ImageUse {
        &self.sites.first().image_use
    }
}

/// What one look-up at a registry gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Nobody looked: there is no such reference, or the run is offline.
    Unasked,
    /// The registry answered that it has no such manifest.
    Absent,
    /// The registry holds a manifest of this digest there.
    Holds(Digest),
    /// The registry could not be asked; the reason, with its causes, and what may help.
    Unknown {
        /// What went wrong.
        reason: String,
        /// An action the reader can take.
        hint: String,
    },
}

impl Seen {
    /// Returns the digest that was found.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        match self {
            Self::Holds(digest) => Some(digest),
            _ => None,
        }
    }
}

/// What one registry has of a reference: under its tag and under its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// What the effective tag resolves to.
    pub tag: Seen,
    /// Whether the written digest is there.
    pub digest: Seen,
}

impl Sighting {
    /// Nothing was asked.
    pub const UNASKED: Self = Self { tag: Seen::Unasked, digest: Seen::Unasked };

    /// Returns the reason why either look-up failed.
    #[must_use]
    pub fn failure(&self) -> Option<(&str, &str)> {
        [&self.tag, &self.digest].into_iter().find_map(|seen| match seen {
            Seen::Unknown { reason, hint } => Some((reason.as_str(), hint.as_str())),
            _ => None,
        })
    }
}

/// What an image is made of, read from its manifests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// The size of all distinct blobs and manifests, in bytes.
    pub size_bytes: u64,
    /// The platforms of an index's images, `os/architecture[/variant]`, in its order; of a single image, its own.
    pub platforms: Vec<String>,
    /// How many layers lie elsewhere, where their manifests' URLs say: their licence keeps them there.
    pub foreign_layers: usize,
    /// What is copied in its place, where its environment does not want all of its platforms. Size and platforms are those of
    /// what is copied.
    pub narrowed: Option<Narrowed>,
}

/// An index that lost some of its platforms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrowed {
    /// The digest at the source.
    pub from: Digest,
    /// The digest of what is left.
    pub digest: Digest,
    /// The platforms that are not in it any more.
    pub left_out: Vec<String>,
}

/// What registries told us about one candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// What the source has.
    pub source: Sighting,
    /// What the destination has.
    pub destination: Sighting,
    /// What the image is made of; read only where it may have to be copied.
    pub content: Option<Content>,
}

impl Evidence {
    /// What an offline run knows.
    pub const UNASKED: Self = Self { source: Sighting::UNASKED, destination: Sighting::UNASKED, content: None };
}
