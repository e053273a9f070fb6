//! Memory stays bounded whatever the size of a layer.

use std::time::Duration;

use promote_bot::domain::Digest;
use promote_bot::registry::embedded::{Action, Fault, Options, Registry};
use serde_json::json;

use crate::support::{Program, Repository, Run, config, patch_image};

const LAYER_BYTES: usize = 300 * 1024 * 1024;
const GROWTH_LIMIT_KIB: u64 = 64 * 1024;

/// The process's peak resident memory, in KiB.
fn peak_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_of_300_mb_passes_through_less_than_64_mb() {
    let (dev, production) =
        (Registry::start(Options::default()).await.unwrap(), Registry::start(Options::default()).await.unwrap());
    let layer = vec![42_u8; LAYER_BYTES];
    let describe = |media_type: &str, digest: &Digest, size: usize| json!({"mediaType": media_type, "digest": digest.to_string(), "size": size});
    let config_blob = br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#.to_vec();
    let config_descriptor =
        describe("application/vnd.oci.image.config.v1+json", &Digest::of(&config_blob), config_blob.len());
    dev.push_blob("api", config_blob);
    let layer_digest = dev.push_blob("api", layer);
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let layers = [describe("application/vnd.oci.image.layer.v1.tar", &layer_digest, LAYER_BYTES)];
    let manifest =
        json!({"schemaVersion": 2, "mediaType": media_type, "config": config_descriptor, "layers": layers}).to_string();
    dev.push_manifest("api", "1", media_type, manifest.into_bytes());
    let repository = Repository::with(&[("promote-bot.yaml", &config(&dev.host(), &production.host()))]);
    repository.write(&[(
        "api/overlays/production/p.yaml",
        &patch_image("api", &format!("{}/team/api:1", production.host())),
    )]);

    // The run stands still before its last write: then its peak can be read without a race.
    production.fault(Fault::new().method("PUT").path_contains("/manifests/").then(Action::Pause));
    let program = Program::new();
    let child = program.start(repository.path(), &["promote", "-f", "json"]);
    tokio::time::timeout(Duration::from_secs(300), production.until_paused()).await.expect("the copy never got there");
    let peak = peak_kib(child.id());
    production.release();
    let run = Run::of(tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap()).expect(0);
    assert!(run.json()["stats"]["bytes_copied"].as_u64().unwrap() > LAYER_BYTES as u64);
    println!("peak resident memory while copying 300 MB: {:.1} MiB", peak as f64 / 1024.0);
    assert!(peak < GROWTH_LIMIT_KIB, "peak resident memory: {peak} KiB");
}

/// How many images one change references at once.
const IMAGES: usize = 5_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_5_000_images_is_carried_out_in_bounded_memory() {
    let (dev, production) =
        (Registry::start(Options::default()).await.unwrap(), Registry::start(Options::default()).await.unwrap());
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let config_blob = br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#;
    let config_digest = dev.push_blob("api", &config_blob[..]);
    let described = json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config_digest.to_string(), "size": config_blob.len()});
    let mut pods = String::new();
    for number in 0..IMAGES {
        let manifest = json!({"schemaVersion": 2, "mediaType": media_type, "config": described, "layers": [], "annotations": {"number": number.to_string()}});
        dev.push_manifest("api", &format!("1.0.{number}"), media_type, manifest.to_string().into_bytes());
        let image = format!("{}/team/api:1.0.{number}", production.host());
        pods += &format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p{number}}}\nspec: {{containers: [{{name: c, image: '{image}'}}]}}\n"
        );
    }
    let repository = Repository::with(&[("promote-bot.yaml", &config(&dev.host(), &production.host()))]);
    repository.write(&[("api/overlays/production/pods.yaml", &pods)]);
    // The run stands still before its last name.
    let last = IMAGES - 1;
    production.fault(Fault::new().method("PUT").path_contains("/manifests/").nth(last..).then(Action::Pause));
    let program = Program::new();
    let child = program.start(repository.path(), &["promote", "-q", "-f", "json"]);
    tokio::time::timeout(Duration::from_secs(300), production.until_paused()).await.expect("the copy never got there");
    let peak = peak_kib(child.id());
    production.clear_faults();
    production.release();
    let run = Run::of(tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap()).expect(0);
    assert_eq!(run.json()["stats"]["promoted"], IMAGES);
    println!("peak resident memory of {IMAGES} images: {:.1} MiB", peak as f64 / 1024.0);
    assert!(peak < 2 * GROWTH_LIMIT_KIB, "peak resident memory: {peak} KiB");
}
