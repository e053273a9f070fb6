//! What counts as a report, and what of it is not allowed.

use jiff::{SignedDuration, Timestamp};

use crate::attestation::{
    Claim, Component, Product, Purl, Scan, Severity, Vex, VexStatement, VexStatus, Vulnerability,
};
use crate::policy::dossier::{Exhibit, ProgramEnd, What};
use crate::policy::testing::{NOW, candidate, complaints, digest, exhibit, faults, index_of};
use crate::signature::Outcome;

fn ago(hours: i64) -> Option<Timestamp> {
    Some(NOW - SignedDuration::from_hours(hours))
}

fn finding(id: &str, severity: Severity, published: Option<Timestamp>) -> Vulnerability {
    Vulnerability {
        id: id.to_owned(),
        aliases: vec![format!("GHSA-{id}")],
        package: "openssl".to_owned(),
        version: "3.0.9".to_owned(),
        purl: None,
        severity,
        fixed_in: Some("3.0.11".to_owned()),
        published,
        fix_available: None,
    }
}

fn by(signer: &str) -> Outcome {
    Outcome::Verified { by: vec![signer.to_owned()] }
}

fn scan(at: Option<Timestamp>, vulnerabilities: Vec<Vulnerability>, signer: &str) -> Exhibit {
    let claim = Claim::Scan(Scan {
        scanner: "Trivy 1".to_owned(),
        finished_at: at,
        images: Vec::new(),
        vulnerabilities,
        suppressed: 0,
    });
    exhibit(
        What::Attestation("https://cosign.sigstore.dev/attestation/vuln/v1".to_owned(), Box::new(claim)),
        by(signer),
    )
}

fn vex(status: VexStatus, at: Option<Timestamp>, signer: &str) -> Exhibit {
    let component = Component { purls: Purl::parse("pkg:oci/app").into_iter().collect(), is_unclear: false };
    let statement = VexStatement {
        vulnerability: vec!["CVE-1".to_owned()],
        products: vec![Product { component, subcomponents: Vec::new() }],
        status,
        justification: Some("vulnerable_code_not_in_execute_path".to_owned()),
        at,
        attached: true,
    };
    let claim = Claim::Vex(Vex { statements: vec![statement] });
    exhibit(What::Attestation("https://openvex.dev/ns".to_owned(), Box::new(claim)), by(signer))
}

fn messages(rule: &str, exhibits: Vec<Exhibit>) -> Vec<String> {
    let one = candidate("prod.example/shop/api:1", None);
    let found = complaints(&format!("vulnerabilities: {rule}"), &one, |given| {
        given.digest = Some(digest());
        given.dossier.exhibits = Some(Ok(exhibits));
        given.dossier.make = Some(Ok(index_of(&["linux/amd64", "linux/arm64"])));
    });
    found.into_iter().map(|complaint| complaint.message).collect()
}

const RULE: &str =
    "{scan_no_older_than: 24h, deny: [{severity: critical, known_for: 7d}], signed_by: [a], vex_by: [a]}";

fn critical() -> Vec<Vulnerability> {
    vec![finding("CVE-1", Severity::Critical, ago(24 * 30))]
}

#[test]
fn what_is_denied_is_told_with_package_age_and_fix() {
    assert_eq!(
        messages(RULE, vec![scan(ago(1), critical(), "a")]),
        ["shop/api has CVE-1 (critical) in openssl 3.0.9, known for 30 days, fixed in 3.0.11"]
    );
    assert!(messages(RULE, vec![scan(ago(1), Vec::new(), "a")]).is_empty());
}

#[test]
fn grace_ends_and_what_has_no_date_is_old() {
    let of = |published| vec![scan(ago(1), vec![finding("CVE-1", Severity::Critical, published)], "a")];
    assert!(messages(RULE, of(ago(24 * 6))).is_empty());
    assert_eq!(messages(RULE, of(ago(24 * 7))).len(), 1);
    assert_eq!(messages(RULE, of(None)).len(), 1);
}

#[test]
fn a_severity_means_itself_and_all_above_and_what_is_unrated_is_bad() {
    let of = |severity| vec![scan(ago(1), vec![finding("CVE-1", severity, None)], "a")];
    let high = "{deny: [{severity: high}]}";
    assert_eq!(messages(high, of(Severity::Critical)).len(), 1);
    assert_eq!(messages(high, of(Severity::Unknown)).len(), 1);
    assert!(messages(high, of(Severity::Medium)).is_empty());
    assert!(messages("{deny: [{severity: high}], unrated: allow}", of(Severity::Unknown)).is_empty());
}

#[test]
fn the_newest_report_counts() {
    let (old, new) = (ago(20), ago(1));
    assert_eq!(messages(RULE, vec![scan(old, Vec::new(), "a"), scan(new, critical(), "a")]).len(), 1);
    assert!(messages(RULE, vec![scan(old, critical(), "a"), scan(new, Vec::new(), "a")]).is_empty());
    assert_eq!(
        messages("{deny: [{severity: critical}]}", vec![scan(None, critical(), "a"), scan(new, Vec::new(), "a")]).len(),
        1
    );
}

