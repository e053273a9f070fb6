use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::tests::{now, value};
use super::*;
use crate::attestation::scan::{Severity, Vulnerability};

const OPENVEX: &str = include_str!("../../../tests/signing/claims/openvex.json");
const CYCLONEDX: &str = include_str!("../../../tests/signing/claims/cyclonedx-vex.json");
const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn finding(id: &str, purl: Option<&str>) -> Vulnerability {
    Vulnerability {
        id: id.to_owned(),
        aliases: Vec::new(),
        package: "openssl".to_owned(),
        version: "3.0.9-1".to_owned(),
        purl: purl.map(str::to_owned),
        severity: Severity::Critical,
        fixed_in: None,
        published: None,
        fix_available: None,
    }
}

fn openssl() -> Vulnerability {
    finding("CVE-2024-1111", Some("pkg:deb/debian/openssl@3.0.9-1?arch=amd64"))
}

fn covered(vex: &Vex, vulnerability: &Vulnerability, repository: &str) -> bool {
    let image = ImageIdentity { repository, digests: &[A.to_owned()] };
    let verdict = verdict_of(&vex.statements, vulnerability, &image);
    assert_eq!(verdict, Verdicts::new(&vex.statements).of(vulnerability, &image));
    verdict.is_some_and(VexStatement::covers)
}

fn document(statements: &Value) -> Value {
    json!({"@context": "https://openvex.dev/ns/v0.2.0", "timestamp": "2026-01-03T00:00:00Z", "statements": statements})
}

fn openvex(statements: &Value, attached: bool) -> Vex {
    read_openvex(&document(statements), attached, now()).unwrap()
}

/// A statement that the finding in these products does not matter.
fn harmless(products: &Value) -> Value {
    json!({"vulnerability": {"name": "CVE-2024-1111"}, "products": products, "status": "not_affected",
        "justification": "component_not_present"})
}

fn harmless_in(product: &str, attached: bool, repository: &str) -> bool {
    covered(&openvex(&json!([harmless(&json!([{"@id": product}]))]), attached), &openssl(), repository)
}

#[test]
fn the_newest_statement_of_a_document_decides() {
    let vex = vex_document(OPENVEX.as_bytes(), now()).unwrap();
    assert!(covered(&vex, &openssl(), "registry.example/shop/app"));
    assert!(!covered(&vex, &openssl(), "other.example/shop/app"), "another repository_url");
    assert!(!covered(&vex, &finding("CVE-2024-2222", openssl().purl.as_deref()), "registry.example/shop/app"));
    assert!(!covered(&vex, &finding("CVE-2024-1111", Some("pkg:deb/debian/bash@5")), "registry.example/shop/app"));
    let mut alias = openssl();
    alias.id = "ghsa-DDDD-eeee-ffff".to_owned();
    assert!(covered(&vex, &alias, "registry.example/shop/app"));
}

#[test]
fn products_name_an_image_by_its_last_part_repository_and_digest() {
    let here = "registry.example/shop/app";
    let a = format!("pkg:oci/app@{}", A.replace(':', "%3A"));
    for product in [
        "pkg:oci/app",
        &a,
        "pkg:oci/app?repository_url=registry.example/shop/app",
        "pkg:oci/app?repository_url=registry.example%2Fshop&arch=amd64",
        &format!("{a}?tag=1.4.2"),
        "pkg:deb/debian/openssl",
        "pkg:deb/debian/openssl@3.0.9-1",
    ] {
        assert!(harmless_in(product, false, here), "{product}");
    }
    for product in [
        "pkg:oci/ap",
        "pkg:oci/shop/app",
        "pkg:oci/App",
        "pkg:oci/app?tag=1.4.2",
        "pkg:oci/app@1.4.2",
        &format!("pkg:oci/app@{B}"),
        "pkg:oci/app?repository_url=registry.example/app",
        "pkg:oci/app#sub",
        "pkg:docker/app",
        "pkg:deb/debian/openssl@3.0",
        "pkg:deb/ubuntu/openssl",
        "https://registry.example/shop/app",
        "app",
        "",
    ] {
        assert!(!harmless_in(product, false, here), "{product}");
    }
}

