//! Blobs in and out.

use super::*;

async fn start(registry: &Registry) -> String {
    let answer = send(registry, "POST /v2/a/blobs/uploads/", &[], b"").await;
    assert_eq!((answer.status, answer.header("range")), (202, Some("0-0")));
    answer.location().to_owned()
}

#[tokio::test]
async fn a_blob_goes_in_by_post_and_put_and_comes_out() {
    let registry = registry().await;
    let digest = Digest::of(b"content");
    let location = start(&registry).await;
    let answer = send(&registry, &format!("PUT {location}&digest={digest}"), &[], b"content").await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.location(), format!("/v2/a/blobs/{digest}"));
    assert_eq!(answer.header("docker-content-digest"), Some(digest.to_string().as_str()));
    let answer = get(&registry, answer.location()).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"content".as_slice()));
    let answer = send(&registry, &format!("HEAD /v2/a/blobs/{digest}"), &[], b"").await;
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("7")));
    assert_eq!(answer.body, b"");
    assert_eq!(get(&registry, &format!("/v2/b/blobs/{digest}")).await.code(), "BLOB_UNKNOWN");
}

#[tokio::test]
async fn a_blob_goes_in_by_one_post_with_either_algorithm() {
    let registry = registry().await;
    let mut sha512 = crate::domain::Hasher::new(crate::domain::Algorithm::Sha512);
    sha512.update(b"content");
    for digest in [Digest::of(b"content"), sha512.finish()] {
        let post = format!("POST /v2/a/blobs/uploads/?digest={digest}");
        assert_eq!(send(&registry, &post, &[], b"content").await.status, 201);
        assert_eq!(send(&registry, &post, &[], b"contents").await.code(), "DIGEST_INVALID");
        assert_eq!(registry.blob("a", &digest).unwrap(), "content");
    }
}

#[tokio::test]
async fn chunks_are_taken_in_order_only() {
    let registry = registry().await;
    let location = start(&registry).await;
    let patch = format!("PATCH {location}");
    let answer = send(&registry, &patch, &[("Content-Range", "0-2")], b"con").await;
    assert_eq!((answer.status, answer.header("range")), (202, Some("0-2")));
    let again = send(&registry, &patch, &[("Content-Range", "0-2")], b"con").await;
    assert_eq!((again.status, again.header("range")), (416, Some("0-2")));
    let short = send(&registry, &patch, &[("Content-Range", "3-9")], b"te").await;
    assert_eq!(short.code(), "SIZE_INVALID");
    assert_eq!(send(&registry, &patch, &[], b"te").await.header("range"), Some("0-4"));
    let status = get(&registry, &location).await;
    assert_eq!((status.status, status.header("range")), (204, Some("0-4")));
    let put = format!("PUT {location}&digest={}", Digest::of(b"content"));
    assert_eq!(send(&registry, &put, &[("Content-Range", "5-6")], b"nt").await.status, 201);
    assert_eq!(get(&registry, &location).await.code(), "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn an_upload_with_the_wrong_digest_is_refused_and_forgotten() {
    let registry = registry().await;
    let location = start(&registry).await;
    assert_eq!(send(&registry, &format!("PUT {location}"), &[], b"x").await.code(), "DIGEST_INVALID");
    let put = format!("PUT {location}&digest={}", Digest::of(b"y"));
    let answer = send(&registry, &put, &[], b"x").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "DIGEST_INVALID"));
    assert_eq!(send(&registry, &put, &[], b"y").await.status, 404);
}

#[tokio::test]
async fn an_upload_is_known_by_all_of_its_location() {
    let registry = registry().await;
    let location = start(&registry).await;
    let (path, _) = location.split_once('?').unwrap();
    assert_eq!(get(&registry, path).await.code(), "BLOB_UPLOAD_INVALID");
    let elsewhere = location.replace("/v2/a/", "/v2/b/");
    assert_eq!(get(&registry, &elsewhere).await.code(), "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(send(&registry, &format!("DELETE {location}"), &[], b"").await.status, 204);
    assert_eq!(get(&registry, &location).await.code(), "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn locations_are_relative_when_asked() {
    let registry = Registry::start(Options { absolute_locations: false, ..Options::default() });
    let registry = registry.await.unwrap();
    let answer = send(&registry, "POST /v2/a/blobs/uploads/", &[], b"").await;
    assert!(answer.header("location").unwrap().starts_with("/v2/a/blobs/uploads/upload-1?_state="));
}

#[tokio::test]
async fn a_mount_shows_a_blob_or_opens_an_upload() {
    let registry = registry().await;
    let digest = registry.push_blob("a", "content");
    let mount = |to: &str, from: &str| format!("POST /v2/{to}/blobs/uploads/?mount={digest}&from={from}");
    assert_eq!(send(&registry, &mount("b", "none"), &[], b"").await.status, 202);
    assert_eq!(registry.blob("b", &digest), None);
    let answer = send(&registry, &mount("b", "a"), &[], b"").await;
    assert_eq!((answer.status, answer.location()), (201, format!("/v2/b/blobs/{digest}").as_str()));
    assert!(registry.blob("b", &digest).is_some());
    assert_eq!(send(&registry, &mount("b", "b"), &[], b"").await.status, 201);

    let without = Registry::start(Options { mount: false, ..Options::default() });
    let without = without.await.unwrap();
    without.push_blob("a", "content");
    let refused = send(&without, &mount("b", "a"), &[], b"").await;
    assert_eq!(refused.status, 202);
    let put = format!("PUT {}&digest={digest}", refused.location());
    assert_eq!(send(&without, &put, &[], b"content").await.status, 201);
}

#[tokio::test]
async fn parts_of_a_blob_can_be_read() {
    let registry = registry().await;
    let digest = registry.push_blob("a", "0123456789");
    let request = format!("GET /v2/a/blobs/{digest}");
    let answer = send(&registry, &request, &[("Range", "bytes=4-")], b"").await;
    assert_eq!((answer.status, answer.body.as_slice()), (206, b"456789".as_slice()));
    assert_eq!(answer.header("content-range"), Some("bytes 4-9/10"));
    assert!(answer.is_whole());
    let answer = send(&registry, &request, &[("Range", "bytes=10-")], b"").await;
    assert_eq!((answer.status, answer.header("content-range")), (416, Some("bytes */10")));
}

#[tokio::test]
async fn a_deleted_blob_is_gone() {
    let registry = registry().await;
    let digest = registry.push_blob("a", "x");
    let delete = format!("DELETE /v2/a/blobs/{digest}");
    assert_eq!(send(&registry, &delete, &[], b"").await.status, 202);
    assert_eq!(send(&registry, &delete, &[], b"").await.code(), "BLOB_UNKNOWN");
}
