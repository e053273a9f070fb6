//! From a document to its proof, by what kind of document it is.

use super::key::Message;
use super::proof::{Content, Examined, Outcome, Proof};
use super::signer::Signer;
use super::{bundle, dsse, simple_signing};
use crate::domain::Document;

/// The media type of signatures in cosign's old format.
const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// Finds out what `document` says about its image, and which of `signers` stand behind it.
///
/// Whatever the document holds, the answer is a proof; only [`Outcome::Verified`] may be believed. A signature that
/// none of the signers made is looked at no further than is needed to say so.
#[must_use]
pub fn examine(document: &Document, signers: &[Signer]) -> Proof {
    let unsupported = |format: &str| Examined::unknown(Outcome::unsupported(format));
    let examined = match document.media_type.as_str() {
        media_type if bundle::is_media_type(media_type) => bundle::examine(document, signers),
        SIMPLE_SIGNING => simple_signing::examine(document, signers),
        "application/vnd.dsse.envelope.v1+json" => dsse::examine(document, signers),
        "application/jose+json" => unsupported("notation signature (JWS)"),
        "application/cose" => unsupported("notation signature (COSE)"),
        "application/vnd.cncf.notary.signature" => unsupported("notation signature"),
        _ => Examined { content: Content::Unsigned, outcome: Outcome::NotSigned, signed_at: None },
    };
    examined.of(document)
}

/// Tells whether documents of a media type can be signatures or attestations; what else there is need not be read.
#[must_use]
pub fn is_read(media_type: &str) -> bool {
    can_sign(media_type) || media_type == "application/vnd.dsse.envelope.v1+json"
}

/// Tells whether documents of a media type can be signatures; artifacts that hold them are of the same type.
#[must_use]
pub fn can_sign(media_type: &str) -> bool {
    bundle::is_media_type(media_type) || media_type == SIMPLE_SIGNING
}

/// Returns the names of all signers whose key made one of `signatures` over `message`, sorted.
pub(super) fn makers(signers: &[Signer], message: &[u8], signatures: &[Vec<u8>]) -> Vec<String> {
    let message = Message::new(message);
    let made = |signer: &&Signer| {
        signer.key().is_some_and(|key| signatures.iter().any(|signature| key.made(&message, signature)))
    };
    sorted(signers.iter().filter(made))
}

/// Returns the names of `signers`, each once.
pub(super) fn sorted<'a>(signers: impl Iterator<Item = &'a Signer>) -> Vec<String> {
    let mut names: Vec<_> = signers.map(|signer| signer.name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Says who made a signature that names nobody and that none of `signers` made.
pub(super) fn stranger(signers: &[Signer]) -> Outcome {
    let keys = signers.iter().filter(|signer| signer.key().is_some()).count();
    Outcome::somebody_else(match keys {
        0 => "a key, and no signer has one".to_owned(),
        1 => "a key other than the one known here, or the content was changed after signing".to_owned(),
        keys => format!("a key other than the {keys} known here, or the content was changed after signing"),
    })
}
