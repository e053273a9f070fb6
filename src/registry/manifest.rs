//! Manifests: what an index or an image is made of, checked before anything is done with it.

use bytes::Bytes;
use oci_client::manifest::{
    IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, ImageIndexEntry, OCI_IMAGE_INDEX_MEDIA_TYPE,
    OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageIndex, OciImageManifest, Platform,
};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::error::{Error, plain};
use crate::domain::Digest;

/// How long a manifest may be, in bytes: what registries themselves take.
pub(super) const LONGEST_MANIFEST: u64 = 4 << 20;

/// The media types we can read, in the form of an `Accept` header.
pub(super) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// A manifest whose bytes have the digest that was asked for.
#[derive(Debug, Clone)]
pub(super) struct Manifest {
    pub digest: Digest,
    pub media_type: String,
    pub bytes: Bytes,
    pub links: Links,
    /// How many layers it leaves where their URLs are.
    pub foreign_layers: usize,
}

/// What a manifest points at.
#[derive(Debug, Clone)]
pub(super) enum Links {
    /// Other manifests.
    Index(Vec<Child>),
    /// Blobs: the configuration first, then the layers that may be distributed.
    Image(Vec<Blob>),
}

/// An entry of an index.
#[derive(Debug, Clone)]
pub(super) struct Child {
    pub digest: Digest,
    pub size_bytes: u64,
    pub media_type: String,
    /// `os/architecture[/variant]`; none for attestations and the like.
    pub platform: Option<String>,
    /// Whether the index says that it is for no platform, as it does of a builder's attestations.
    pub is_for_nobody: bool,
}

/// A configuration or a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blob {
    pub digest: Digest,
    pub size_bytes: u64,
    pub media_type: String,
}

/// How a manifest is known where it is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Name<'a> {
    /// By a tag, in the place of what was seen under it.
    Tag(&'a str, Option<&'a Digest>),
    /// By its digest alone: a reference without a tag names it.
    Digest,
    /// By its digest, to what it is a part of or refers to.
    Part,
}

/// What tells one kind of manifest from another.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    schema_version: Option<u8>,
    media_type: Option<String>,
    manifests: Option<IgnoredAny>,
    layers: Option<IgnoredAny>,
    fs_layers: Option<IgnoredAny>,
}

/// Tells whether a media type is of Docker's schema 1, whose digest does not cover the bytes that are sent.
pub(super) fn is_schema_1(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.docker.distribution.manifest.v1+")
}

/// Why a manifest of schema 1 is refused.
const SCHEMA_1: &str = "it is of Docker's schema 1, which cannot be copied unchanged";

/// Refuses a manifest that its registry calls one of schema 1.
pub(super) fn schema_1_refused(repository: &str, digest: &Digest) -> Error {
    Error::Manifest { digest: digest.clone(), repository: repository.to_owned(), why: SCHEMA_1.to_owned() }
}

impl Manifest {
    /// Reads a manifest; `content_type` is what the registry called it.
    ///
    /// # Errors
    /// [`Error::Manifest`] when it is none, is of schema 1, or when header, body and shape disagree about its kind.
    pub(super) fn parse(
        repository: &str,
        digest: &Digest,
        content_type: Option<&str>,
        bytes: Bytes,
    ) -> Result<Self, Error> {
        let refuse = |why: String| Error::Manifest { digest: digest.clone(), repository: repository.to_owned(), why };
        let shape: Shape =
            serde_json::from_slice(&bytes).map_err(|_| refuse("it is not a manifest in JSON".to_owned()))?;
        let media_type = shape.kind(content_type).map_err(refuse)?;
        let unreadable = |error: serde_json::Error| {
            refuse(format!("it breaks the format at line {} column {}", error.line(), error.column()))
        };
        let mut foreign_layers = 0;
        let links = match media_type.as_str() {
            OCI_IMAGE_INDEX_MEDIA_TYPE | IMAGE_MANIFEST_LIST_MEDIA_TYPE => {
                let index: OciImageIndex = serde_json::from_slice(&bytes).map_err(unreadable)?;
                Links::Index(index.manifests.iter().map(Child::of).collect::<Result<_, _>>().map_err(refuse)?)
            }
            _ => {
                let image: OciImageManifest = serde_json::from_slice(&bytes).map_err(unreadable)?;
                let all = std::iter::once(&image.config).chain(&image.layers);
                foreign_layers = all.clone().filter(|descriptor| is_foreign(&descriptor.media_type)).count();
                let carried = all.filter(|descriptor| !is_foreign(&descriptor.media_type));
                Links::Image(carried.map(Blob::of).collect::<Result<_, _>>().map_err(refuse)?)
            }
        };
        Ok(Self { digest: digest.clone(), media_type, bytes, links, foreign_layers })
    }

