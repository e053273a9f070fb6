//! Signing: the promotion record is sealed as cosign seals an attestation.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use p256::ecdsa::signature::Signer as _;
use p256::pkcs8::PrivateKeyInfo;
use serde_json::json;

use super::key::{EC, ED25519, InvalidKey, Key, P256};
use super::proof::shown;
use super::{bundle, dsse, encrypted, pem};

/// A private key that signs.
pub struct SigningKey {
    secret: Secret,
    key: Key,
}

enum Secret {
    P256(p256::ecdsa::SigningKey),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(***)")
    }
}

impl SigningKey {
    /// Reads a PEM block `PRIVATE KEY` (PKCS#8, P-256 or Ed25519), or `ENCRYPTED SIGSTORE PRIVATE KEY` as `cosign
    /// generate-key-pair` writes it, which `password` opens. Opening takes a moment and 64 MiB, as it is meant to.
    ///
    /// # Errors
    /// When the text is anything else, or the password does not fit.
    pub fn from_pem(text: &str, password: &str) -> Result<Self, InvalidKey> {
        let block = pem::single(text)?;
        match block.label.as_str() {
            "PRIVATE KEY" => Self::from_pkcs8(&block.der),
            "ENCRYPTED SIGSTORE PRIVATE KEY" | "ENCRYPTED COSIGN PRIVATE KEY" => {
                Self::from_pkcs8(&encrypted::open(&block.der, password)?)
            }
            label => {
                let expected = "`PRIVATE KEY` or `ENCRYPTED SIGSTORE PRIVATE KEY`";
                Err(InvalidKey::Label { expected, label: shown(label) })
            }
        }
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, InvalidKey> {
        let malformed = InvalidKey::Malformed { expected: "a private key in PKCS#8" };
        let info = PrivateKeyInfo::try_from(der).map_err(|_| malformed.clone())?;
        let curve = info.algorithm.parameters_oid().map(|oid| oid.to_string()).unwrap_or_default();
        let made = match (info.algorithm.oid.to_string().as_str(), curve.as_str()) {
            (EC, P256) => p256::ecdsa::SigningKey::from_pkcs8_der(der)
                .ok()
                .and_then(|secret| Some((Key::p256(secret.verifying_key())?, Secret::P256(secret)))),
            (ED25519, _) => ed25519_dalek::SigningKey::from_pkcs8_der(der)
                .ok()
                .and_then(|secret| Some((Key::ed25519(&secret.verifying_key())?, Secret::Ed25519(Box::new(secret))))),
            (EC, _) => return Err(InvalidKey::Curve { expected: "P-256", found: curve }),
            (found, _) => {
                return Err(InvalidKey::Algorithm { expected: "P-256 or Ed25519", found: found.to_owned() });
            }
        };
        made.map(|(key, secret)| Self { secret, key }).ok_or(malformed)
    }

    /// Returns the public half.
    #[must_use]
    pub fn key(&self) -> Key {
        self.key.clone()
    }

    /// Signs an in-toto `statement`, and returns the bundle (v0.3, JSON) that `cosign attest` writes without a log.
    ///
    /// The same statement always gives the same bytes: ECDSA's nonce is derived as RFC 6979 says, and Ed25519 has none.
    #[must_use]
    pub fn seal(&self, statement: &[u8]) -> Vec<u8> {
        let message = dsse::message(statement);
        let signature = match &self.secret {
            Secret::P256(secret) => {
                let signature: p256::ecdsa::Signature = secret.sign(&message);
                signature.to_der().as_bytes().to_vec()
            }
            Secret::Ed25519(secret) => secret.sign(&message).to_vec(),
        };
        let bundle = json!({
            "mediaType": bundle::V0_3,
            "verificationMaterial": {"publicKey": {"hint": self.key.hint()}},
            "dsseEnvelope": {
                "payload": STANDARD.encode(statement),
                "payloadType": dsse::PAYLOAD_TYPE,
                "signatures": [{"sig": STANDARD.encode(signature)}],
            },
        });
        bundle.to_string().into_bytes()
    }
}
