//! One step: look, bring the blobs and the manifests, what belongs to them, the name last, and prove it.

use std::time::Duration;

use super::carry_out::Run;
use super::error::Error;
use super::evidence;
use super::manifest::{Manifest, Name};
use super::narrow::narrow;
use super::passage::Passage;
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
    // The look that the plan was made by is the proof; what was missing then is looked for again just before it is named.
    if step.present {
        return Ok(Outcome::Present);
    }
    let to = &step.candidate.to;
    let destination = run.registries.wire.writing(to)?;
    let from = step.candidate.from.as_ref().ok_or_else(|| Error::NoSource { image: to.to_string() })?;
    let source = run.registries.wire.reading(from)?;
    let at_source = step.content.as_ref().and_then(|content| content.narrowed.as_ref()).map(|narrowed| &narrowed.from);
    let at_source = at_source.unwrap_or(&step.digest);
    let _room = run.registries.make_room(&source, at_source).await?;
    let tree = tree(run, step, &source, at_source).await?;
    let filter = &step.candidate.copy.referrers;
    let attached = evidence::find(&source, &tree, filter, &run.digest_tags, &run.registries.shelf);
    let passage = Passage::new(run, index, source.clone(), destination);
    let (attached, top) = tokio::try_join!(attached, passage.bring_parts(&tree))?;
    if !attached.is_empty() {
        // A digest that is there is a copy that is whole: where it is the name, it comes last too.
        if to.effective_tag().is_some() {
            // Some registries take a referrer only of what they have.
            passage.put(top).await?;
        }
        evidence::bring(&passage, &attached).await?;
        // What was listed of the destination, should it be a source too, is not all any more.
        run.digest_tags.forget(&passage.destination.locator());
    }
    if let Some(outcome) = name(run, &passage.destination, step, top).await? {
        return Ok(outcome);
    }
    passage.sent(top);
    let (proved, source_moved) =
        tokio::join!(prove(&passage.destination, step), has_moved(&passage.source, from, at_source));
    proved?;
    let (bytes_copied, bytes_reused) = passage.bytes();
    let (referrers, passed_over) = (attached.referrers(), attached.passed_over);
    Ok(Outcome::Copied { bytes_copied, bytes_reused, source_moved, referrers, passed_over })
}

/// Reads the image at its source, as much of it as is wanted: what the plan pinned.
async fn tree(run: &Run<'_>, step: &Step, source: &Repository, at_source: &Digest) -> Result<Tree, Error> {
    let whole = Tree::read(source, at_source, &run.registries.shelf).await?;
    if *at_source == step.digest {
        return Ok(whole);
    }
    match narrow(&whole, &step.candidate.copy.platforms, &source.locator())? {
        Some((rest, narrowed)) if narrowed.digest == step.digest => Ok(rest),
        _ => Err(Error::Manifest {
            digest: at_source.clone(),
            repository: source.locator(),
            why: format!("without the platforms that are not wanted it is not {}, as planned", step.digest),
        }),
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
    match look(destination, step).await? {
        Look::Present => return Ok(Some(Outcome::Present)),
        Look::Taken(found) => return Ok(Some(conflict(&found))),
        Look::Free => {}
    }
    let name = step.candidate.to.effective_tag().map_or(Name::Digest, |tag| Name::Tag(tag, None));
    match run.write(destination, name, manifest).await {
        Ok(()) => Ok(None),
        Err(Error::Overtaken { found, .. }) => Ok(Some(conflict(&found))),
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