#[test]
fn a_statement_attached_to_the_image_is_about_it_whatever_its_name() {
    let here = "prod.example/fx/att-vexed";
    assert!(harmless_in("pkg:oci/app", true, here));
    assert!(harmless_in(&format!("pkg:oci/app@{A}?repository_url=dev.example/app"), true, here));
    assert!(!harmless_in("pkg:oci/app", false, here));
    assert!(!harmless_in(&format!("pkg:oci/app@{B}"), true, here));
    assert!(!harmless_in("pkg:oci/app@latest", true, here));
    assert!(!harmless_in("pkg:generic/app", true, here));
}

#[test]
fn all_that_is_said_of_a_product_must_fit() {
    let other = format!("pkg:oci/app@{B}");
    let both = json!([harmless(&json!([{"@id": "pkg:oci/app", "identifiers": {"purl": other}}]))]);
    assert!(!covered(&openvex(&both, true), &openssl(), "r.example/app"));
    let unclear = json!([harmless(&json!([{"@id": "pkg:oci/app", "identifiers": {"purl": "pkg:oci/%"}}]))]);
    assert!(!covered(&openvex(&unclear, true), &openssl(), "r.example/app"));
    let parts = |parts: Value| json!([harmless(&json!([{"@id": "pkg:oci/app", "subcomponents": parts}]))]);
    assert!(covered(&openvex(&parts(json!([{"@id": "pkg:deb/debian/openssl"}])), true), &openssl(), "r.example/app"));
    assert!(!covered(&openvex(&parts(json!([{"@id": "pkg:deb/debian/bash"}])), true), &openssl(), "r.example/app"));
    assert!(!covered(&openvex(&parts(json!([{"@id": "openssl"}])), true), &openssl(), "r.example/app"));
    let named = openvex(&parts(json!([{"@id": "pkg:deb/debian/openssl"}])), true);
    assert!(
        !covered(&named, &finding("CVE-2024-1111", None), "r.example/app"),
        "a package without URL is none of them"
    );
}

#[test]
fn a_statement_without_products_covers_nothing() {
    for products in [json!([]), json!(null)] {
        for attached in [true, false] {
            assert!(!covered(&openvex(&json!([harmless(&products)]), attached), &openssl(), "r.example/app"));
        }
    }
}

#[test]
fn what_is_not_said_properly_does_not_cover() {
    let product = json!([{"@id": "pkg:oci/app"}]);
    for (key, text) in [
        ("status", json!("NOT_AFFECTED")),
        ("status", json!("not_affected ")),
        ("status", json!("")),
        ("status", json!("affected")),
        ("status", json!("under_investigation")),
        ("justification", json!(null)),
        ("justification", json!("")),
        ("justification", json!("because")),
        ("timestamp", json!("9999-01-01T00:00:00Z")),
        ("timestamp", json!("2027-01-01T00:00:00Z")),
        ("timestamp", json!("soon")),
    ] {
        let mut statement = harmless(&product);
        statement[key] = text.clone();
        assert!(!covered(&openvex(&json!([statement]), true), &openssl(), "r.example/app"), "{key} {text}");
    }
    let mut explained = harmless(&product);
    explained["justification"] = json!(null);
    explained["impact_statement"] = json!("the code was removed");
    assert!(covered(&openvex(&json!([explained]), true), &openssl(), "r.example/app"));
    let mut undated = document(&json!([harmless(&product)]));
    undated["timestamp"] = json!("0001-01-01T00:00:00Z");
    assert!(!covered(&read_openvex(&undated, true, now()).unwrap(), &openssl(), "r.example/app"));
}

