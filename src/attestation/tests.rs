//! Which predicate types are read, and that nothing hostile gets further than a reason.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

pub(super) fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

pub(super) fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

pub(super) fn why(claim: Claim) -> String {
    match claim {
        Claim::Unreadable { why } => why,
        other => panic!("not unreadable: {other:?}"),
    }
}

const SPDX: &str = include_str!("../../tests/signing/claims/spdx.json");
const CYCLONEDX: &str = include_str!("../../tests/signing/claims/cyclonedx-vex.json");
const OPENVEX: &str = include_str!("../../tests/signing/claims/openvex.json");

const READ: [&str; 13] = [
    "https://slsa.dev/provenance/v1",
    "https://slsa.dev/provenance/v0.2",
    "https://slsa.dev/provenance/v0.1",
    "https://cosign.sigstore.dev/attestation/vuln/v1",
    "cosign.sigstore.dev/attestation/vuln/v1",
    "https://openvex.dev/ns",
    "https://openvex.dev/ns/v0.2.0",
    "https://spdx.dev/Document",
    "https://spdx.dev/Document/v2.3",
    "https://spdx.dev/Document/v3.0.1",
    "https://cyclonedx.org/bom",
    "https://cyclonedx.org/bom/v1.5",
    "https://cyclonedx.org/bom/v1.6",
];

#[test]
fn predicate_types_are_read_to_the_letter() {
    for name in READ {
        assert_ne!(claim(name, &json!({}), now()), Claim::Other, "{name}");
    }
    for name in [
        "",
        "https://slsa.dev/provenance/v1/",
        "https://slsa.dev/provenance/v1.0",
        "https://slsa.dev/Provenance/v1",
        "HTTPS://slsa.dev/provenance/v1",
        "http://slsa.dev/provenance/v1",
        " https://slsa.dev/provenance/v1",
        "https://slsa.dev/provenance/v1\n",
        "https://cosign.sigstore.dev/attestation/vuln/v2",
        "https://spdx.dev/document",
        "https://spdx.dev/Document/",
        "https://spdx.dev/Document/2.3",
        "https://spdx.dev/Document/v",
        "https://spdx.dev/Document/v2",
        "https://spdx.dev/Document/v2.",
        "https://spdx.dev/Document/v2.3/x",
        "https://spdx.dev/Documents",
        "https://cyclonedx.org/bom/v1.5.0.0",
        "https://cyclonedx.org/bom/v１.5",
        "https://openvex.dev/ns/v0.2.0000",
        "https://sigstore.dev/cosign/sign/v1",
    ] {
        assert_eq!(claim(name, &json!({}), now()), Claim::Other, "{name:?}");
    }
}

#[test]
fn provenance_of_a_version_that_is_not_read_is_named() {
    let told = why(claim("https://slsa.dev/provenance/v0.1", &json!({"builder": {"id": "x"}}), now()));
    assert_eq!(told, "unsupported version of SLSA provenance: expected v1 or v0.2, got v0.1");
}

#[test]
fn predicates_of_no_shape_are_unreadable() {
    for name in READ {
        for predicate in
            [json!(null), json!([]), json!(7), json!("x"), json!({}), json!({"scanner": 1, "bomFormat": []})]
        {
            let told = why(claim(name, &predicate, now()));
            assert!(!told.is_empty() && !told.contains('\n'), "{name}: {told}");
        }
    }
}

