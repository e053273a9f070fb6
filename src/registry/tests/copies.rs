//! Copies between real registries, witnessed by skopeo and crane.

use std::process::Command;

use super::docker_registry::DockerRegistry;
use super::sample::Sample;
use super::*;

/// Lets other tools read what is there: skopeo the raw manifest, crane (where it is installed) the digest.
fn witness(name: &str, sample: &Sample) {
    let raw = Command::new("skopeo")
        .args(["inspect", "--raw", "--tls-verify=false", &format!("docker://{name}")])
        .output()
        .unwrap();
    assert_eq!(raw.stdout, sample.manifests.last().unwrap().1, "{}", String::from_utf8_lossy(&raw.stderr));
}

async fn copies_wholly_and_once(sample: Sample) {
    let (dev, prod, registries) = (DockerRegistry::start(), DockerRegistry::start(), registries());
    let (from, to) = (format!("{}/team/api:1.4.2", dev.host), format!("{}/team/api:1.4.2", prod.host));
    sample.push(&registries, &from).await;
    let told = Told::default();
    let plan = approved(vec![step(&from, &to, &sample.digest())]);
    let outcomes = registries.carry_out(&plan, &told).await;
    assert_eq!(copied(&outcomes[0].1), (sample.size_bytes(), 0));
    assert_eq!(told.bytes.lock().unwrap()[&0], sample.size_bytes());
    witness(&to, &sample);
    for (_, bytes) in &sample.manifests {
        let repository = registries.wire.reading(&image(&to)).unwrap();
        assert_eq!(repository.manifest(&Digest::of(bytes), bytes.len() as u64).await.unwrap().bytes, *bytes);
    }
    let again = super::registries();
    assert_eq!(carry_out(&again, vec![step(&from, &to, &sample.digest())]).await, [Outcome::Present]);
}

#[tokio::test]
async fn an_image_arrives_whole_and_a_second_run_copies_nothing() {
    copies_wholly_and_once(Sample::image(&[(1, 3_000_000), (2, 1_000), (3, 0), (2, 1_000)])).await;
}

#[tokio::test]
async fn an_index_arrives_with_its_attestation() {
    copies_wholly_and_once(Sample::index(10)).await;
}

#[tokio::test]
async fn a_docker_manifest_list_arrives_as_it_is() {
    copies_wholly_and_once(Sample::docker_list(20)).await;
}

#[tokio::test]
async fn an_index_in_an_index_arrives_whole() {
    copies_wholly_and_once(Sample::nested(60)).await;
}

#[tokio::test]
async fn an_artifact_without_a_configuration_arrives_as_it_is() {
    copies_wholly_and_once(Sample::artifact(70)).await;
}

#[tokio::test]
async fn within_one_registry_blobs_are_mounted() {
    let (registry, registries) = (DockerRegistry::start(), registries());
    let (from, to) = (format!("{}/dev/api:1", registry.host), format!("{}/prod/api:1", registry.host));
    let sample = Sample::image(&[(31, 2_000_000), (32, 500)]);
    sample.push(&registries, &from).await;
    let outcome = &carry_out(&registries, vec![step(&from, &to, &sample.digest())]).await[0];
    let manifest = sample.manifests[0].1.len() as u64;
    assert_eq!(copied(outcome), (manifest, sample.size_bytes() - manifest));
    witness(&to, &sample);
}

#[tokio::test]
async fn a_reference_by_digest_and_one_by_tag_and_digest_are_both_proved() {
    let (dev, prod, registries) = (DockerRegistry::start(), DockerRegistry::start(), registries());
    let sample = Sample::index(40);
    let digest = sample.digest();
    sample.push(&registries, &format!("{}/api:1", dev.host)).await;
    let alone = step(&format!("{}/api@{digest}", dev.host), &format!("{}/api@{digest}", prod.host), &digest);
    let both = step(&format!("{}/api:1@{digest}", dev.host), &format!("{}/other:1@{digest}", prod.host), &digest);
    let outcomes = carry_out(&registries, vec![alone, both]).await;
    outcomes.iter().for_each(|outcome| assert!(copied(outcome).0 > 0));
    witness(&format!("{}/api@{digest}", prod.host), &sample);
    witness(&format!("{}/other:1", prod.host), &sample);
    assert!(registries.resolve(&image(&format!("{}/api:1", prod.host))).await.unwrap().is_none());
}

#[tokio::test]
async fn basic_authentication_lets_the_right_user_in() {
    let (dev, prod) = (DockerRegistry::start(), DockerRegistry::start_locked());
    let (from, to) = (format!("{}/api:1", dev.host), format!("{}/api:1", prod.host));
    let sample = Sample::image(&[(51, 600_000)]);
    sample.push(&registries(), &from).await;
    let wrong = registries_with([(prod.host.clone(), login("bot", "hunter22"))]);
    for (registries, who) in [(registries(), "anonymous access"), (wrong, "the credentials")] {
        let outcome = &carry_out(&registries, vec![step(&from, &to, &sample.digest())]).await[0];
        assert!(reason(outcome).contains(&format!("refused {who}: 401")), "{outcome:?}");
        assert!(!format!("{outcome:?}").contains("hunter22"));
    }
    let right = registries_with([(prod.host.clone(), login("bot", "s3cret"))]);
    copied(&carry_out(&right, vec![step(&from, &to, &sample.digest())]).await[0]);
    assert_eq!(right.resolve(&image(&to)).await.unwrap(), Some(sample.digest()));
}
