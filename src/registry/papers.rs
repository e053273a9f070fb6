//! Papers: what hangs on an image, read for its rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::try_join_all;
use serde::Deserialize;

use super::Registries;
use super::error::{Error, plain};
use super::evidence::{self, DigestTags};
use super::manifest::{Blob, Manifest, platform_of};
use super::repository::Repository;
use super::slots::Slots;
use super::tree::{LONGEST_CONFIG, Tree};
use crate::domain::{Digest, Document, ImagePart, ImageRef, Papers, ReferrerFilter};
use crate::signature;

/// How long a document may be, in bytes.
const LONGEST_DOCUMENT: u64 = 32 << 20;

/// How long all documents of an image may be together, in bytes.
const LONGEST_PAPERS: u64 = 64 << 20;

/// How many documents an image may have: each costs verifications by every signer.
const MOST_DOCUMENTS: usize = 256;

/// Annotations of cosign's older format, on the layer that holds the payload
/// (<https://github.com/sigstore/cosign/blob/v2.4.1/specs/SIGNATURE_SPEC.md>).
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";

/// A layer, with what cosign writes beside it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: String,
    size: u64,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// The layers of a manifest.
#[derive(Debug, Deserialize)]
struct Layers {
    #[serde(default)]
    layers: Vec<Layer>,
}

/// What rules read of an image's configuration
/// (<https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md>).
#[derive(Debug, Default, Deserialize)]
struct Configuration {
    created: Option<String>,
    config: Option<Labels>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Labels {
    labels: Option<BTreeMap<String, String>>,
}

/// What the entries of indexes say of an image.
#[derive(Clone)]
struct Named {
    platform: Option<String>,
    is_for_nobody: bool,
}

/// What may still be read of an image's papers.
struct Room {
    bytes: u64,
    documents: usize,
}

impl Room {
    /// Makes room for the layers of a manifest; else says what there is too much of.
    fn take(&mut self, layers: &[(Digest, Layer)]) -> Result<(), String> {
        let read =
            || layers.iter().filter(|(_, layer)| signature::is_read(&layer.media_type)).map(|(_, layer)| layer.size);
        let bytes = read().try_fold(0_u64, u64::checked_add).and_then(|bytes| self.bytes.checked_sub(bytes));
        match (bytes, self.documents.checked_sub(layers.len())) {
            _ if read().any(|size| size > LONGEST_DOCUMENT) => {
                Err(format!("a document that hangs on it is longer than {LONGEST_DOCUMENT} bytes"))
            }
            (None, _) => Err(format!("what hangs on it is longer than {LONGEST_PAPERS} bytes together")),
            (_, None) => Err(format!("more than {MOST_DOCUMENTS} documents hang on it")),
            (Some(bytes), Some(documents)) => {
                *self = Self { bytes, documents };
                Ok(())
            }
        }
    }
}

fn refused(repository: &Repository, digest: &Digest, why: String) -> Error {
    Error::Evidence { image: format!("{}@{digest}", repository.locator()), why }
}

/// Reads the layers of a manifest, what is there twice once.
fn read_layers(manifest: &Manifest) -> Result<Vec<(Digest, Layer)>, String> {
    let layers: Layers =
        serde_json::from_slice(&manifest.bytes).map_err(|_| "its manifest breaks the format".to_owned())?;
    let mut read: Vec<(Digest, Layer)> = Vec::new();
    let mut known = BTreeSet::new();
    for layer in layers.layers {
        let digest: Digest = layer.digest.parse().map_err(|error| format!("a layer of it: {error}"))?;
        if known.insert((digest.clone(), layer.media_type.clone(), layer.annotations.clone())) {
            read.push((digest, layer));
        }
    }
    Ok(read)
}

/// Reads papers, each image's once.
#[derive(Debug)]
pub struct PaperDesk<'a> {
    registries: &'a Registries,
    tags: Slots<String, DigestTags>,
}

impl<'a> PaperDesk<'a> {
    pub(super) fn new(registries: &'a Registries) -> Self {
        Self { registries, tags: Slots::default() }
    }