#[test]
fn a_report_must_be_there_young_and_by_a_named_signer() {
    assert_eq!(messages(RULE, Vec::new()), ["shop/api has no report of a scanner"]);
    assert_eq!(
        messages(RULE, vec![scan(ago(25), Vec::new(), "a")]),
        ["the report on shop/api (a, by Trivy 1) is 1 day 1 hour old, and may be 1 day"]
    );
    assert_eq!(
        messages(RULE, vec![scan(ago(1), Vec::new(), "b")]),
        ["shop/api has no report of a scanner that counts; it has a report by b, whom the rule does not name"]
    );
    assert_eq!(messages(RULE, vec![scan(None, Vec::new(), "a")]).len(), 1);
}

#[test]
fn a_clean_report_by_somebody_else_does_not_stand_for_ours() {
    assert_eq!(messages(RULE, vec![scan(ago(2), critical(), "a"), scan(ago(1), Vec::new(), "b")]).len(), 1);
}

#[test]
fn statements_of_named_signers_cover_and_newer_ones_withdraw() {
    let with = |more: Vec<Exhibit>| messages(RULE, [vec![scan(ago(1), critical(), "a")], more].concat());
    assert!(with(vec![vex(VexStatus::NotAffected, ago(5), "a")]).is_empty());
    assert_eq!(with(vec![vex(VexStatus::NotAffected, ago(5), "b")]).len(), 1);
    assert_eq!(with(vec![vex(VexStatus::UnderInvestigation, ago(5), "a")]).len(), 1);
    assert_eq!(with(vec![vex(VexStatus::NotAffected, ago(5), "a"), vex(VexStatus::Affected, ago(4), "a")]).len(), 1);
}

#[test]
fn every_image_of_an_index_needs_its_report() {
    let parts = index_of(&["linux/amd64", "linux/arm64"]);
    let on =
        |index: usize, found| Exhibit { subject: parts.images()[index].digest.clone(), ..scan(ago(1), found, "a") };
    assert_eq!(
        messages(RULE, vec![on(0, Vec::new())]),
        ["shop/api is scanned in part only: linux/arm64 has no report"]
    );
    assert!(messages(RULE, vec![on(0, Vec::new()), on(1, Vec::new())]).is_empty());
    assert_eq!(messages(RULE, vec![on(0, Vec::new()), on(1, critical())]).len(), 1);
    // What is said of one part covers nothing in another.
    let of_first = Exhibit { subject: parts.images()[0].digest.clone(), ..vex(VexStatus::NotAffected, ago(1), "a") };
    assert_eq!(messages(RULE, vec![on(0, Vec::new()), on(1, critical()), of_first]).len(), 1);
}

#[test]
fn a_scan_of_another_image_is_none_of_this_one() {
    let mut one = scan(ago(1), Vec::new(), "a");
    if let What::Attestation(_, claim) = &mut one.what
        && let Claim::Scan(scan) = claim.as_mut()
    {
        scan.images = vec!["sha256:other".to_owned()];
    }
    assert_eq!(
        messages(RULE, vec![one]),
        [
            "shop/api has no report of a scanner that counts; it has a report whose scan is of another image (sha256:other)"
        ]
    );
}

/// A report from a file, on the digests it names.
fn file(about: &[String], at: Option<Timestamp>, vulnerabilities: Vec<Vulnerability>) -> Scan {
    Scan { scanner: "Trivy 1".to_owned(), finished_at: at, images: about.to_vec(), vulnerabilities, suppressed: 0 }
}

#[test]
fn a_report_on_one_part_stands_for_no_other() {
    let one = candidate("prod.example/shop/api:1", None);
    let parts = index_of(&["linux/amd64", "linux/arm64"]);
    let of = |index: usize| vec![parts.images()[index].digest.to_string()];
    let told = |reports: Vec<Scan>| {
        let found = complaints("vulnerabilities: {deny: [{severity: critical}], reports: file}", &one, |given| {
            given.digest = Some(digest());
            given.dossier.make = Some(Ok(parts.clone()));
            given.dossier.reports = reports;
        });
        found.into_iter().map(|complaint| complaint.message).collect::<Vec<_>>()
    };
    assert_eq!(
        told(vec![file(&of(0), ago(1), Vec::new())]),
        ["shop/api is scanned in part only: linux/arm64 has no report"]
    );
    assert_eq!(told(vec![file(&of(0), ago(1), Vec::new()), file(&of(1), ago(2), critical())]).len(), 1);
    assert!(told(vec![file(&of(0), ago(1), Vec::new()), file(&of(1), ago(2), Vec::new())]).is_empty());
    assert!(told(vec![file(&[digest().to_string()], ago(1), Vec::new())]).is_empty());
}

