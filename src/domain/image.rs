//! Image references, parsed strictly and kept in one canonical form.

use std::fmt;
use std::str::FromStr;

use super::digest::{Digest, InvalidDigest};

/// The registry a reference without a host means.
const DOCKER_HUB: &str = "docker.io";

/// What the place of an image in a layout begins with, where that of another has its registry's host.
const LAYOUT: &str = "oci:";

/// A reference to an image: registry, repository, and a tag, a digest or both.
///
/// The grammar is the distribution project's (<https://github.com/distribution/reference>), strict ASCII. There is one
/// canonical form, made before anything is compared: hosts in lower case without the default port 443, Docker Hub's
/// aliases as `docker.io`, its bare names under `library/`. A reference with neither tag nor digest means `latest`
/// ([`ImageRef::effective_tag`]) and prints as it was.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageRef {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is not an image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidImage {
    /// Nothing was there.
    #[error("an image reference may not be empty")]
    Empty,
    /// Part of it is filled in later by another program.
    #[error("the image reference is a template")]
    Template,
    /// Longer than any registry takes.
    #[error("an image reference may have at most 512 characters, found {0}")]
    TooLong(usize),
    /// The registry part is not a host with an optional port.
    #[error("`{0}` is not a registry host")]
    Registry(String),
    /// The repository part has a character or a shape that registries refuse.
    #[error("`{0}` is not a repository name: lower-case letters, digits and single separators `.`, `_`, `-`, `/`")]
    Repository(String),
    /// The tag has a character or a length that registries refuse.
    #[error("`{0}` is not a tag: letters, digits, `_`, `.`, `-`, at most 128 characters")]
    Tag(String),
    /// The digest cannot be checked.
    #[error(transparent)]
    Digest(#[from] InvalidDigest),
}

impl ImageRef {
    /// Puts a reference together from parts; `registry` and `repository` follow the grammar above.
    ///
    /// # Errors
    /// The part that breaks the grammar.
    pub fn new(
        registry: &str,
        repository: &str,
        tag: Option<&str>,
        digest: Option<Digest>,
    ) -> Result<Self, InvalidImage> {
        let registry = canonical_registry(registry)?;
        check_repository(repository)?;
        if let Some(tag) = tag {
            check_tag(tag)?;
        }
        Ok(Self { registry, repository: repository.to_owned(), tag: tag.map(str::to_owned), digest })
    }

    /// Returns the registry: host and, unless it is 443, port; `oci:` and a directory for an image in a layout.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Returns the directory of the layout it is in; `None` for an image in a registry.
    #[must_use]
    pub fn layout(&self) -> Option<&str> {
        // No host begins so: see `in_layout`.
        self.registry.strip_prefix(LAYOUT).filter(|directory| directory.starts_with(['.', '/']))
    }

    /// Returns the image of this whole name in the layout in `directory`, which begins with `.` or `/`.
    #[must_use]
    pub fn in_layout(&self, directory: &str) -> Self {
        let (registry, repository) = (format!("{LAYOUT}{directory}"), self.locator());
        Self { registry, repository, ..self.clone() }
    }

    /// Returns the repository's path inside its registry; for an image in a layout its name without tag and digest.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Returns the tag as written.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Returns the digest as written.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Returns the tag a container runtime would ask for: the written one, `latest` where neither tag nor digest is
    /// written, none for a reference by digest alone.
    #[must_use]
    pub fn effective_tag(&self) -> Option<&str> {
        match (&self.tag, &self.digest) {
            (Some(tag), _) => Some(tag),
            (None, Some(_)) => None,
            (None, None) => Some("latest"),
        }
    }

    /// Returns registry and repository without tag and digest.
    #[must_use]
    pub fn locator(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// Returns the same tag and digest in another repository.
    ///
    /// # Errors
    /// When `registry` or `repository` breaks the grammar.
    pub fn moved_to(&self, registry: &str, repository: &str) -> Result<Self, InvalidImage> {
        Self::new(registry, repository, self.tag(), self.digest.clone())
    }

    /// Returns the reference by `digest` alone, in the same repository.
    #[must_use]
    pub fn at_digest(&self, digest: Digest) -> Self {
        Self { tag: None, digest: Some(digest), ..self.clone() }
    }

    /// Returns the reference by its effective tag alone, if it has one.
    #[must_use]
    pub fn at_tag(&self) -> Option<Self> {
        let tag = self.effective_tag()?.to_owned();
        Some(Self { tag: Some(tag), digest: None, ..self.clone() })
    }

    /// Returns what follows the repository: `:tag`, `@digest`, or both.
    #[must_use]
    pub fn suffix(&self) -> String {
        let tag = self.tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
        let digest = self.digest.as_ref().map(|digest| format!("@{digest}")).unwrap_or_default();
        tag + &digest
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.registry, self.repository, self.suffix())
    }
}

impl FromStr for ImageRef {
    type Err = InvalidImage;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(InvalidImage::Empty);
        }
        if text.len() > 512 {
            return Err(InvalidImage::TooLong(text.chars().count()));
        }
        if ["$(", "${", "{{"].iter().any(|opening| text.contains(opening)) {
            return Err(InvalidImage::Template);
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse()?)),
            None => (text, None),
        };
        let name_start = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest[name_start..].split_once(':') {
            Some((name, tag)) => (&rest[..name_start + name.len()], Some(tag)),
            None => (rest, None),
        };
        let (registry, repository) = split_registry(name);
        let registry = canonical_registry(registry.unwrap_or(DOCKER_HUB))?;
        let repository = match registry == DOCKER_HUB && !repository.contains('/') {
            true => format!("library/{repository}"),
            false => repository.to_owned(),
        };
        Self::new(&registry, &repository, tag, digest)
    }
}

