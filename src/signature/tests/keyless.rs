//! Keyless signatures: of a throw-away authority without logs, of Sigstore's public instance, and of GitHub's.

use sigstore_verify::trust_root::{SIGSTORE_GITHUB_TRUSTED_ROOT, SIGSTORE_STAGING_TRUSTED_ROOT};

use super::*;

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const MAIN: &str = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
const EVIL: &str = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/evil";

fn keyless(name: &str, issuer: &str, identity: Identity, root: &str) -> Signer {
    let keyless = Keyless::new(issuer.to_owned(), identity, root).unwrap();
    Signer { name: name.to_owned(), means: Means::Keyless(keyless) }
}

pub(super) fn release() -> Signer {
    keyless("release", ISSUER, Identity::Exact(MAIN.to_owned()), fixture!("trusted_root.json"))
}

pub(super) fn anybody(root: &str) -> Signer {
    keyless("anybody", ISSUER, Identity::pattern(".*").unwrap(), root)
}

/// A document of a public instance, on an image that its statement names.
pub(super) fn public(text: &str, subject: &str) -> Document {
    let media_type = serde_json::from_str::<Value>(text).unwrap()["mediaType"].as_str().unwrap().to_owned();
    let (subject, manifest) = (subject.parse().unwrap(), Digest::of(b"manifest"));
    let bytes = text.as_bytes().into();
    Document { subject, manifest, media_type, signature: None, certificate: None, bytes }
}

#[test]
fn the_right_identity_is_verified_with_its_time() {
    let proof = examine(&document("keyless"), &[a(), release()]);
    assert_eq!((proof.content, proof.outcome), (Content::Signature, by(&["release"])));
    assert_eq!(proof.signed_at.map(|time| time.to_string()), Some("2026-11-27T21:51:12Z".to_owned()));
    let proof = examine(&document("keyless provenance"), &[release()]);
    let Content::Attestation { predicate_type, predicate } = proof.content else { panic!() };
    assert_eq!((predicate_type.as_str(), proof.outcome), ("https://slsa.dev/provenance/v1", by(&["release"])));
    assert!(predicate.get("buildDefinition").is_some());
}

#[test]
fn the_right_workflow_on_the_wrong_branch_is_somebody_else() {
    let proof = examine(&document("keyless from another branch"), &[release()]);
    assert_eq!(who(&proof.outcome), format!("identity {EVIL} (issuer {ISSUER})"));
    assert_eq!(proof.signed_at, None);
}

#[test]
fn the_issuer_must_be_the_same_to_the_letter() {
    for issuer in ["https://token.actions.githubusercontent.com/", "https://accounts.example", ""] {
        let identity = Identity::Exact(MAIN.to_owned());
        let signer = keyless("x", issuer, identity, fixture!("trusted_root.json"));
        assert!(who(&examine(&document("keyless"), &[signer]).outcome).contains(ISSUER), "{issuer}");
    }
}

#[test]
fn a_pattern_must_match_the_whole_identity() {
    let workflow = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/";
    for (pattern, matches) in [
        ("https://github\\.com/acme/app/.*", true),
        (&format!("{workflow}(main|release)"), true),
        (&format!("{workflow}mai|x"), false),
        ("github.com/acme", false),
        ("https://github.com/acme/app", false),
    ] {
        let signer = keyless("x", ISSUER, Identity::pattern(pattern).unwrap(), fixture!("trusted_root.json"));
        let verified = examine(&document("keyless"), &[signer]).outcome == by(&["x"]);
        assert_eq!(verified, matches, "{pattern}");
    }
    for pattern in ["a)|(b", "(", "a#)(?x:b"] {
        assert!(Identity::pattern(pattern).is_err(), "{pattern}");
    }
    assert!(!Identity::pattern("a").unwrap().matches("a\n"));
    assert!(!Identity::pattern("(?m)a").unwrap().matches("a\nb"));
}

#[test]
fn a_good_signature_of_another_image_is_told_apart() {
    let document = Document { subject: Digest::of(b"other"), ..document("keyless") };
    let whom = self::document("keyless").subject.to_string();
    assert_eq!(examine(&document, &[release()]).outcome, Outcome::AnotherImage { whom });
    let strange = Document { subject: Digest::of(b"other"), ..self::document("keyless from another branch") };
    assert!(who(&examine(&strange, &[release()]).outcome).contains(EVIL));
}

