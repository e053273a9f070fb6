//! Tags, repositories and referrers.

use super::*;

fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link")?;
    Some(link.strip_prefix('<')?.strip_suffix(">; rel=\"next\"")?.to_owned())
}

#[tokio::test]
async fn tags_come_page_by_page_in_order() {
    let registry = registry().await;
    for tag in ["c", "a", "b", "B"] {
        registry.push_manifest("team/a", tag, OCI_MANIFEST, "{}");
    }
    let mut path = Some("/v2/team/a/tags/list?n=3".to_owned());
    let mut pages = Vec::new();
    while let Some(asked) = path {
        let answer = get(&registry, &asked).await;
        path = next(&answer);
        pages.push(answer.json()["tags"].clone());
    }
    assert_eq!(pages, [json!(["B", "a", "b"]), json!(["c"])]);
    assert_eq!(get(&registry, "/v2/none/tags/list").await.code(), "NAME_UNKNOWN");
    assert_eq!(get(&registry, "/v2/team/a/tags/list?n=-1").await.status, 400);
}

#[tokio::test]
async fn repositories_are_listed() {
    let registry = registry().await;
    registry.push_blob("b", "x");
    registry.push_blob("a", "x");
    let answer = get(&registry, "/v2/_catalog?n=1").await;
    assert_eq!(answer.json(), json!({"repositories": ["a"]}));
    assert_eq!(next(&answer).unwrap(), "/v2/_catalog?n=1&last=a");
}

async fn push_referrers(registry: &Registry, subject: &Digest) {
    for (name, artifact_type) in [("one", "a/x+json"), ("two", "a/x+json"), ("three", "a/y")] {
        let more = [
            ("subject", json!({"mediaType": OCI_MANIFEST, "digest": subject.to_string(), "size": 9})),
            ("artifactType", json!(artifact_type)),
            ("annotations", json!({"name": name})),
        ];
        let content = image(registry, "a", &more);
        let put = format!("PUT /v2/a/manifests/{}", Digest::of(content.as_bytes()));
        let answer = send(registry, &put, &[("Content-Type", OCI_MANIFEST)], content.as_bytes()).await;
        assert_eq!(answer.status, 201);
        let understood = answer.header("oci-subject").map(str::to_owned);
        assert_eq!(understood, registry.state.options.referrers_api.then(|| subject.to_string()));
    }
}

#[tokio::test]
async fn referrers_are_listed_filtered_and_paged() {
    let registry = Registry::start(Options { page_limit: 1, ..Options::default() });
    let registry = registry.await.unwrap();
    // The subject need not be there yet.
    let subject = Digest::of(b"subject");
    push_referrers(&registry, &subject).await;
    let mut path = Some(format!("/v2/a/referrers/{subject}?artifactType=a/x%2Bjson"));
    let mut names = Vec::new();
    while let Some(asked) = path {
        let answer = get(&registry, &asked).await;
        assert_eq!(answer.header("content-type"), Some(OCI_INDEX));
        assert_eq!(answer.header("oci-filters-applied"), Some("artifactType"));
        path = next(&answer);
        let entries = answer.json()["manifests"].as_array().unwrap().clone();
        assert!(entries.iter().all(|entry| entry["artifactType"] == "a/x+json"));
        names.extend(entries.iter().map(|entry| entry["annotations"]["name"].to_string()));
    }
    names.sort();
    assert_eq!(names, ["\"one\"", "\"two\""]);
}

#[tokio::test]
async fn an_image_without_artifact_type_has_that_of_its_config() {
    let registry = registry().await;
    let subject = json!({"mediaType": OCI_MANIFEST, "digest": Digest::of(b"s").to_string(), "size": 1});
    let content = image(&registry, "a", &[("subject", subject)]);
    registry.push_manifest("a", "fallback", OCI_MANIFEST, content);
    let answer = get(&registry, &format!("/v2/a/referrers/{}", Digest::of(b"s"))).await;
    let entry = answer.json()["manifests"][0].clone();
    assert_eq!(entry["artifactType"], "application/vnd.oci.image.config.v1+json");
    assert_eq!(answer.header("oci-filters-applied"), None);
    let none = get(&registry, &format!("/v2/none/referrers/{}", Digest::of(b"s"))).await;
    assert_eq!((none.status, none.json()["manifests"].clone()), (200, json!([])));
}

#[tokio::test]
async fn without_the_api_there_is_no_such_path() {
    let registry = Registry::start(Options { referrers_api: false, ..Options::default() });
    let registry = registry.await.unwrap();
    let subject = Digest::of(b"subject");
    push_referrers(&registry, &subject).await;
    assert_eq!(get(&registry, &format!("/v2/a/referrers/{subject}")).await.status, 404);
}
