//! Keys: which are read, and which are refused in which words.

use p384::ecdsa::signature::hazmat::PrehashSigner as _;
use p384::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use proptest::prelude::*;
use rsa::sha2::{Digest as _, Sha256, Sha384};

use super::*;

#[test]
fn the_hint_is_what_cosign_writes() {
    for (name, pem) in [("bundle", fixture!("a.pub")), ("bundle by p384", fixture!("p384.pub"))]
        .into_iter()
        .chain([("bundle by ed25519", fixture!("ed25519.pub")), ("bundle by rsa2048", fixture!("rsa2048.pub"))])
    {
        let bundle: Value = serde_json::from_slice(&document(name).bytes).unwrap();
        let written = bundle["verificationMaterial"]["publicKey"]["hint"].as_str();
        assert_eq!(written, Some(Key::from_pem(pem).unwrap().hint()), "{name}");
    }
}

#[test]
fn what_is_no_public_key_is_refused_with_its_reason() {
    let private = p256::SecretKey::from_slice(&[7; 32]).unwrap().to_pkcs8_pem(LineEnding::LF).unwrap();
    let two = [fixture!("a.pub"), fixture!("b.pub")].concat();
    let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let label = "-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n";
    let hollow = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    let cut = fixture!("a.pub").lines().next().unwrap();
    for (text, expected) in [
        ("", "expected one PEM block, found no line `-----BEGIN …-----`"),
        (&two, "expected one PEM block, found 2"),
        (&private, "expected a public key, found a private one (`PRIVATE KEY`), which does not belong here"),
        (
            fixture!("sealed.key"),
            "expected a public key, found a private one (`ENCRYPTED SIGSTORE PRIVATE KEY`), which does not belong here",
        ),
        (certificate, "expected a public key, found a certificate; name the identity in it by `keyless` instead"),
        (label, "expected a PEM block `PUBLIC KEY`, found `RSA PUBLIC KEY`"),
        (hollow, "the PEM block does not hold a public key"),
        (cut, "the PEM block `PUBLIC KEY` is cut off or not base64"),
        (fixture!("p521.pub"), "expected the curve P-256 or P-384, found P-521"),
        (&"x".repeat(70_000), "a key has at most 65536 bytes, found 70000"),
    ] {
        assert_eq!(Key::from_pem(text).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_short_rsa_key_is_refused() {
    let modulus = rsa::BigUint::from_bytes_be(&[0xff; 128]);
    let key = rsa::RsaPublicKey::new(modulus, rsa::BigUint::from(65_537_u32)).unwrap();
    let pem = key.to_public_key_pem(LineEnding::LF).unwrap();
    let error = Key::from_pem(&pem).unwrap_err().to_string();
    assert_eq!(error, "expected an RSA key of 2048 to 8192 bits, found 1024");
}

#[test]
fn an_rsa_key_beyond_the_crates_own_limit_is_read() {
    let read = |bytes: usize| {
        let modulus = rsa::BigUint::from_bytes_be(&vec![0xff; bytes]);
        let key = rsa::RsaPublicKey::new_with_max_size(modulus, rsa::BigUint::from(65_537_u32), 1 << 20).unwrap();
        Key::from_pem(&key.to_public_key_pem(LineEnding::LF).unwrap())
    };
    assert!(read(1024).is_ok());
    assert_eq!(read(1025).unwrap_err(), InvalidKey::RsaSize { found: 8200 });
}

#[test]
fn a_weak_ed25519_key_is_refused() {
    let der =
        [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00, 0x01], &[0_u8; 31][..]].concat();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der));
    assert_eq!(Key::from_pem(&pem).unwrap_err(), InvalidKey::Malformed { expected: "a public key" });
}

#[test]
fn p384_is_verified_over_either_hash() {
    let secret = p384::ecdsa::SigningKey::from_slice(&[7; 48]).unwrap();
    let key = Key::from_pem(&secret.verifying_key().to_public_key_pem(LineEnding::LF).unwrap()).unwrap();
    let hashes = [Sha256::digest(b"x").to_vec(), Sha384::digest(b"x").to_vec()];
    for hash in hashes {
        let signature: p384::ecdsa::Signature = secret.sign_prehash(&hash).unwrap();
        assert!(key.verifies(b"x", signature.to_der().as_bytes()));
        assert!(!key.verifies(b"y", signature.to_der().as_bytes()));
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "(-----BEGIN |PUBLIC KEY|-----|-----END |\n|[A-Za-z0-9+/=]{0,8}){0,12}") {
        let _ = Key::from_pem(&text);
        let _ = SigningKey::from_pem(&text, "");
    }

    #[test]
    fn no_key_panics(bytes in prop::collection::vec(any::<u8>(), 0..64), at in 0_usize..91, byte: u8) {
        let original: String = fixture!("a.pub").lines().filter(|line| !line.starts_with('-')).collect();
        let mut der = STANDARD.decode(original).unwrap();
        der[at] = byte;
        for der in [bytes, der] {
            let text = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der));
            let _ = Key::from_pem(&text);
        }
    }
}
