//! Where an environment's images live: below a prefix of a registry, or in an image layout on disk.

use std::fmt;
use std::str::FromStr;

use super::image::{ImageRef, InvalidImage, canonical_registry, check_repository};

/// Where an environment's images live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageStore {
    /// A registry, or a part of one.
    Registry(RegistryPrefix),
    /// A directory.
    Layout(ImageLayout),
}

/// A directory in the form of an OCI image layout
/// (<https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md>). Its images have whole names, a registry's
/// included: those that overlays write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageLayout {
    /// The directory: absolute, or from the root of the repository.
    pub directory: String,
    /// The beginning of the names it holds; without one it holds whatever an overlay names.
    pub names: Option<RegistryPrefix>,
}

impl ImageStore {
    /// Tells where `image`, as an overlay names it, has to be; `None` when it does not belong here.
    #[must_use]
    pub fn place(&self, image: &ImageRef) -> Option<ImageRef> {
        if let Some(names) = self.names() {
            names.remainder(image)?;
        }
        Some(self.holding(image))
    }

    /// Tells where `image`, as an overlay of this store's environment names it, is copied from: the same name in `source`, or, for
    /// a layout that copies from no other environment, the image that the overlay names.
    #[must_use]
    pub fn source(&self, image: &ImageRef, source: Option<&Self>) -> Option<ImageRef> {
        match (source, self) {
            (Some(source), _) => {
                let named = match (self.names(), source.names()) {
                    (Some(names), Some(others)) => names.translate(image, others)?,
                    _ => image.clone(),
                };
                Some(source.holding(&named))
            }
            (None, Self::Layout(_)) => Some(image.clone()),
            (None, Self::Registry(_)) => None,
        }
    }

    /// Tells where the image of this name is, whatever the name.
    #[must_use]
    pub fn holding(&self, image: &ImageRef) -> ImageRef {
        match self {
            Self::Registry(_) => image.clone(),
            Self::Layout(layout) => image.in_layout(&layout.directory),
        }
    }

    fn names(&self) -> Option<&RegistryPrefix> {
        match self {
            Self::Registry(prefix) => Some(prefix),
            Self::Layout(layout) => layout.names.as_ref(),
        }
    }
}

impl fmt::Display for ImageStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(prefix) => prefix.fmt(f),
            Self::Layout(layout) => write!(f, "oci:{}", layout.directory),
        }
    }
}

/// The beginning that all image names of an environment share: a registry host and zero or more path components.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RegistryPrefix {
    registry: String,
    path: String,
}

impl RegistryPrefix {
    /// Returns the registry host with its port.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Returns what follows this prefix in `image`'s repository, when `image` lies below it.
    #[must_use]
    pub fn remainder<'a>(&self, image: &'a ImageRef) -> Option<&'a str> {
        if image.registry() != self.registry {
            return None;
        }
        match self.path.as_str() {
            "" => Some(image.repository()),
            path => image.repository().strip_prefix(path)?.strip_prefix('/'),
        }
    }

    /// Puts `remainder` below this prefix, keeping `image`'s tag and digest.
    fn place(&self, image: &ImageRef, remainder: &str) -> Result<ImageRef, InvalidImage> {
        match self.path.as_str() {
            "" => image.moved_to(&self.registry, remainder),
            path => image.moved_to(&self.registry, &format!("{path}/{remainder}")),
        }
    }

    /// Translates an image below `self` to the same name below `other`; `None` for images outside.
    #[must_use]
    pub fn translate(&self, image: &ImageRef, other: &Self) -> Option<ImageRef> {
        other.place(image, self.remainder(image)?).ok()
    }
}

impl fmt::Display for RegistryPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.registry)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, "/{}", self.path) }
    }
}

impl FromStr for RegistryPrefix {
    type Err = InvalidImage;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (registry, path) = text.split_once('/').unwrap_or((text, ""));
        let path = path.trim_end_matches('/');
        if !path.is_empty() {
            check_repository(path)?;
        }
        Ok(Self { registry: canonical_registry(registry)?, path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(text: &str) -> ImageRef {
        text.parse().unwrap()
    }

    fn registry(text: &str) -> ImageStore {
        ImageStore::Registry(text.parse().unwrap())
    }

    fn layout(names: Option<&str>) -> ImageStore {
        let names = names.map(|names| names.parse().unwrap());
        ImageStore::Layout(ImageLayout { directory: "./bundle".to_owned(), names })
    }

    #[test]
    fn a_prefix_ends_at_a_component() {
        let prefix: RegistryPrefix = "prod.example/team".parse().unwrap();
        assert_eq!(prefix.remainder(&image("prod.example/team/api:1")), Some("api"));
        assert_eq!(prefix.remainder(&image("prod.example/teams/api:1")), None);
        assert_eq!(prefix.remainder(&image("prod.example/team:1")), None);
        assert_eq!(prefix.to_string(), "prod.example/team");
    }

    #[test]
    fn an_image_moves_between_prefixes_with_tag_and_digest() {
        let (dev, prod): (RegistryPrefix, RegistryPrefix) =
            ("dev.example:5000".parse().unwrap(), "prod.example/team".parse().unwrap());
        assert_eq!(prod.translate(&image("prod.example/team/a/b:1"), &dev), Some(image("dev.example:5000/a/b:1")));
    }

    #[test]
    fn a_layout_holds_whole_names() {
        let prod = image("prod.example/team/api:1");
        let there = layout(None).place(&prod).unwrap();
        assert_eq!(there.to_string(), "oci:./bundle/prod.example/team/api:1");
        assert_eq!((there.layout(), prod.layout()), (Some("./bundle"), None));
        assert_eq!(layout(Some("prod.example/team")).place(&image("nginx:1")), None);
        assert_eq!(registry("prod.example").place(&image("nginx:1")), None);
    }

    #[test]
    fn an_image_comes_from_the_same_name_of_the_other_store() {
        let prod = image("prod.example/team/api:1");
        let source = |to: &ImageStore, from: Option<&ImageStore>| to.source(&prod, from).map(|from| from.to_string());
        let (dev, team) = (registry("dev.example:5000"), registry("prod.example/team"));
        let dev_s = Some("dev.example:5000/api:1".to_owned());
        assert_eq!(source(&team, Some(&dev)), dev_s);
        assert_eq!(source(&layout(Some("prod.example/team")), Some(&dev)), dev_s);
        let bundled = Some("oci:./bundle/prod.example/team/api:1".to_owned());
        assert_eq!(source(&team, Some(&layout(Some("prod.example/team")))), bundled);
        assert_eq!(source(&team, Some(&layout(None))), bundled);
        let renamed = Some("oci:./bundle/bundled.example/api:1".to_owned());
        assert_eq!(source(&team, Some(&layout(Some("bundled.example")))), renamed);
        assert_eq!(source(&layout(None), Some(&dev)), Some(prod.to_string()));
        assert_eq!(source(&layout(None), None), Some(prod.to_string()));
        assert_eq!(source(&team, None), None);
    }
}
