//! Public keys: P-256, P-384, Ed25519 and RSA, as cosign makes or imports them.

use std::cell::OnceCell;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::DecodePublicKey as _;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::pkcs8::spki::{EncodePublicKey as _, SubjectPublicKeyInfoRef};
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::sha2::{Digest as _, Sha256, Sha384, Sha512};
use rsa::traits::PublicKeyParts as _;
use rsa::{BigUint, Pkcs1v15Sign, RsaPublicKey};

use super::pem;
use super::proof::shown;

/// The fewest bits of an RSA modulus.
const RSA_MIN_BITS: usize = 2048;
/// The most, since verifying grows with the cube.
pub(super) const RSA_MAX_BITS: usize = 8192;

pub(super) const EC: &str = "1.2.840.10045.2.1";
pub(super) const P256: &str = "1.2.840.10045.3.1.7";
pub(super) const ED25519: &str = "1.3.101.112";
const P384: &str = "1.3.132.0.34";
const RSA: &str = "1.2.840.113549.1.1.1";

/// Why a text is not a key that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// It is far too long for a key.
    #[error("a key has at most {most} bytes, found {found}")]
    TooLong {
        /// How many bytes it has.
        found: usize,
        /// How many it may have.
        most: usize,
    },
    /// There is no PEM in it.
    #[error("expected one PEM block, found no line `-----BEGIN …-----`")]
    NotPem,
    /// Several keys, or a key with something beside it: it must be plain which one is meant.
    #[error("expected one PEM block, found {found}")]
    SeveralBlocks {
        /// How many there are.
        found: usize,
    },
    /// The block is cut off, or not base64.
    #[error("the PEM block `{label}` is cut off or not base64")]
    Encoding {
        /// What the block calls itself.
        label: String,
    },
    /// A private key where the public one belongs.
    #[error("expected a public key, found a private one (`{label}`), which does not belong here")]
    Private {
        /// What the block calls itself.
        label: String,
    },
    /// A certificate where a key belongs.
    #[error("expected a public key, found a certificate; name the identity in it by `keyless` instead")]
    Certificate,
    /// Another kind of block.
    #[error("expected a PEM block {expected}, found `{label}`")]
    Label {
        /// What it should call itself.
        expected: &'static str,
        /// What it does.
        label: String,
    },
    /// The block does not hold what it says.
    #[error("the PEM block does not hold {expected}")]
    Malformed {
        /// What it should hold.
        expected: &'static str,
    },
    /// A curve that is not supported.
    #[error("expected the curve {expected}, found {found}")]
    Curve {
        /// The curves that are.
        expected: &'static str,
        /// The name of this one, or its object identifier.
        found: String,
    },
    /// Another algorithm.
    #[error("expected a key for {expected}, found the algorithm {found}")]
    Algorithm {
        /// The algorithms that are supported.
        expected: &'static str,
        /// The object identifier of this one.
        found: String,
    },
    /// An RSA key that is too weak, or so long that it would be slow.
    #[error("expected an RSA key of {RSA_MIN_BITS} to {RSA_MAX_BITS} bits, found {found}")]
    RsaSize {
        /// How many bits it has.
        found: usize,
    },
    /// An encrypted private key whose parameters are not those of cosign, or ask for too much memory.
    #[error("the private key is encrypted in a way that is not supported: {why}")]
    Encryption {
        /// What is not as expected.
        why: &'static str,
    },
    /// The private key does not open.
    #[error("the private key cannot be decrypted with this password")]
    Password,
}

/// A public key.
#[derive(Clone)]
pub struct Key {
    kind: Kind,
    hint: String,
}

#[derive(Clone)]
enum Kind {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
    Rsa(RsaPublicKey),
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.hint).finish()
    }
}

impl Key {
    /// Reads a PEM block `PUBLIC KEY`, as `cosign generate-key-pair` writes it.
    ///
    /// # Errors
    /// When the text is anything else, or the key is of a kind that is not supported.
    pub fn from_pem(text: &str) -> Result<Self, InvalidKey> {
        let block = pem::single(text)?;
        match block.label.as_str() {
            "PUBLIC KEY" => Self::from_der(&block.der),
            "CERTIFICATE" | "TRUSTED CERTIFICATE" => Err(InvalidKey::Certificate),
            label if label.ends_with("PRIVATE KEY") => Err(InvalidKey::Private { label: shown(label) }),
            label => Err(InvalidKey::Label { expected: "`PUBLIC KEY`", label: shown(label) }),
        }
    }

    fn from_der(der: &[u8]) -> Result<Self, InvalidKey> {
        let malformed = InvalidKey::Malformed { expected: "a public key" };
        let spki = SubjectPublicKeyInfoRef::try_from(der).map_err(|_| malformed.clone())?;
        let curve = || spki.algorithm.parameters_oid().map(|oid| oid.to_string()).unwrap_or_default();
        let kind = match (spki.algorithm.oid.to_string().as_str(), curve().as_str()) {
            (EC, P256) => p256::ecdsa::VerifyingKey::from_public_key_der(der).ok().map(Kind::P256),
            (EC, P384) => p384::ecdsa::VerifyingKey::from_public_key_der(der).ok().map(Kind::P384),
            (EC, found) => {
                return Err(InvalidKey::Curve { expected: "P-256 or P-384", found: curve_name(found) });
            }
            (ED25519, _) => ed25519_dalek::VerifyingKey::from_public_key_der(der)
                .ok()
                .filter(|key| !key.is_weak())
                .map(Kind::Ed25519),
            (RSA, _) => Some(Kind::Rsa(rsa_key(spki.subject_public_key.raw_bytes())?)),
            (found, _) => {
                let expected = "P-256, P-384, Ed25519 or RSA";
                return Err(InvalidKey::Algorithm { expected, found: found.to_owned() });
            }
        };
        kind.and_then(Self::new).ok_or(malformed)
    }

