//! Steps among each other: order, sharing, conflicts, and what one's failure does to the rest.

use super::super::embedded::{Action, Fault, Options, Registry};
use super::sample::Sample;
use super::*;

async fn open() -> Registry {
    Registry::start(Options::default()).await.unwrap()
}

#[tokio::test]
async fn a_layer_many_repositories_share_is_sent_once() {
    let (dev, prod) = (open().await, open().await);
    let mut steps = Vec::new();
    for number in 0..8_u64 {
        let sample = Sample::image(&[(300, 1_000_000), (310 + number, 50)]);
        let repository = format!("team/app-{number}");
        sample.put_into(&dev, &repository, "1");
        let name = |host: String| format!("{host}/{repository}:1");
        steps.push(step(&name(dev.host()), &name(prod.host()), &sample.digest()));
    }
    let outcomes = carry_out(&registries(), steps).await;
    let reused: u64 = outcomes.iter().map(|outcome| copied(outcome).1).sum();
    assert_eq!(reused, 7_000_000);
    let shared = Digest::of(&super::sample::noise(300, 1_000_000));
    let reads =
        dev.requests().iter().filter(|request| request.method == "GET" && request.path.contains(shared.hex())).count();
    assert_eq!(reads, 1);
}

#[tokio::test]
async fn a_tag_that_holds_something_else_stays_untouched() {
    let (dev, prod) = (open().await, open().await);
    let (wanted, other) = (Sample::image(&[(320, 10)]), Sample::image(&[(321, 10)]));
    wanted.put_into(&dev, "api", "1");
    other.put_into(&prod, "api", "1");
    let one = step(&format!("{}/api:1", dev.host()), &format!("{}/api:1", prod.host()), &wanted.digest());
    let outcomes = carry_out(&registries(), vec![one]).await;
    assert_eq!(outcomes, [Outcome::Conflict { found: other.digest().to_string() }]);
    assert!(prod.requests().iter().all(|request| request.method != "PUT" || !request.path.contains("manifests")));
    assert_eq!(prod.tags("api"), ["1"]);
    assert_eq!(Digest::of(&prod.manifest("api", "1").unwrap().content), other.digest());
}

#[tokio::test]
async fn an_immutable_tag_somebody_else_wrote_meanwhile_is_a_conflict() {
    let (dev, prod) =
        (open().await, Registry::start(Options { immutable_tags: true, ..Options::default() }).await.unwrap());
    let (wanted, other) = (Sample::image(&[(330, 10)]), Sample::image(&[(331, 10)]));
    wanted.put_into(&dev, "api", "1");
    other.put_into(&prod, "api", "1");
    // The look before the write finds nothing.
    prod.fault(Fault::new().method("HEAD").path_contains("manifests/1").times(1).then(Action::Status(404, None)));
    let one = step(&format!("{}/api:1", dev.host()), &format!("{}/api:1", prod.host()), &wanted.digest());
    let outcomes = carry_out(&registries(), vec![one]).await;
    assert_eq!(outcomes, [Outcome::Conflict { found: other.digest().to_string() }]);
}

#[tokio::test]
async fn a_step_waits_for_the_one_that_brings_its_source_about() {
    let (dev, staging, prod) = (open().await, open().await, open().await);
    let sample = Sample::index(340);
    sample.put_into(&dev, "api", "1");
    let name = |registry: &Registry| format!("{}/api:1", registry.host());
    let first = step(&name(&dev), &name(&staging), &sample.digest());
    let second = Step { after: Some(0), ..step(&name(&staging), &name(&prod), &sample.digest()) };
    let told = Told::default();
    let outcomes = registries().carry_out(&approved(vec![first, second]), &told).await;
    outcomes.iter().for_each(|(_, outcome)| assert!(copied(outcome).0 > 0));
    assert_eq!(*told.finished.lock().unwrap(), [0, 1]);
}

#[tokio::test]
async fn a_failure_stops_what_builds_on_it_and_nothing_else() {
    let (dev, staging, prod) = (open().await, open().await, open().await);
    let (bad, good) = (Sample::image(&[(350, 10)]), Sample::image(&[(351, 10)]));
    good.put_into(&dev, "good", "1");
    let name = |registry: &Registry, image: &str| format!("{}/{image}:1", registry.host());
    let steps = vec![
        step(&name(&dev, "bad"), &name(&staging, "bad"), &bad.digest()),
        Step { after: Some(0), ..step(&name(&staging, "bad"), &name(&prod, "bad"), &bad.digest()) },
        step(&name(&dev, "good"), &name(&staging, "good"), &good.digest()),
    ];
    let outcomes = carry_out(&registries(), steps).await;
    assert!(reason(&outcomes[0]).contains("does not have it"), "{outcomes:?}");
    assert!(reason(&outcomes[1]).contains(&name(&staging, "bad")), "{outcomes:?}");
    copied(&outcomes[2]);
}

#[tokio::test]
async fn a_source_tag_that_moved_is_told_and_the_pinned_digest_arrives() {
    let (dev, prod) = (open().await, open().await);
    let (pinned, newer) = (Sample::image(&[(360, 10)]), Sample::image(&[(361, 10)]));
    pinned.put_into(&dev, "api", "1");
    newer.put_into(&dev, "api", "1");
    let one = step(&format!("{}/api:1", dev.host()), &format!("{}/api:1", prod.host()), &pinned.digest());
    let outcomes = carry_out(&registries(), vec![one]).await;
    assert!(matches!(outcomes[0], Outcome::Copied { source_moved: true, .. }), "{outcomes:?}");
    assert_eq!(Digest::of(&prod.manifest("api", "1").unwrap().content), pinned.digest());
}

#[tokio::test]
async fn the_name_is_the_last_write_and_children_come_before_their_index() {
    let (dev, prod) = (open().await, open().await);
    let sample = Sample::index(370);
    sample.put_into(&dev, "api", "1");
    let one = step(&format!("{}/api:1", dev.host()), &format!("{}/api:1", prod.host()), &sample.digest());
    copied(&carry_out(&registries(), vec![one]).await[0]);
    let writes: Vec<_> =
        prod.requests().into_iter().filter(|request| request.method == "PUT").map(|request| request.path).collect();
    let kinds: Vec<_> =
        writes.iter().map(|path| (path.contains("/manifests/"), path.ends_with("/manifests/1"))).collect();
    assert!(kinds.is_sorted(), "{writes:?}");
    assert_eq!(kinds.last(), Some(&(true, true)));
}