    /// Reads what `image` is made of under `digest`, and, where `documents` says so, what hangs on it.
    ///
    /// # Errors
    /// A registry's; [`Error::Evidence`] where there is more than is read.
    pub async fn read(&self, image: &ImageRef, digest: &Digest, documents: bool) -> Result<Papers, Error> {
        let registries = self.registries;
        let repository = registries.wire.reading(image)?;
        let _weight = registries.make_room(&repository, digest).await?;
        let tree = Tree::read(&repository, digest, &registries.shelf).await?;
        let mut papers = Papers { parts: self.parts(&repository, &tree).await?, ..Papers::default() };
        papers.is_index = tree.manifests.get(digest).is_some_and(|top| !top.children().is_empty());
        if documents {
            let all = ReferrerFilter::All;
            let attached = evidence::find(&repository, &tree, &all, &self.tags, &registries.shelf).await?;
            papers.passed_over.clone_from(&attached.passed_over);
            let mut room = Room { bytes: LONGEST_PAPERS, documents: MOST_DOCUMENTS };
            for (subject, manifest) in attached.manifests() {
                let layers = match read_layers(manifest) {
                    Ok(layers) => layers,
                    // One that is good is enough: what cannot be read is told, and stands in nobody's way.
                    Err(why) => {
                        papers.passed_over.push(format!("{}, which hangs on {subject}: {why}", manifest.digest));
                        continue;
                    }
                };
                // What is left out may be what speaks against the image.
                room.take(&layers).map_err(|why| refused(&repository, digest, why))?;
                match self.documents(&repository, &subject, manifest, layers).await {
                    Ok(documents) => papers.documents.extend(documents),
                    Err(error) if error.is_of_content() => {
                        let why = error.reason();
                        papers.passed_over.push(format!("{}, which hangs on {subject}: {why}", manifest.digest));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(papers)
    }

    /// Reads the layers of one manifest that hangs on `subject`.
    async fn documents(
        &self,
        repository: &Repository,
        subject: &Digest,
        manifest: &Manifest,
        layers: Vec<(Digest, Layer)>,
    ) -> Result<Vec<Document>, Error> {
        let mut documents = Vec::new();
        for (digest, layer) in layers {
            let bytes = match signature::is_read(&layer.media_type) {
                true => self.registries.shelf.blob(repository, &digest, layer.size).await?,
                // Whatever it is, nothing of it counts.
                false => Bytes::new(),
            };
            let annotation = |name: &str| layer.annotations.get(name).cloned();
            documents.push(Document {
                subject: subject.clone(),
                manifest: manifest.digest.clone(),
                media_type: plain(&layer.media_type),
                signature: annotation(SIGNATURE),
                certificate: annotation(CERTIFICATE),
                bytes: Arc::from(&bytes[..]),
            });
        }
        Ok(documents)
    }

    /// Reads the images of a tree: those of an index, those of the indexes in it in their place, or the only one.
    async fn parts(&self, repository: &Repository, tree: &Tree) -> Result<Vec<ImagePart>, Error> {
        // Where one entry names a platform, what others say of the same image does not take it away.
        let mut named: BTreeMap<&Digest, Named> = BTreeMap::new();
        for child in tree.manifests.values().flat_map(Manifest::children) {
            let name = named.entry(&child.digest).or_insert(Named { platform: None, is_for_nobody: true });
            name.platform = name.platform.take().or_else(|| child.platform.clone());
            name.is_for_nobody &= child.is_for_nobody;
        }
        let images: Vec<&Manifest> =
            tree.manifests.values().filter(|manifest| manifest.children().is_empty()).collect();
        let read = images.into_iter().map(|manifest| {
            let platform = named.get(&manifest.digest).cloned();
            async move { self.part(repository, manifest, platform).await }
        });
        let parts = try_join_all(read).await?;
        Ok(parts.into_iter().flatten().collect())
    }

    async fn part(
        &self,
        repository: &Repository,
        manifest: &Manifest,
        named: Option<Named>,
    ) -> Result<Option<ImagePart>, Error> {
        // An index says that a builder's attestations, which have nothing else in them, are for nobody. What names no
        // platform at all is somebody's: some tools take it for theirs.
        if named.as_ref().is_some_and(|named| named.is_for_nobody) && is_attestation(manifest) {
            return Ok(None);
        }
        let platform = named.and_then(|named| named.platform);
        let mut part = ImagePart { digest: manifest.digest.to_string(), platform, ..Default::default() };
        let config = manifest.blobs().first();
        let readable = |config: &&Blob| config.size_bytes <= LONGEST_CONFIG && config.media_type.ends_with("+json");
        let Some(config) = config.filter(readable) else { return Ok(Some(part)) };
        let bytes = self.registries.shelf.blob(repository, &config.digest, config.size_bytes).await?;
        part.platform = part.platform.or_else(|| platform_of(&bytes));
        let read: Configuration = serde_json::from_slice(&bytes).unwrap_or_default();
        part.created = read.created;
        part.labels = read.config.and_then(|config| config.labels).unwrap_or_default();
        Ok(Some(part))
    }
}

/// Tells whether all that a manifest has beside its configuration are in-toto statements, as BuildKit writes them
/// (<https://github.com/moby/buildkit/blob/v0.20.0/docs/attestations/attestation-storage.md>).
fn is_attestation(manifest: &Manifest) -> bool {
    let layers = manifest.blobs().get(1..).unwrap_or_default();
    !layers.is_empty() && layers.iter().all(|layer| layer.media_type == "application/vnd.in-toto+json")
}
