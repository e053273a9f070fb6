//! Images made on the spot, as directories that skopeo can push.

use std::path::Path;

use promote_bot::domain::Digest;
use serde_json::{Value, json};

pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// A layer's content.
pub type Layer = Vec<u8>;

/// An image: its top manifest, and all it refers to.
#[derive(Clone)]
pub struct Image {
    pub media_type: &'static str,
    pub manifest: Vec<u8>,
    children: Vec<Vec<u8>>,
    blobs: Vec<Vec<u8>>,
}

impl Image {
    pub fn digest(&self) -> Digest {
        Digest::of(&self.manifest)
    }

    /// Its configurations and layers, those of its children too.
    pub fn blobs(&self) -> &[Vec<u8>] {
        &self.blobs
    }

    /// The manifests below its top.
    pub fn children(&self) -> &[Vec<u8>] {
        &self.children
    }

    /// The same index, whose entries name no platform.
    pub fn without_platforms(mut self) -> Self {
        let mut manifest: Value = serde_json::from_slice(&self.manifest).unwrap();
        for entry in manifest["manifests"].as_array_mut().unwrap() {
            entry.as_object_mut().unwrap().remove("platform");
        }
        self.manifest = manifest.to_string().into_bytes();
        self
    }

    /// Writes it as skopeo's `dir:` has it.
    pub fn write(&self, directory: &Path) {
        let write = |name: &str, content: &[u8]| std::fs::write(directory.join(name), content).unwrap();
        write("version", b"Directory Transport Version: 1.1\n");
        write("manifest.json", &self.manifest);
        for child in &self.children {
            write(&format!("{}.manifest.json", Digest::of(child).hex()), child);
        }
        for blob in &self.blobs {
            write(Digest::of(blob).hex(), blob);
        }
    }
}

pub fn descriptor(media_type: &str, content: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": Digest::of(content).to_string(), "size": content.len()})
}

/// An artifact of one layer of a media type of its own, with annotations on it.
pub fn artifact(media_type: &'static str, layer_type: &str, layer: &[u8], annotations: &Value) -> Image {
    let config = b"{}".to_vec();
    let mut described = descriptor(layer_type, layer);
    described["annotations"] = annotations.clone();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type,
        "config": descriptor("application/vnd.oci.image.config.v1+json", &config), "layers": [described],
    });
    let blobs = vec![config, layer.to_vec()];
    Image { media_type, manifest: manifest.to_string().into_bytes(), children: Vec::new(), blobs }
}

/// An OCI image of one platform; `name` makes its content its own.
pub fn single(name: &str, layers: &[Layer]) -> Image {
    image(name, "amd64", layers, OCI_MANIFEST)
}

/// The same with Docker's media types.
pub fn docker(name: &str, architecture: &str, layers: &[Layer]) -> Image {
    image(name, architecture, layers, DOCKER_MANIFEST)
}

fn image(name: &str, architecture: &str, layers: &[Layer], media_type: &'static str) -> Image {
    let is_docker = media_type == DOCKER_MANIFEST;
    let config_type = if is_docker {
        "application/vnd.docker.container.image.v1+json"
    } else {
        "application/vnd.oci.image.config.v1+json"
    };
    let layer_type = if is_docker {
        "application/vnd.docker.image.rootfs.diff.tar.gzip"
    } else {
        "application/vnd.oci.image.layer.v1.tar+gzip"
    };
    let mut layers = layers.to_vec();
    layers.push(format!("layer of {name} for {architecture}").into_bytes());
    let diff_ids: Vec<String> = layers.iter().map(|layer| Digest::of(layer).to_string()).collect();
    let config = json!({
        "architecture": architecture, "os": "linux", "config": {"Labels": {"name": name}},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    let config = config.to_string().into_bytes();
    let descriptors: Vec<Value> = layers.iter().map(|layer| descriptor(layer_type, layer)).collect();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type, "config": descriptor(config_type, &config), "layers": descriptors,
    });
    let mut blobs = vec![config];
    blobs.extend(layers);
    Image { media_type, manifest: manifest.to_string().into_bytes(), children: Vec::new(), blobs }
}

/// An index of two platforms, with an attestation manifest for each as buildkit makes them.
pub fn index(name: &str, layers: &[Layer]) -> Image {
    let (mut manifests, mut children, mut blobs) = (Vec::new(), Vec::new(), Vec::new());
    for architecture in ["amd64", "arm64"] {
        let platform = image(name, architecture, layers, OCI_MANIFEST);
        let mut entry = descriptor(OCI_MANIFEST, &platform.manifest);
        entry["platform"] = json!({"architecture": architecture, "os": "linux"});
        let attestation = attestation(name, architecture);
        let mut evidence = descriptor(OCI_MANIFEST, &attestation.manifest);
        evidence["platform"] = json!({"architecture": "unknown", "os": "unknown"});
        evidence["annotations"] = json!({
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": platform.digest().to_string(),
        });
        manifests.extend([entry, evidence]);
        for child in [platform, attestation] {
            children.push(child.manifest);
            blobs.extend(child.blobs);
        }
    }
    let manifest = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests});
    Image { media_type: OCI_INDEX, manifest: manifest.to_string().into_bytes(), children, blobs }
}

fn attestation(name: &str, architecture: &str) -> Image {
    let config =
        json!({"architecture": "unknown", "os": "unknown", "rootfs": {"type": "layers", "diff_ids": []}}).to_string();
    let statement =
        json!({"_type": "https://in-toto.io/Statement/v0.1", "subject": [{"name": name}], "for": architecture})
            .to_string();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", config.as_bytes()),
        "layers": [descriptor("application/vnd.in-toto+json", statement.as_bytes())],
    });
    Image {
        media_type: OCI_MANIFEST,
        manifest: manifest.to_string().into_bytes(),
        children: Vec::new(),
        blobs: vec![config.into_bytes(), statement.into_bytes()],
    }
}

/// A manifest list of Docker's own media types.
pub fn docker_list(name: &str) -> Image {
    let children: Vec<Image> = ["amd64", "arm64"].iter().map(|architecture| docker(name, architecture, &[])).collect();
    let entry = |(child, architecture): (&Image, &str)| {
        let mut entry = descriptor(DOCKER_MANIFEST, &child.manifest);
        entry["platform"] = json!({"architecture": architecture, "os": "linux"});
        entry
    };
    let manifests: Vec<Value> = children.iter().zip(["amd64", "arm64"]).map(entry).collect();
    let manifest = json!({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": manifests});
    let blobs = children.iter().flat_map(|child| child.blobs.clone()).collect();
    let children = children.into_iter().map(|child| child.manifest).collect();
    Image { media_type: DOCKER_LIST, manifest: manifest.to_string().into_bytes(), children, blobs }
}