#[test]
fn what_was_changed_is_broken() {
    type Edit = fn(&mut Value);
    let edits: [Edit; 4] = [
        |bundle| {
            with_payload(&mut bundle["dsseEnvelope"], |text| {
                text.replace("\"predicate\":{}", "\"predicate\":{\"x\":1}")
            });
        },
        |bundle| bundle["verificationMaterial"]["timestampVerificationData"] = Value::Null,
        |bundle| bundle["dsseEnvelope"]["signatures"][0]["sig"] = document_signature("keyless from another branch"),
        |bundle| bundle["verificationMaterial"]["certificate"]["rawBytes"] = "AAAA".into(),
    ];
    for (index, edit) in edits.into_iter().enumerate() {
        let proof = examine(&edited("keyless", edit), &[release()]);
        assert!(!why(&proof.outcome).is_empty(), "{index}");
    }
    let two = edited("keyless", |bundle| {
        let entry = bundle["dsseEnvelope"]["signatures"][0].clone();
        bundle["dsseEnvelope"]["signatures"] = vec![entry; 2].into();
    });
    assert!(why(&examine(&two, &[release()]).outcome).contains("exactly one signature, found 2"));
}

fn document_signature(name: &str) -> Value {
    let bundle: Value = serde_json::from_slice(&document(name).bytes).unwrap();
    bundle["dsseEnvelope"]["signatures"][0]["sig"].clone()
}

#[test]
fn more_proofs_than_anybody_needs_are_refused_unread() {
    let document = edited("keyless", |bundle| {
        let stamps = &mut bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"];
        *stamps = vec![stamps[0].clone(); 9].into();
    });
    let outcome = examine(&document, &[release()]).outcome;
    assert_eq!(why(&outcome), "the bundle has 9 `rfc3161Timestamps`, expected at most 8");
}

#[test]
fn a_payload_that_is_no_statement_is_broken() {
    let document = edited("keyless", |bundle| bundle["dsseEnvelope"]["payloadType"] = "text/plain".into());
    assert!(why(&examine(&document, &[release()]).outcome).starts_with("the payload is of type `text/plain`"));
    let document = edited("keyless", |bundle| with_payload(&mut bundle["dsseEnvelope"], |_| "{}".to_owned()));
    assert!(why(&examine(&document, &[release()]).outcome).contains("missing field `_type`"));
}

#[test]
fn a_certificate_of_another_authority_is_believed_by_nobody() {
    let stranger = |root: &str| examine(&document("keyless"), &[anybody(root)]).outcome;
    for root in [PUBLIC_GOOD_ROOT, SIGSTORE_GITHUB_TRUSTED_ROOT] {
        assert!(matches!(stranger(root), Outcome::Broken { .. }), "{:?}", stranger(root));
    }
    // The same timestamp authority, another certificate authority: only the chain fails.
    let mut root: Value = serde_json::from_str(fixture!("trusted_root.json")).unwrap();
    root["certificateAuthorities"] =
        serde_json::from_str::<Value>(PUBLIC_GOOD_ROOT).unwrap()["certificateAuthorities"].take();
    let outcome = stranger(&root.to_string());
    let expected = format!("identity {MAIN} (issuer {ISSUER}), which the trusted root does not vouch for: ");
    assert!(who(&outcome).starts_with(&expected), "{outcome:?}");
}

#[test]
fn without_a_keyless_signer_it_is_somebody_elses() {
    let expected = format!("identity {MAIN} (issuer {ISSUER}), unverified: no signer is keyless");
    assert_eq!(who(&examine(&document("keyless"), &[a()]).outcome), expected);
}

#[test]
fn the_public_instance_is_verified_with_its_logs() {
    let sha256 = "sha256:54303491a8418fbed24344b513546182c29b43bf282ceb433af65e2299f9271f";
    let sha512 = "sha512:46d4e2f74c4877316640000a6fdf8a8b59f1e0847667973e9859f774dd31b8f1e0937813b777fb66a2ac67d50540fe34640966\
                  eee9fc2ccca387082b4c85cd3c";
    let github = "https://github.com/login/oauth";
    for (text, subject, issuer, root) in [
        (fixture!("public-good.json"), sha256, ISSUER, PUBLIC_GOOD_ROOT),
        (fixture!("public-good-v0.1.json"), sha512, ISSUER, PUBLIC_GOOD_ROOT),
        (fixture!("staging-rekor2.json"), sha256, github, SIGSTORE_STAGING_TRUSTED_ROOT),
    ] {
        let anybody = keyless("anybody", issuer, Identity::pattern(".*").unwrap(), root);
        let proof = examine(&public(text, subject), &[anybody]);
        assert_eq!(proof.outcome, by(&["anybody"]), "{subject}");
        assert!(proof.signed_at.is_some(), "{subject}");
    }
}

