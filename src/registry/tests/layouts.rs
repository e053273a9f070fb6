//! Layouts on disk: written and read as a registry is, with real registries at the other end and skopeo as witness.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::docker_registry::DockerRegistry;
use super::evidence::{Signed, open, went_along};
use super::sample::Sample;
use super::*;
use crate::domain::Seen;

/// A directory for a layout.
struct Bundle(TempDir);

impl Bundle {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("bundle")
    }

    /// The image of this name in it.
    fn holding(&self, name: &str) -> ImageRef {
        image(name).in_layout(self.path().to_str().unwrap())
    }

    fn index(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path().join("index.json")).unwrap()).unwrap()
    }

    fn blob(&self, digest: &Digest) -> PathBuf {
        self.path().join("blobs").join(digest.algorithm().name()).join(digest.hex())
    }

    /// What skopeo reads of it.
    fn witness(&self, name: &str, sample: &Sample) {
        let place = format!("oci:{}:{name}", self.path().display());
        let raw = Command::new("skopeo").args(["inspect", "--raw", &place]).output().unwrap();
        assert_eq!(raw.stdout, sample.manifests.last().unwrap().1, "{}", String::from_utf8_lossy(&raw.stderr));
    }
}

/// A step between places that are given as they are.
fn between(from: &ImageRef, to: &ImageRef, digest: &Digest) -> Step {
    let mut one = step("any.example/from:1", "any.example/to:1", digest);
    (one.candidate.from, one.candidate.to) = (Some(from.clone()), to.clone());
    one
}

/// All files below a directory, by their paths in it.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut left) = (BTreeMap::new(), vec![dir.to_owned()]);
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => left.push(path),
                false => drop(found.insert(path.strip_prefix(dir).unwrap().to_owned(), fs::read(&path).unwrap())),
            }
        }
    }
    found
}

const NAME: &str = "prod.example:5000/team/api:1.4.2";

#[tokio::test]
async fn images_go_to_a_directory_and_from_there_to_a_registry() {
    let (dev, prod, bundle) = (DockerRegistry::start(), DockerRegistry::start(), Bundle::new());
    let samples = [
        Sample::image(&[(801, 3_000_000), (802, 1_000), (803, 0), (802, 1_000)]),
        Sample::index(810),
        Sample::docker_list(820),
    ];
    for (number, sample) in samples.iter().enumerate() {
        let name = format!("prod.example:5000/team/app-{number}:1");
        let (from, there) = (image(&format!("{}/app-{number}:1", dev.host)), bundle.holding(&name));
        let to = image(&format!("{}/team/app-{number}:1", prod.host));
        sample.push(&registries(), &from.to_string()).await;
        let outcome = &carry_out(&registries(), vec![between(&from, &there, &sample.digest())]).await[0];
        assert_eq!(copied(outcome), (sample.size_bytes(), 0));
        // skopeo looks for manifests of OCI's types only.
        if number < 2 {
            bundle.witness(&name, sample);
        }
        let parts = sample.blobs.iter().chain(sample.manifests.iter().map(|(_, bytes)| bytes));
        parts.for_each(|part| assert_eq!(fs::read(bundle.blob(&Digest::of(part))).unwrap(), *part));
        let outcome = &carry_out(&registries(), vec![between(&there, &to, &sample.digest())]).await[0];
        assert_eq!(copied(outcome), (sample.size_bytes(), 0));
        assert_eq!(registries().resolve(&to).await.unwrap(), Some(sample.digest()));
        let again = carry_out(&registries(), vec![between(&from, &there, &sample.digest())]).await;
        assert_eq!(again, [Outcome::Present]);
    }
    assert_eq!(bundle.index()["manifests"].as_array().unwrap().len(), samples.len());
    let left_over = files(&bundle.path()).into_keys().find(|path| path.to_string_lossy().contains(".promote-bot-"));
    assert_eq!(left_over, None);
}

