//! Counts of requests, which the design promises to keep low.

use super::super::embedded::{Options, Registry};
use super::sample::Sample;
use super::*;

/// Runs the whole of gathering and carrying out for images of one configuration and two layers; returns requests per image.
async fn requests_per_image(images: u64) -> usize {
    let (dev, prod) =
        (Registry::start(Options::default()).await.unwrap(), Registry::start(Options::default()).await.unwrap());
    let registries = registries();
    let mut candidates = Vec::new();
    let mut steps = Vec::new();
    for number in 0..images {
        let sample = Sample::image(&[(1000 + 2 * number, 2048), (1001 + 2 * number, 2048)]);
        let repository = format!("team/app-{number}");
        sample.put_into(&dev, &repository, "1");
        let (from, to) = (format!("{}/{repository}:1", dev.host()), format!("{}/{repository}:1", prod.host()));
        candidates.push(candidate(&from, &to));
        steps.push(step(&from, &to, &sample.digest()));
    }
    registries.gather(&candidates).await;
    for outcome in carry_out(&registries, steps).await {
        copied(&outcome);
    }
    (dev.requests().len() + prod.requests().len()) / usize::try_from(images).unwrap()
}

#[tokio::test]
async fn a_tiny_image_costs_no_more_requests_than_it_must() {
    // Gathering: a look, manifest, configuration. Copy: tags and referrers at the source, two reads of layers, three uploads of
    // two requests, a look, the manifest, and a look at both ends.
    assert_eq!(requests_per_image(10).await, 3 + 2 + 2 + 6 + 1 + 1 + 2);
}
