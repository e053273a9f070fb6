//! What belongs to an image goes along: by the referrers API, by its fallback tag and by cosign's tags, in every direction.

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::embedded::{Action, Fault, Options, Registry};
use super::docker_registry::DockerRegistry;
use super::sample::Sample;
use super::*;
use crate::domain::{Referrer, ReferrerFilter};

const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const SIMPLE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

pub(super) async fn open(referrers_api: bool) -> Registry {
    Registry::start(Options { referrers_api, ..Options::default() }).await.unwrap()
}

fn part(kind: &str, content: &Bytes) -> Value {
    json!({"mediaType": kind, "digest": Digest::of(content).to_string(), "size": content.len()})
}

/// A referrer of `subject`: its blobs and its manifest.
fn referrer(subject: &(String, Bytes), artifact_type: &str, text: &str) -> Sample {
    let (config, layer) = (Bytes::from_static(b"{}"), Bytes::from(text.to_owned()));
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": artifact_type, "config": part(EMPTY, &config),
        "layers": [part(artifact_type, &layer)], "subject": part(&subject.0, &subject.1), "annotations": {"note": text},
    });
    Sample { blobs: vec![config, layer], manifests: vec![(MANIFEST.to_owned(), manifest.to_string().into())] }
}

/// Signatures as cosign keeps them under a tag: a layer for each, the signature in an annotation.
fn signatures(texts: &[&str]) -> Sample {
    let payload = Bytes::from_static(b"payload");
    let layer = |text: &&str| {
        let mut layer = part(SIMPLE, &payload);
        layer["annotations"] = json!({"dev.cosignproject.cosign/signature": text});
        layer
    };
    let ids = vec![Digest::of(&payload).to_string(); texts.len()];
    let config = Bytes::from(json!({"os": "", "rootfs": {"type": "layers", "diff_ids": ids}}).to_string());
    let layers: Vec<Value> = texts.iter().map(layer).collect();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": part("application/vnd.oci.image.config.v1+json", &config), "layers": layers,
    });
    Sample { blobs: vec![config, payload], manifests: vec![(MANIFEST.to_owned(), manifest.to_string().into())] }
}

pub(super) fn tag_of(digest: &Digest, ending: &str) -> String {
    format!("sha256-{}{ending}", digest.hex())
}

/// Puts an index of referrers under the fallback tag of `subject`.
fn put_list(registry: &Registry, subject: &Digest, referrers: &[&Sample]) {
    let entries: Vec<Value> = referrers.iter().map(|one| part(MANIFEST, &one.manifests[0].1)).collect();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
    registry.push_manifest("api", &tag_of(subject, ""), INDEX, index.to_string());
}

/// An index with a signature, with an attestation of one of its children, a referrer of that one, and cosign's old signatures.
pub(super) struct Signed {
    pub image: Sample,
    pub attached: Vec<Sample>,
    pub old: Sample,
}

impl Signed {
    pub(super) fn new(seed: u64) -> Self {
        let image = Sample::index(seed);
        let top = image.manifests.last().unwrap();
        let attestation = referrer(&image.manifests[0], BUNDLE, "attestation");
        let attached = vec![
            referrer(top, BUNDLE, "signature"),
            referrer(&attestation.manifests[0], "a/countersignature", "countersignature"),
            attestation,
        ];
        Self { image, attached, old: signatures(&["one"]) }
    }

    pub(super) fn put_into(&self, registry: &Registry, has_api: bool) {
        self.image.put_into(registry, "api", "1");
        for one in &self.attached {
            one.put_into(registry, "api", &one.digest().to_string());
        }
        self.old.put_into(registry, "api", &tag_of(&self.image.digest(), ".sig"));
        if !has_api {
            put_list(registry, &self.image.digest(), &[&self.attached[0]]);
            put_list(registry, &Digest::of(&self.image.manifests[0].1), &[&self.attached[2]]);
            put_list(registry, &self.attached[2].digest(), &[&self.attached[1]]);
        }
    }

    pub(super) fn expected(&self) -> Vec<Referrer> {
        let kinds = [BUNDLE, "a/countersignature", BUNDLE, SIMPLE];
        let all = self.attached.iter().chain([&self.old]).zip(kinds);
        let mut all: Vec<Referrer> =
            all.map(|(one, kind)| Referrer { digest: one.digest(), artifact_type: kind.to_owned() }).collect();
        all.sort();
        all
    }

    fn step(&self, dev: &str, prod: &str) -> Step {
        step(&format!("{dev}/api:1"), &format!("{prod}/api:1"), &self.image.digest())
    }
}

/// What an outcome says went along, and what was left.
pub(super) fn went_along(outcome: &Outcome) -> (&[Referrer], &[String]) {
    match outcome {
        Outcome::Copied { referrers, passed_over, .. } => (referrers, passed_over),
        other => panic!("not copied: {other:?}"),
    }
}