#[tokio::test]
async fn what_belongs_to_an_image_goes_through_a_directory() {
    let (dev, prod, bundle, signed) = (open(false).await, open(true).await, Bundle::new(), Signed::new(830));
    signed.put_into(&dev, false);
    let (from, there) = (image(&format!("{}/api:1", dev.host())), bundle.holding(NAME));
    let outcomes = carry_out(&registries(), vec![between(&from, &there, &signed.image.digest())]).await;
    assert_eq!(went_along(&outcomes[0]), (&signed.expected()[..], &[][..]));
    let to = image(&format!("{}/api:1", prod.host()));
    let outcomes = carry_out(&registries(), vec![between(&there, &to, &signed.image.digest())]).await;
    assert_eq!(went_along(&outcomes[0]), (&signed.expected()[..], &[][..]));
    for one in signed.attached.iter().chain([&signed.old]) {
        assert_eq!(prod.manifest("api", &one.digest().to_string()).unwrap().content, one.manifests[0].1);
    }
}

#[tokio::test]
async fn a_reference_by_digest_is_listed_and_found() {
    let (dev, bundle, sample) = (open(true).await, Bundle::new(), Sample::index(840));
    sample.put_into(&dev, "api", "1");
    let digest = sample.digest();
    let there = bundle.holding(&format!("prod.example/api@{digest}"));
    let from = image(&format!("{}/api@{digest}", dev.host()));
    copied(&carry_out(&registries(), vec![between(&from, &there, &digest)]).await[0]);
    let names = &bundle.index()["manifests"][0]["annotations"];
    assert_eq!(names["org.opencontainers.image.ref.name"], format!("prod.example/api@{digest}"));
    let of = async |digest: &Digest| registries().resolve(&there.at_digest(digest.clone())).await.unwrap();
    assert_eq!(of(&digest).await, Some(digest.clone()));
    let child = Digest::of(&sample.manifests[0].1);
    assert_eq!(of(&child).await, Some(child.clone()), "a part of what is listed");
    assert_eq!(of(&Digest::of(&sample.blobs[0])).await, None, "a configuration is no image");
    assert_eq!(registries().resolve(&bundle.holding("prod.example/api:1")).await.unwrap(), None);
}

#[tokio::test]
async fn another_image_under_the_name_stays() {
    let (dev, bundle) = (open(true).await, Bundle::new());
    let (one, other) = (Sample::image(&[(850, 500_000)]), Sample::image(&[(850, 500_000), (851, 7)]));
    let from = |tag: &str| image(&format!("{}/api:{tag}", dev.host()));
    one.put_into(&dev, "api", "1");
    other.put_into(&dev, "api", "2");
    let there = bundle.holding(NAME);
    copied(&carry_out(&registries(), vec![between(&from("1"), &there, &one.digest())]).await[0]);
    let before = files(&bundle.path());
    let outcome = &carry_out(&registries(), vec![between(&from("2"), &there, &other.digest())]).await[0];
    assert_eq!(*outcome, Outcome::Conflict { found: one.digest().to_string() });
    assert_eq!(fs::read(bundle.path().join("index.json")).unwrap(), before[Path::new("index.json")]);
    // Both have the large layer: it is there once, and not read again.
    let besides = bundle.holding("prod.example/besides:1");
    let outcome = &carry_out(&registries(), vec![between(&from("2"), &besides, &other.digest())]).await[0];
    assert!(copied(outcome).1 >= 500_000, "{outcome:?}");
}

#[tokio::test]
async fn two_runs_may_write_at_once() {
    let (dev, bundle) = (open(true).await, Bundle::new());
    let steps = |numbers: std::ops::Range<u64>| -> Vec<Step> {
        let one = |number: u64| {
            let sample = Sample::image(&[(860, 300_000), (870 + number, 10)]);
            sample.put_into(&dev, &format!("app-{number}"), "1");
            let from = image(&format!("{}/app-{number}:1", dev.host()));
            between(&from, &bundle.holding(&format!("prod.example/app-{number}:1")), &sample.digest())
        };
        numbers.map(one).collect()
    };
    let (one, other) = (registries(), registries());
    let (first, second) = tokio::join!(carry_out(&one, steps(0..12)), carry_out(&other, steps(8..20)));
    // Whoever was second with one of those that both wanted found it there.
    let was_there = |outcome: &Outcome| matches!(outcome, Outcome::Copied { .. } | Outcome::Present);
    assert!(first.iter().chain(&second).all(was_there), "{first:?} {second:?}");
    assert_eq!(bundle.index()["manifests"].as_array().unwrap().len(), 20);
}

