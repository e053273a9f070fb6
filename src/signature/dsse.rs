//! Envelopes: a payload with the signatures over it.
//!
//! Follows <https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md>.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::Value;

use super::examine::{makers, stranger};
use super::key::is_well_formed;
use super::proof::{Examined, Outcome, shown};
use super::signer::Signer;
use super::statement::Statement;
use super::{bundle, json};
use crate::domain::Document;

/// The only kind of payload that is read.
pub(super) const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// The most signatures that are tried; cosign makes one.
const MAX_SIGNATURES: usize = 8;

/// An envelope, decoded once: what is verified is what is read.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) payload: Vec<u8>,
    pub(super) signatures: Vec<Vec<u8>>,
}

impl Envelope {
    /// Reads an envelope.
    ///
    /// # Errors
    /// [`Outcome::Broken`] when its payload is not an in-toto statement by type, or it has more than eight signatures,
    /// or none that could be one.
    pub(super) fn read(value: &Value) -> Result<Self, Outcome> {
        let text = |key: &str| {
            let missing = || Outcome::broken(format!("the envelope has no `{key}`"));
            value.get(key).and_then(Value::as_str).ok_or_else(missing)
        };
        let kind = text("payloadType")?;
        if kind != PAYLOAD_TYPE {
            let why = format!("the payload is of type `{}`, expected `{PAYLOAD_TYPE}`", shown(kind));
            return Err(Outcome::broken(why));
        }
        // DSSE leaves the alphabet to the writer: https://github.com/secure-systems-lab/dsse/blob/v1.0.2/envelope.md
        let payload = text("payload")?;
        let alphabet = if payload.contains(['-', '_']) { URL_SAFE } else { STANDARD };
        let payload = alphabet.decode(payload);
        let payload = payload.map_err(|error| Outcome::broken(format!("the payload is not base64: {error}")))?;
        let signatures = value.get("signatures").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        match signatures.len() {
            0 => return Err(Outcome::broken("the envelope has no signature")),
            1..=MAX_SIGNATURES => (),
            found => {
                let why = format!("the envelope has {found} signatures, expected at most {MAX_SIGNATURES}");
                return Err(Outcome::broken(why));
            }
        }
        // One that is well-formed is enough; what lies beside it cannot do harm.
        let (good, bad): (Vec<_>, Vec<_>) =
            signatures.iter().map(|entry| decoded(entry.get("sig"))).partition(Result::is_ok);
        let signatures: Vec<_> = good.into_iter().flatten().collect();
        match bad.into_iter().find_map(Result::err) {
            Some(fault) if signatures.is_empty() => Err(fault),
            _ => Ok(Self { payload, signatures }),
        }
    }

    /// Returns the bytes that were signed: type and payload, each with its length.
    pub(super) fn message(&self) -> Vec<u8> {
        message(&self.payload)
    }
}

pub(super) fn message(payload: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len()).into_bytes();
    message.extend_from_slice(payload);
    message
}

fn decoded(signature: Option<&Value>) -> Result<Vec<u8>, Outcome> {
    let text = signature.and_then(Value::as_str).unwrap_or_default();
    decode_signature(text)
}

/// Decodes a signature from base64.
///
/// # Errors
/// [`Outcome::Broken`] when it is empty, not base64, or cannot be a signature by any supported key.
pub(super) fn decode_signature(text: &str) -> Result<Vec<u8>, Outcome> {
    if text.is_empty() {
        return Err(Outcome::broken("the signature is empty"));
    }
    let signature = STANDARD.decode(text);
    let signature = signature.map_err(|error| Outcome::broken(format!("the signature is not base64: {error}")))?;
    match is_well_formed(&signature) {
        true => Ok(signature),
        false => Err(Outcome::broken(format!("the signature of {} bytes is not well-formed", signature.len()))),
    }
}

/// Examines an envelope that stands alone, as in cosign's tag `sha256-….att`: always an attestation.
pub(super) fn examine(document: &Document, signers: &[Signer]) -> Examined {
    let read = || {
        let value = json::parse("the envelope", &document.bytes, json::FRAME)?;
        if bundle::looks_like_one(&value) {
            return Err(Outcome::broken("a Sigstore bundle under the media type of an envelope"));
        }
        Envelope::read(&value)
    };
    let envelope = match read() {
        Ok(envelope) => envelope,
        Err(outcome) => return Examined::unknown(outcome),
    };
    let by = makers(signers, &envelope.message(), &envelope.signatures);
    let made_by = if by.is_empty() { Err(stranger(signers)) } else { Ok(by) };
    let statement = match Statement::read(&envelope.payload, made_by.is_ok()) {
        Ok(statement) => statement,
        Err(outcome) => return Examined::unknown(made_by.err().unwrap_or(outcome)),
    };
    Examined::statement(statement, made_by, false, &document.subject)
}
