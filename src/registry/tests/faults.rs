//! Bad days: what a registry or the network does wrong, and what becomes of the copy.

use std::time::Duration;

use super::super::embedded::{Action, Fault, Options, Registry, Request};
use super::sample::Sample;
use super::*;

/// A source with a sample and an empty destination.
struct Pair {
    dev: Registry,
    prod: Registry,
    sample: Sample,
}

impl Pair {
    async fn with(sample: Sample) -> Self {
        let (dev, prod) = (Registry::start(Options::default()).await, Registry::start(Options::default()).await);
        let pair = Self { dev: dev.unwrap(), prod: prod.unwrap(), sample };
        pair.sample.put_into(&pair.dev, "api", "1");
        pair
    }

    /// An image with a layer that is streamed.
    async fn large() -> Self {
        Self::with(Sample::image(&[(200, 3_000_000)])).await
    }

    fn step(&self) -> Step {
        step(&format!("{}/api:1", self.dev.host()), &format!("{}/api:1", self.prod.host()), &self.sample.digest())
    }

    async fn run(&self) -> Outcome {
        carry_out(&registries(), vec![self.step()]).await.remove(0)
    }

    fn layer(&self) -> Digest {
        Digest::of(&self.sample.blobs[1])
    }

    fn layer_reads(&self) -> Fault {
        Fault::new().method("GET").path_contains(self.layer().hex())
    }

    /// Tells that nothing at the destination can be seen by a name or a digest.
    fn assert_nothing_arrived(&self) {
        assert!(self.prod.manifest("api", "1").is_none());
        assert!(self.prod.blob("api", &self.layer()).is_none());
    }
}

#[tokio::test]
async fn a_cut_download_is_resumed_where_it_broke() {
    let pair = Pair::large().await;
    pair.dev.fault(pair.layer_reads().times(2).then(Action::CutAfter(1_000_000)));
    assert_eq!(copied(&pair.run().await), (pair.sample.size_bytes(), 0));
    assert_eq!(pair.prod.blob("api", &pair.layer()).unwrap(), pair.sample.blobs[1]);
    let ranges: Vec<_> = pair.dev.requests().into_iter().filter_map(|request| request.range).collect();
    assert_eq!(ranges.len(), 2, "{ranges:?}");
    assert_eq!(pair.prod.requests().iter().filter(|request| request.method == "POST").count(), 2);
}

#[tokio::test]
async fn a_download_that_gets_further_each_time_may_break_more_often_than_a_request() {
    let pair = Pair::large().await;
    pair.dev.fault(pair.layer_reads().times(5).then(Action::CutAfter(500_000)));
    assert_eq!(copied(&pair.run().await), (pair.sample.size_bytes(), 0));
    assert_eq!(pair.dev.requests().into_iter().filter(|request| request.range.is_some()).count(), 5);
}

#[tokio::test]
async fn an_upload_that_is_told_to_wait_waits() {
    let pair = Pair::large().await;
    let busy = Action::Status(503, Some(Duration::from_secs(1)));
    pair.prod.fault(Fault::new().method("PUT").query_contains(pair.layer().hex()).times(1).then(busy));
    let began = std::time::Instant::now();
    copied(&pair.run().await);
    assert!(began.elapsed() >= Duration::from_secs(1));
}

/// Carries a copy out whose first upload breaks after a third; returns the sizes of the uploads that followed.
async fn uploads_after_a_cut(pair: &Pair) -> Vec<u64> {
    pair.prod
        .fault(Fault::new().method("PUT").path_contains("blobs/uploads").times(1).then(Action::CutAfter(1_000_000)));
    let told = Told::default();
    let outcomes = registries().carry_out(&approved(vec![pair.step()]), &told).await;
    copied(&outcomes[0].1);
    assert_eq!(told.bytes.lock().unwrap()[&0], pair.sample.size_bytes());
    assert_eq!(pair.prod.blob("api", &pair.layer()).unwrap(), pair.sample.blobs[1]);
    let is_upload = |request: &Request| request.method == "PUT" && request.path.contains("blobs/uploads");
    let sizes = pair.prod.requests().into_iter().filter(is_upload).map(|request| request.received_bytes);
    sizes.filter(|size| *size > 100_000).collect()
}

#[tokio::test]
async fn a_cut_upload_goes_on_where_it_broke() {
    let sizes = uploads_after_a_cut(&Pair::large().await).await;
    assert_eq!(sizes.iter().sum::<u64>(), 3_000_000, "{sizes:?}");
}

#[tokio::test]
async fn a_cut_upload_that_the_registry_forgot_begins_anew() {
    let pair = Pair::large().await;
    pair.prod.fault(Fault::new().method("GET").path_contains("blobs/uploads").then(Action::Status(416, None)));
    let sizes = uploads_after_a_cut(&pair).await;
    assert!(sizes.contains(&3_000_000), "{sizes:?}");
}

