//! What gathering finds, and how few requests it takes.

use super::super::embedded::{Action, Fault, Options, Registry};
use super::sample::Sample;
use super::*;
use serde_json::json;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
use crate::domain::{Evidence, Seen};

async fn two() -> (Registry, Registry) {
    (Registry::start(Options::default()).await.unwrap(), Registry::start(Options::default()).await.unwrap())
}

async fn gathered(from: &str, to: &str) -> Evidence {
    registries().gather(&[candidate(from, to)]).await.remove(0)
}

#[tokio::test]
async fn a_missing_image_is_seen_with_its_content() {
    let (dev, prod) = two().await;
    let sample = Sample::index(60);
    sample.put_into(&dev, "api", "1");
    let evidence = gathered(&format!("{}/api:1", dev.host()), &format!("{}/api:1", prod.host())).await;
    assert_eq!((evidence.source.tag, evidence.destination.tag), (Seen::Holds(sample.digest()), Seen::Absent));
    assert_eq!((evidence.source.digest, evidence.destination.digest), (Seen::Unasked, Seen::Unasked));
    let content = evidence.content.unwrap();
    assert_eq!(
        (content.size_bytes, content.platforms.join(" ")),
        (sample.size_bytes(), "linux/amd64 linux/arm64".into())
    );
}

#[tokio::test]
async fn a_single_image_has_the_platform_of_its_configuration() {
    let (dev, prod) = two().await;
    Sample::image(&[(70, 10)]).put_into(&dev, "api", "1");
    let evidence = gathered(&format!("{}/api:1", dev.host()), &format!("{}/api:1", prod.host())).await;
    assert_eq!(evidence.content.unwrap().platforms, ["linux/amd64"]);
}

#[tokio::test]
async fn a_present_image_costs_two_requests_however_often_it_is_referenced() {
    let (dev, prod) = two().await;
    let sample = Sample::image(&[(80, 10)]);
    sample.put_into(&dev, "api", "1");
    sample.put_into(&prod, "api", "1");
    let one = candidate(&format!("{}/api:1", dev.host()), &format!("{}/api:1", prod.host()));
    let evidence = registries().gather(&vec![one; 30]).await;
    assert!(evidence.iter().all(|evidence| evidence.destination.tag == Seen::Holds(sample.digest())));
    assert!(evidence.iter().all(|evidence| evidence.content.is_none()));
    assert_eq!((dev.requests().len(), prod.requests().len()), (1, 1));
}

#[tokio::test]
async fn tag_and_digest_are_looked_up_at_both_ends() {
    let (dev, prod) = two().await;
    let (old, new) = (Sample::image(&[(90, 10)]), Sample::image(&[(91, 10)]));
    old.put_into(&dev, "api", "1");
    new.put_into(&dev, "api", "1");
    let suffix = format!("api:1@{}", old.digest());
    let evidence = gathered(&format!("{}/{suffix}", dev.host()), &format!("{}/{suffix}", prod.host())).await;
    assert_eq!((evidence.source.tag, evidence.source.digest), (Seen::Holds(new.digest()), Seen::Holds(old.digest())));
    assert_eq!((evidence.destination.tag, evidence.destination.digest), (Seen::Absent, Seen::Absent));
    assert_eq!(evidence.content.unwrap().size_bytes, old.size_bytes());
}

#[tokio::test]
async fn a_registry_out_of_reach_is_unknown_and_never_absent() {
    let (dev, prod) = two().await;
    Sample::image(&[(95, 10)]).put_into(&dev, "api", "1");
    prod.fault(Fault::new().then(Action::Status(500, None)));
    let evidence = gathered(&format!("{}/api:1", dev.host()), &format!("{}/api:1", prod.host())).await;
    let (reason, hint) = evidence.destination.failure().unwrap();
    assert!(reason.contains("answered 500") && reason.contains("api:1"), "{reason}");
    assert!(!hint.is_empty());
    assert_eq!(prod.requests().len(), 4);
    let evidence = gathered(&format!("{}/api:1", dev.host()), "127.0.0.1:1/api:1").await;
    assert!(evidence.destination.failure().unwrap().0.contains("no answer from 127.0.0.1:1"));
}

#[tokio::test]
async fn a_head_without_digest_is_made_good_by_reading() {
    let (dev, _prod) = two().await;
    let sample = Sample::image(&[(96, 10)]);
    sample.put_into(&dev, "api", "1");
    dev.fault(Fault::new().then(Action::WithoutHeader("Docker-Content-Digest".into())));
    let found = registries().resolve(&image(&format!("{}/api:1", dev.host()))).await.unwrap();
    assert_eq!(found, Some(sample.digest()));
}

#[tokio::test]
async fn the_manifests_of_a_few_images_are_held_at_a_time() {
    let (dev, prod) = two().await;
    let mut candidates = Vec::new();
    for number in 0..12 {
        // Whoever reads such a tree may have to hold it.
        let child = Digest::of(&[number]);
        let entry = json!({"mediaType": MANIFEST, "digest": child.to_string(), "size": 63 << 20});
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]});
        dev.push_manifest(&format!("app-{number}"), "1", INDEX, index.to_string());
        let name = |registry: &Registry| format!("{}/app-{number}:1", registry.host());
        candidates.push(candidate(&name(&dev), &name(&prod)));
    }
    dev.fault(Fault::new().method("GET").path_contains("manifests/sha256").then(Action::Pause));
    let registries = registries();
    let watching = async {
        // All looks are made, and all who may read are reading.
        while prod.requests().iter().filter(|request| request.status.is_some()).count() < 12 || dev.paused() < 8 {
            tokio::task::yield_now().await;
        }
        let reads = dev.requests().iter().filter(|request| request.path.contains("manifests/sha256")).count();
        dev.clear_faults();
        dev.release();
        reads
    };
    let (evidence, reads) = tokio::join!(registries.gather(&candidates), watching);
    assert_eq!(reads, 8);
    assert!(evidence.iter().all(|evidence| evidence.source.tag.digest().is_some()));
}