    pub(super) fn p256(key: &p256::ecdsa::VerifyingKey) -> Option<Self> {
        Self::new(Kind::P256(*key))
    }

    pub(super) fn ed25519(key: &ed25519_dalek::VerifyingKey) -> Option<Self> {
        Self::new(Kind::Ed25519(*key))
    }

    /// Encodes the key anew for its hint: one key has one hint, however its file was written.
    fn new(kind: Kind) -> Option<Self> {
        let der = match &kind {
            Kind::P256(key) => key.to_public_key_der(),
            Kind::P384(key) => key.to_public_key_der(),
            Kind::Ed25519(key) => key.to_public_key_der(),
            Kind::Rsa(key) => key.to_public_key_der(),
        };
        let hint = STANDARD.encode(Sha256::digest(der.ok()?.as_bytes()));
        Some(Self { kind, hint })
    }

    /// Tells whether this key made `signature` over `message`.
    ///
    /// ECDSA is in DER; with P-384 both SHA-384 (cosign 3 signs so) and SHA-256 (cosign 2 did) will do. Ed25519 may be
    /// plain or over the SHA-512 (Ed25519ph, as cosign 3 signs). RSA is PKCS#1 v1.5 with SHA-256; cosign knows no PSS.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.made(&Message::new(message), signature)
    }

    /// Returns the base64 SHA-256 of the key's DER, by which cosign's bundles name it.
    #[must_use]
    pub fn hint(&self) -> &str {
        &self.hint
    }

    pub(super) fn made(&self, message: &Message<'_>, signature: &[u8]) -> bool {
        match &self.kind {
            Kind::P256(key) => p256::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(message.sha256(), &signature).is_ok()),
            Kind::P384(key) => p384::ecdsa::Signature::from_der(signature).is_ok_and(|signature| {
                [message.sha384(), message.sha256()].iter().any(|hash| key.verify_prehash(hash, &signature).is_ok())
            }),
            Kind::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature).is_ok_and(|signature| {
                key.verify_strict(message.bytes, &signature).is_ok()
                    || key.verify_prehashed_strict(message.sha512(), None, &signature).is_ok()
            }),
            Kind::Rsa(key) => {
                signature.len() == key.size()
                    && key.verify(Pkcs1v15Sign::new::<Sha256>(), message.sha256(), signature).is_ok()
            }
        }
    }
}

/// Tells whether `signature` could be one at all, of whatever key.
pub(super) fn is_well_formed(signature: &[u8]) -> bool {
    p256::ecdsa::Signature::from_der(signature).is_ok()
        || p384::ecdsa::Signature::from_der(signature).is_ok()
        || signature.len() == ed25519_dalek::SIGNATURE_LENGTH
        || (RSA_MIN_BITS / 8..=RSA_MAX_BITS / 8).contains(&signature.len())
}

/// A message that is hashed once, however many signatures and keys are tried on it.
pub(super) struct Message<'a> {
    bytes: &'a [u8],
    sha256: OnceCell<[u8; 32]>,
    sha384: OnceCell<[u8; 48]>,
    sha512: OnceCell<Sha512>,
}

impl<'a> Message<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, sha256: OnceCell::new(), sha384: OnceCell::new(), sha512: OnceCell::new() }
    }

    fn sha256(&self) -> &[u8] {
        self.sha256.get_or_init(|| Sha256::digest(self.bytes).into())
    }

    fn sha384(&self) -> &[u8] {
        self.sha384.get_or_init(|| Sha384::digest(self.bytes).into())
    }

    /// The hasher itself, which is what Ed25519ph takes.
    fn sha512(&self) -> Sha512 {
        self.sha512.get_or_init(|| Sha512::new().chain_update(self.bytes)).clone()
    }
}

/// Reads an RSA key from PKCS#1, of at most [`RSA_MAX_BITS`]: the crate's own limit is half of that.
pub(super) fn rsa_key(pkcs1: &[u8]) -> Result<RsaPublicKey, InvalidKey> {
    let malformed = InvalidKey::Malformed { expected: "an RSA key" };
    if let Ok(key) = RsaPublicKey::from_pkcs1_der(pkcs1) {
        let found = key.n().bits();
        return if found < RSA_MIN_BITS { Err(InvalidKey::RsaSize { found }) } else { Ok(key) };
    }
    let key = rsa::pkcs1::RsaPublicKey::try_from(pkcs1).map_err(|_| malformed.clone())?;
    let modulus = BigUint::from_bytes_be(key.modulus.as_bytes());
    let found = modulus.bits();
    if found > RSA_MAX_BITS {
        return Err(InvalidKey::RsaSize { found });
    }
    let exponent = BigUint::from_bytes_be(key.public_exponent.as_bytes());
    RsaPublicKey::new_with_max_size(modulus, exponent, RSA_MAX_BITS).map_err(|_| malformed)
}

fn curve_name(oid: &str) -> String {
    match oid {
        "1.3.132.0.35" => "P-521".to_owned(),
        "1.3.132.0.10" => "secp256k1".to_owned(),
        "" => "one without a name".to_owned(),
        other => other.to_owned(),
    }
}
