//! The promotion record: signed, attached, found again, and taken by openssl for what it is.

use promote_bot::domain::Digest;
use serde_json::Value;

use super::{signed_stage, stage_with};
use crate::support::{Keys, Program, Stage, raw, unbase64};

fn with_record(stage: &mut Stage, keys: &Keys) {
    stage.repository.git(&["stash", "--quiet"]);
    stage.repository.git(&["switch", "--quiet", "main"]);
    let text = std::fs::read_to_string(stage.repository.path().join("promote-bot.yaml")).unwrap();
    stage.repository.write(&[("promote-bot.yaml", &format!("{text}record: {{key: env:RECORD_KEY}}\n"))]);
    stage.repository.commit("promotions are recorded");
    stage.repository.git(&["switch", "--quiet", "-C", "change"]);
    stage.repository.git(&["stash", "pop", "--quiet"]);
    let key = std::fs::read_to_string(keys.private()).unwrap();
    stage.program = Program::new().env("RECORD_KEY", &key).env("USER", "ann");
}

/// The bundles that refer to an image in production, by the list under the fallback tag.
fn bundles(stage: &Stage, module: &str, digest: &Digest) -> Vec<Value> {
    let repository = format!("{}/team/{module}", stage.production.host());
    let Some(list) = raw(&format!("{repository}:{}", digest.to_string().replace(':', "-"))) else { return Vec::new() };
    let list: Value = serde_json::from_slice(&list).unwrap();
    let manifests = list["manifests"].as_array().unwrap().iter().map(|one| {
        let manifest = raw(&format!("{repository}@{}", one["digest"].as_str().unwrap())).unwrap();
        serde_json::from_slice::<Value>(&manifest).unwrap()
    });
    let ours = manifests.filter(|one| one["artifactType"] == "application/vnd.dev.sigstore.bundle.v0.3+json");
    ours.map(|one| stage.production.blob(&format!("team/{module}"), one["layers"][0]["digest"].as_str().unwrap()))
        .collect()
}

/// The statement of a bundle, whose signature openssl takes for one by these keys.
fn statement(bundle: &Value, keys: &Keys) -> Value {
    let envelope = &bundle["dsseEnvelope"];
    let payload = unbase64(envelope["payload"].as_str().unwrap());
    let kind = envelope["payloadType"].as_str().unwrap();
    let mut signed = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    signed.extend(&payload);
    let signature = unbase64(envelope["signatures"][0]["sig"].as_str().unwrap());
    assert!(keys.verifies(&signed, &signature), "openssl does not take the signature");
    assert!(!keys.verifies(b"something else", &signature));
    serde_json::from_slice(&payload).unwrap()
}

#[test]
fn a_promotion_is_recorded_once_and_openssl_verifies_it() {
    let (mut stage, keys) = signed_stage();
    let digest = stage.seed_small("api", "1.1.0");
    keys.sign_image(&format!("{}/api", stage.dev.host()), &digest);
    stage.bump("api", "1.1.0");
    with_record(&mut stage, &keys);
    stage.program.json(stage.repository.path(), &["promote"], 0);
    let found = bundles(&stage, "api", &digest);
    assert_eq!(found.len(), 1);
    let statement = statement(&found[0], &keys);
    assert_eq!(statement["predicateType"], "https://slsa.dev/verification_summary/v1");
    assert_eq!(statement["subject"][0]["digest"]["sha256"], digest.hex());
    let predicate = &statement["predicate"];
    assert_eq!(
        (&predicate["verificationResult"], &predicate["promotion"]["environment"]),
        (&"PASSED".into(), &"production".into())
    );
    assert_eq!(predicate["promotion"]["by"], "ann");
    assert_eq!(predicate["promotion"]["from"], format!("{}/api:1.1.0", stage.dev.host()));
    assert_eq!(predicate["inputAttestations"].as_array().unwrap().len(), 1);
    let report = stage.program.json(stage.repository.path(), &["promote"], 0);
    assert_eq!(report["result"], "noop");
    assert_eq!(bundles(&stage, "api", &digest), found);
}

#[test]
fn exceptions_are_recorded() {
    let policy = "version: 1\npolicy: production\nrules: {tag: {forbid: [latest]}}\nbreak_glass: {may_skip: [tag]}\n";
    let mut stage = stage_with(&[("production.yaml", policy)]);
    let keys = Keys::new();
    let digest = stage.seed_small("api", "latest");
    stage.bump("api", "latest");
    with_record(&mut stage, &keys);
    let glass = ["promote", "--config-from", "base", "--break-glass", "tag", "--reason", "the shop is down"];
    stage.program.json(stage.repository.path(), &glass, 0);
    let statement = statement(&bundles(&stage, "api", &digest)[0], &keys);
    let broken = &statement["predicate"]["promotion"]["glassBroken"];
    assert_eq!(
        broken,
        &serde_json::json!([{"rule": "production/tag", "id": "production/tag", "by": "ann", "reason": "the shop is down"}])
    );
}

#[test]
fn without_its_key_nothing_is_copied_and_no_key_is_shown() {
    let (mut stage, keys) = signed_stage();
    let digest = stage.seed_small("api", "1.1.0");
    keys.sign_image(&format!("{}/api", stage.dev.host()), &digest);
    stage.bump("api", "1.1.0");
    with_record(&mut stage, &keys);
    stage.program = Program::new();
    let told = stage.program.run(stage.repository.path(), &["promote"]).expect(2).all();
    assert!(told.contains("the variable RECORD_KEY is not set"), "{told}");
    stage.program =
        Program::new().env("RECORD_KEY", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0LWtleQ==\n-----END PRIVATE KEY-----\n");
    let told = stage.program.run(stage.repository.path(), &["promote"]).expect(2).all();
    assert!(told.contains("the key of the promotion record cannot be used") && !told.contains("c2VjcmV0"), "{told}");
    assert_eq!(stage.in_production("api", "1.1.0"), None);
}