/// A first component is a host when it could not be part of a repository name: it has a dot, a port, an upper-case letter,
/// or is `localhost`.
fn split_registry(name: &str) -> (Option<&str>, &str) {
    match name.split_once('/') {
        Some((first, rest))
            if first.contains(['.', ':']) || first == "localhost" || first.bytes().any(|b| b.is_ascii_uppercase()) =>
        {
            (Some(first), rest)
        }
        _ => (None, name),
    }
}

/// Brings a registry host into the one form that is compared.
pub(super) fn canonical_registry(text: &str) -> Result<String, InvalidImage> {
    let invalid = || InvalidImage::Registry(shown(text));
    let lower = text.to_ascii_lowercase();
    let (host, port) = match lower.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            address.parse::<core::net::Ipv6Addr>().map_err(|_| invalid())?;
            (&lower[..address.len() + 2], port.strip_prefix(':').or(port.is_empty().then_some("")).ok_or_else(invalid)?)
        }
        None => lower.split_once(':').unwrap_or((&lower, "")),
    };
    let labels_are_valid = host.starts_with('[')
        || host.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        });
    let port_is_valid = !lower.ends_with(':') && (port.is_empty() || port.parse::<u16>().is_ok());
    if !labels_are_valid || !port_is_valid {
        return Err(invalid());
    }
    let is_plainly_a_host = host == "localhost" || host.contains(['.', ':']);
    match (host, port) {
        ("index.docker.io" | "registry-1.docker.io" | "docker.io", "" | "443") => Ok(DOCKER_HUB.to_owned()),
        (host, "" | "443") if is_plainly_a_host => Ok(host.to_owned()),
        (_, "") => Err(invalid()),
        (host, port) => Ok(format!("{host}:{port}")),
    }
}

pub(super) fn check_repository(text: &str) -> Result<(), InvalidImage> {
    let component_is_valid = |component: &str| {
        let bytes = component.as_bytes();
        let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
        let alphabet = bytes.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'));
        let separators = ["..", "._", "_.", ".-", "-.", "_-", "-_", "___"];
        edge(bytes.first()) && edge(bytes.last()) && alphabet && !separators.iter().any(|pair| component.contains(pair))
    };
    match text.len() <= 255 && text.split('/').all(component_is_valid) {
        true => Ok(()),
        false => Err(InvalidImage::Repository(shown(text))),
    }
}

fn check_tag(text: &str) -> Result<(), InvalidImage> {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let valid = (1..=128).contains(&text.len())
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|b| word(b) || matches!(b, b'.' | b'-'));
    if valid { Ok(()) } else { Err(InvalidImage::Tag(shown(text))) }
}

/// Makes a piece of hostile text fit for an error message.
fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_default).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> ImageRef {
        text.parse().unwrap()
    }

    #[test]
    fn every_way_to_write_docker_hub_is_one_reference() {
        for text in [
            "nginx:1",
            "library/nginx:1",
            "docker.io/nginx:1",
            "index.docker.io/library/nginx:1",
            "Docker.IO:443/nginx:1",
        ] {
            assert_eq!(parse(text).to_string(), "docker.io/library/nginx:1", "{text}");
        }
    }

    #[test]
    fn a_port_is_not_a_tag() {
        let image = parse("localhost:5000/team/api");
        assert_eq!((image.registry(), image.repository(), image.tag()), ("localhost:5000", "team/api", None));
        assert_eq!(image.effective_tag(), Some("latest"));
    }

    #[test]
    fn tag_and_digest_are_both_kept() {
        let digest = Digest::of(b"x");
        let text = format!("reg.example/api:1.4.2@{digest}");
        let image = parse(&text);
        assert_eq!((image.tag(), image.digest()), (Some("1.4.2"), Some(&digest)));
        assert_eq!(image.to_string(), text);
        assert_eq!(image.at_digest(digest).effective_tag(), None);
    }

    #[test]
    fn templates_are_told_apart_from_mistakes() {
        for text in ["reg.example/api:${TAG}", "$(IMAGE)", "{{ .Values.image }}"] {
            assert_eq!(text.parse::<ImageRef>(), Err(InvalidImage::Template), "{text}");
        }
    }

    #[test]
    fn hostile_names_are_refused() {
        for text in [
            "",
            "a\nb",
            "reg.example/a b",
            "reg.example/API",
            "reg.example/a::b",
            "a|b",
            "`a`",
            "a<!--",
            "reg.example/../x",
            "reg.example//x",
            "reg.example/x:",
            "reg.example/x@sha256:00",
            "réf.example/x",
            "reg.example:99999/x",
            "-a.example/x",
            "reg.example:/x",
            "[::1/x",
        ] {
            assert!(text.parse::<ImageRef>().is_err(), "{text:?}");
        }
        assert_eq!(parse("[::1]:5000/x:1").registry(), "[::1]:5000");
    }

    proptest! {
        #[test]
        fn what_parses_prints_and_parses_back(text in "[a-zA-Z0-9.:/@_-]{0,40}") {
            if let Ok(image) = text.parse::<ImageRef>() {
                prop_assert_eq!(&parse(&image.to_string()), &image);
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,60}") {
            let _ = text.parse::<ImageRef>();
        }
    }
}
