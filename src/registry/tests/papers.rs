//! What rules read of an image: its images, and what hangs on it; all of it, or nothing.

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::embedded::Registry;
use super::evidence::{open, tag_of};
use super::sample::Sample;
use super::*;
use crate::domain::Papers;

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn part(kind: &str, content: &[u8], size: usize) -> Value {
    json!({"mediaType": kind, "digest": Digest::of(content).to_string(), "size": size})
}

fn manifest(layers: &[Value], config: &[u8], subject: Option<&[u8]>) -> Bytes {
    let mut manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "layers": layers,
        "config": part("application/vnd.oci.image.config.v1+json", config, config.len()),
    });
    if let Some(subject) = subject {
        (manifest["subject"], manifest["artifactType"]) = (part(MANIFEST, subject, subject.len()), BUNDLE.into());
    }
    manifest.to_string().into()
}

async fn read(registry: &Registry, digest: &Digest) -> Result<Papers, String> {
    let registries = registries();
    let at = image(&format!("{}/api:1", registry.host()));
    registries.papers().read(&at, digest, true).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn what_is_too_much_to_read_is_a_no_and_nothing_of_it_is_left_out() {
    let registry = open(true).await;
    let sample = Sample::image(&[(1, 100)]);
    sample.put_into(&registry, "api", "1");
    registry.push_blob("api", Bytes::from_static(b"{}"));
    // What is there is small; what it says of itself is weighed before anything is read.
    for (name, size) in [("a", 31 << 20), ("b", 31 << 20), ("c", 3 << 20)] {
        let layer = part(BUNDLE, name.as_bytes(), size);
        registry.push_manifest("api", name, MANIFEST, manifest(&[layer], b"{}", Some(&sample.manifests[0].1)));
        registry.push_blob("api", Bytes::from(name));
    }
    let why = read(&registry, &sample.digest()).await.unwrap_err();
    assert!(why.contains("longer than 67108864 bytes together"), "{why}");
}

#[tokio::test]
async fn more_documents_than_anybody_verifies_are_a_no_and_the_same_twice_is_read_once() {
    let registry = open(false).await;
    let sample = Sample::image(&[(1, 100)]);
    sample.put_into(&registry, "api", "1");
    registry.push_blob("api", Bytes::from_static(b"{}"));
    registry.push_blob("api", Bytes::from_static(b"x"));
    let layer = |number: usize| {
        let mut layer = part(ENVELOPE, b"x", 1);
        layer["annotations"] = json!({"number": number.to_string()});
        layer
    };
    let put = |layers: Vec<Value>| {
        registry.push_manifest("api", &tag_of(&sample.digest(), ".att"), MANIFEST, manifest(&layers, b"{}", None));
    };
    put((0..256).map(layer).chain((0..256).map(layer)).collect());
    assert_eq!(read(&registry, &sample.digest()).await.unwrap().documents.len(), 256);
    put((0..257).map(layer).collect());
    let why = read(&registry, &sample.digest()).await.unwrap_err();
    assert!(why.contains("more than 256 documents hang on it"), "{why}");
}

#[tokio::test]
async fn only_what_an_index_says_is_for_nobody_may_be_an_attestation() {
    let registry = open(true).await;
    let config = json!({"os": "linux", "architecture": "amd64"}).to_string();
    let child = manifest(&[part("application/vnd.in-toto+json", b"x", 1)], config.as_bytes(), None);
    registry.push_blob("api", Bytes::from(config));
    registry.push_manifest("api", &Digest::of(&child).to_string(), MANIFEST, child.clone());
    let platform = |os: &str| json!({"os": os, "architecture": os});
    for (platform, count) in [(None, 1), (Some(platform("unknown")), 0), (Some(platform("linux")), 1)] {
        let mut entry = part(MANIFEST, &child, child.len());
        platform.into_iter().for_each(|platform| entry["platform"] = platform);
        let index = Bytes::from(json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).to_string());
        registry.push_manifest("api", "1", INDEX, index.clone());
        let papers = read(&registry, &Digest::of(&index)).await.unwrap();
        assert_eq!(papers.parts.len(), count, "{entry}");
    }
}
