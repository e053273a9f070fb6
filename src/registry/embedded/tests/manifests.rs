//! Manifests in and out.

use super::*;

async fn put(registry: &Registry, reference: &str, media_type: &str, content: &str) -> Answer {
    let request = format!("PUT /v2/a/manifests/{reference}");
    send(registry, &request, &[("Content-Type", media_type)], content.as_bytes()).await
}

#[tokio::test]
async fn a_manifest_goes_in_by_tag_and_comes_out_as_it_was() {
    let registry = registry().await;
    let content = image(&registry, "a", &[]);
    let digest = Digest::of(content.as_bytes()).to_string();
    let answer = put(&registry, "1.0", OCI_MANIFEST, &content).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.location(), format!("/v2/a/manifests/{digest}"));
    assert_eq!(answer.header("oci-subject"), None);
    for reference in ["1.0", &digest] {
        let answer = get(&registry, &format!("/v2/a/manifests/{reference}")).await;
        assert_eq!((answer.status, answer.body.as_slice()), (200, content.as_bytes()));
        assert_eq!(answer.header("content-type"), Some(OCI_MANIFEST));
        assert_eq!(answer.header("docker-content-digest"), Some(digest.as_str()));
        let head = send(&registry, &format!("HEAD /v2/a/manifests/{reference}"), &[], b"").await;
        assert_eq!((head.header("content-length"), head.body.len()), (answer.header("content-length"), 0));
    }
    assert_eq!(registry.manifest("a", "1.0").unwrap().content, content);
    assert_eq!(get(&registry, "/v2/a/manifests/2.0").await.code(), "MANIFEST_UNKNOWN");
}

#[tokio::test]
async fn a_manifest_is_refused_while_a_blob_is_missing_in_its_repository() {
    let registry = registry().await;
    let layer = descriptor("application/vnd.oci.image.layer.v1.tar", b"layer");
    let content = image(&registry, "a", &[("layers", json!([layer]))]);
    registry.push_blob("elsewhere", "layer");
    let answer = put(&registry, "1.0", OCI_MANIFEST, &content).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "MANIFEST_BLOB_UNKNOWN"));
    assert_eq!(registry.tags("a"), [""; 0]);
    registry.push_blob("a", "layer");
    assert_eq!(put(&registry, "1.0", OCI_MANIFEST, &content).await.status, 201);
}

#[tokio::test]
async fn an_index_is_refused_while_a_child_is_missing() {
    let registry = registry().await;
    let child = image(&registry, "a", &[]);
    let children = json!([descriptor(OCI_MANIFEST, child.as_bytes())]);
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}).to_string();
    assert_eq!(put(&registry, "1.0", OCI_INDEX, &index).await.code(), "MANIFEST_BLOB_UNKNOWN");
    let digest = Digest::of(child.as_bytes()).to_string();
    assert_eq!(put(&registry, &digest, OCI_MANIFEST, &child).await.status, 201);
    assert_eq!(put(&registry, "1.0", OCI_INDEX, &index).await.status, 201);
    assert_eq!(registry.tags("a"), ["1.0"]);
}

#[tokio::test]
async fn a_manifest_that_contradicts_itself_is_refused() {
    let registry = registry().await;
    let content = image(&registry, "a", &[]);
    assert_eq!(put(&registry, "1", OCI_INDEX, &content).await.code(), "MANIFEST_INVALID");
    assert_eq!(put(&registry, "1", OCI_MANIFEST, "{").await.code(), "MANIFEST_INVALID");
    let other = Digest::of(b"x").to_string();
    assert_eq!(put(&registry, &other, OCI_MANIFEST, &content).await.code(), "DIGEST_INVALID");
    assert_eq!(put(&registry, "-1", OCI_MANIFEST, &content).await.code(), "TAG_INVALID");
    let wrong_size = content.replace("\"size\":2", "\"size\":3");
    assert_eq!(put(&registry, "1", OCI_MANIFEST, &wrong_size).await.code(), "MANIFEST_INVALID");
    let huge = " ".repeat(4 * 1024 * 1024 + 1);
    assert_eq!(put(&registry, "1", OCI_MANIFEST, &huge).await.status, 413);
    assert_eq!(registry.tags("a"), [""; 0]);
}

#[tokio::test]
async fn a_tag_goes_alone_and_a_manifest_with_its_tags() {
    let registry = registry().await;
    let content = image(&registry, "a", &[]);
    let digest = registry.push_manifest("a", "one", OCI_MANIFEST, content.clone());
    registry.push_manifest("a", "two", OCI_MANIFEST, content);
    let delete = |reference: &str| format!("DELETE /v2/a/manifests/{reference}");
    assert_eq!(send(&registry, &delete("one"), &[], b"").await.status, 202);
    assert_eq!(registry.tags("a"), ["two"]);
    assert_eq!(send(&registry, &delete(&digest.to_string()), &[], b"").await.status, 202);
    assert_eq!(registry.tags("a"), [""; 0]);
    assert_eq!(send(&registry, &delete("two"), &[], b"").await.code(), "MANIFEST_UNKNOWN");
}

#[tokio::test]
async fn an_immutable_tag_keeps_its_digest() {
    let registry = Registry::start(Options { immutable_tags: true, ..Options::default() });
    let registry = registry.await.unwrap();
    let content = image(&registry, "a", &[]);
    let other = image(&registry, "a", &[("annotations", json!({"a": "b"}))]);
    assert_eq!(put(&registry, "1", OCI_MANIFEST, &content).await.status, 201);
    assert_eq!(put(&registry, "1", OCI_MANIFEST, &content).await.status, 201);
    let answer = put(&registry, "1", OCI_MANIFEST, &other).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "TAG_INVALID"));
    assert_eq!(put(&registry, "2", OCI_MANIFEST, &other).await.status, 201);
}

#[tokio::test]
async fn seeded_manifests_may_lie() {
    let registry = registry().await;
    let promised = Digest::of(b"promised").to_string();
    let digest = registry.push_manifest("a", &promised, "text/plain", "kept");
    assert_eq!(digest.to_string(), promised);
    let answer = get(&registry, &format!("/v2/a/manifests/{promised}")).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"kept".as_slice()));
    assert!(registry.tags("a").is_empty());
    let digest = registry.push_manifest("a", "1", "text/plain", "kept");
    assert_eq!(registry.manifest("a", "1").unwrap().digest, digest);
    assert!(registry.delete_tag("a", "1") && !registry.delete_tag("a", "1"));
    assert_eq!(registry.repositories(), ["a"]);
}
