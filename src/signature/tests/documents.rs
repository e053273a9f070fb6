//! Signatures and attestations by key, in both formats.

use super::*;

const PROVENANCE: &str = "https://slsa.dev/provenance/v1";

#[test]
fn a_signature_in_either_format_is_verified() {
    let names = ["bundle", "bundle annotated", "old signature", "old signature annotated", "old signature as referrer"];
    for name in names {
        let document = document(name);
        let proof = examine(&document, &[b(), a()]);
        assert_eq!((proof.content, proof.outcome), (Content::Signature, by(&["a"])), "{name}");
        assert_eq!((proof.subject, proof.signed_at), (document.subject, None), "{name}");
    }
}

#[test]
fn every_supported_kind_of_key_is_verified_in_either_format() {
    let keys =
        [("p384", fixture!("p384.pub")), ("ed25519", fixture!("ed25519.pub")), ("rsa2048", fixture!("rsa2048.pub"))];
    for (name, pem) in keys {
        for format in ["bundle", "old signature"] {
            let proof = examine(&document(&format!("{format} by {name}")), &[a(), signer(name, pem)]);
            assert_eq!(proof.outcome, by(&[name]), "{format} by {name}");
        }
    }
}

#[test]
fn all_names_of_one_key_are_told_sorted_and_once() {
    let named = |name| signer(name, fixture!("a.pub"));
    let proof = examine(&document("bundle"), &[named("z"), b(), named("c"), named("z")]);
    assert_eq!(proof.outcome, by(&["c", "z"]));
}

#[test]
fn an_attestation_is_no_signature_and_says_what_was_signed() {
    for name in ["bundle of provenance", "old attestation"] {
        let proof = examine(&document(name), &[a()]);
        let Content::Attestation { predicate_type, predicate } = proof.content else { panic!("{name}") };
        assert_eq!((predicate_type.as_str(), proof.outcome), (PROVENANCE, by(&["a"])), "{name}");
        let repository = predicate.pointer("/buildDefinition/externalParameters/workflow/repository");
        assert_eq!(repository.and_then(Value::as_str), Some("https://git.example/acme/app"), "{name}");
    }
}

#[test]
fn the_type_is_read_from_what_was_signed_not_from_annotations() {
    for name in ["bundle with a lying annotation", "bundle of a scan"] {
        assert!(is_about(&document(name), "https://cosign.sigstore.dev/attestation/vuln/v1"), "{name}");
    }
}

#[test]
fn the_signing_type_outside_of_a_bundle_is_no_signature() {
    let document = edited("bundle", |bundle| *bundle = bundle["dsseEnvelope"].take());
    let document = Document { media_type: "application/vnd.dsse.envelope.v1+json".to_owned(), ..document };
    assert!(is_about(&document, "https://sigstore.dev/cosign/sign/v1"));
    assert_eq!(outcome(&document), by(&["a"]));
}

#[test]
fn a_signature_by_nobody_known_is_by_somebody_else() {
    let hint = format!("a key with the hint {}", Key::from_pem(fixture!("b.pub")).unwrap().hint());
    for (name, expected) in [
        ("bundle by b", hint.as_str()),
        ("old signature by b", "a key other than the one known here, or the content was changed after signing"),
    ] {
        assert_eq!(who(&examine(&document(name), &[a()]).outcome), expected, "{name}");
    }
    assert_eq!(who(&examine(&document("old signature"), &[]).outcome), "a key, and no signer has one");
}

#[test]
fn what_is_not_verified_is_not_passed_on() {
    let proof = examine(&document("bundle of provenance"), &[b()]);
    assert_eq!(proof.content, Content::Attestation { predicate_type: PROVENANCE.to_owned(), predicate: Value::Null });
}

#[test]
fn a_good_signature_of_another_image_is_told_apart() {
    for (name, whom) in [
        ("bundle on another image", document("bundle").subject),
        ("old signature on another image", document("old signature").subject),
    ] {
        assert_eq!(outcome(&document(name)), Outcome::AnotherImage { whom: whom.to_string() }, "{name}");
    }
}

