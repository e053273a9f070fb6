//! Images of which only some platforms are copied, between real registries.

use super::docker_registry::DockerRegistry;
use super::sample::Sample;
use super::*;
use crate::plan::settle;

#[tokio::test]
async fn an_index_is_copied_without_the_platforms_that_are_not_wanted() {
    for sample in [Sample::index(900), Sample::docker_list(910)] {
        let (dev, prod, registries) = (DockerRegistry::start(), DockerRegistry::start(), registries());
        let (from, to) = (format!("{}/api:1", dev.host), format!("{}/api:1", prod.host));
        sample.push(&registries, &from).await;
        let mut one = candidate(&from, &to);
        one.copy.platforms = vec!["linux/arm64".parse().unwrap()];
        let gathered = async |registries: &Registries| registries.gather(std::slice::from_ref(&one)).await.remove(0);
        let plan = settle(vec![(one.clone(), gathered(&registries).await)], Vec::new());
        let outcomes = registries.carry_out(&approve(plan, &[], Severity::Error), &Told::default()).await;
        copied(&outcomes[0].1);
        let there = registries.resolve(&image(&to)).await.unwrap().unwrap();
        assert_ne!(there, sample.digest());
        let repository = registries.wire.reading(&image(&to)).unwrap();
        let index = repository.named("1").await.unwrap().unwrap();
        let platforms: Vec<_> = index.children().iter().map(|child| child.platform.as_deref()).collect();
        // The attestation of the sample does not say what it is about, and stays.
        assert_eq!(platforms[0], Some("linux/arm64"));
        assert!(!platforms.contains(&Some("linux/amd64")));
        let (amd64, arm64) = (Digest::of(&sample.manifests[0].1), Digest::of(&sample.manifests[1].1));
        assert_eq!(repository.head(&amd64.to_string()).await.unwrap(), None, "nothing of it was copied");
        assert_eq!(repository.head(&arm64.to_string()).await.unwrap(), Some(arm64));
        // A second run finds what the first one made.
        let plan = settle(vec![(one.clone(), gathered(&super::registries()).await)], Vec::new());
        assert!(matches!(&plan.settled[0], Settled::Step(step) if step.present && step.digest == there));
    }
}
