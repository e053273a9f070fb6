//! Referrers: what belongs to an image without being part of it: signatures, attestations, bills of materials.

use super::digest::Digest;

/// A manifest that refers to an image, or to one of its parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Referrer {
    /// Its digest.
    pub digest: Digest,
    /// Its artifact type; of older formats the media type that tells them apart.
    pub artifact_type: String,
}

/// Which referrers are copied along with an image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ReferrerFilter {
    /// Every one.
    #[default]
    All,
    /// None; they are not even looked for.
    None,
    /// Those of these artifact types.
    Types(Vec<String>),
}

impl ReferrerFilter {
    /// Tells whether referrers of this artifact type are copied.
    #[must_use]
    pub fn takes(&self, artifact_type: &str) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Types(types) => types.iter().any(|wanted| wanted == artifact_type),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_types_that_are_named_are_taken() {
        let named = ReferrerFilter::Types(vec!["application/spdx+json".to_owned()]);
        assert!(named.takes("application/spdx+json") && !named.takes("application/spdx"));
        assert!(ReferrerFilter::All.takes("x/y") && !ReferrerFilter::None.takes("x/y"));
    }
}
