use serde_json::json;

use super::super::tests::{now, value};
use super::*;

const TRIVY: &str = include_str!("../../../tests/signing/claims/trivy.json");
const GRYPE: &str = include_str!("../../../tests/signing/claims/grype.json");
const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn at(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

fn refused(report: &Value) -> String {
    scan_report(report.to_string().as_bytes(), now()).unwrap_err().to_string()
}

#[test]
fn trivy_tells_what_it_found_where_and_when() {
    let scan = scan_report(TRIVY.as_bytes(), now()).unwrap();
    assert_eq!(scan.scanner, "Trivy 0.68.1");
    assert_eq!(scan.finished_at, at("2026-01-02T00:06:00.123456789Z"));
    assert_eq!(scan.images, [A]);
    assert_eq!(scan.suppressed, 1);
    assert_eq!(scan.vulnerabilities.len(), 2, "secrets are no vulnerabilities");
    assert_eq!(
        scan.vulnerabilities[0],
        Vulnerability {
            id: "CVE-2024-1111".to_owned(),
            aliases: Vec::new(),
            package: "openssl".to_owned(),
            version: "3.0.9-1".to_owned(),
            purl: Some("pkg:deb/debian/openssl@3.0.9-1?arch=amd64&distro=debian-12.5".to_owned()),
            severity: Severity::Critical,
            fixed_in: Some("3.0.11-1".to_owned()),
            published: at("2024-01-01T00:00:00Z"),
            fix_available: None,
        }
    );
    let second = &scan.vulnerabilities[1];
    assert_eq!(
        (second.aliases.as_slice(), second.severity),
        (&["GHSA-aaaa-bbbb-cccc".to_owned()][..], Severity::Unknown)
    );
    assert_eq!(second.published, None, "no date counts as old");
}

#[test]
fn grype_tells_what_it_found_where_and_when() {
    let scan = scan_report(GRYPE.as_bytes(), now()).unwrap();
    assert_eq!((scan.scanner.as_str(), scan.suppressed), ("Grype 0.104.0", 0));
    assert_eq!(scan.finished_at, at("2026-01-02T02:06:00.5Z"));
    assert_eq!(scan.images, [A, B]);
    assert_eq!(
        scan.vulnerabilities[0],
        Vulnerability {
            id: "GHSA-aaaa-bbbb-cccc".to_owned(),
            aliases: vec!["CVE-2024-4444".to_owned()],
            package: "lodash".to_owned(),
            version: "4.17.4".to_owned(),
            purl: Some("pkg:npm/lodash@4.17.4".to_owned()),
            severity: Severity::High,
            fixed_in: Some("4.17.5, 5.0.0".to_owned()),
            published: None,
            fix_available: at("2024-05-01T00:00:00Z"),
        }
    );
    let second = &scan.vulnerabilities[1];
    assert_eq!((second.severity, second.aliases.len(), &second.purl), (Severity::Negligible, 0, &None));
    assert_eq!(second.fixed_in, None);
}

fn attested(result: &Value, finished: &Value) -> Value {
    let scanner = json!({"uri": "pkg:github/aquasecurity/trivy@0.60.0", "version": "0.60.0", "result": result});
    json!({"scanner": scanner, "metadata": {"scanFinishedOn": finished}})
}

#[test]
fn an_attested_report_may_be_an_object_or_its_text() {
    let object = read_attested(&attested(&value(TRIVY), &json!("2026-01-02T03:06:30Z")), now()).unwrap();
    let text = read_attested(&attested(&json!(TRIVY), &json!("2026-01-02T03:06:30Z")), now()).unwrap();
    assert_eq!(object, text);
    assert_eq!(object.finished_at, at("2026-01-02T03:06:30Z"));
    let nameless = json!({"SchemaVersion": 2, "CreatedAt": "2026-01-02T03:06:00Z"});
    assert_eq!(read_attested(&attested(&nameless, &json!(null)), now()).unwrap().scanner, "Trivy 0.60.0");
}

#[test]
fn a_missing_time_is_the_reports_and_a_nonsensical_one_is_none() {
    for (finished, expected) in [
        (json!(null), at("2026-01-02T00:06:00.123456789Z")),
        (json!("0001-01-01T00:00:00Z"), at("2026-01-02T00:06:00.123456789Z")),
        (json!("9999-01-01T00:00:00Z"), None),
        (json!("2027-01-01T00:00:00Z"), None),
        (json!("today"), None),
    ] {
        let scan = read_attested(&attested(&value(TRIVY), &finished), now()).unwrap();
        assert_eq!(scan.finished_at, expected, "{finished}");
    }
}

#[test]
fn an_attestation_without_a_report_is_refused() {
    for (predicate, told) in [
        (json!({"scanner": {"result": null}}), "`scanner.result` is missing"),
        (json!({"scanner": {}}), "`scanner.result` is missing"),
        (json!({"scanner": {"result": "no"}}), "not JSON: expected ident at line 1 column 2"),
        (
            json!({"scanner": {"result": {}}}),
            "unsupported format of a scanner's report: expected Trivy's or Grype's JSON, got an empty object",
        ),
        (attested(&value(TRIVY), &json!(1_767_323_045)), "`metadata.scanFinishedOn` is a number, and must be a text"),
    ] {
        assert_eq!(read_attested(&predicate, now()).unwrap_err().to_string(), told);
    }
}

#[test]
fn other_formats_are_named_by_what_is_seen() {
    for (report, seen) in [
        (json!({"$schema": "sarif", "version": "2.1.0", "runs": []}), "an object with `$schema`, `version`, `runs`"),
        (json!([]), "a list"),
        (json!("x"), "a single value"),
        (json!({"matches": [], "descriptor": {"name": "other"}}), "an object with `matches`, `descriptor`"),
        (json!({"SchemaVersion": 2, "matches": [], "descriptor": {"name": "grype"}}), "both at once"),
        (json!({"\u{202e}evil\n": 1}), "an object with `\\u{202e}evil\\n`"),
    ] {
        let told = refused(&report);
        assert_eq!(
            told,
            format!("unsupported format of a scanner's report: expected Trivy's or Grype's JSON, got {seen}")
        );
    }
}

#[test]
fn only_schema_two_of_trivy_is_read() {
    assert!(scan_report(br#"{"SchemaVersion": 2.0}"#, now()).is_ok());
    for (version, shown) in [(json!(1), "1"), (json!(3), "3"), (json!("2"), "\\\"2\\\""), (json!("NaN"), "\\\"NaN\\\"")]
    {
        let told = refused(&json!({"SchemaVersion": version, "Results": []}));
        assert_eq!(told, format!("unsupported schema of a Trivy report: expected 2, got {shown}"));
    }
    assert!(scan_report(br#"{"SchemaVersion": NaN}"#, now()).is_err());
}

#[test]
fn a_trivy_report_without_results_is_clean_unless_it_left_out_the_operating_system() {
    for clean in [
        json!({"SchemaVersion": 2, "ArtifactType": "container_image"}),
        json!({"SchemaVersion": 2, "Results": null, "Metadata": {"OS": {"Family": "none"}}}),
        json!({"SchemaVersion": 2, "Results": [{"Class": "os-pkgs"}], "Metadata": {"OS": {"Family": "debian"}}}),
    ] {
        assert_eq!(scan_report(clean.to_string().as_bytes(), now()).unwrap().vulnerabilities, [], "{clean}");
    }
    let secrets =
        json!({"SchemaVersion": 2, "Results": [{"Class": "secret"}], "Metadata": {"OS": {"Family": "debian"}}});
    assert_eq!(refused(&secrets), "the report found the operating system `debian` and says nothing of its packages");
}

#[test]
fn a_report_on_files_is_none_on_an_image() {
    let trivy = json!({"SchemaVersion": 2, "ArtifactType": "filesystem", "Results": []});
    let expected = "unsupported report: expected one of a container image, got of a ";
    assert_eq!(refused(&trivy), format!("{expected}filesystem"));
    let grype = json!({"descriptor": {"name": "grype"}, "matches": [], "source": {"type": "directory", "target": "/"}});
    assert_eq!(refused(&grype), format!("{expected}directory"));
}

#[test]
fn grype_without_matches_is_not_clean() {
    let clean = json!({"matches": [], "descriptor": {"name": "grype"}});
    assert_eq!(scan_report(clean.to_string().as_bytes(), now()).unwrap().vulnerabilities, []);
    assert_eq!(refused(&json!({"descriptor": {"name": "grype"}})), "`matches` is missing");
    assert_eq!(refused(&json!({"matches": null, "descriptor": {"name": "grype"}})), "`matches` is missing");
}

#[test]
fn one_finding_that_cannot_be_read_spoils_the_report() {
    for (finding, told) in [
        (json!({}), "`Vulnerabilities[].VulnerabilityID` is missing"),
        (json!({"VulnerabilityID": ""}), "`Vulnerabilities[].VulnerabilityID` is missing"),
        (json!({"VulnerabilityID": "CVE-1"}), "`Vulnerabilities[].PkgName` is missing"),
        (
            json!({"VulnerabilityID": "CVE-1", "PkgName": "a", "Severity": 4}),
            "`Vulnerabilities[].Severity` is a number, and must be a text",
        ),
        (json!("CVE-1"), "`Vulnerabilities[]` is a text, and must be an object"),
    ] {
        let report = json!({"SchemaVersion": 2, "Results": [{"Vulnerabilities": [finding]}]});
        assert_eq!(refused(&report), told);
    }
    let twice = br#"{"SchemaVersion": 2, "Results": [], "Results": null}"#;
    assert!(scan_report(twice, now()).unwrap_err().to_string().contains("duplicate key `Results`"));
}

#[test]
fn a_fix_without_a_version_is_a_fix() {
    let finding = json!({"VulnerabilityID": "CVE-1", "PkgName": "a", "Status": "fixed"});
    let report = json!({"SchemaVersion": 2, "Results": [{"Vulnerabilities": [finding]}]});
    assert!(scan_report(report.to_string().as_bytes(), now()).unwrap().vulnerabilities[0].fixed_in.is_some());
    let mut report = value(GRYPE);
    report["matches"][1]["vulnerability"]["fix"] =
        json!({"state": "fixed", "versions": [], "available": [{"date": "9999-01-01"}]});
    let scan = scan_report(report.to_string().as_bytes(), now()).unwrap();
    assert!(scan.vulnerabilities[1].fixed_in.is_some());
    assert_eq!(scan.vulnerabilities[1].fix_available, None);
}

#[test]
fn a_hundred_thousand_findings_are_read() {
    let finding =
        |n: usize| json!({"VulnerabilityID": format!("CVE-2024-{n}"), "PkgName": "a", "Severity": "CRITICAL "});
    let findings: Vec<Value> = (0..100_000).map(finding).collect();
    let report = json!({"SchemaVersion": 2, "Results": [{"Vulnerabilities": findings}]});
    let scan = scan_report(report.to_string().as_bytes(), now()).unwrap();
    assert_eq!(scan.vulnerabilities.len(), 100_000);
    assert!(scan.vulnerabilities.iter().all(|found| found.severity == Severity::Unknown));
}
