//! Judging 1,000 candidates by the built-in policy `strict`, the evidence in memory: what is left when every registry has answered.

#![expect(clippy::unwrap_used, reason = "what is made up here is well-formed")]

use std::collections::BTreeMap;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};
use promote_bot::attestation::{
    Claim, Provenance, Sbom, SbomFormat, Scan, Severity as Rating, Source, Standing, Vulnerability,
};
use promote_bot::domain::{
    Candidate, ChangeKind, CopyOptions, Digest, Expected, ImageSite, ImageUse, Location, Origins, Plan, Settled,
    Severity, Sites, Step, TreePath, UseClass, Workload,
};
use promote_bot::policy::{Dossier, Exhibit, Facts, InForce, MadeImage, Make, What, builtin, judge};
use promote_bot::signature::Outcome;

const NOW: Timestamp = Timestamp::constant(1_795_780_800, 0);
const CANDIDATES: usize = 1_000;
/// What a scanner finds in a usual image: nearly all of it is not worth denying.
const FINDINGS: usize = 100;

fn exhibit(subject: &Digest, what: What) -> Exhibit {
    let outcome = Outcome::Verified { by: vec!["release-key".to_owned()] };
    Exhibit { subject: subject.clone(), manifest: Digest::of(b"manifest"), what, outcome, signed_at: None }
}

fn attestation(subject: &Digest, kind: &str, claim: Claim) -> Exhibit {
    exhibit(subject, What::Attestation(kind.to_owned(), Box::new(claim)))
}

fn finding(number: usize) -> Vulnerability {
    Vulnerability {
        id: format!("CVE-2026-{number}"),
        aliases: vec![format!("GHSA-{number}")],
        package: "openssl".to_owned(),
        version: "3.0.9".to_owned(),
        purl: None,
        severity: if number.is_multiple_of(10) { Rating::Critical } else { Rating::Low },
        fixed_in: None,
        published: Some(NOW - SignedDuration::from_hours(24)),
        fix_available: None,
    }
}

fn dossier(digest: &Digest) -> Dossier {
    let source = Source {
        place: "externalParameters.workflow",
        standing: Standing::Named,
        repository: "https://git.example/acme/app".to_owned(),
        reference: Some("refs/heads/main".to_owned()),
        commit: None,
    };
    let built = Provenance { builder: None, build_type: String::new(), sources: vec![source] };
    let scan = Scan {
        scanner: "Trivy 0.60".to_owned(),
        finished_at: Some(NOW),
        images: Vec::new(),
        vulnerabilities: (0..FINDINGS).map(finding).collect(),
        suppressed: 0,
    };
    let bill = Sbom { format: SbomFormat::Spdx, version: None, components: 100, vex: None };
    let image = MadeImage {
        digest: digest.clone(),
        platform: Some("linux/amd64".to_owned()),
        created: Some(NOW),
        labels: BTreeMap::new(),
    };
    Dossier {
        make: Some(Ok(Make::from_images(false, vec![image]))),
        exhibits: Some(Ok(vec![
            exhibit(digest, What::Signature),
            attestation(digest, "https://slsa.dev/provenance/v1", Claim::Provenance(built)),
            attestation(digest, "https://cosign.sigstore.dev/attestation/vuln/v1", Claim::Scan(scan)),
            attestation(digest, "https://spdx.dev/Document", Claim::Sbom(bill)),
        ])),
        ..Dossier::default()
    }
}

fn step(number: usize) -> Step {
    let digest = Digest::of(format!("image {number}").as_bytes());
    let image = format!("prod.example/shop/app-{number}:1.{number}.0@{digest}");
    let location = Location::new("overlays/production/kustomization.yaml", 9, 11);
    let image_use = ImageUse {
        image: image.clone(),
        class: UseClass::Container,
        workload: Workload::default(),
        container: None,
        field: "image".to_owned(),
        location: location.clone(),
        decisions: Vec::new(),
        origins: Origins { name: location, tag: None, digest: None },
    };
    let candidate = Candidate {
        environment: "production".to_owned(),
        to: image.parse().unwrap(),
        from: None,
        copy: CopyOptions::default(),
        kind: ChangeKind::Added,
        before: None,
        sites: Sites::new(ImageSite { overlay: TreePath::root(), image_use }),
    };
    Step { candidate, digest, expected: Expected::Absent, present: false, content: None, after: None }
}

fn strict(criterion: &mut Criterion) {
    let policies = vec![builtin("strict").unwrap().unwrap()];
    let in_force = BTreeMap::from([("production".to_owned(), InForce { policies, ..InForce::default() })]);
    let steps: Vec<Step> = (0..CANDIDATES).map(step).collect();
    let dossiers: Vec<_> = steps.iter().map(|step| Arc::new(dossier(&step.digest))).collect();
    let plan = Plan { settled: steps.into_iter().map(Settled::Step).collect() };
    let facts = Facts {
        in_force: &in_force,
        dossiers: &dossiers,
        now: NOW,
        break_glass: None,
        deny_from: Severity::Error,
        offline: false,
    };
    let told: Vec<_> = judge(&plan, &facts).verdicts.into_iter().map(|verdict| verdict.finding.message).collect();
    assert!(told.is_empty(), "{:?}", told.first());
    criterion.bench_function("judge/strict/1000", |bencher| bencher.iter(|| judge(&plan, &facts).verdicts.len()));
}

criterion_group!(benches, strict);
criterion_main!(benches);
