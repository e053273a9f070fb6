//! Attaching: a statement of ours on a digest that was promoted.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::json;

use super::carry_out::Run;
use super::error::Error;
use super::evidence::{self, Attached};
use super::manifest::{LONGEST_MANIFEST, Manifest};
use super::passage::Passage;
use super::repository::{Opened, Repository};
use super::tree::Tree;
use super::{Progress, Registries};
use crate::domain::{Digest, Outcome, Step};
use crate::policy::Approved;

/// The media type of a Sigstore bundle
/// (<https://github.com/sigstore/protobuf-specs/blob/v0.5.0/protos/sigstore_bundle.proto>).
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// The configuration of what has none (<https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#guidance-for-an-empty-descriptor>).
const EMPTY: &[u8] = b"{}";

/// Nobody hears of it.
struct Silent;

impl Progress for Silent {
    fn begin(&self, _: usize, _: &Step, _: Option<u64>) {}
    fn advance(&self, _: usize, _: u64) {}
    fn finish(&self, _: usize, _: &Outcome) {}
}

impl Registries {
    /// Attaches a bundle, whose statement is of `predicate_type`, to an approved step's digest at its destination, as cosign does.
    ///
    /// # Errors
    /// A registry's; [`Error::NoSource`] for a step that was not approved.
    pub async fn attach(
        &self,
        approved: &Approved,
        index: usize,
        bundle: Vec<u8>,
        predicate_type: &str,
    ) -> Result<(), Error> {
        let step = approved.steps().find(|(own, _)| *own == index).map(|(_, step)| step);
        let step = step.ok_or_else(|| Error::NoSource { image: "a step that was not approved".to_owned() })?;
        let destination = self.wire.writing(&step.candidate.to)?;
        let subject = destination.manifest(&step.digest, LONGEST_MANIFEST).await?;
        let bundle = Bytes::from(bundle);
        for content in [Bytes::from_static(EMPTY), bundle.clone()] {
            write(&destination, content).await?;
        }
        let manifest = manifest(&destination, &subject, &bundle, predicate_type)?;
        let run = Run::new(self, approved, &Silent);
        let passage = Passage::new(&run, index, destination.clone(), destination);
        let tree =
            Tree { top: manifest.digest.clone(), manifests: BTreeMap::from([(manifest.digest.clone(), manifest)]) };
        evidence::bring(&passage, &Attached::of_one(step.digest.clone(), tree)).await
    }
}

impl Registries {
    /// Brings what belongs to an approved step's image, which is at its destination already, and is not there yet; tells whether there
    /// was anything to look for.
    ///
    /// # Errors
    /// A registry's.
    pub async fn complete(&self, approved: &Approved, index: usize) -> Result<bool, Error> {
        let step = approved.steps().find(|(own, _)| *own == index).map(|(_, step)| step);
        let Some((step, from)) = step.and_then(|step| Some((step, step.candidate.from.as_ref()?))) else {
            return Ok(false);
        };
        let (source, destination) = (self.wire.reading(from)?, self.wire.writing(&step.candidate.to)?);
        let tree = Tree::read(&destination, &step.digest, &self.shelf).await?;
        let run = Run::new(self, approved, &Silent);
        let filter = &step.candidate.copy.referrers;
        let attached = evidence::find(&source, &tree, filter, &run.digest_tags, &self.shelf).await?;
        if attached.is_empty() {
            return Ok(false);
        }
        evidence::bring(&Passage::new(&run, index, source, destination), &attached).await?;
        Ok(true)
    }
}

async fn write(destination: &Repository, content: Bytes) -> Result<(), Error> {
    let digest = Digest::of(&content);
    match destination.open(&digest, Some(destination.name())).await? {
        Opened::Mounted => Ok(()),
        Opened::Session(session) => destination.commit(session, &digest, content).await,
    }
}

fn manifest(
    destination: &Repository,
    subject: &Manifest,
    bundle: &Bytes,
    predicate_type: &str,
) -> Result<Manifest, Error> {
    let descriptor = |media_type: &str, content: &[u8]| json!({"mediaType": media_type, "size": content.len(), "digest": Digest::of(content).to_string()});
    let value = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": BUNDLE,
        "config": descriptor("application/vnd.oci.empty.v1+json", EMPTY),
        "layers": [descriptor(BUNDLE, bundle)],
        "annotations": {
            "dev.sigstore.bundle.content": "dsse-envelope",
            "dev.sigstore.bundle.predicateType": predicate_type,
        },
        "subject": {"mediaType": subject.media_type, "size": subject.bytes.len(), "digest": subject.digest.to_string()},
    });
    let bytes = Bytes::from(value.to_string());
    Manifest::parse(&destination.locator(), &Digest::of(&bytes), None, bytes)
}