#[test]
fn a_root_with_logs_asks_for_a_log_entry() {
    let mut bundle: Value = serde_json::from_str(fixture!("public-good.json")).unwrap();
    bundle["verificationMaterial"]["tlogEntries"] = Value::Array(Vec::new());
    let subject = "sha256:54303491a8418fbed24344b513546182c29b43bf282ceb433af65e2299f9271f";
    let outcome = examine(&public(&bundle.to_string(), subject), &[anybody(PUBLIC_GOOD_ROOT)]).outcome;
    assert!(why(&outcome).contains("inclusion proof"), "{outcome:?}");
}

#[test]
fn a_log_entry_of_something_else_vouches_for_nothing() {
    let subject = "sha256:54303491a8418fbed24344b513546182c29b43bf282ceb433af65e2299f9271f";
    let identity = Identity::pattern(".*").unwrap();
    let anybody = keyless("anybody", "https://github.com/login/oauth", identity, SIGSTORE_STAGING_TRUSTED_ROOT);
    let mut bundle: Value = serde_json::from_str(fixture!("staging-rekor2.json")).unwrap();
    let entries = &mut bundle["verificationMaterial"]["tlogEntries"];
    // The log holds this entry, too; only that it is of another signature.
    *entries = vec![serde_json::from_str::<Value>(fixture!("staging-rekor2-entry.json")).unwrap()].into();
    let outcome = examine(&public(&bundle.to_string(), subject), &[anybody]).outcome;
    assert_eq!(why(&outcome), "the bundle holds a log entry, or a signature, of something else");
}

#[test]
fn a_root_with_certificate_logs_asks_for_their_timestamp() {
    let mut root: Value = serde_json::from_str(fixture!("trusted_root.json")).unwrap();
    root["ctlogs"] = serde_json::from_str::<Value>(PUBLIC_GOOD_ROOT).unwrap()["ctlogs"].take();
    let outcome = examine(&document("keyless"), &[anybody(&root.to_string())]).outcome;
    assert!(why(&outcome).contains("timestamp"), "{outcome:?}");
}

#[test]
fn a_certificate_without_an_issuer_is_nobody_meant() {
    let subject = "sha256:76f1fe8593bf227cca2c089e3c16dc95014a8d3e89c5dd220530469ca043c428";
    let document = public(fixture!("github-private.json"), subject);
    let judged = |root: &str| examine(&document, &[anybody(root)]).outcome;
    // All else is in order: by the certificate and a timestamp alone, as the root has no logs.
    assert_eq!(
        who(&judged(SIGSTORE_GITHUB_TRUSTED_ROOT)),
        "identity https://dotcom.releases.github.com (issuer unknown)"
    );
    assert!(why(&judged(PUBLIC_GOOD_ROOT)).contains("inclusion proof"), "{:?}", judged(PUBLIC_GOOD_ROOT));
}

#[test]
fn a_root_that_could_vouch_for_nobody_is_refused() {
    let without = |keys: &[&str]| {
        let mut root: Value = serde_json::from_str(PUBLIC_GOOD_ROOT).unwrap();
        keys.iter().for_each(|key| root[*key] = Value::Array(Vec::new()));
        Keyless::new(String::new(), Identity::Exact(String::new()), &root.to_string()).unwrap_err().to_string()
    };
    assert_eq!(without(&["certificateAuthorities"]), "the trusted root has no certificate authority");
    assert_eq!(
        without(&["tlogs", "timestampAuthorities"]),
        "the trusted root has neither a transparency log nor a timestamp authority"
    );
    for (text, expected) in [
        ("", "the trusted root is not well-formed JSON"),
        (r#"{"tlogs":[],"tlogs":[]}"#, "the trusted root is not well-formed JSON"),
        ("[]", "the trusted root cannot be read"),
    ] {
        let error = Keyless::new(String::new(), Identity::Exact(String::new()), text).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn signers_can_be_prepared_on_many_threads_at_once() {
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| examine(&document("keyless"), &[release(), release()]).outcome)).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), by(&["release"]));
        }
    });
}
