//! Documents: what registries hold beside an image, as bytes that nobody has believed yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::digest::Digest;

/// One blob that hangs on an image: a signature, an attestation, a report. Anybody who may push could have put it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The manifest of the image, or of a part of it, that it hangs on: under the tag made of this digest, or by `subject`.
    pub subject: Digest,
    /// The manifest that holds it, for people.
    pub manifest: Digest,
    /// Its media type, as the manifest that holds it says.
    pub media_type: String,
    /// The signature over it in the older format, base64, from the annotation `dev.cosignproject.cosign/signature`.
    pub signature: Option<String>,
    /// The certificate that came with that signature, PEM, from `dev.sigstore.cosign/certificate`.
    pub certificate: Option<String>,
    /// The bytes.
    pub bytes: Arc<[u8]>,
}

/// One image of those an index has, or the only one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImagePart {
    /// The digest of its manifest, as text.
    pub digest: String,
    /// Its platform, `os/architecture[/variant]`, where one is named.
    pub platform: Option<String>,
    /// When its configuration says it was created (RFC 3339), unread.
    pub created: Option<String>,
    /// The labels of its configuration.
    pub labels: BTreeMap<String, String>,
}

/// What a registry has of one digest: what it is made of, and what hangs on it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Papers {
    /// The images of an index, or the only one.
    pub parts: Vec<ImagePart>,
    /// Whether the digest is an index's.
    pub is_index: bool,
    /// What hangs on it and on its parts.
    pub documents: Vec<Document>,
    /// What claims to hang on it and cannot be used, and why.
    pub passed_over: Vec<String>,
}
