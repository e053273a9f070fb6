//! Sample images, made of a seed so that equal seeds share their layers.

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::Registries;
use super::super::embedded::Registry;
use super::super::manifest::{Manifest, Name};
use super::super::repository::Opened;
use super::image;
use crate::domain::Digest;

const OCI: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.oci.image.layer.v1.tar",
];
const DOCKER: [&str; 4] = [
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.container.image.v1+json",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
];

/// An image or index with all it is made of; the top manifest comes last.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub blobs: Vec<Bytes>,
    pub manifests: Vec<(String, Bytes)>,
}

/// Makes content nobody can compress, the same for the same seed.
pub(super) fn noise(seed: u64, length: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(length).collect::<Vec<u8>>().into()
}

impl Sample {
    /// Makes an image of one configuration and layers of these `(seed, length)`.
    pub(super) fn image(layers: &[(u64, usize)]) -> Self {
        Self::of(OCI, "amd64", layers)
    }

    /// Makes an index of two platforms and an attestation.
    pub(super) fn index(seed: u64) -> Self {
        Self::multi(OCI, seed, true)
    }

    /// Makes Docker's manifest list of two platforms.
    pub(super) fn docker_list(seed: u64) -> Self {
        Self::multi(DOCKER, seed, false)
    }

    /// Makes an index of an index of two platforms, beside an image.
    pub(super) fn nested(seed: u64) -> Self {
        let (mut all, beside) = (Self::multi(OCI, seed, true), Self::image(&[(seed + 9, 700)]));
        let inner = descriptor(OCI[0], &all.manifests.last().unwrap().1);
        let mut entry = descriptor(OCI[1], &beside.manifests[0].1);
        entry["platform"] = json!({"os": "linux", "architecture": "riscv64"});
        all.blobs.extend(beside.blobs);
        all.manifests.extend(beside.manifests);
        let index = json!({"schemaVersion": 2, "mediaType": OCI[0], "manifests": [inner, entry]});
        all.manifests.push((OCI[0].to_owned(), index.to_string().into()));
        all
    }

    /// Makes an artifact: no configuration but the empty one, and a layer of its own kind.
    pub(super) fn artifact(seed: u64) -> Self {
        let (config, layer) = (Bytes::from_static(b"{}"), noise(seed, 1_234));
        let manifest = json!({
            "schemaVersion": 2, "mediaType": OCI[1], "artifactType": "application/vnd.example.chart",
            "config": descriptor("application/vnd.oci.empty.v1+json", &config),
            "layers": [descriptor("application/vnd.example.chart.tar", &layer)], "annotations": {"odd": "\u{00e9}\\n"},
        });
        Self { blobs: vec![config, layer], manifests: vec![(OCI[1].to_owned(), manifest.to_string().into())] }
    }

    fn of(kinds: [&str; 4], architecture: &str, layers: &[(u64, usize)]) -> Self {
        let seeds: Vec<u64> = layers.iter().map(|(seed, _)| *seed).collect();
        let config = json!({"os": "linux", "architecture": architecture, "seeds": seeds, "rootfs": {"type": "layers", "diff_ids": []}});
        let mut blobs = vec![Bytes::from(config.to_string())];
        blobs.extend(layers.iter().map(|(seed, length)| noise(*seed, *length)));
        let layers: Vec<Value> = blobs[1..].iter().map(|blob| descriptor(kinds[3], blob)).collect();
        let manifest = json!({"schemaVersion": 2, "mediaType": kinds[1], "config": descriptor(kinds[2], &blobs[0]), "layers": layers});
        Self { blobs, manifests: vec![(kinds[1].to_owned(), manifest.to_string().into())] }
    }

    fn multi(kinds: [&str; 4], seed: u64, attested: bool) -> Self {
        let mut all = Self { blobs: Vec::new(), manifests: Vec::new() };
        let mut entries = Vec::new();
        let mut add = |os: &str, architecture: &str, layers: &[(u64, usize)]| {
            let child = Self::of(kinds, architecture, layers);
            let mut entry = descriptor(kinds[1], &child.manifests[0].1);
            entry["platform"] = json!({"os": os, "architecture": architecture});
            entries.push(entry);
            all.blobs.extend(child.blobs);
            all.manifests.extend(child.manifests);
        };
        add("linux", "amd64", &[(seed, 400_000), (seed + 1, 2_000)]);
        add("linux", "arm64", &[(seed, 400_000), (seed + 2, 3_000)]);
        if attested {
            add("unknown", "unknown", &[(seed + 3, 100)]);
        }
        let index = json!({"schemaVersion": 2, "mediaType": kinds[0], "manifests": entries});
        all.manifests.push((kinds[0].to_owned(), index.to_string().into()));
        all
    }

    /// Returns the digest of the top manifest.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(&self.manifests.last().unwrap().1)
    }

    /// Returns the size of all distinct parts.
    pub(super) fn size_bytes(&self) -> u64 {
        let parts = self.blobs.iter().chain(self.manifests.iter().map(|(_, bytes)| bytes));
        let distinct: std::collections::BTreeMap<_, _> =
            parts.map(|part| (Digest::of(part), part.len() as u64)).collect();
        distinct.values().sum()
    }

    /// Puts the sample into an embedded registry.
    pub(super) fn put_into(&self, registry: &Registry, repository: &str, tag: &str) {
        for blob in &self.blobs {
            registry.push_blob(repository, blob.clone());
        }
        let (top, below) = self.manifests.split_last().unwrap();
        for (kind, bytes) in below {
            registry.push_manifest(repository, &Digest::of(bytes).to_string(), kind, bytes.clone());
        }
        registry.push_manifest(repository, tag, &top.0, top.1.clone());
    }

    /// Pushes the sample to a registry over the wire, as `name`: `host/repository:tag`.
    pub(super) async fn push(&self, registries: &Registries, name: &str) {
        let to = image(name);
        let repository = registries.wire.writing(&to).unwrap();
        for blob in &self.blobs {
            let digest = Digest::of(blob);
            if let Opened::Session(session) = repository.open(&digest, Some(to.repository())).await.unwrap() {
                repository.commit(session, &digest, blob.clone()).await.unwrap();
            }
        }
        for (number, (kind, bytes)) in self.manifests.iter().enumerate() {
            let digest = Digest::of(bytes);
            let manifest = Manifest::parse("test", &digest, Some(kind), bytes.clone()).unwrap();
            let is_top = number + 1 == self.manifests.len();
            let name = to.effective_tag().filter(|_| is_top).map_or(Name::Part, |tag| Name::Tag(tag, None));
            repository.put_manifest(name, &manifest).await.unwrap();
        }
    }
}

fn descriptor(kind: &str, content: &Bytes) -> Value {
    json!({"mediaType": kind, "digest": Digest::of(content).to_string(), "size": content.len()})
}