#[test]
fn a_changed_bundle_is_broken() {
    let misfit = "the signature does not fit its content, which was changed after signing or never signed by the key of `a` \
                  that it names";
    for (name, expected) in [
        ("bundle tampered: subject", misfit),
        (
            "bundle tampered: payloadtype",
            "the payload is of type `application/vnd.in-toto+json `, expected `application/vnd.in-toto+json`",
        ),
        ("bundle tampered: nosig", "the envelope has no signature"),
        ("bundle tampered: emptysig", "the signature is empty"),
        ("bundle of garbage", "the bundle is not well-formed JSON: expected ident at line 1 column 2"),
    ] {
        assert_eq!(why(&outcome(&document(name))), expected, "{name}");
    }
}

#[test]
fn shapes_that_are_not_understood_are_broken() {
    type Edit = fn(&mut Value);
    let edits: [(Edit, &str); 9] = [
        (|bundle| bundle["mediaType"] = "text/plain".into(), "the bundle calls itself `text/plain`"),
        (|bundle| bundle["mediaType"] = Value::Null, "the bundle has no `mediaType`"),
        (
            |bundle| bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2".into(),
            "the bundle is of version v0.2, its media type says v0.3",
        ),
        (|bundle| bundle["verificationMaterial"] = Value::Null, "the bundle names neither a key nor a certificate"),
        (
            |bundle| bundle["verificationMaterial"]["certificate"] = "x".into(),
            "the bundle names both a key and a certificate",
        ),
        (|bundle| bundle["dsseEnvelope"]["payload"] = 7.into(), "the envelope has no `payload`"),
        (
            |bundle| bundle["dsseEnvelope"]["signatures"][0]["sig"] = "AAAA".into(),
            "the signature of 3 bytes is not well-formed",
        ),
        (
            |bundle| bundle["dsseEnvelope"]["signatures"] = vec![Value::Null; 9].into(),
            "the envelope has 9 signatures, expected at most 8",
        ),
        (|bundle| bundle["messageSignature"] = "x".into(), "the bundle has both an envelope and a message signature"),
    ];
    for (edit, expected) in edits {
        assert_eq!(why(&outcome(&edited("bundle", edit))), expected);
    }
    let document = edited("bundle", |bundle| *bundle = Value::Null);
    assert_eq!(why(&outcome(&document)), "the bundle has no `mediaType`");
}

