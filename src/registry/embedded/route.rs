//! What a path of the registry means.

use crate::domain::{Digest, ImageRef};

use super::errors::{Code, Refusal};
use super::query;

/// A manifest's name inside its repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reference {
    Tag(String),
    Digest(Digest),
}

impl Reference {
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        if text.contains(':') {
            return digest(text).map(Self::Digest);
        }
        // The host is there only because a reference needs one.
        ImageRef::new("localhost", "any", Some(text), None)
            .map(|_| Self::Tag(text.to_owned()))
            .map_err(|invalid| Refusal::new(Code::TagInvalid, invalid.to_string()))
    }
}

/// A path of the registry; each but the first three starts with the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// `/token`, which docker-registry leaves to another program.
    Token,
    /// `/v2/`: is this a registry, and are the credentials good?
    Version,
    /// `/v2/_catalog`
    Catalog,
    /// `/v2/<name>/tags/list`
    Tags(String),
    /// `/v2/<name>/manifests/<reference>`
    Manifest(String, Reference),
    /// `/v2/<name>/blobs/<digest>`
    Blob(String, Digest),
    /// `/v2/<name>/blobs/uploads/`
    Uploads(String),
    /// `/v2/<name>/blobs/uploads/<id>`
    Upload(String, String),
    /// `/v2/<name>/referrers/<digest>`
    Referrers(String, Digest),
}

impl Route {
    /// Reads a path. Names have slashes, so it is read from its end.
    pub(super) fn parse(path: &str) -> Result<Self, Refusal> {
        let unknown = || Refusal::new(Code::UnknownPath, "there is no such path");
        let path = query::decode(path);
        match path.as_str() {
            "/token" => return Ok(Self::Token),
            "/v2" | "/v2/" => return Ok(Self::Version),
            "/v2/_catalog" => return Ok(Self::Catalog),
            _ => {}
        }
        let segments: Vec<&str> = path.strip_prefix("/v2/").ok_or_else(unknown)?.split('/').collect();
        match segments.as_slice() {
            [name @ .., "blobs", "uploads"] => Ok(Self::Uploads(repository(name)?)),
            [name @ .., "blobs", "uploads", ""] => Ok(Self::Uploads(repository(name)?)),
            [name @ .., "blobs", "uploads", id] => Ok(Self::Upload(repository(name)?, (*id).to_owned())),
            [name @ .., "tags", "list"] => Ok(Self::Tags(repository(name)?)),
            [name @ .., "manifests", text] => Ok(Self::Manifest(repository(name)?, Reference::parse(text)?)),
            [name @ .., "blobs", text] => Ok(Self::Blob(repository(name)?, digest(text)?)),
            [name @ .., "referrers", text] => Ok(Self::Referrers(repository(name)?, digest(text)?)),
            _ => Err(unknown()),
        }
    }

    /// Returns the repository the path is in.
    pub(super) fn repository(&self) -> Option<&str> {
        match self {
            Self::Token | Self::Version | Self::Catalog => None,
            Self::Tags(name)
            | Self::Manifest(name, _)
            | Self::Blob(name, _)
            | Self::Uploads(name)
            | Self::Upload(name, _)
            | Self::Referrers(name, _) => Some(name),
        }
    }
}

fn repository(segments: &[&str]) -> Result<String, Refusal> {
    let name = segments.join("/");
    ImageRef::new("localhost", &name, None, None)
        .map(|_| name)
        .map_err(|invalid| Refusal::new(Code::NameInvalid, invalid.to_string()))
}

/// Reads a digest as a client gave it.
pub(super) fn digest(text: &str) -> Result<Digest, Refusal> {
    text.parse().map_err(|invalid: crate::domain::InvalidDigest| Refusal::new(Code::DigestInvalid, invalid.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(path: &str) -> String {
        let refusal = Route::parse(path).unwrap_err();
        String::from_utf8_lossy(&refusal.reply().body).into_owned()
    }

    #[test]
    fn names_may_have_slashes_and_words_of_the_protocol() {
        assert_eq!(Route::parse("/v2/a/b/c/tags/list"), Ok(Route::Tags("a/b/c".to_owned())));
        assert_eq!(
            Route::parse("/v2/blobs/uploads/manifests/list"),
            Ok(Route::Manifest("blobs/uploads".to_owned(), Reference::Tag("list".to_owned())))
        );
        assert_eq!(Route::parse("/v2/tags/list/tags/list"), Ok(Route::Tags("tags/list".to_owned())));
    }

    #[test]
    fn uploads_are_told_from_blobs() {
        assert_eq!(Route::parse("/v2/a/blobs/uploads/"), Ok(Route::Uploads("a".to_owned())));
        assert_eq!(Route::parse("/v2/a/blobs/uploads/7"), Ok(Route::Upload("a".to_owned(), "7".to_owned())));
        let digest = Digest::of(b"x");
        let encoded = digest.to_string().replace(':', "%3A");
        assert_eq!(Route::parse(&format!("/v2/a/blobs/{encoded}")), Ok(Route::Blob("a".to_owned(), digest)));
    }

    #[test]
    fn each_bad_part_has_its_code() {
        assert!(code("/v2/A/tags/list").contains("NAME_INVALID"));
        assert!(code("/v2/a//b/tags/list").contains("NAME_INVALID"));
        assert!(code("/v2/tags/list").contains("NAME_INVALID"));
        assert!(code("/v2/a/manifests/.x").contains("TAG_INVALID"));
        assert!(code("/v2/a/manifests/sha256:00").contains("DIGEST_INVALID"));
        assert!(code("/v2/a/blobs/md5:00").contains("DIGEST_INVALID"));
        assert!(code("/v1/a").contains("UNKNOWN"));
    }
}