#[test]
fn newer_doubt_withdraws_and_wins_a_tie() {
    let product = json!([{"@id": "pkg:oci/app"}]);
    let with = |status: &str, timestamp: Value, products: &Value| {
        let mut other = harmless(products);
        other["status"] = json!(status);
        other["timestamp"] = timestamp;
        let mut vex = openvex(&json!([harmless(&product), other]), true);
        let in_order = covered(&vex, &openssl(), "r.example/app");
        vex.statements.reverse();
        assert_eq!(in_order, covered(&vex, &openssl(), "r.example/app"), "the order in the document decides nothing");
        in_order
    };
    assert!(with("affected", json!("2026-01-02T00:00:00Z"), &product), "older");
    assert!(!with("affected", json!("2026-01-03T00:00:00Z"), &product), "the same instant");
    assert!(!with("affected", json!("2026-01-04T00:00:00Z"), &product), "newer");
    assert!(!with("AFFECTED", json!("2026-01-04T00:00:00Z"), &product), "not understood");
    assert!(!with("affected", json!("9999-01-04T00:00:00Z"), &product), "no time is newest");
    assert!(!with("affected", json!("2026-01-04T00:00:00Z"), &json!([])), "the attestation's subject");
    assert!(with("affected", json!("2026-01-04T00:00:00Z"), &json!([{"@id": "pkg:oci/other@x"}])), "another product");
    assert!(with("fixed", json!("2026-01-04T00:00:00Z"), &product));
}

#[test]
fn documents_of_the_first_version_are_read() {
    let statement = json!({"vulnerability": "CVE-2024-1111", "products": ["pkg:oci/app"], "status": "fixed",
        "subcomponents": ["pkg:deb/debian/openssl@3.0.9-1"]});
    let document =
        json!({"@context": "https://openvex.dev/ns", "timestamp": "2026-01-03T00:00:00Z", "statements": [statement]});
    let vex = vex_document(document.to_string().as_bytes(), now()).unwrap();
    assert!(covered(&vex, &openssl(), "r.example/app"));
    assert!(!covered(&vex, &finding("CVE-2024-1111", Some("pkg:deb/debian/bash@5")), "r.example/app"));
}

#[test]
fn cyclonedx_points_to_its_components() {
    let vex = vex_document(CYCLONEDX.as_bytes(), now()).unwrap();
    let here = "registry.example/shop/app";
    assert!(covered(&vex, &openssl(), here), "a nested component");
    assert!(covered(&vex, &finding("CVE-2024-4444", Some("pkg:npm/lodash@4.17.4")), here), "a link into a document");
    assert!(!covered(&vex, &finding("CVE-2024-4444", Some("pkg:npm/lodash@4.17.3")), here));
    assert!(!covered(&vex, &finding("CVE-2024-7777", None), here));
    assert!(!covered(&vex, &finding("CVE-2024-8888", openssl().purl.as_deref()), here), "no analysis");
    assert_eq!(vex.statements[0].at, Some("2026-01-04T00:00:00Z".parse().unwrap()));
    assert_eq!(vex.statements[2].status, VexStatus::Affected);
}

#[test]
fn a_component_that_is_there_twice_fits_nothing() {
    let mut document = value(CYCLONEDX);
    document["components"][0]["bom-ref"] = json!("ssl");
    let vex = read_cyclonedx(&document, true, now()).unwrap().unwrap();
    assert!(!covered(&vex, &openssl(), "registry.example/shop/app"));
}

#[test]
fn documents_of_another_shape_are_refused_as_a_whole() {
    for (bytes, told) in [
        ("{}".to_owned(), "`@context` is missing"),
        (
            json!({"@context": "https://openvex.dev/ns/"}).to_string(),
            "unsupported VEX document: expected a `@context` of OpenVEX or the `bomFormat` of CycloneDX, \
             got `https://openvex.dev/ns/`",
        ),
        (document(&json!({})).to_string(), "`statements` is an object, and must be a list"),
        (
            document(&json!([harmless(&json!([])), {"status": "affected"}])).to_string(),
            "`statements[].vulnerability` is missing",
        ),
        (
            document(&json!([harmless(&json!([7]))])).to_string(),
            "`statements[].products[]` is a number, and must be a text or an object",
        ),
        (
            document(&json!([{"vulnerability": {"name": "CVE-1"}, "status": true}])).to_string(),
            "`statements[].status` is true or false, and must be a text",
        ),
    ] {
        assert_eq!(vex_document(bytes.as_bytes(), now()).unwrap_err().to_string(), told);
    }
}