#[tokio::test]
async fn a_lost_answer_to_an_upload_is_made_good() {
    for sample in [Sample::image(&[(201, 3_000_000)]), Sample::image(&[(202, 100)])] {
        let pair = Pair::with(sample).await;
        pair.prod.fault(Fault::new().method("PUT").path_contains("blobs/uploads").times(1).then(Action::LoseAnswer));
        copied(&pair.run().await);
    }
}

#[tokio::test]
async fn passing_errors_are_waited_out() {
    let pair = Pair::large().await;
    for method in ["HEAD", "POST", "PUT"] {
        pair.prod.fault(Fault::new().method(method).times(2).then(Action::Status(503, None)));
    }
    pair.dev.fault(Fault::new().times(1).then(Action::Status(429, Some(Duration::from_secs(1)))));
    copied(&pair.run().await);
}

#[tokio::test]
async fn a_storm_of_429_is_weathered_by_every_image() {
    let (dev, prod) =
        (Registry::start(Options::default()).await.unwrap(), Registry::start(Options::default()).await.unwrap());
    let mut steps = Vec::new();
    for number in 0..20_u64 {
        let sample = Sample::image(&[(800 + number, 100)]);
        let repository = format!("app-{number}");
        sample.put_into(&dev, &repository, "1");
        let name = |registry: &Registry| format!("{}/{repository}:1", registry.host());
        steps.push(step(&name(&dev), &name(&prod), &sample.digest()));
    }
    prod.fault(Fault::new().times(24).then(Action::Status(429, Some(Duration::ZERO))));
    let outcomes = carry_out(&registries(), steps).await;
    outcomes.iter().for_each(|outcome| assert!(copied(outcome).0 > 0));
    let limited = prod.requests().iter().filter(|request| request.status == Some(429)).count();
    assert_eq!(limited, 24);
}

#[tokio::test]
async fn corrupt_content_is_refused_and_nothing_is_named() {
    for sample in [Sample::image(&[(203, 3_000_000)]), Sample::image(&[(204, 100)])] {
        let pair = Pair::with(sample).await;
        pair.dev.fault(pair.layer_reads().then(Action::Corrupt));
        let outcome = pair.run().await;
        assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
        assert!(reason(&outcome).contains(&pair.layer().to_string()));
        pair.assert_nothing_arrived();
        let size = pair.sample.blobs[1].len() as u64;
        let uploads = pair.prod.requests();
        let whole =
            uploads.iter().filter(|request| request.method == "PUT" && request.received_bytes >= size.min(1000));
        assert!(whole.clone().all(|request| request.received_bytes < size), "completed before it was checked");
    }
}

#[tokio::test]
async fn content_of_another_length_is_refused() {
    for length in [2_999_999, 3_000_001] {
        let pair = Pair::large().await;
        pair.dev.fault(pair.layer_reads().then(Action::Body(super::sample::noise(200, length))));
        let outcome = pair.run().await;
        assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
        pair.assert_nothing_arrived();
    }
}

#[tokio::test]
async fn a_manifest_without_end_is_not_read_to_its_end() {
    let pair = Pair::large().await;
    pair.dev.fault(Fault::new().method("GET").path_contains("manifests").then(Action::Endless));
    assert!(reason(&pair.run().await).contains("longer than 4194304 bytes"));
    pair.assert_nothing_arrived();
}