#[test]
fn bills_are_read_in_every_wrapping() {
    let tag_value = "SPDXVersion: SPDX-2.2\nPackageName: a\nPackageName: b\n";
    for (predicate, version, components) in [
        (value(SPDX), "SPDX-2.3", 1),
        (json!(SPDX), "SPDX-2.3", 1),
        (json!({"Data": value(SPDX), "Timestamp": "2026-01-02T03:04:05Z"}), "SPDX-2.3", 1),
        (json!({"Data": SPDX, "Timestamp": ""}), "SPDX-2.3", 1),
        (json!(tag_value), "SPDX-2.2", 2),
        (
            json!({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": []}),
            "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
            0,
        ),
    ] {
        let Claim::Sbom(sbom) = claim("https://spdx.dev/Document", &predicate, now()) else {
            panic!("no bill: {predicate}");
        };
        let expected = Sbom { format: SbomFormat::Spdx, version: Some(version.to_owned()), components, vex: None };
        assert_eq!(sbom, expected, "{predicate}");
    }
}

#[test]
fn what_is_no_bill_is_not_taken_for_one() {
    for (name, predicate, told) in [
        (
            "https://spdx.dev/Document",
            json!({"spdxVersion": "9"}),
            "unsupported version of SPDX: expected SPDX 2 or 3, got `9`",
        ),
        ("https://spdx.dev/Document", value(CYCLONEDX), "`spdxVersion` is missing"),
        ("https://spdx.dev/Document", json!("{\"a\":1,\"a\":2}"), "not JSON: duplicate key `a` at line 1 column 10"),
        ("https://cyclonedx.org/bom", value(SPDX), "`bomFormat` is missing"),
        (
            "https://cyclonedx.org/bom",
            json!({"bomFormat": "cyclonedx"}),
            "unsupported bill of materials: expected `CycloneDX`, got `cyclonedx`",
        ),
        (
            "https://cyclonedx.org/bom",
            json!({"bomFormat": "CycloneDX", "components": {}}),
            "`components` is an object, and must be a list",
        ),
    ] {
        assert_eq!(why(claim(name, &predicate, now())), told);
    }
}

#[test]
fn a_bill_may_judge_vulnerabilities_and_a_document_that_only_judges_is_no_bill() {
    let mut document = value(CYCLONEDX);
    let Claim::Sbom(sbom) = claim("https://cyclonedx.org/bom", &document, now()) else { panic!("no bill") };
    assert_eq!((sbom.format, sbom.version.as_deref(), sbom.components), (SbomFormat::CycloneDx, Some("1.6"), 1));
    assert_eq!(sbom.vex.map(|vex| vex.statements.len()), Some(3));
    document["components"] = json!([]);
    assert!(matches!(claim("https://cyclonedx.org/bom", &document, now()), Claim::Vex(_)));
    document["vulnerabilities"] = json!([]);
    let Claim::Sbom(empty) = claim("https://cyclonedx.org/bom", &document, now()) else { panic!("no bill") };
    assert_eq!((empty.components, empty.vex), (0, None));
}

#[test]
fn an_attested_vex_document_is_attached_and_a_file_is_not() {
    let Claim::Vex(vex) = claim("https://openvex.dev/ns", &value(OPENVEX), now()) else { panic!("no VEX") };
    assert!(vex.statements.iter().all(|statement| statement.attached) && vex.statements.len() == 2);
    let file = vex_document(OPENVEX.as_bytes(), now()).unwrap();
    assert!(file.statements.iter().all(|statement| !statement.attached) && file.statements.len() == 2);
}

const KEYS: &[&str] = &[
    "buildDefinition",
    "externalParameters",
    "workflow",
    "repository",
    "ref",
    "source",
    "uri",
    "digest",
    "sha1",
    "materials",
    "resolvedDependencies",
    "scanner",
    "result",
    "metadata",
    "SchemaVersion",
    "Results",
    "Vulnerabilities",
    "matches",
    "descriptor",
    "name",
    "bomFormat",
    "vulnerabilities",
    "analysis",
    "components",
    "@context",
    "statements",
    "products",
    "spdxVersion",
    "packages",
    "id",
    "affects",
    "purl",
    "bom-ref",
];

/// Any JSON, with the field names that are read here.
fn hostile() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<f64>().prop_map(|number| json!(number)),
        Just(json!(2)),
        "\\PC{0,12}".prop_map(|text| json!(text)),
        Just(json!("https://openvex.dev/ns")),
        Just(json!("CycloneDX")),
        Just(json!("grype")),
        Just(json!("git+https://git.example/acme/app@refs/heads/main")),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((prop::sample::select(KEYS).prop_map(str::to_owned), inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_hostile_panics(predicate in hostile(), name in prop::sample::select(&READ[..])) {
        let _ = claim(name, &predicate, now());
        let bytes = predicate.to_string();
        let _ = scan_report(bytes.as_bytes(), now());
        let _ = vex_document(bytes.as_bytes(), now());
    }
}