    /// Returns the manifests this one points at.
    pub(super) fn children(&self) -> &[Child] {
        match &self.links {
            Links::Index(children) => children,
            Links::Image(_) => &[],
        }
    }

    /// Returns the digest of the manifest this one refers to.
    pub(super) fn subject(&self) -> Option<Digest> {
        #[derive(Deserialize)]
        struct Referring {
            subject: Subject,
        }
        #[derive(Deserialize)]
        struct Subject {
            digest: String,
        }
        serde_json::from_slice::<Referring>(&self.bytes).ok()?.subject.digest.parse().ok()
    }

    /// Returns the blobs this one points at.
    pub(super) fn blobs(&self) -> &[Blob] {
        match &self.links {
            Links::Index(_) => &[],
            Links::Image(blobs) => blobs,
        }
    }
}

impl Shape {
    /// Settles the media type, or says why header, body and shape cannot be brought together.
    fn kind(&self, content_type: Option<&str>) -> Result<String, String> {
        let header =
            content_type.map(|header| header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
        let header = header.filter(|header| is_known(header) || is_schema_1(header));
        let claimed = self.media_type.as_deref();
        if self.fs_layers.is_some() || self.schema_version == Some(1) || header.as_deref().is_some_and(is_schema_1) {
            return Err(SCHEMA_1.to_owned());
        }
        let by_shape = match (self.manifests.is_some(), self.layers.is_some()) {
            (true, false) => OCI_IMAGE_INDEX_MEDIA_TYPE,
            (false, true) => OCI_IMAGE_MEDIA_TYPE,
            (true, true) => return Err("it has both `manifests` and `layers`".to_owned()),
            (false, false) => return Err("it has neither `manifests` nor `layers`".to_owned()),
        };
        if let (Some(header), Some(claimed)) = (header.as_deref(), claimed)
            && header != claimed
        {
            return Err(format!("it calls itself {}, its registry calls it {header}", plain(claimed)));
        }
        let settled = claimed.or(header.as_deref()).unwrap_or(by_shape);
        if !is_known(settled) {
            return Err(format!("media type {} is not known", plain(settled)));
        }
        match is_index(settled) == is_index(by_shape) {
            true => Ok(settled.to_owned()),
            false => Err(format!("it calls itself {settled} and is made otherwise")),
        }
    }
}

impl Child {
    /// Tells whether it is an index itself.
    pub(super) fn is_index(&self) -> bool {
        is_index(&self.media_type)
    }