#[test]
fn a_duplicate_key_is_named_wherever_it_stands() {
    let expect = |document: &Document, key: &str| {
        let outcome = outcome(document);
        assert!(why(&outcome).contains(&format!("duplicate key `{key}`")), "{outcome:?}");
    };
    expect(&changed("bundle", |text| text.replacen('{', r#"{"mediaType":"x","#, 1)), "mediaType");
    expect(&changed("bundle", |text| text.replacen(r#""payload":"#, r#""payload":"","payload":"#, 1)), "payload");
    expect(&changed("old attestation", |text| text.replacen('{', r#"{"payload":"","#, 1)), "payload");
    expect(&changed("old signature", |text| text.replacen(r#""type":"#, r#""type":"","type":"#, 1)), "type");
}

#[test]
fn one_good_signature_among_garbage_is_enough() {
    let document = edited("bundle", |bundle| {
        let good = bundle["dsseEnvelope"]["signatures"][0].take();
        let strange = STANDARD.encode([7; 64]);
        bundle["dsseEnvelope"]["signatures"] =
            serde_json::json!([{"sig": ""}, {"sig": "?"}, null, {"sig": strange}, good]);
    });
    assert_eq!(outcome(&document), by(&["a"]));
}

#[test]
fn the_hint_explains_but_does_not_decide() {
    let hinted = |name: &str, hint: &str| {
        edited(name, |bundle| bundle["verificationMaterial"]["publicKey"]["hint"] = hint.into())
    };
    let a_hint = Key::from_pem(fixture!("a.pub")).unwrap().hint().to_owned();
    assert_eq!(outcome(&hinted("bundle", "AAAA")), by(&["a"]));
    assert_eq!(outcome(&hinted("bundle", "")), by(&["a"]));
    let judged = |hint: &str| examine(&hinted("bundle by b", hint), &[a()]).outcome;
    assert!(why(&judged(&a_hint)).contains("the key of `a`"));
    assert!(who(&judged("<!-- `x`")).starts_with("a key other than"));
}

#[test]
fn versions_and_formats_that_are_unknown_are_named() {
    let outer = Document { media_type: BUNDLE.replace("0.3", "9.9"), ..document("bundle") };
    let inner = edited("bundle", |bundle| bundle["mediaType"] = BUNDLE.replace("0.3", "9.9").into());
    let message = edited("bundle", |bundle| bundle["messageSignature"] = bundle["dsseEnvelope"].take());
    let message =
        Document { bytes: String::from_utf8_lossy(&message.bytes).replace("dsse", "x").into_bytes().into(), ..message };
    for (document, expected) in [
        (outer, "sigstore bundle v9.9"),
        (inner, "sigstore bundle v9.9"),
        (message, "sigstore bundle around a bare message signature"),
        (document("notation jws"), "notation signature (JWS)"),
        (document("notation cose"), "notation signature (COSE)"),
    ] {
        assert_eq!(outcome(&document), Outcome::Unsupported { format: expected.to_owned() });
    }
}

#[test]
fn a_report_without_a_signature_is_not_signed() {
    let proof = examine(&document("report of trivy"), &[a()]);
    assert_eq!((proof.content, proof.outcome), (Content::Unsigned, Outcome::NotSigned));
}

#[test]
fn an_old_signature_needs_a_signature_and_the_right_payload() {
    let old = document("old signature");
    let signed = |signature: Option<&str>| Document { signature: signature.map(str::to_owned), ..old.clone() };
    for (document, expected) in [
        (signed(None), "the signature is missing beside the signed payload"),
        (signed(Some("")), "the signature is empty"),
        (signed(Some("AAAA")), "the signature of 3 bytes is not well-formed"),
        (
            changed("old signature", |text| {
                text.replace("cosign container image signature", "atomic container signature")
            }),
            "the signed payload is of type `atomic container signature`, expected `cosign container image signature`",
        ),
        (changed("old signature", |_| "[]".to_owned()), "the signed payload has no `critical.type`"),
        (
            changed("old signature", |text| text.replace("sha256:", "md5:")),
            "the signed payload names no image: digest algorithm must be sha256 or sha512, found `md5`",
        ),
    ] {
        assert_eq!(why(&outcome(&document)), expected);
    }
    assert!(why(&outcome(&signed(Some("?")))).starts_with("the signature is not base64"));
    let moved = changed("old signature", |text| text.replace("localhost", "elsewhere"));
    assert!(who(&outcome(&moved)).ends_with("or the content was changed after signing"));
}

#[test]
fn an_old_signature_with_a_certificate_is_unsupported_unless_a_key_made_it() {
    let certified = |name| Document { certificate: Some("-----BEGIN CERTIFICATE-----".to_owned()), ..document(name) };
    let format = "keyless signature in cosign's old format".to_owned();
    assert_eq!(examine(&certified("old signature by b"), &[a()]).outcome, Outcome::Unsupported { format });
    assert_eq!(examine(&certified("old signature"), &[a()]).outcome, by(&["a"]));
}

#[test]
fn one_format_under_the_media_type_of_another_is_broken() {
    let under = |name: &str, media_type: &str| Document { media_type: media_type.to_owned(), ..document(name) };
    for (document, expected) in [
        (
            under("bundle", "application/vnd.dsse.envelope.v1+json"),
            "a Sigstore bundle under the media type of an envelope",
        ),
        (under("old attestation", BUNDLE), "the bundle has no `mediaType`"),
        (under("old signature", BUNDLE), "the bundle has no `mediaType`"),
        (
            under("bundle", "application/vnd.dev.cosign.simplesigning.v1+json"),
            "the signed payload has no `critical.type`",
        ),
    ] {
        assert_eq!(why(&outcome(&document)), expected);
    }
}