#[tokio::test]
async fn a_directory_that_lost_something_is_no_source_and_no_proof() {
    let (dev, bundle, sample) = (open(true).await, Bundle::new(), Sample::image(&[(880, 400_000)]));
    sample.put_into(&dev, "api", "1");
    let (from, there) = (image(&format!("{}/api:1", dev.host())), bundle.holding(NAME));
    copied(&carry_out(&registries(), vec![between(&from, &there, &sample.digest())]).await[0]);
    let layer = Digest::of(&sample.blobs[1]);
    // Cut short, as by a disk that was pulled out.
    fs::write(bundle.blob(&layer), &sample.blobs[1][..1_000]).unwrap();
    let mut one = candidate("any.example/x:1", "any.example/x:1");
    (one.from, one.to) = (Some(from.clone()), there.clone());
    let evidence = &registries().gather(&[one]).await[0];
    let Seen::Unknown { reason, hint } = &evidence.destination.tag else { panic!("{evidence:?}") };
    assert!(reason.contains(&format!("lists {} and lacks {layer}", sample.digest())), "{reason}");
    assert!(hint.contains("copy oci:"), "{hint}");
    // As a source it does not count either, before anything is copied.
    let mut read = candidate("any.example/x:1", &format!("{}/copy:1", dev.host()));
    read.from = Some(there.clone());
    let evidence = &registries().gather(&[read]).await[0];
    assert!(matches!(&evidence.source.tag, Seen::Unknown { reason, .. } if reason.contains("lacks")), "{evidence:?}");
    // Of the right length, and something else: a copy reads it and says so, and the name is not given.
    fs::write(bundle.blob(&layer), vec![7; sample.blobs[1].len()]).unwrap();
    let to = image(&format!("{}/copy:1", dev.host()));
    let outcome = &carry_out(&registries(), vec![between(&there, &to, &sample.digest())]).await[0];
    assert!(super::reason(outcome).contains(&format!("expected content of digest {layer}")), "{outcome:?}");
    assert_eq!(registries().resolve(&to).await.unwrap(), None);
    // A copy into the directory does not take it for the layer either.
    let besides = bundle.holding("prod.example/besides:1");
    let outcome = &carry_out(&registries(), vec![between(&from, &besides, &sample.digest())]).await[0];
    assert!(copied(outcome).0 >= 400_000, "{outcome:?}");
    assert_eq!(fs::read(bundle.blob(&layer)).unwrap(), sample.blobs[1]);
}

