//! One step: look, bring the blobs, write the manifests, name them, prove it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::try_join_all;

use super::blob::Ferry;
use super::carry_out::{Came, Run};
use super::error::Error;
use super::manifest::{Blob, Manifest};
use super::order;
use super::repository::Repository;
use super::tree::Tree;
use crate::domain::{Digest, ImageRef, Outcome, Step};

/// How often a name is read after it was written, for registries that show it late.
const LOOKS: u32 = 3;

/// How long such a registry is given between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(400);

/// How a step ends before anything is written.
enum Look {
    /// The destination holds the pinned digest.
    Present,
    /// The destination may be written to.
    Free,
    /// The destination holds something else.
    Taken(Digest),
}

/// Bytes a step sent, and bytes it did not have to.
#[derive(Default)]
struct Count {
    copied: AtomicU64,
    reused: AtomicU64,
}

/// Carries out a step whose source is there.
pub(super) async fn carry_out(run: &Run<'_>, index: usize, step: &Step) -> Outcome {
    match copy(run, index, step).await {
        Ok(outcome) => outcome,
        Err(error) => failed(&error),
    }
}

/// Makes an outcome of an error.
pub(super) fn failed(error: &Error) -> Outcome {
    let (reason, hint) = (error.reason(), error.hint().unwrap_or_default());
    match error.is_final() {
        true => Outcome::Refused { reason, hint },
        false => Outcome::Failed { reason, hint },
    }
}

async fn copy(run: &Run<'_>, index: usize, step: &Step) -> Result<Outcome, Error> {
    let to = &step.candidate.to;
    let destination = Repository::writing(run.registries.wire.host(to)?, to);
    match look(&destination, step).await? {
        Look::Present => return Ok(Outcome::Present),
        Look::Taken(found) => return Ok(conflict(&found)),
        Look::Free => {}
    }
    let from = step.candidate.from.as_ref().ok_or_else(|| Error::NoSource { image: to.to_string() })?;
    let source = Repository::reading(run.registries.wire.host(from)?, from);
    let tree = Tree::read(&source, &step.digest, &run.registries.shelf).await?;
    let passage = Passage { run, index, source, destination, count: Count::default() };
    // `Tree::read` begins with the top.
    let writes = order::writes(&tree).ok_or_else(|| passage.missing(&step.digest))?;
    try_join_all(writes.blobs.into_iter().map(|blob| passage.bring(blob))).await?;
    for stage in writes.manifests {
        try_join_all(stage.into_iter().map(|manifest| passage.put(manifest))).await?;
    }
    if let Some(outcome) = name(run, &passage.destination, step, writes.name).await? {
        return Ok(outcome);
    }
    passage.sent(writes.name);
    prove(&passage.destination, step).await?;
    Ok(Outcome::Copied {
        source_moved: has_moved(&passage.source, from, &step.digest).await,
        bytes_copied: passage.count.copied.into_inner(),
        bytes_reused: passage.count.reused.into_inner(),
    })
}

/// A step on its way: where from, where to, and what it has moved so far.
struct Passage<'a> {
    run: &'a Run<'a>,
    index: usize,
    source: Repository,
    destination: Repository,
    count: Count,
}

impl Passage<'_> {
    async fn bring(&self, blob: &Blob) -> Result<(), Error> {
        let advance = |bytes| self.run.progress.advance(self.index, bytes);
        let (source, destination, shelf) = (&self.source, &self.destination, &self.run.registries.shelf);
        let counter = match self.run.bring(&Ferry { source, destination, blob, shelf, advance: &advance }).await? {
            Came::Copied => &self.count.copied,
            Came::Reused => &self.count.reused,
        };
        counter.fetch_add(blob.size_bytes, Ordering::Relaxed);
        Ok(())
    }

    async fn put(&self, manifest: &Manifest) -> Result<(), Error> {
        self.run.write(&self.destination, &manifest.digest.to_string(), manifest).await?;
        self.sent(manifest);
        Ok(())
    }

    fn sent(&self, manifest: &Manifest) {
        let size_bytes = manifest.bytes.len() as u64;
        self.count.copied.fetch_add(size_bytes, Ordering::Relaxed);
        self.run.progress.advance(self.index, size_bytes);
    }

    fn missing(&self, digest: &Digest) -> Error {
        Error::Missing { digest: digest.clone(), repository: self.source.locator() }
    }
}

/// Looks whether the destination is as the plan expects it.
async fn look(destination: &Repository, step: &Step) -> Result<Look, Error> {
    let found = destination.head(&written_as(&step.candidate.to, &step.digest)).await?;
    Ok(match found {
        Some(found) if found == step.digest => Look::Present,
        found if step.expected.allows(found.as_ref(), &step.digest) => Look::Free,
        Some(found) => Look::Taken(found),
        None => Look::Free,
    })
}

/// Gives the top manifest its name; returns an outcome when somebody else was faster or the registry does not let us.
async fn name(
    run: &Run<'_>,
    destination: &Repository,
    step: &Step,
    manifest: &Manifest,
) -> Result<Option<Outcome>, Error> {
    if let Look::Taken(found) = look(destination, step).await? {
        return Ok(Some(conflict(&found)));
    }
    let reference = written_as(&step.candidate.to, &step.digest);
    match run.write(destination, &reference, manifest).await {
        Ok(()) => Ok(None),
        Err(Error::Answered { action, registry, said }) if said.is_immutable_tag() => {
            match look(destination, step).await? {
                Look::Present => Ok(None),
                Look::Taken(found) => Ok(Some(conflict(&found))),
                Look::Free => {
                    let hint = format!("let the bot write new tags at {registry}");
                    let reason = Error::Answered { action, registry, said }.reason();
                    Ok(Some(Outcome::Refused { reason, hint }))
                }
            }
        }
        Err(error) => Err(error),
    }
}

/// Reads the destination again: every name the reference has must show the pinned digest.
async fn prove(destination: &Repository, step: &Step) -> Result<(), Error> {
    let to = &step.candidate.to;
    let by_digest = to.digest().map(ToString::to_string);
    let names = to.effective_tag().map(str::to_owned).into_iter().chain(by_digest);
    for name in names {
        let mut found = destination.head(&name).await?;
        for _ in 1..LOOKS {
            if found.as_ref() == Some(&step.digest) {
                break;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
            found = destination.head(&name).await?;
        }
        if found.as_ref() != Some(&step.digest) {
            let found = found.map_or_else(|| "nothing".to_owned(), |found| found.to_string());
            return Err(Error::Unproved { image: to.to_string(), expected: step.digest.clone(), found });
        }
    }
    Ok(())
}

/// Tells whether the source's tag names something else by now; a source that cannot be asked any more does not undo a copy
/// that is proved.
async fn has_moved(source: &Repository, from: &ImageRef, digest: &Digest) -> bool {
    match from.effective_tag() {
        Some(tag) => matches!(source.head(tag).await, Ok(Some(found)) if found != *digest),
        None => false,
    }
}

/// Returns the name the manifest is written under: the tag, or the digest where the reference has no tag.
fn written_as(to: &ImageRef, digest: &Digest) -> String {
    to.effective_tag().map_or_else(|| digest.to_string(), str::to_owned)
}

fn conflict(found: &Digest) -> Outcome {
    Outcome::Conflict { found: found.to_string() }
}