#[tokio::test]
async fn all_that_belongs_to_an_image_goes_along_in_every_direction() {
    for (at_source, at_destination) in [(true, true), (true, false), (false, true), (false, false)] {
        let (dev, prod) = (open(at_source).await, open(at_destination).await);
        let signed = Signed::new(700);
        signed.put_into(&dev, at_source);
        let outcomes = carry_out(&registries(), vec![signed.step(&dev.host(), &prod.host())]).await;
        assert_eq!(went_along(&outcomes[0]), (&signed.expected()[..], &[][..]), "{at_source} {at_destination}");
        for one in signed.attached.iter().chain([&signed.old]) {
            let there = prod.manifest("api", &one.digest().to_string()).unwrap();
            assert_eq!(there.content, one.manifests[0].1);
        }
        let tags = prod.tags("api");
        assert!(tags.contains(&tag_of(&signed.image.digest(), ".sig")));
        assert_eq!(tags.contains(&tag_of(&signed.image.digest(), "")), !at_destination, "{tags:?}");
        // The name is the last write of all.
        let mut writes = prod.requests().into_iter().filter(|request| request.method == "PUT");
        assert!(writes.next_back().unwrap().path.ends_with("/manifests/1"));
    }
}

#[tokio::test]
async fn a_digest_that_is_the_name_comes_after_what_belongs_to_it() {
    let (dev, prod) = (open(true).await, open(false).await);
    let signed = Signed::new(705);
    signed.put_into(&dev, true);
    let (digest, dev, at_prod) = (signed.image.digest(), dev.host(), prod.host());
    let one = step(&format!("{dev}/api@{digest}"), &format!("{at_prod}/api@{digest}"), &digest);
    let outcomes = carry_out(&registries(), vec![one]).await;
    assert_eq!(went_along(&outcomes[0]).0, signed.expected());
    let mut writes = prod.requests().into_iter().filter(|request| request.method == "PUT");
    assert!(writes.next_back().unwrap().path.ends_with(&format!("/manifests/{digest}")));
}

#[tokio::test]
async fn a_real_registry_without_the_api_lists_them_under_the_fallback_tag() {
    let (dev, prod, registries) = (open(true).await, DockerRegistry::start(), registries());
    let signed = Signed::new(710);
    signed.put_into(&dev, true);
    let outcomes = carry_out(&registries, vec![signed.step(&dev.host(), &prod.host)]).await;
    assert_eq!(went_along(&outcomes[0]).0, signed.expected());
    // From there on to one with the API, as a second environment would.
    let next = open(true).await;
    let outcomes = carry_out(&registries, vec![signed.step(&prod.host, &next.host())]).await;
    assert_eq!(went_along(&outcomes[0]).0, signed.expected());
    let listed = registries.resolve(&image(&format!("{}/api:{}", prod.host, tag_of(&signed.image.digest(), "")))).await;
    assert!(listed.unwrap().is_some());
}