    fn of(entry: &ImageIndexEntry) -> Result<Self, String> {
        let (digest, size_bytes) = parsed(&entry.digest, entry.size)?;
        if !is_known(&entry.media_type) {
            return Err(format!(
                "it points at a manifest of media type {}, which is not known",
                plain(&entry.media_type)
            ));
        }
        let platform = entry.platform.as_ref().and_then(shown_platform);
        let is_unknown =
            |named: &Platform| named.os.to_string() == "unknown" && named.architecture.to_string() == "unknown";
        let is_for_nobody = entry.platform.as_ref().is_some_and(is_unknown);
        Ok(Self { digest, size_bytes, media_type: entry.media_type.clone(), platform, is_for_nobody })
    }
}

impl Blob {
    fn of(descriptor: &OciDescriptor) -> Result<Self, String> {
        let (digest, size_bytes) = parsed(&descriptor.digest, descriptor.size)?;
        Ok(Self { digest, size_bytes, media_type: descriptor.media_type.clone() })
    }
}

fn parsed(digest: &str, size: i64) -> Result<(Digest, u64), String> {
    let digest: Digest =
        digest.parse().map_err(|error| format!("it points at a digest that cannot be checked: {error}"))?;
    let size = u64::try_from(size).map_err(|_| format!("it gives {digest} a negative size"))?;
    Ok((digest, size))
}

fn shown_platform(platform: &Platform) -> Option<String> {
    let (os, architecture) = (platform.os.to_string(), platform.architecture.to_string());
    platform_name(&os, &architecture, platform.variant.as_deref())
}

fn platform_name(os: &str, architecture: &str, variant: Option<&str>) -> Option<String> {
    let variant =
        variant.filter(|variant| !variant.is_empty()).map(|variant| format!("/{variant}")).unwrap_or_default();
    let is_image = !os.is_empty() && os != "unknown" && architecture != "unknown";
    is_image.then(|| plain(&format!("{os}/{architecture}{variant}")))
}

/// Reads an image's own platform from its configuration.
pub(super) fn platform_of(config: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Config {
        os: String,
        architecture: String,
        variant: Option<String>,
    }
    let config: Config = serde_json::from_slice(config).ok()?;
    platform_name(&config.os, &config.architecture, config.variant.as_deref())
}

/// Tells whether a media type is of an index.
pub(super) fn is_index(media_type: &str) -> bool {
    matches!(media_type, OCI_IMAGE_INDEX_MEDIA_TYPE | IMAGE_MANIFEST_LIST_MEDIA_TYPE)
}

fn is_known(media_type: &str) -> bool {
    is_index(media_type) || matches!(media_type, OCI_IMAGE_MEDIA_TYPE | IMAGE_MANIFEST_MEDIA_TYPE)
}

/// Layers whose licence keeps them where they are; the manifest goes on naming them by URL.
fn is_foreign(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.oci.image.layer.nondistributable.")
        || media_type.starts_with("application/vnd.docker.image.rootfs.foreign.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn parse(content_type: Option<&str>, text: &str) -> Result<Manifest, String> {
        let digest = Digest::of(text.as_bytes());
        Manifest::parse("reg/x", &digest, content_type, Bytes::from(text.to_owned())).map_err(|e| e.to_string())
    }

    fn image(extra: &str) -> String {
        format!(
            r#"{{"schemaVersion":2,{extra}"config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{EMPTY}","size":2}},
            "layers":[{{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","digest":"{EMPTY}","size":9,"urls":["https://x"]}},
            {{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{EMPTY}","size":0}}]}}"#
        )
    }

    #[test]
    fn foreign_layers_are_left_by_reference() {
        let manifest = parse(Some("application/vnd.oci.image.manifest.v1+json; charset=utf-8"), &image("")).unwrap();
        assert_eq!(manifest.blobs().iter().map(|blob| blob.size_bytes).collect::<Vec<_>>(), [2, 0]);
        assert_eq!(manifest.foreign_layers, 1);
    }

    #[test]
    fn an_index_shows_platforms_and_hides_attestations() {
        let entry = |os: &str, architecture: &str, rest: &str| {
            format!(
                r#"{{"mediaType":"{OCI_IMAGE_MEDIA_TYPE}","digest":"{EMPTY}","size":1,"platform":{{"os":"{os}","architecture":"{architecture}"{rest}}}}}"#
            )
        };
        let entries = [
            entry("linux", "arm", r#","variant":"v7""#),
            entry("unknown", "unknown", ""),
            entry("plan9", "sparc128", ""),
        ];
        let manifest = parse(None, &format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(","))).unwrap();
        let platforms: Vec<_> = manifest.children().iter().map(|child| child.platform.as_deref()).collect();
        assert_eq!(platforms, [Some("linux/arm/v7"), None, Some("plan9/sparc128")]);
        let for_nobody: Vec<_> = manifest.children().iter().map(|child| child.is_for_nobody).collect();
        assert_eq!(for_nobody, [false, true, false]);
        assert_eq!(manifest.media_type, OCI_IMAGE_INDEX_MEDIA_TYPE);
    }

    #[test]
    fn what_disagrees_with_itself_is_refused() {
        let claims_index = image(r#""mediaType":"application/vnd.oci.image.index.v1+json","#);
        for (content_type, text, why) in [
            (None, "<html>", "not a manifest"),
            (None, r#"{"schemaVersion":1,"fsLayers":[]}"#, "schema 1"),
            (Some("application/vnd.docker.distribution.manifest.v1+prettyjws"), r#"{"layers":[]}"#, "schema 1"),
            (None, r#"{"schemaVersion":2,"layers":[],"manifests":[]}"#, "both"),
            (None, r#"{"schemaVersion":2}"#, "neither"),
            (None, &claims_index, "made otherwise"),
            (
                Some(IMAGE_MANIFEST_MEDIA_TYPE),
                &image(r#""mediaType":"application/vnd.oci.image.manifest.v1+json","#),
                "its registry calls it",
            ),
            (None, &image(r#""mediaType":"text/x","#), "not known"),
            (None, &image("").replace("\"size\":0", "\"size\":-1"), "negative"),
            (None, &image("").replace("sha256:", "md5:"), "cannot be checked"),
        ] {
            let error = parse(content_type, text).unwrap_err();
            assert!(error.contains(why), "{error} lacks {why}");
        }
    }
}
