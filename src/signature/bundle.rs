//! Sigstore bundles: an envelope together with what is needed to verify it.
//!
//! Follows <https://github.com/sigstore/protobuf-specs/blob/v0.5.0/protos/sigstore_bundle.proto>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::dsse::Envelope;
use super::examine::{makers, stranger};
use super::proof::{Examined, Outcome, shown};
use super::signer::Signer;
use super::statement::Statement;
use super::{json, keyless};
use crate::domain::Document;

/// The version that cosign 3 writes.
pub(super) const V0_3: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

const PREFIX: &str = "application/vnd.dev.sigstore.bundle";

/// The most log entries, timestamps or certificates that are verified; signing makes one or two of each.
const MAX_PROOFS: usize = 8;

/// Tells whether `media_type` is that of a bundle, of whatever version.
pub(super) fn is_media_type(media_type: &str) -> bool {
    media_type.starts_with(PREFIX)
}

/// Tells whether `value` calls itself a bundle.
pub(super) fn looks_like_one(value: &Value) -> bool {
    value.get("mediaType").and_then(Value::as_str).is_some_and(is_media_type)
}

pub(super) fn examine(document: &Document, signers: &[Signer]) -> Examined {
    match read(document) {
        Err(outcome) => Examined::unknown(outcome),
        Ok(Bundle::ByKey { hint, envelope }) => by_key(document, signers, &hint, &envelope),
        Ok(Bundle::Keyless { text }) => keyless::examine(document, signers, text),
    }
}

/// A bundle, by what it is to be verified with.
enum Bundle<'a> {
    ByKey { hint: String, envelope: Envelope },
    Keyless { text: &'a str },
}

fn read(document: &Document) -> Result<Bundle<'_>, Outcome> {
    let outer = version(&document.media_type)?;
    let bundle = json::parse("the bundle", &document.bytes, json::FRAME)?;
    let inner = bundle.get("mediaType").and_then(Value::as_str);
    let inner = inner.ok_or_else(|| Outcome::broken("the bundle has no `mediaType`"))?;
    if !is_media_type(inner) {
        return Err(Outcome::broken(format!("the bundle calls itself `{}`", shown(inner))));
    }
    let inner = version(inner)?;
    if inner != outer {
        return Err(Outcome::broken(format!("the bundle is of version {inner}, its media type says {outer}")));
    }
    let envelope = match (bundle.get("dsseEnvelope"), bundle.get("messageSignature")) {
        (Some(envelope), None) => Envelope::read(envelope)?,
        (None, Some(_)) => return Err(Outcome::unsupported("sigstore bundle around a bare message signature")),
        (Some(_), Some(_)) => return Err(Outcome::broken("the bundle has both an envelope and a message signature")),
        (None, None) => return Err(Outcome::broken("the bundle has no envelope")),
    };
    let material = bundle.get("verificationMaterial").unwrap_or(&Value::Null);
    let has = |key: &str| material.get(key).is_some_and(|value| !value.is_null());
    match (has("publicKey"), has("certificate") || has("x509CertificateChain")) {
        (true, false) => {
            let hint = material.pointer("/publicKey/hint").and_then(Value::as_str).unwrap_or_default().to_owned();
            Ok(Bundle::ByKey { hint, envelope })
        }
        (false, true) => {
            check_counts(material)?;
            let text = std::str::from_utf8(&document.bytes);
            text.map(|text| Bundle::Keyless { text }).map_err(|_| Outcome::broken("the bundle is not UTF-8"))
        }
        (true, true) => Err(Outcome::broken("the bundle names both a key and a certificate")),
        (false, false) => Err(Outcome::broken("the bundle names neither a key nor a certificate")),
    }
}

/// Returns the version that a bundle's media type names.
///
/// # Errors
/// [`Outcome::Unsupported`] when it is not one that is read here.
fn version(media_type: &str) -> Result<&'static str, Outcome> {
    match media_type {
        V0_3 | "application/vnd.dev.sigstore.bundle+json;version=0.3" => Ok("v0.3"),
        "application/vnd.dev.sigstore.bundle+json;version=0.2" => Ok("v0.2"),
        "application/vnd.dev.sigstore.bundle+json;version=0.1" => Ok("v0.1"),
        other => {
            let rest = other.strip_prefix(PREFIX).unwrap_or(other);
            let version = rest.trim_start_matches("+json;version=").trim_start_matches(".v").trim_end_matches("+json");
            Err(Outcome::unsupported(format!("sigstore bundle v{}", shown(version))))
        }
    }
}

/// Bounds the work: each of these costs a signature check or more, and a document has room for a hundred thousand.
fn check_counts(material: &Value) -> Result<(), Outcome> {
    for path in ["/tlogEntries", "/timestampVerificationData/rfc3161Timestamps", "/x509CertificateChain/certificates"] {
        let found = material.pointer(path).and_then(Value::as_array).map_or(0, Vec::len);
        if found > MAX_PROOFS {
            let name = path.rsplit('/').next().unwrap_or(path);
            return Err(Outcome::broken(format!("the bundle has {found} `{name}`, expected at most {MAX_PROOFS}")));
        }
    }
    Ok(())
}

fn by_key(document: &Document, signers: &[Signer], hint: &str, envelope: &Envelope) -> Examined {
    let by = makers(signers, &envelope.message(), &envelope.signatures);
    let made_by = if by.is_empty() { Err(not_ours(signers, hint)) } else { Ok(by) };
    let statement = match Statement::read(&envelope.payload, made_by.is_ok()) {
        Ok(statement) => statement,
        Err(outcome) => return Examined::unknown(made_by.err().unwrap_or(outcome)),
    };
    Examined::statement(statement, made_by, true, &document.subject)
}

/// Says why no key fits. The hint is not signed: it explains a failure and never makes a success.
fn not_ours(signers: &[Signer], hint: &str) -> Outcome {
    let named = signers.iter().find(|signer| signer.key().is_some_and(|key| key.hint() == hint));
    if let Some(Signer { name, .. }) = named {
        let why = "the signature does not fit its content, which was changed after signing";
        return Outcome::broken(format!("{why} or never signed by the key of `{name}` that it names"));
    }
    match STANDARD.decode(hint) {
        Ok(digest) if digest.len() == 32 => Outcome::somebody_else(format!("a key with the hint {hint}")),
        _ => stranger(signers),
    }
}
