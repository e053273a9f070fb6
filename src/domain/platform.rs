//! Platforms: what an image runs on, `os/architecture[/variant]`.

use std::fmt;
use std::str::FromStr;

/// A platform as an index names it (<https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

/// A text is not `os/architecture[/variant]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a platform is os/architecture or os/architecture/variant, such as linux/amd64")]
pub struct InvalidPlatform;

impl Platform {
    /// Tells whether an image for `other` is one of these: without a variant, any is.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let is_same = self.os == other.os && self.architecture == other.architecture;
        is_same && (self.variant.is_none() || self.named_variant() == other.named_variant())
    }

    /// The variant, that which is meant where none is written included.
    fn named_variant(&self) -> Option<&str> {
        match (self.architecture.as_str(), self.variant.as_deref()) {
            ("arm64", None) => Some("v8"),
            ("amd64", None) => Some("v1"),
            ("arm", None) => Some("v7"),
            (_, variant) => variant,
        }
    }
}

impl FromStr for Platform {
    type Err = InvalidPlatform;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_word = |part: &&str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        };
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match parts.as_slice() {
            [os, architecture] => (*os, *architecture, None),
            [os, architecture, variant] => (*os, *architecture, Some(*variant)),
            _ => return Err(InvalidPlatform),
        };
        if ![Some(os), Some(architecture), variant].iter().flatten().all(is_word) {
            return Err(InvalidPlatform);
        }
        let (os, architecture, variant) = (os.to_owned(), architecture.to_owned(), variant.map(str::to_owned));
        Ok(Self { os, architecture, variant })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_covers_itself_and_without_a_variant_all_its_variants() {
        let covers = |one: &str, other: &str| one.parse::<Platform>().unwrap().covers(&other.parse().unwrap());
        assert!(covers("linux/arm", "linux/arm/v6") && covers("linux/amd64", "linux/amd64"));
        assert!(covers("linux/arm64/v8", "linux/arm64") && covers("linux/arm64", "linux/arm64/v8"));
        assert!(!covers("linux/arm/v7", "linux/arm/v6") && !covers("linux/amd64/v3", "linux/amd64"));
        assert!(!covers("linux/amd64", "windows/amd64") && !covers("linux/arm", "linux/arm64"));
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in ["", "linux", "linux/", "/amd64", "linux/a/b/c", "linux/am d64", "all"] {
            assert_eq!(text.parse::<Platform>(), Err(InvalidPlatform), "{text}");
        }
        assert_eq!("linux/arm/v7".parse::<Platform>().unwrap().to_string(), "linux/arm/v7");
    }
}
