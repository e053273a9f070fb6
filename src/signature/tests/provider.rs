//! The arithmetic behind `sigstore-verify`, against signatures by openssl and by the crates themselves.

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use p256::pkcs8::EncodePublicKey as _;
use rsa::sha2::{Digest as _, Sha256, Sha384, Sha512};
use sigstore_verify::crypto::{KeyAlgorithm, SigningScheme, VerificationKey, default_provider, sha256, sha384, sha512};
use sigstore_verify::types::{DerPublicKey, HashAlgorithm, SignatureBytes};

use super::*;
use crate::signature::provider;

/// Checks that `signature` over `x` fits with `scheme`, and neither over `y` nor with a bit changed.
fn fits(spki: &[u8], scheme: SigningScheme, signature: &[u8]) -> bool {
    provider::install();
    let key = VerificationKey::from_spki_with_scheme(&DerPublicKey::new(spki.to_vec()), scheme).unwrap();
    let verify = |message: &[u8], signature: &[u8]| key.verify(message, &SignatureBytes::from_bytes(signature)).is_ok();
    let mut changed = signature.to_vec();
    *changed.last_mut().unwrap() ^= 1;
    assert!(!verify(b"y", signature) && !verify(b"x", &changed) && !verify(b"x", b""), "{scheme:?}");
    verify(b"x", signature)
}

fn spki(pem: &str) -> Vec<u8> {
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(base64).unwrap()
}

#[test]
fn rsa_is_verified_in_both_paddings_with_all_hashes_and_they_are_not_confused() {
    let signatures: Value = serde_json::from_str(fixture!("rsa_signatures.json")).unwrap();
    let schemes = [
        ("pkcs1 sha256", SigningScheme::RsaPkcs1Sha256),
        ("pkcs1 sha384", SigningScheme::RsaPkcs1Sha384),
        ("pkcs1 sha512", SigningScheme::RsaPkcs1Sha512),
        ("pss sha256", SigningScheme::RsaPssSha256),
        ("pss sha384", SigningScheme::RsaPssSha384),
        ("pss sha512", SigningScheme::RsaPssSha512),
    ];
    for (made, _) in schemes {
        let signature = STANDARD.decode(signatures[made].as_str().unwrap()).unwrap();
        for (tried, scheme) in schemes {
            assert_eq!(fits(&spki(fixture!("rsa2048.pub")), scheme, &signature), made == tried, "{made}, {tried}");
        }
        let key = Key::from_pem(fixture!("rsa2048.pub")).unwrap();
        assert_eq!(key.verifies(b"x", &signature), made == "pkcs1 sha256", "{made}");
    }
}

#[test]
fn ecdsa_is_verified_with_either_hash() {
    let hashes = [Sha256::digest(b"x").to_vec(), Sha384::digest(b"x").to_vec()];
    let secret = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let spki = secret.verifying_key().to_public_key_der().unwrap().into_vec();
    for (hash, scheme) in hashes.iter().zip([SigningScheme::EcdsaP256Sha256, SigningScheme::EcdsaP256Sha384]) {
        let signature: p256::ecdsa::Signature = secret.sign_prehash(hash).unwrap();
        assert!(fits(&spki, scheme, signature.to_der().as_bytes()), "{scheme:?}");
    }
    let secret = p384::ecdsa::SigningKey::from_slice(&[7; 48]).unwrap();
    let spki = secret.verifying_key().to_public_key_der().unwrap().into_vec();
    for (hash, scheme) in hashes.iter().zip([SigningScheme::EcdsaP384Sha256, SigningScheme::EcdsaP384Sha384]) {
        let signature: p384::ecdsa::Signature = secret.sign_prehash(hash).unwrap();
        assert!(fits(&spki, scheme, signature.to_der().as_bytes()), "{scheme:?}");
    }
}

#[test]
fn ed25519_is_verified() {
    let secret = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let spki = secret.verifying_key().to_public_key_der().unwrap().into_vec();
    assert!(fits(&spki, SigningScheme::Ed25519, &secret.sign(b"x").to_bytes()));
}

#[test]
fn digests_are_those_of_the_algorithm() {
    provider::install();
    assert_eq!(sha256(b"x").as_bytes(), &Sha256::digest(b"x")[..]);
    assert_eq!(sha384(b"x").as_bytes(), &Sha384::digest(b"x")[..]);
    assert_eq!(sha512(b"x").as_bytes(), &Sha512::digest(b"x")[..]);
}

#[test]
fn what_is_not_supported_fails() {
    provider::install();
    let provider = default_provider();
    assert!(provider.verify_raw(SigningScheme::MlDsa44, &[0; 1312], b"x", b"x").is_err());
    assert!(provider.verify_prehashed(SigningScheme::EcdsaP256Sha256, &[4; 65], b"short", b"x").is_err());
    assert!(provider.verify_prehashed(SigningScheme::Ed25519, &[4; 32], &[0; 64], &[0; 64]).is_err());
    assert!(provider.generate_key_pair(KeyAlgorithm::EcdsaP256).is_err());
    assert!(provider.hash(HashAlgorithm::Sha2256).is_ok());
}
