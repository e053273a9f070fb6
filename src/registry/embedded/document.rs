//! What a manifest says about other content.

use serde::Deserialize;

use crate::domain::Digest;

use super::errors::{Code, Refusal};

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// The media type of an OCI index, which is also that of a list of referrers.
pub(super) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// Content that must be there before the manifest is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) digest: Digest,
    pub(super) size: u64,
}

/// A valid manifest or index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) media_type: String,
    pub(super) blobs: Vec<Part>,
    pub(super) children: Vec<Part>,
    pub(super) subject: Option<Digest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    schema_version: Option<u64>,
    media_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    size: u64,
    #[serde(default)]
    urls: Vec<String>,
}

impl Descriptor {
    /// Tells whether the content may be missing here because it comes from elsewhere.
    fn is_foreign(&self) -> bool {
        !self.urls.is_empty() || self.media_type.contains("nondistributable") || self.media_type.contains("foreign")
    }

    fn is_manifest(&self) -> bool {
        [OCI_MANIFEST, DOCKER_MANIFEST, OCI_INDEX, DOCKER_LIST].contains(&self.media_type.as_str())
    }

    fn digest(&self) -> Result<Digest, Refusal> {
        self.digest.parse().map_err(|error| invalid(format!("a descriptor's digest is wrong: {error}")))
    }

    fn part(&self) -> Result<Part, Refusal> {
        Ok(Part { digest: self.digest()?, size: self.size })
    }
}

impl Document {
    /// Reads a manifest pushed with a `Content-Type`.
    pub(super) fn read(content: &[u8], content_type: Option<&str>) -> Result<Self, Refusal> {
        let written: Written =
            serde_json::from_slice(content).map_err(|error| invalid(format!("not a manifest: {error}")))?;
        let media_type = agreed_media_type(content_type, written.media_type.as_deref())?;
        if written.schema_version != Some(2) {
            return Err(invalid("schemaVersion must be 2"));
        }
        let subject = written.subject.as_ref().map(Descriptor::digest).transpose()?;
        let (blobs, children) = match media_type.as_str() {
            OCI_MANIFEST | DOCKER_MANIFEST => (image_blobs(&written)?, Vec::new()),
            OCI_INDEX | DOCKER_LIST => index_parts(&written)?,
            other => return Err(invalid(format!("media type {other} is not supported"))),
        };
        Ok(Self { media_type, blobs, children, subject })
    }
}

/// Returns the media type, which header and content must not disagree about
/// (<https://github.com/opencontainers/distribution-spec/security/advisories/GHSA-mc8v-mgrf-8f4m>).
fn agreed_media_type(content_type: Option<&str>, written: Option<&str>) -> Result<String, Refusal> {
    let header =
        content_type.and_then(|value| value.split(';').next()).map(str::trim).filter(|value| !value.is_empty());
    match (header, written) {
        (Some(header), Some(written)) if header != written => {
            Err(invalid(format!("the media type is {header} in Content-Type but {written} in the manifest")))
        }
        (Some(media_type), _) | (None, Some(media_type)) => Ok(media_type.to_owned()),
        (None, None) => Err(invalid("the media type is missing")),
    }
}

fn image_blobs(written: &Written) -> Result<Vec<Part>, Refusal> {
    let (Some(config), Some(layers), None) = (&written.config, &written.layers, &written.manifests) else {
        return Err(invalid("an image manifest has config and layers, and no manifests"));
    };
    let own = layers.iter().filter(|layer| !layer.is_foreign());
    std::iter::once(config).chain(own).map(Descriptor::part).collect()
}

/// Returns blobs and children; build caches put layers into an index, too.
fn index_parts(written: &Written) -> Result<(Vec<Part>, Vec<Part>), Refusal> {
    let (Some(entries), None, None) = (&written.manifests, &written.config, &written.layers) else {
        return Err(invalid("an index has manifests, and neither config nor layers"));
    };
    let (children, blobs): (Vec<&Descriptor>, Vec<&Descriptor>) =
        entries.iter().filter(|entry| !entry.is_foreign()).partition(|entry| entry.is_manifest());
    let parts = |entries: Vec<&Descriptor>| entries.into_iter().map(Descriptor::part).collect::<Result<Vec<_>, _>>();
    Ok((parts(blobs)?, parts(children)?))
}

/// Returns the subject of a manifest; `None` also for content that is no manifest.
pub(super) fn subject(content: &[u8]) -> Option<Digest> {
    let written: Written = serde_json::from_slice(content).ok()?;
    written.subject?.digest().ok()
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::ManifestInvalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str, content_type: &str) -> Result<Document, String> {
        Document::read(content.as_bytes(), Some(content_type)).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn foreign_layers_are_not_asked_for() {
        let digest = Digest::of(b"x");
        let layer = |rest: &str| format!(r#"{{"mediaType":"m{rest},"digest":"{digest}","size":1}}"#);
        let content = format!(
            r#"{{"schemaVersion":2,"config":{},"layers":[{},{},{}]}}"#,
            layer(r#"""#),
            layer(r#"","urls":["https://a.example"]"#),
            layer(r#".nondistributable.v1.tar""#),
            layer(r#".foreign.diff.tar""#),
        );
        assert_eq!(read(&content, OCI_MANIFEST).unwrap().blobs.len(), 1);
    }

    #[test]
    fn header_and_content_must_agree() {
        let content = format!(r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[]}}"#);
        assert!(read(&content, OCI_INDEX).is_ok());
        assert!(read(&content, &format!("{OCI_INDEX}; charset=utf-8")).is_ok());
        assert!(read(&content, DOCKER_LIST).unwrap_err().contains("in Content-Type but"));
        assert_eq!(Document::read(content.as_bytes(), None).unwrap().media_type, OCI_INDEX);
    }

    #[test]
    fn what_is_neither_image_nor_index_is_refused() {
        assert!(read("{", OCI_INDEX).unwrap_err().contains("not a manifest"));
        assert!(read("[]", OCI_INDEX).is_err());
        assert!(read(r#"{"schemaVersion":1}"#, OCI_INDEX).unwrap_err().contains("must be 2"));
        assert!(read(r#"{"schemaVersion":2}"#, OCI_MANIFEST).unwrap_err().contains("config"));
        assert!(read(r#"{"schemaVersion":2}"#, "text/plain").unwrap_err().contains("not supported"));
        let both = r#"{"schemaVersion":2,"manifests":[],"layers":[]}"#;
        assert!(read(both, OCI_INDEX).is_err());
    }
}
