//! The demo's images: small, for two platforms, with a base layer that all of them share.

use serde_json::json;

use crate::domain::Digest;
use crate::registry::embedded::Registry;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

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
        layer("etc/os-release", &format!("base for {architecture}\n"), BASE_BYTES),
        layer(&format!("bin/{service}"), &format!("{service} {version} for {architecture}\n"), SERVICE_BYTES),
    ];
    let diff_ids: Vec<String> = layers.iter().map(|layer| Digest::of(layer).to_string()).collect();
    let config = json!({
        "architecture": architecture, "os": "linux", "config": {"Entrypoint": [format!("/bin/{service}")]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    let blob = |media_type: &str, content: Vec<u8>| {
        let size = content.len();
        json!({"mediaType": media_type, "digest": registry.push_blob(repository, content).to_string(), "size": size})
    };
    let config = blob(CONFIG, config.to_string().into_bytes());
    let layers: Vec<serde_json::Value> = layers.into_iter().map(|layer| blob(LAYER, layer)).collect();
    json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}).to_string().into_bytes()
}

/// A layer of one file: `line` over and over, `size` bytes of it.
fn layer(path: &str, line: &str, size: usize) -> Vec<u8> {
    let content: Vec<u8> = line.bytes().cycle().take(size).collect();
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o755);
    header.set_mtime(0);
    let mut archive = tar::Builder::new(Vec::new());
    // Writing to memory cannot fail, and the paths are our own.
    let written = archive.append_data(&mut header, path, content.as_slice()).and_then(|()| archive.into_inner());
    written.unwrap_or_default()
}