#[tokio::test]
async fn what_is_no_layout_is_refused_and_left_alone() {
    let (dev, sample) = (open(true).await, Sample::image(&[(890, 10)]));
    sample.put_into(&dev, "api", "1");
    let from = image(&format!("{}/api:1", dev.host()));
    let entry = |digest: &str| json!({"digest": digest, "annotations": {"org.opencontainers.image.ref.name": NAME}});
    let twice = [entry(&sample.digest().to_string()), entry(&Digest::of(b"x").to_string())];
    let layout = ("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#.to_owned());
    for (written, why) in [
        (vec![("precious.txt", "x".to_owned())], "no file oci-layout and is not empty"),
        (vec![layout.clone(), ("index.json", "<html>".to_owned())], "not JSON at line 1"),
        (vec![layout.clone(), ("index.json", json!({"manifests": twice}).to_string())], "two images of the name"),
    ] {
        let bundle = Bundle::new();
        fs::create_dir(bundle.path()).unwrap();
        written.iter().for_each(|(name, text)| fs::write(bundle.path().join(name), text).unwrap());
        let before = files(&bundle.path());
        let error = registries().resolve(&bundle.holding(NAME)).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        let outcome = &carry_out(&registries(), vec![between(&from, &bundle.holding(NAME), &sample.digest())]).await[0];
        assert!(super::reason(outcome).contains(why), "{outcome:?}");
        let after = files(&bundle.path());
        assert!(before.iter().all(|(path, content)| after.get(path) == Some(content)));
    }
}

#[tokio::test]
async fn two_runs_that_want_one_name_for_two_images_do_not_both_get_it() {
    let (dev, bundle) = (open(true).await, Bundle::new());
    let samples = [Sample::image(&[(896, 10)]), Sample::image(&[(897, 10)])];
    let there = bundle.holding(NAME);
    let step = |number: usize| {
        samples[number].put_into(&dev, "api", &format!("{number}"));
        between(&image(&format!("{}/api:{number}", dev.host())), &there, &samples[number].digest())
    };
    let (one, other) = (registries(), registries());
    let (first, second) = tokio::join!(carry_out(&one, vec![step(0)]), carry_out(&other, vec![step(1)]));
    let copies =
        [&first[0], &second[0]].into_iter().filter(|outcome| matches!(outcome, Outcome::Copied { .. })).count();
    assert_eq!(copies, 1, "{first:?} {second:?}");
    let lost = [&first[0], &second[0]].into_iter().any(|outcome| matches!(outcome, Outcome::Conflict { .. }));
    assert!(lost, "{first:?} {second:?}");
}

#[tokio::test]
async fn a_signature_that_is_damaged_is_not_left_behind_in_silence() {
    let (dev, prod, bundle, signed) = (open(false).await, open(true).await, Bundle::new(), Signed::new(835));
    signed.put_into(&dev, false);
    let (from, there) = (image(&format!("{}/api:1", dev.host())), bundle.holding(NAME));
    copied(&carry_out(&registries(), vec![between(&from, &there, &signed.image.digest())]).await[0]);
    fs::write(bundle.blob(&signed.attached[0].digest()), "{}").unwrap();
    let to = image(&format!("{}/api:1", prod.host()));
    let outcome = &carry_out(&registries(), vec![between(&there, &to, &signed.image.digest())]).await[0];
    assert!(
        super::reason(outcome).contains(&format!("expected content of digest {}", signed.attached[0].digest())),
        "{outcome:?}"
    );
    assert_eq!(registries().resolve(&to).await.unwrap(), None);
}

#[cfg(unix)]
#[tokio::test]
async fn a_layout_behind_links_is_not_written_to() {
    let (dev, sample, bundle) = (open(true).await, Sample::image(&[(898, 10)]), Bundle::new());
    sample.put_into(&dev, "api", "1");
    let elsewhere = bundle.0.path().join("elsewhere");
    fs::create_dir_all(&elsewhere).unwrap();
    fs::create_dir_all(bundle.path()).unwrap();
    std::os::unix::fs::symlink(&elsewhere, bundle.path().join("blobs")).unwrap();
    let from = image(&format!("{}/api:1", dev.host()));
    let outcome = &carry_out(&registries(), vec![between(&from, &bundle.holding(NAME), &sample.digest())]).await[0];
    assert!(super::reason(outcome).contains("blobs is no directory"), "{outcome:?}");
    assert!(files(&elsewhere).is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_is_not_followed() {
    let (dev, bundle, sample) = (open(true).await, Bundle::new(), Sample::image(&[(895, 300_000)]));
    sample.put_into(&dev, "api", "1");
    let (from, there) = (image(&format!("{}/api:1", dev.host())), bundle.holding(NAME));
    copied(&carry_out(&registries(), vec![between(&from, &there, &sample.digest())]).await[0]);
    let (layer, secret) = (Digest::of(&sample.blobs[1]), bundle.0.path().join("secret"));
    fs::write(&secret, &sample.blobs[1]).unwrap();
    fs::remove_file(bundle.blob(&layer)).unwrap();
    std::os::unix::fs::symlink(&secret, bundle.blob(&layer)).unwrap();
    let error = registries().resolve(&there).await.unwrap_err();
    assert!(error.reason().contains("is no regular file"), "{}", error.reason());
}