#[test]
fn what_cannot_be_read_of_a_trusted_signer_may_say_otherwise() {
    let unreadable = |kind: &str, signer: &str| {
        let claim = Claim::Unreadable { why: "`SchemaVersion` is 3".to_owned() };
        exhibit(What::Attestation(kind.to_owned(), Box::new(claim)), by(signer))
    };
    let (report, openvex) = ("https://cosign.sigstore.dev/attestation/vuln/v1", "https://openvex.dev/ns");
    let good = || vec![scan(ago(1), Vec::new(), "a")];
    assert_eq!(
        messages(RULE, [good(), vec![unreadable(report, "a")]].concat()),
        [
            "shop/api has, beside what can be read, a report that cannot be read (`SchemaVersion` is 3): what it found is not known"
        ]
    );
    assert!(messages(RULE, [good(), vec![unreadable(report, "b"), unreadable(openvex, "a")]].concat()).len() == 1);
    let covered = || vec![scan(ago(1), critical(), "a"), vex(VexStatus::NotAffected, ago(2), "a")];
    assert!(messages(RULE, covered()).is_empty());
    assert!(messages(RULE, [covered(), vec![unreadable(openvex, "b")]].concat()).is_empty());
    let told = messages(RULE, [covered(), vec![unreadable(openvex, "a")]].concat());
    assert!(told[0].starts_with("shop/api has CVE-1 (critical)"), "{told:?}");
    assert_eq!(
        told[1],
        "the VEX of shop/api counts for nothing, since some of it cannot be read (`SchemaVersion` is 3)"
    );
}

#[test]
fn a_statement_that_does_not_cover_is_not_passed_over_in_silence() {
    let one = candidate("prod.example/shop/api:1", None);
    let help = |exhibits: Vec<Exhibit>| {
        let found = complaints(&format!("vulnerabilities: {RULE}"), &one, |given| {
            given.digest = Some(digest());
            given.dossier.exhibits = Some(Ok(exhibits));
            given.dossier.make = Some(Ok(index_of(&["linux/amd64"])));
        });
        found[0].help.clone()
    };
    let report = || scan(ago(1), critical(), "a");
    assert!(!help(vec![report()]).contains("the VEX there is"));
    let affected = vex(VexStatus::Affected, ago(2), "a");
    assert!(help(vec![report(), affected]).contains("the VEX there is on it does not cover it"));
}

#[test]
fn a_scanner_that_fails_is_a_no_whatever_else_there_is() {
    let one = candidate("prod.example/shop/api:1", None);
    let rule = "vulnerabilities: {deny: [{severity: critical}], reports: attestation, scanner: {command: [trivy]}}";
    let told = |end: Option<ProgramEnd>| {
        let found = complaints(rule, &one, |given| {
            given.digest = Some(digest());
            given.dossier.exhibits = Some(Ok(vec![scan(ago(1), Vec::new(), "a")]));
            given.dossier.make = Some(Ok(index_of(&["linux/amd64"])));
            given.dossier.programs.extend(end.map(|end| ("p/vulnerabilities".to_owned(), end)));
        });
        found.into_iter().map(|complaint| complaint.message).collect::<Vec<_>>()
    };
    let refused = ProgramEnd::Refused { why: "exit status: 1: no".to_owned() };
    assert_eq!(told(Some(refused)), ["shop/api was not scanned: there is a scanner that failed (exit status: 1: no)"]);
    assert_eq!(told(Some(ProgramEnd::Passed { output: b"{}".to_vec() })).len(), 1);
    assert_eq!(told(None).len(), 1);
    let clean =
        br#"{"SchemaVersion": 2, "ArtifactName": "a", "ArtifactType": "container_image", "Results": []}"#.to_vec();
    assert!(told(Some(ProgramEnd::Passed { output: clean })).is_empty());
}

#[test]
fn a_statement_on_one_part_covers_nothing_in_another() {
    let parts = index_of(&["linux/amd64", "linux/arm64"]);
    let on =
        |index: usize, found| Exhibit { subject: parts.images()[index].digest.clone(), ..scan(ago(1), found, "a") };
    let mut statement = vex(VexStatus::NotAffected, ago(1), "a");
    if let What::Attestation(_, claim) = &mut statement.what
        && let Claim::Vex(vex) = claim.as_mut()
    {
        let purl = format!("pkg:oci/app@{}", parts.images()[1].digest);
        vex.statements[0].products[0].component.purls = Purl::parse(&purl).into_iter().collect();
    }
    assert_eq!(messages(RULE, vec![on(0, critical()), on(1, Vec::new()), statement.clone()]).len(), 1);
    assert!(messages(RULE, vec![on(0, Vec::new()), on(1, critical()), statement]).is_empty());
}

#[test]
fn settings_that_cannot_be_meant_are_faults() {
    let text = "vulnerabilities: {deny: [{severity: terrible}, {severity: high, since: yesterday}, {known_for: 7d}], reports: [rumour], unrated: perhaps}";
    assert_eq!(
        faults(text),
        [
            "`severity` must be one of: critical, high, medium, low, negligible, unknown",
            "`since` must be `published` or `fix_available`",
            "an entry of `deny` needs `severity`",
            "`rumour` is no source of reports: attestation, file",
            "`unrated` must be `deny` or `allow`",
        ]
    );
    assert_eq!(faults("vulnerabilities: {}"), ["the rule `vulnerabilities` asks for nothing"]);
}
