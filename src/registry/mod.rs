//! Registries, and layouts on disk that stand for one: looks images up, copies approved ones with their digest unchanged, and proves them where they went.
//!
//! An edge: asynchronous, and the only home of `oci_client` and `reqwest`. Types and media types come from `oci_client`;
//! every transfer and every token goes through one guarded client (`host`), because credentials may only go to the host
//! they belong to, manifests may not grow without bound, and a copy should cost few requests.
//!
//! Writing takes an [`Approved`], which only [`policy::approve`](crate::policy::approve) makes. For each step: look at the
//! destination; bring the blobs (mounted, found, or streamed with digest and size checked on the way); write the manifests,
//! children first; bring what belongs to it (`evidence`); the name last; read it back.

mod address;
mod attach;
mod blob;
mod call;
mod carry_out;
mod challenge;
mod credentials;
pub mod embedded;
mod error;
mod evidence;
mod examine;
mod gather;
mod host;
mod layout;
mod lists;
mod manifest;
mod narrow;
mod order;
mod pace;
mod papers;
mod passage;
mod permits;
mod realm;
mod redirect;
mod remote;
mod repository;
mod retry;
mod secret;
mod settings;
mod slots;
mod step;
mod tally;
#[cfg(test)]
mod tests;
mod token;
mod tree;
mod wire;

pub use error::{Error, Said};
pub use examine::Examination;
pub use papers::PaperDesk;
pub use secret::Secret;
pub use settings::{CredentialSources, HostSettings, Settings};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::domain::{Candidate, Digest, Evidence, ImageRef, Outcome, Step};
use crate::policy::Approved;

/// Hears how a run goes. Calls come from one task at a time for each step, in the order begin, advance, finish.
pub trait Progress: Send + Sync {
    /// A step has begun; `total_bytes` is the size of all it is made of, where that is known.
    fn begin(&self, step: usize, what: &Step, total_bytes: Option<u64>);
    /// So many more bytes are at the destination, sent or found.
    fn advance(&self, step: usize, bytes: u64);
    /// A step has ended.
    fn finish(&self, step: usize, outcome: &Outcome);
}

/// How many MiB the manifests of all images at hand may be long together: one image's may be 64, most are less than one.
const TREES_MIB: usize = 512;

/// All registries of a run: connections, tokens and small content are shared between gathering and carrying out.
#[derive(Debug)]
pub struct Registries {
    wire: wire::Wire,
    shelf: tree::Shelf,
    /// How many MiB the manifests of all images at hand may be long together.
    trees: Semaphore,
    jobs: usize,
}

impl Registries {
    /// Makes the clients; nothing is asked yet, and credential files are read when a registry first wants credentials.
    ///
    /// # Errors
    /// [`Error::Settings`] when a host has a user without password or no client can be made.
    pub fn new(settings: Settings, environment: &CredentialSources) -> Result<Self, Error> {
        let jobs = settings.jobs;
        Ok(Self {
            wire: wire::Wire::new(settings, environment)?,
            shelf: tree::Shelf::default(),
            trees: Semaphore::new(TREES_MIB),
            jobs,
        })
    }

    /// Looks up every candidate at its source and its destination: one evidence for each, in their order. What could not
    /// be asked is in the evidence, as [`Seen::Unknown`](crate::domain::Seen::Unknown).
    pub async fn gather(&self, candidates: &[Candidate]) -> Vec<Evidence> {
        let evidence = gather::Lookups::new(self).gather(candidates).await;
        self.wire.tell();
        evidence
    }

    /// Opens the desk where what hangs on images is read for their rules.
    #[must_use]
    pub fn papers(&self) -> PaperDesk<'_> {
        PaperDesk::new(self)
    }

    /// Copies every approved step that its destination lacks: one outcome for each, in the order of the plan.
    pub async fn carry_out(&self, approved: &Approved, progress: &dyn Progress) -> Vec<(usize, Outcome)> {
        let outcomes = carry_out::Run::new(self, approved, progress).carry_out(approved).await;
        self.wire.tell();
        outcomes
    }

    /// Returns the digest that an image's tag resolves to, and keeps the manifest that has it.
    async fn read(&self, image: &ImageRef) -> Result<Option<Digest>, Error> {
        let Some(tag) = image.effective_tag() else { return self.resolve(image).await };
        let repository = self.wire.reading(image)?;
        match repository.named(tag).await {
            Ok(manifest) => Ok(manifest.map(|manifest| {
                self.shelf.keep(&repository, &manifest);
                manifest.digest
            })),
            // What is wrong with it is said where it is copied.
            Err(error) if error.is_final() => self.resolve(image).await,
            Err(error) => Err(error),
        }
    }

    /// Waits until there is room for the manifests of an image; as long as what is returned is kept, it is taken.
    async fn make_room(
        &self,
        repository: &repository::Repository,
        digest: &Digest,
    ) -> Result<Option<SemaphorePermit<'_>>, Error> {
        let weight = tree::Tree::weight_mib(repository, digest, &self.shelf).await?;
        // The semaphore is never closed; without a permit the reading would only be less sparing.
        Ok(self.trees.acquire_many(weight).await.ok())
    }

    /// Returns the digest an image resolves to, by its tag where it has one, else by its digest; `None` when the registry
    /// does not have it.
    ///
    /// # Errors
    /// When the registry cannot be asked.
    pub async fn resolve(&self, image: &ImageRef) -> Result<Option<Digest>, Error> {
        let repository = self.wire.reading(image)?;
        let digest = image.digest().map(ToString::to_string);
        match image.effective_tag().map(str::to_owned).or(digest) {
            Some(reference) => repository.head(&reference).await,
            None => Ok(None),
        }
    }
}