#[tokio::test]
async fn a_manifest_that_is_not_what_was_asked_for_is_refused() {
    for action in [
        Action::Corrupt,
        Action::WrongDigestHeader,
        Action::ContentType("application/vnd.docker.distribution.manifest.v2+json".into()),
    ] {
        let pair = Pair::large().await;
        pair.dev.fault(Fault::new().method("GET").path_contains("manifests").then(action));
        let outcome = pair.run().await;
        assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_blob_redirect_is_followed_without_authorization() {
    let pair = Pair::large().await;
    let store = Registry::start(Options::default()).await.unwrap();
    store.push_blob("store", pair.sample.blobs[1].clone());
    let target = format!("http://{}/v2/store/blobs/{}", store.host(), pair.layer());
    pair.dev.fault(pair.layer_reads().then(Action::Redirect(target)));
    copied(&pair.run().await);
    assert!(store.requests().iter().all(|request| !request.had_authorization));
    assert_eq!(store.requests().len(), 1);
}

#[tokio::test]
async fn endless_redirects_and_redirected_manifests_are_refused() {
    let pair = Pair::large().await;
    pair.dev.fault(pair.layer_reads().then(Action::Redirect(format!("/v2/api/blobs/{}", pair.layer()))));
    assert!(reason(&pair.run().await).contains("more often than is followed"));
    let pair = Pair::large().await;
    let elsewhere = format!("http://{}/v2/api/manifests/1", pair.prod.host());
    pair.dev.fault(Fault::new().path_contains("manifests").then(Action::Redirect(elsewhere)));
    assert!(reason(&pair.run().await).contains("must come from the registry itself"));
}

#[tokio::test]
async fn an_upload_is_not_taken_to_another_host() {
    let pair = Pair::large().await;
    let stranger = Registry::start(Options::default()).await.unwrap();
    let location = Action::Header("Location".into(), format!("http://{}/v2/api/blobs/uploads/1", stranger.host()));
    pair.prod.fault(Fault::new().method("POST").then(location));
    assert!(reason(&pair.run().await).contains("which is another host"));
    assert_eq!(stranger.requests(), []);
}

#[tokio::test]
async fn a_registry_that_does_not_mount_is_uploaded_to() {
    let options = Options { mount: false, ..Options::default() };
    let registry = Registry::start(options).await.unwrap();
    let sample = Sample::image(&[(210, 300_000), (211, 10)]);
    sample.put_into(&registry, "dev/api", "1");
    let one =
        step(&format!("{}/dev/api:1", registry.host()), &format!("{}/prod/api:1", registry.host()), &sample.digest());
    assert_eq!(copied(&carry_out(&registries(), vec![one]).await[0]), (sample.size_bytes(), 0));
}

#[tokio::test]
async fn a_registry_that_refuses_to_mount_is_uploaded_to() {
    let pair = Pair::large().await;
    pair.prod.fault(Fault::new().method("POST").query_contains("mount=").then(Action::Status(403, None)));
    copied(&pair.run().await);
}

#[tokio::test]
async fn a_token_that_ends_amid_a_copy_is_renewed() {
    let pair = Pair::large().await;
    pair.prod.fault(Fault::new().method("PUT").path_contains("blobs/uploads").times(1).then(Action::Status(401, None)));
    copied(&pair.run().await);
}

#[tokio::test]
async fn trees_without_measure_are_refused_before_they_are_read() {
    let nested = |below: (&str, &Digest, u64)| {
        let entry = format!(r#"{{"mediaType":"{}","digest":"{}","size":{}}}"#, below.0, below.1, below.2);
        format!(r#"{{"schemaVersion":2,"manifests":[{entry}]}}"#)
    };
    let index = "application/vnd.oci.image.index.v1+json";
    let pair = Pair::large().await;
    let (kind, bytes) = &pair.sample.manifests[0];
    let mut top = (nested((kind, &pair.sample.digest(), bytes.len() as u64)), pair.sample.digest());
    for _ in 0..6 {
        let digest = pair.dev.push_manifest("api", "deep", index, top.0.clone());
        top = (nested((index, &digest, top.0.len() as u64)), digest);
    }
    let wide: Vec<String> = (0..1_100_u32)
        .map(|n| format!(r#"{{"mediaType":"{kind}","digest":"{}","size":9}}"#, Digest::of(&n.to_le_bytes())))
        .collect();
    let wide = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, wide.join(","));
    let wide = pair.dev.push_manifest("api", "wide", index, wide);
    let huge = nested((kind, &Digest::of(b"huge"), 1 << 40));
    let huge = pair.dev.push_manifest("api", "huge", index, huge);
    for (tag, digest, why) in
        [("deep", top.1, "4 deep"), ("wide", wide, "1000 manifests"), ("huge", huge, "bytes together")]
    {
        pair.dev.clear_requests();
        let one = step(&format!("{}/api:{tag}", pair.dev.host()), &format!("{}/api:{tag}", pair.prod.host()), &digest);
        let outcome = carry_out(&registries(), vec![one]).await.remove(0);
        assert!(reason(&outcome).contains(why), "{outcome:?}");
        assert!(pair.dev.requests().len() < 8);
    }
}

#[tokio::test]
async fn sha512_content_is_copied_and_checked() {
    let pair = Pair::large().await;
    let layer = super::sample::noise(7, 500_000);
    let mut hasher = crate::domain::Hasher::new(crate::domain::Algorithm::Sha512);
    hasher.update(&layer);
    let digest = hasher.finish();
    let config = &pair.sample.blobs[0];
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}","size":{}}},
        "layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{digest}","size":500000}}]}}"#,
        Digest::of(config),
        config.len()
    );
    let from = image(&format!("{}/api:1", pair.dev.host()));
    let registries = registries();
    let source = registries.wire.writing(&from).unwrap();
    let opened = source.open(&digest, None).await.unwrap();
    let super::super::repository::Opened::Session(session) = opened else { panic!("mounted without asking") };
    source.commit(session, &digest, layer).await.unwrap();
    let top = pair.dev.push_manifest("api", "2", "application/vnd.oci.image.manifest.v1+json", manifest);
    let one = step(&format!("{}/api:2", pair.dev.host()), &format!("{}/api:2", pair.prod.host()), &top);
    copied(&carry_out(&registries, vec![one]).await[0]);
    assert!(pair.prod.blob("api", &digest).is_some());
}