#[tokio::test]
async fn what_the_destination_has_under_the_same_tags_stays() {
    let (dev, prod) = (open(false).await, open(false).await);
    let signed = Signed::new(720);
    signed.put_into(&dev, false);
    let top = signed.image.digest();
    let theirs = referrer(signed.image.manifests.last().unwrap(), "a/scan", "theirs");
    theirs.put_into(&prod, "api", &theirs.digest().to_string());
    put_list(&prod, &top, &[&theirs]);
    signatures(&["two"]).put_into(&prod, "api", &tag_of(&top, ".sig"));
    carry_out(&registries(), vec![signed.step(&dev.host(), &prod.host())]).await.iter().for_each(|one| {
        copied(one);
    });
    let read = |tag: String| -> Value { serde_json::from_slice(&prod.manifest("api", &tag).unwrap().content).unwrap() };
    let list = read(tag_of(&top, ""));
    let digests: Vec<&str> =
        list["manifests"].as_array().unwrap().iter().map(|one| one["digest"].as_str().unwrap()).collect();
    assert_eq!(digests, [theirs.digest().to_string(), signed.attached[0].digest().to_string()]);
    assert_eq!(list["manifests"][1]["artifactType"], BUNDLE);
    let merged = read(tag_of(&top, ".sig"));
    let layers = merged["layers"].as_array().unwrap();
    let signature = |layer: &Value| layer["annotations"]["dev.cosignproject.cosign/signature"].clone();
    assert_eq!(layers.iter().map(signature).collect::<Vec<_>>(), [json!("two"), json!("one")]);
    let config: Digest = merged["config"]["digest"].as_str().unwrap().parse().unwrap();
    let config: Value = serde_json::from_slice(&prod.blob("api", &config).unwrap()).unwrap();
    assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_only_claims_to_belong_is_left_and_said() {
    let (dev, prod) = (open(false).await, open(true).await);
    let signed = Signed::new(730);
    signed.put_into(&dev, false);
    let other = referrer(&signed.image.manifests[1], BUNDLE, "of another");
    other.put_into(&dev, "api", &other.digest().to_string());
    let gone = referrer(&signed.image.manifests[1], BUNDLE, "gone");
    put_list(&dev, &signed.image.digest(), &[&signed.attached[0], &other, &gone]);
    dev.push_manifest("api", &tag_of(&signed.image.digest(), ".att"), MANIFEST, "<html>");
    let outcomes = carry_out(&registries(), vec![signed.step(&dev.host(), &prod.host())]).await;
    let (referrers, left) = went_along(&outcomes[0]);
    assert_eq!(referrers, signed.expected());
    let left = left.join("\n");
    for why in [
        format!("{}, listed as a referrer", other.digest()),
        format!("{}/api does not have it", dev.host()),
        ".att holds".to_owned(),
    ] {
        assert!(left.contains(&why), "{why}\n{left}");
    }
    assert!(prod.manifest("api", &other.digest().to_string()).is_none());
}

#[tokio::test]
async fn a_registry_that_takes_the_fallback_tag_for_the_digest_lists_nothing_by_it() {
    let (dev, prod) = (open(false).await, open(true).await);
    let image = Sample::index(735);
    image.put_into(&dev, "api", "1");
    image.put_into(&dev, "api", &tag_of(&image.digest(), ""));
    let one = step(&format!("{}/api:1", dev.host()), &format!("{}/api:1", prod.host()), &image.digest());
    assert_eq!(went_along(&carry_out(&registries(), vec![one]).await[0]), (&[][..], &[][..]));
}

#[tokio::test]
async fn only_what_the_environment_wants_goes_along() {
    let (dev, signed) = (open(true).await, Signed::new(740));
    signed.put_into(&dev, true);
    for (filter, kinds) in [
        (ReferrerFilter::None, &[][..]),
        (ReferrerFilter::Types(vec![SIMPLE.to_owned()]), &[SIMPLE][..]),
        (ReferrerFilter::Types(vec![BUNDLE.to_owned()]), &[BUNDLE, BUNDLE][..]),
    ] {
        let prod = open(true).await;
        let mut one = signed.step(&dev.host(), &prod.host());
        one.candidate.copy.referrers = filter.clone();
        dev.clear_requests();
        let outcomes = carry_out(&registries(), vec![one]).await;
        let found: Vec<&str> = went_along(&outcomes[0]).0.iter().map(|one| one.artifact_type.as_str()).collect();
        assert_eq!(found, kinds);
        if filter == ReferrerFilter::None {
            assert!(
                dev.requests()
                    .iter()
                    .all(|request| !request.path.contains("referrers") && !request.path.contains("tags"))
            );
        }
    }
}

#[tokio::test]
async fn too_much_of_it_is_refused_before_anything_is_named() {
    let (dev, prod) = (open(true).await, open(true).await);
    let sample = Sample::image(&[(750, 10)]);
    sample.put_into(&dev, "api", "1");
    for number in 0..65 {
        let one = referrer(sample.manifests.last().unwrap(), "a/b", &number.to_string());
        one.put_into(&dev, "api", &one.digest().to_string());
    }
    let one = step(&format!("{}/api:1", dev.host()), &format!("{}/api:1", prod.host()), &sample.digest());
    let outcomes = carry_out(&registries(), vec![one]).await;
    assert!(reason(&outcomes[0]).contains("more than 64 manifests refer to it"), "{outcomes:?}");
    assert!(prod.tags("api").is_empty());
}

#[tokio::test]
async fn a_list_in_pages_is_read_to_its_end_and_one_without_end_is_given_up() {
    let dev = Registry::start(Options { page_limit: 1, ..Options::default() }).await.unwrap();
    let (prod, signed) = (open(true).await, Signed::new(760));
    signed.put_into(&dev, true);
    let more = referrer(signed.image.manifests.last().unwrap(), "a/more", "more");
    more.put_into(&dev, "api", &more.digest().to_string());
    let outcomes = carry_out(&registries(), vec![signed.step(&dev.host(), &prod.host())]).await;
    assert_eq!(went_along(&outcomes[0]).0.len(), 5);
    let endless = open(true).await;
    signed.put_into(&endless, true);
    let path = format!("/v2/api/referrers/{}", signed.image.digest());
    let next = Action::Header("link".to_owned(), format!("<{path}?last=x>; rel=\"next\""));
    endless.fault(Fault::new().path_contains(&path).then(next));
    let other = open(true).await;
    let outcomes = carry_out(&registries(), vec![signed.step(&endless.host(), &other.host())]).await;
    assert!(reason(&outcomes[0]).contains("pages without end"), "{outcomes:?}");
    assert!(other.tags("api").is_empty());
}
