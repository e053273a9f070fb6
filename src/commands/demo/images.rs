//! The demo's images: small, for two platforms, with a base layer that all of them share.

use std::io::Write as _;

use serde_json::json;

use crate::domain::Digest;
use crate::registry::embedded::Registry;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

const BASE_BYTES: usize = 256 * 1024;
const SERVICE_BYTES: usize = 32 * 1024;

/// Fills dev with every release and production with the first ones.
pub(super) fn seed(dev: &Registry, production: &Registry) {
    for service in ["api", "web", "worker"] {
        for version in ["1.0.0", "1.1.0", "1.2.0"] {
            push(dev, service, service, version, &[version]);
        }
        push(dev, service, service, "1.2.0", &["latest"]);
        push(production, &format!("shop/{service}"), service, "1.0.0", &["1.0.0"]);
    }
}

fn push(registry: &Registry, repository: &str, service: &str, version: &str, tags: &[&str]) {
    let manifests: Vec<serde_json::Value> = ["amd64", "arm64"]
        .into_iter()
        .map(|architecture| {
            let manifest = push_platform(registry, repository, service, version, architecture);
            let digest =
                registry.push_manifest(repository, &Digest::of(&manifest).to_string(), MANIFEST, manifest.clone());
            let platform = json!({"architecture": architecture, "os": "linux"});
            json!({"mediaType": MANIFEST, "digest": digest.to_string(), "size": manifest.len(), "platform": platform})
        })
        .collect();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).to_string().into_bytes();
    for tag in tags {
        registry.push_manifest(repository, tag, INDEX, index.clone());
    }
}

fn push_platform(registry: &Registry, repository: &str, service: &str, version: &str, architecture: &str) -> Vec<u8> {
    let layers = [
        archive("etc/base", &format!("base for {architecture}"), BASE_BYTES),
        archive(&format!("bin/{service}"), &format!("{service} {version} for {architecture}"), SERVICE_BYTES),
    ];
    let diff_ids: Vec<String> = layers.iter().map(|archive| Digest::of(archive).to_string()).collect();
    let config = json!({
        "architecture": architecture, "os": "linux", "config": {"Entrypoint": [format!("/bin/{service}")]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    let blob = |media_type: &str, content: Vec<u8>| {
        let size = content.len();
        json!({"mediaType": media_type, "digest": registry.push_blob(repository, content).to_string(), "size": size})
    };
    let config = blob(CONFIG, config.to_string().into_bytes());
    let layers: Vec<serde_json::Value> = layers.iter().map(|archive| blob(LAYER, compressed(archive))).collect();
    json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}).to_string().into_bytes()
}

/// An archive of one file, whose `size` bytes follow from `seed` and do not compress.
fn archive(path: &str, seed: &str, size: usize) -> Vec<u8> {
    let mut content = Vec::with_capacity(size);
    let mut block = seed.to_owned();
    while content.len() < size {
        block = Digest::of(block.as_bytes()).hex().to_owned();
        content.extend(
            block.as_bytes().chunks(2).map(|pair| pair.iter().fold(0_u8, |byte, half| byte.rotate_left(4) ^ half)),
        );
    }
    content.truncate(size);
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o755);
    header.set_mtime(0);
    let mut archive = tar::Builder::new(Vec::new());
    // Writing to memory cannot fail, and the paths are our own.
    let written = archive.append_data(&mut header, path, content.as_slice()).and_then(|()| archive.into_inner());
    written.unwrap_or_default()
}

fn compressed(archive: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // As above: memory takes what it is given.
    gzip.write_all(archive).and_then(|()| gzip.finish()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_archives_that_differ_and_do_not_shrink() {
        let (one, other) = (archive("a", "one", 10_000), archive("a", "other", 10_000));
        assert_ne!(one, other);
        let layer = compressed(&one);
        assert_eq!(&layer[..2], [0x1f, 0x8b]);
        assert!(layer.len() > 7_000, "{}", layer.len());
    }
}