#[test]
fn many_statements_and_findings_take_linear_time() {
    let statement = |n: usize| {
        let vulnerability = json!({"name": format!("CVE-{n}")});
        json!({"vulnerability": vulnerability, "products": [{"@id": "pkg:oci/app"}], "status": "fixed"})
    };
    let vex = openvex(&(0..100_000).map(statement).collect(), true);
    let verdicts = Verdicts::new(&vex.statements);
    let image = ImageIdentity { repository: "r.example/app", digests: &[] };
    assert!((0..100_000).all(|n| verdicts.of(&finding(&format!("cve-{n}"), None), &image).is_some()));
    let same = openvex(&(0..10_000).map(|_| statement(1)).collect(), true);
    assert_eq!(Verdicts::new(&same.statements).of(&finding("CVE-1", None), &image), None, "too much to compare");
}

fn any_statement() -> impl Strategy<Value = VexStatement> {
    let product = prop_oneof![
        Just("pkg:oci/app".to_owned()),
        Just(format!("pkg:oci/app@{A}")),
        Just(format!("pkg:oci/app@{B}")),
        Just("pkg:deb/debian/openssl".to_owned()),
        Just("https://app.example".to_owned()),
    ];
    let status = prop::sample::select(&["not_affected", "fixed", "affected", "under_investigation", "FIXED"][..]);
    let name = prop::sample::select(&["CVE-2024-1111", "cve-2024-1111", "CVE-2024-2222"][..]);
    let time = prop::sample::select(&["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "9999-01-01T00:00:00Z"][..]);
    let part = prop::option::of(prop::sample::select(&["pkg:deb/debian/openssl", "pkg:deb/debian/bash", "x"][..]));
    let products = prop::collection::vec((product, part), 0..3);
    let bools = (any::<bool>(), any::<bool>());
    (products, status, name, time, bools).prop_map(|(products, status, name, time, (why, attached))| {
        let product = |(id, part): (String, Option<&str>)| {
            json!({"@id": id, "subcomponents": part.map(|part| json!([{"@id": part}]))})
        };
        let products: Vec<Value> = products.into_iter().map(product).collect();
        let statement = json!({"vulnerability": {"name": name}, "products": products, "status": status,
            "timestamp": time, "justification": why.then_some("component_not_present")});
        openvex(&json!([statement]), attached).statements.remove(0)
    })
}

proptest! {
    #[test]
    fn no_statement_that_does_not_cover_makes_a_finding_covered(
        statements in prop::collection::vec(any_statement(), 0..6),
        added in any_statement(),
        place in any::<prop::sample::Index>(),
        has_purl in any::<bool>(),
    ) {
        prop_assume!(!added.covers());
        let vulnerability = if has_purl { openssl() } else { finding("CVE-2024-1111", None) };
        let mut vex = Vex { statements };
        let before = covered(&vex, &vulnerability, "r.example/app");
        vex.statements.insert(place.index(vex.statements.len() + 1), added);
        prop_assert!(before || !covered(&vex, &vulnerability, "r.example/app"));
    }

    #[test]
    fn the_order_of_statements_does_not_matter(statements in prop::collection::vec(any_statement(), 0..6)) {
        let mut vex = Vex { statements };
        let before = covered(&vex, &openssl(), "r.example/app");
        vex.statements.reverse();
        prop_assert_eq!(before, covered(&vex, &openssl(), "r.example/app"));
    }
}
