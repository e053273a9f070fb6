//! The arithmetic that `sigstore-verify` is given: RustCrypto's, for verification only.

use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rsa::sha2::{Digest, Sha256, Sha384, Sha512};
use rsa::{Pkcs1v15Sign, Pss};
use sigstore_verify::crypto::{
    CryptoProvider, Error, HashContext, Result, SigningScheme, install_default_provider, try_default_provider,
};
use sigstore_verify::types::HashAlgorithm;

use super::key::rsa_key;

/// Sees to it that the process has a provider. Installing is once for all; whoever came first is as good, so that a
/// second call and a parallel one change nothing.
pub(super) fn install() {
    if try_default_provider().is_none() {
        let _ = install_default_provider(&RustCrypto);
    }
}

#[derive(Debug)]
struct RustCrypto;

struct Context<H>(H);

impl<H: Digest + Send> HashContext for Context<H> {
    fn update(&mut self, data: &[u8]) {
        Digest::update(&mut self.0, data);
    }

    fn finalize(self: Box<Self>) -> Vec<u8> {
        self.0.finalize().to_vec()
    }
}

impl CryptoProvider for RustCrypto {
    fn hash(&self, algorithm: HashAlgorithm) -> Result<Box<dyn HashContext>> {
        match algorithm {
            HashAlgorithm::Sha2256 => Ok(Box::new(Context(Sha256::new()))),
            HashAlgorithm::Sha2384 => Ok(Box::new(Context(Sha384::new()))),
            HashAlgorithm::Sha2512 => Ok(Box::new(Context(Sha512::new()))),
            other => Err(Error::UnsupportedAlgorithm(format!("{other} is not supported"))),
        }
    }

    fn verify_raw(&self, scheme: SigningScheme, key: &[u8], data: &[u8], signature: &[u8]) -> Result<()> {
        match scheme.hash_algorithm() {
            Some(HashAlgorithm::Sha2256) => self.verify_prehashed(scheme, key, &Sha256::digest(data), signature),
            Some(HashAlgorithm::Sha2384) => self.verify_prehashed(scheme, key, &Sha384::digest(data), signature),
            Some(HashAlgorithm::Sha2512) => self.verify_prehashed(scheme, key, &Sha512::digest(data), signature),
            None if scheme == SigningScheme::Ed25519 => verdict(scheme, ed25519(key, data, signature)),
            _ => Err(unsupported(scheme)),
        }
    }

    fn verify_prehashed(&self, scheme: SigningScheme, key: &[u8], digest: &[u8], signature: &[u8]) -> Result<()> {
        if scheme.hash_algorithm().is_none_or(|algorithm| algorithm.digest_size() != digest.len()) {
            return Err(unsupported(scheme));
        }
        let fits = match scheme {
            SigningScheme::EcdsaP256Sha256 | SigningScheme::EcdsaP256Sha384 => p256(key, digest, signature),
            SigningScheme::EcdsaP384Sha256 | SigningScheme::EcdsaP384Sha384 => p384(key, digest, signature),
            SigningScheme::RsaPkcs1Sha256 => rsa(key, Pkcs1v15Sign::new::<Sha256>(), digest, signature),
            SigningScheme::RsaPkcs1Sha384 => rsa(key, Pkcs1v15Sign::new::<Sha384>(), digest, signature),
            SigningScheme::RsaPkcs1Sha512 => rsa(key, Pkcs1v15Sign::new::<Sha512>(), digest, signature),
            SigningScheme::RsaPssSha256 => rsa(key, Pss::new::<Sha256>(), digest, signature),
            SigningScheme::RsaPssSha384 => rsa(key, Pss::new::<Sha384>(), digest, signature),
            SigningScheme::RsaPssSha512 => rsa(key, Pss::new::<Sha512>(), digest, signature),
            _ => return Err(unsupported(scheme)),
        };
        verdict(scheme, fits)
    }
}

fn verdict(scheme: SigningScheme, fits: Option<()>) -> Result<()> {
    fits.ok_or_else(|| Error::Verification(format!("the {} signature does not fit", scheme.name())))
}

fn unsupported(scheme: SigningScheme) -> Error {
    Error::UnsupportedAlgorithm(format!("{} is not supported", scheme.name()))
}

fn p256(key: &[u8], digest: &[u8], signature: &[u8]) -> Option<()> {
    let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
    p256::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?.verify_prehash(digest, &signature).ok()
}

fn p384(key: &[u8], digest: &[u8], signature: &[u8]) -> Option<()> {
    let signature = p384::ecdsa::Signature::from_der(signature).ok()?;
    p384::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?.verify_prehash(digest, &signature).ok()
}

fn ed25519(key: &[u8], data: &[u8], signature: &[u8]) -> Option<()> {
    let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
    ed25519_dalek::VerifyingKey::try_from(key).ok()?.verify_strict(data, &signature).ok()
}

fn rsa(key: &[u8], scheme: impl rsa::traits::SignatureScheme, digest: &[u8], signature: &[u8]) -> Option<()> {
    rsa_key(key).ok()?.verify(scheme, digest, signature).ok()
}
