//! Sealing: what is signed here is read here, and is what cosign would have written.

use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use p256::pkcs8::LineEnding;

use super::*;

fn pem() -> [String; 2] {
    let p256 = p256::SecretKey::from_slice(&[7; 32]).unwrap().to_pkcs8_pem(LineEnding::LF).unwrap();
    let ed25519 = ed25519_dalek::SigningKey::from_bytes(&[7; 32]).to_pkcs8_pem(LineEnding::LF).unwrap();
    [p256.to_string(), ed25519.to_string()]
}

fn statement(subject: &Digest) -> String {
    format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"digest":{{"sha256":"{}"}}}}],"predicateType":"https://slsa.dev/verification_summary/v1","predicate":{{"verificationResult":"PASSED"}}}}"#,
        subject.hex()
    )
}

fn sealed(key: &SigningKey) -> Document {
    sealed_as(key, |statement| statement)
}

fn sealed_as(key: &SigningKey, edit: impl FnOnce(String) -> String) -> Document {
    let subject = Digest::of(b"image");
    let bytes = key.seal(edit(statement(&subject)).as_bytes()).into();
    let manifest = Digest::of(b"manifest");
    Document { subject, manifest, media_type: BUNDLE.to_owned(), signature: None, certificate: None, bytes }
}

#[test]
fn a_sealed_statement_is_verified_by_the_public_half_alone() {
    for text in pem() {
        let key = SigningKey::from_pem(&text, "").unwrap();
        let ours = Signer { name: "bot".to_owned(), means: Means::Key(key.key()) };
        let proof = examine(&sealed(&key), &[a(), ours]);
        assert_eq!(proof.outcome, by(&["bot"]));
        let Content::Attestation { predicate_type, predicate } = proof.content else { panic!() };
        assert_eq!(predicate_type, "https://slsa.dev/verification_summary/v1");
        assert_eq!(predicate, serde_json::json!({"verificationResult": "PASSED"}));
        let hint = format!("a key with the hint {}", key.key().hint());
        assert_eq!(who(&outcome(&sealed(&key))), hint);
    }
}

#[test]
fn a_duplicate_key_in_what_was_signed_is_named() {
    let key = SigningKey::from_pem(&pem()[0], "").unwrap();
    let ours = Signer { name: "bot".to_owned(), means: Means::Key(key.key()) };
    let document = sealed_as(&key, |text| text.replacen(r#""subject":"#, r#""subject":[],"subject":"#, 1));
    assert!(why(&examine(&document, &[ours]).outcome).contains("duplicate key `subject`"));
}

#[test]
fn a_large_statement_is_read_only_when_somebody_known_made_it() {
    let key = SigningKey::from_pem(&pem()[0], "").unwrap();
    let list = format!(r#"{{"list":[{}0],"#, "0,".repeat(20_000));
    let document =
        sealed_as(&key, |text| text.replacen(r#"{"verificationResult"#, &format!(r#"{list}"verificationResult"#), 1));
    let ours = Signer { name: "bot".to_owned(), means: Means::Key(key.key()) };
    assert_eq!(examine(&document, &[a(), ours]).outcome, by(&["bot"]));
    assert_eq!(who(&examine(&document, &[a()]).outcome), format!("a key with the hint {}", key.key().hint()));
}

#[test]
fn sealing_twice_gives_the_same_bytes() {
    for text in pem() {
        let seal = || SigningKey::from_pem(&text, "").unwrap().seal(b"{}");
        assert_eq!(seal(), seal());
    }
}

#[test]
fn a_sealed_bundle_has_the_fields_of_cosigns_in_the_same_order() {
    let shape = |bytes: &[u8]| {
        let mut bundle: Value = serde_json::from_slice(bytes).unwrap();
        bundle["verificationMaterial"]["publicKey"]["hint"] = Value::Null;
        bundle["dsseEnvelope"]["payload"] = Value::Null;
        bundle["dsseEnvelope"]["signatures"][0]["sig"] = Value::Null;
        bundle.to_string()
    };
    let [p256, _] = pem();
    let ours = sealed(&SigningKey::from_pem(&p256, "").unwrap());
    assert_eq!(shape(&ours.bytes), shape(&document("bundle of provenance").bytes));
}

#[test]
fn cosigns_encrypted_key_opens_with_its_password_only() {
    let key = SigningKey::from_pem(fixture!("sealed.key"), "password").unwrap();
    assert_eq!(key.key().hint(), Key::from_pem(fixture!("sealed.pub")).unwrap().hint());
    assert_eq!(SigningKey::from_pem(fixture!("sealed.key"), "").unwrap_err(), InvalidKey::Password);
}

#[test]
fn an_encrypted_key_that_asks_for_too_much_is_refused_unopened() {
    let change = |from: &str, to: &str| {
        let base64: String = fixture!("sealed.key").lines().filter(|line| !line.starts_with('-')).collect();
        let json = String::from_utf8(STANDARD.decode(base64).unwrap()).unwrap();
        assert!(json.contains(from), "{json}");
        let label = "ENCRYPTED SIGSTORE PRIVATE KEY";
        let base64 = STANDARD.encode(json.replacen(from, to, 1));
        SigningKey::from_pem(&format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n"), "password")
            .unwrap_err()
    };
    for (from, to, why) in [
        ("\"N\":65536", "\"N\":1073741824", "scrypt would take more than 256 MiB"),
        ("\"N\":65536", "\"N\":18446744073709551615", "scrypt would take more than 256 MiB"),
        ("\"p\":1", "\"p\":1000000", "scrypt would take more than 256 MiB"),
        ("\"N\":65536", "\"N\":65535", "scrypt refuses its parameters"),
        ("\"N\":65536", "\"N\":0", "a parameter of scrypt is missing"),
        ("nacl/secretbox", "none", "expected scrypt and nacl/secretbox"),
        ("\"nonce\":\"", "\"nonce\":\"AAAA", "the nonce has not 24 bytes"),
        ("{", "{\"kdf\":0,", "it is not JSON"),
    ] {
        assert_eq!(change(from, to), InvalidKey::Encryption { why }, "{to}");
    }
}

#[test]
fn what_cannot_sign_is_refused_with_its_reason() {
    let p384 = p384::SecretKey::from_slice(&[7; 48]).unwrap().to_pkcs8_pem(LineEnding::LF).unwrap();
    for (text, expected) in [
        (
            fixture!("a.pub"),
            "expected a PEM block `PRIVATE KEY` or `ENCRYPTED SIGSTORE PRIVATE KEY`, found `PUBLIC KEY`",
        ),
        (&p384, "expected the curve P-256, found 1.3.132.0.34"),
        (
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
            "the PEM block does not hold a private key in PKCS#8",
        ),
    ] {
        assert_eq!(SigningKey::from_pem(text, "").unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_private_key_does_not_show_itself() {
    let [p256, _] = pem();
    assert_eq!(format!("{:?}", SigningKey::from_pem(&p256, "").unwrap()), "SigningKey(***)");
}
