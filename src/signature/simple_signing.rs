//! Signatures in cosign's old format: a payload that names an image, the signature in an annotation beside it.
//!
//! Follows <https://github.com/sigstore/cosign/blob/v3.1.1/specs/SIGNATURE_SPEC.md>.

use serde_json::Value;

use super::dsse::decode_signature;
use super::examine::{makers, stranger};
use super::json;
use super::proof::{Content, Examined, Outcome, shown};
use super::signer::Signer;
use crate::domain::{Digest, Document};

/// What `critical.type` must be; other tools write `atomic container signature` and mean another kind of signature.
const TYPE: &str = "cosign container image signature";

pub(super) fn examine(document: &Document, signers: &[Signer]) -> Examined {
    let image = match signed_image(&document.bytes) {
        Ok(image) => image,
        Err(outcome) => return Examined::unknown(outcome),
    };
    let outcome = match by(document, signers) {
        Err(outcome) => outcome,
        Ok(by) if image == document.subject => Outcome::Verified { by },
        Ok(_) => Outcome::AnotherImage { whom: image.to_string() },
    };
    Examined { content: Content::Signature, outcome, signed_at: None }
}

fn signed_image(payload: &[u8]) -> Result<Digest, Outcome> {
    let payload = json::parse("the signed payload", payload, json::FRAME)?;
    let critical = |path: &str| {
        let found = payload.get("critical").and_then(|critical| critical.pointer(path)).and_then(Value::as_str);
        found.ok_or_else(|| Outcome::broken(format!("the signed payload has no `critical{}`", path.replace('/', "."))))
    };
    let kind = critical("/type")?;
    if kind != TYPE {
        return Err(Outcome::broken(format!("the signed payload is of type `{}`, expected `{TYPE}`", shown(kind))));
    }
    let digest = critical("/image/docker-manifest-digest")?.parse::<Digest>();
    digest.map_err(|error| Outcome::broken(format!("the signed payload names no image: {}", shown(&error.to_string()))))
}

fn by(document: &Document, signers: &[Signer]) -> Result<Vec<String>, Outcome> {
    let Some(signature) = &document.signature else {
        return Err(Outcome::broken("the signature is missing beside the signed payload"));
    };
    let signature = decode_signature(signature)?;
    let by = makers(signers, &document.bytes, &[signature]);
    match (by.is_empty(), &document.certificate) {
        (false, _) => Ok(by),
        // Its log entry is in a format of its own, which nothing here could check.
        (true, Some(_)) => Err(Outcome::unsupported("keyless signature in cosign's old format")),
        (true, None) => Err(stranger(signers)),
    }
}
