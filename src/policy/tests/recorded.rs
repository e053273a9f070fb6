//! The rules judge what cosign, notation and oras left in a registry: tests/signing says what each image is for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;

use crate::domain::{Digest, Document, Expected, ImagePart, Papers, Plan, Settled, Severity, Step};
use crate::policy::testing::{NOW, candidate};
use crate::policy::{Dossier, Facts, InForce, Make, examine, judge, read, read_signers};
use crate::signature::Signer;

#[derive(Deserialize)]
struct Recorded {
    name: String,
    digest: String,
    children: Vec<String>,
    expect: String,
    asks: Vec<String>,
    signed_by: Vec<String>,
    rules: Option<Vec<String>>,
    clock: Option<Timestamp>,
    documents: Vec<RecordedDocument>,
    config: BTreeMap<String, Configuration>,
}

#[derive(Deserialize)]
struct RecordedDocument {
    subject: String,
    manifest: String,
    media_type: String,
    signature: Option<String>,
    certificate: Option<String>,
    bytes: String,
}

#[derive(Deserialize)]
struct Configuration {
    created: Option<String>,
    os: Option<String>,
    architecture: Option<String>,
}

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/signing/fixtures"].iter().collect()
}

fn fixtures() -> Vec<Recorded> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    paths.sort();
    let read = |path: &PathBuf| {
        serde_json::from_slice(&std::fs::read(path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    paths.iter().map(read).collect()
}

fn signers() -> Arc<Vec<Signer>> {
    let identity: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder().join("keys/identity.json")).unwrap()).unwrap();
    let text = format!(
        "signers:\n  a: {{cosign_key: keys/a.pub}}\n  ed25519: {{cosign_key: keys/ed25519.pub}}\n  p384: {{cosign_key: keys/p384.pub}}\n  \
         rsa2048: {{cosign_key: keys/rsa2048.pub}}\n  keyless: {{keyless: {{issuer: {}, identity: {}, trusted_root: keys/trusted_root.json}}}}\n",
        identity["issuer"], identity["identity"]
    );
    let file = |name: &str| std::fs::read_to_string(folder().join(name)).map_err(|error| error.to_string());
    Arc::new(read_signers("signers.yaml", text.as_bytes(), &file).unwrap())
}

fn papers(recorded: &Recorded) -> Papers {
    let part = |(digest, config): (&String, &Configuration)| ImagePart {
        digest: digest.clone(),
        platform: config
            .os
            .as_ref()
            .zip(config.architecture.as_ref())
            .map(|(os, architecture)| format!("{os}/{architecture}")),
        created: config.created.clone(),
        labels: BTreeMap::new(),
    };
    let document = |one: &RecordedDocument| Document {
        subject: one.subject.parse().unwrap(),
        manifest: one.manifest.parse().unwrap(),
        media_type: one.media_type.clone(),
        signature: one.signature.clone(),
        certificate: one.certificate.clone(),
        bytes: STANDARD.decode(&one.bytes).unwrap().into(),
    };
    Papers {
        parts: recorded.config.iter().map(part).collect(),
        is_index: !recorded.children.is_empty(),
        documents: recorded.documents.iter().map(document).collect(),
        passed_over: Vec::new(),
    }
}

fn rule(asked: &str, by: &str) -> String {
    match asked {
        "signature" => format!("signature: {{signed_by: [{by}]}}"),
        "provenance" => format!(
            "provenance: {{signed_by: [{by}], repository: 'https://git.example/acme/app', refs: [refs/heads/main, 'refs/heads/release/*']}}"
        ),
        "vulnerabilities" => {
            format!("vulnerabilities: {{deny: [{{severity: critical, known_for: 7d}}], vex_by: [{by}]}}")
        }
        "vulnerabilities:24h" => format!(
            "vulnerabilities: {{scan_no_older_than: 24h, deny: [{{severity: critical, known_for: 7d}}], vex_by: [{by}]}}"
        ),
        other => panic!("nobody asks for {other}"),
    }
}

/// Returns the rules that deny, and all that is said.
fn judged(recorded: &Recorded, signers: &Arc<Vec<Signer>>) -> (Vec<String>, String) {
    let rules: Vec<String> = recorded.asks.iter().map(|asked| rule(asked, &recorded.signed_by.join(", "))).collect();
    let text = format!("version: 1\npolicy: p\nrules: {{{}}}\n", rules.join(", "));
    let policies = vec![read("p.yaml", text.as_bytes()).unwrap()];
    let set = InForce { policies, signers: signers.clone(), ..InForce::default() };
    assert_eq!(set.faults(["production"].into_iter()), []);
    let now = recorded.clock.unwrap_or(NOW);
    let papers = papers(recorded);
    let digest: Digest = recorded.digest.parse().unwrap();
    let dossier = Dossier {
        make: Some(Ok(Make::of(&papers))),
        exhibits: Some(Ok(examine(&papers, signers, now))),
        ..Dossier::default()
    };
    let step = Step {
        candidate: candidate("prod.example/fx/image:1.0.0", None),
        digest,
        expected: Expected::Absent,
        present: false,
        content: None,
        after: None,
    };
    let plan = Plan { settled: vec![Settled::Step(step)] };
    let in_force = BTreeMap::from([("production".to_owned(), set)]);
    let dossiers = [Arc::new(dossier)];
    let facts = Facts {
        in_force: &in_force,
        dossiers: &dossiers,
        now,
        break_glass: None,
        deny_from: Severity::Error,
        offline: false,
    };
    let findings: Vec<_> = judge(&plan, &facts).verdicts.into_iter().map(|verdict| verdict.finding).collect();
    let mut denying: Vec<String> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| finding.rule.trim_start_matches("p/").to_owned())
        .collect();
    denying.dedup();
    (denying, findings.iter().map(|finding| finding.message.as_str()).collect::<Vec<_>>().join("; "))
}

#[test]
fn what_real_tools_left_is_judged_as_it_must_be() {
    let (fixtures, signers) = (fixtures(), signers());
    assert!(fixtures.len() >= 121, "{} fixtures", fixtures.len());
    let mut wrong = Vec::new();
    for recorded in &fixtures {
        let (mut denying, said) = judged(recorded, &signers);
        let is_allowed = match recorded.expect.as_str() {
            "allow" => true,
            "keyless" => recorded.name != "keyless-evil",
            _ => false,
        };
        if denying.is_empty() != is_allowed {
            wrong.push(format!("{}: expected {}: {said}", recorded.name, recorded.expect));
        }
        if let Some(mut rules) = recorded.rules.clone() {
            rules.sort();
            denying.sort();
            if rules != denying {
                wrong.push(format!("{}: expected a no of {rules:?}, found {denying:?}: {said}", recorded.name));
            }
        }
        if recorded.expect == "format" && !said.contains("notation") {
            wrong.push(format!("{}: the format is not named: {said}", recorded.name));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
