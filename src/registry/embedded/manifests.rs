//! Manifests: read as they were pushed, taken only when all they name is there.

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, LOCATION};
use hyper::{Method, StatusCode};

use crate::domain::Digest;

use super::call::Call;
use super::document::{Document, Part};
use super::errors::{Code, Failure, Refusal};
use super::reply::{CONTENT_DIGEST, OCI_SUBJECT, Reply};
use super::route::Reference;
use super::server::State;
use super::storage::{Manifest, Storage};

/// The most bytes of a manifest, the least that the specification has every registry take.
const MAX_SIZE: usize = 4 * 1024 * 1024;

/// Answers `/v2/<name>/manifests/<reference>`. What is stored is sent, whatever `Accept` says.
pub(super) async fn serve(
    state: &State,
    call: &mut Call,
    repository: &str,
    reference: &Reference,
) -> Result<Reply, Failure> {
    match call.method {
        Method::GET | Method::HEAD => {
            let manifest = state.storage().manifest(repository, reference);
            let manifest = manifest.ok_or_else(|| unknown(repository))?;
            let digest = manifest.digest.to_string();
            Ok(Reply::content(&manifest.media_type, manifest.content).with(CONTENT_DIGEST, &digest))
        }
        Method::PUT => {
            let content = call.body.collect(MAX_SIZE).await?;
            Ok(write(state, call, repository, reference, content)?)
        }
        Method::DELETE => match state.storage().delete_manifest(repository, reference) {
            true => Ok(Reply::empty(StatusCode::ACCEPTED)),
            false => Err(unknown(repository).into()),
        },
        _ => Err(call.unsupported().into()),
    }
}

fn unknown(repository: &str) -> Refusal {
    Refusal::new(Code::ManifestUnknown, format!("there is no such manifest in {repository}"))
}

fn write(
    state: &State,
    call: &Call,
    repository: &str,
    reference: &Reference,
    content: Bytes,
) -> Result<Reply, Refusal> {
    let document = Document::read(&content, call.header(&CONTENT_TYPE))?;
    let (digest, tag) = match reference {
        Reference::Tag(tag) => (Digest::of(&content), Some(tag.as_str())),
        Reference::Digest(digest) if digest.matches(&content) => (digest.clone(), None),
        Reference::Digest(digest) => {
            let message = format!("the content is not {digest}");
            return Err(Refusal::new(Code::DigestInvalid, message));
        }
    };
    let manifest = Manifest::new(digest.clone(), &document.media_type, content);
    let mut storage = state.storage();
    check_parts(&storage, repository, &document)?;
    if state.options.immutable_tags {
        check_tag_is_free(&storage, repository, reference, &digest)?;
    }
    storage.put_manifest(repository, manifest, tag);
    drop(storage);
    Ok(created(state, call, repository, &digest, document.subject.as_ref()))
}

fn created(state: &State, call: &Call, repository: &str, digest: &Digest, subject: Option<&Digest>) -> Reply {
    let location = state.location(call, &format!("/v2/{repository}/manifests/{digest}"));
    let reply = Reply::empty(StatusCode::CREATED).with(LOCATION, &location).with(CONTENT_DIGEST, &digest.to_string());
    // Without this header a client must keep the list of referrers itself, under a tag.
    match subject.filter(|_| state.options.referrers_api) {
        Some(subject) => reply.with(OCI_SUBJECT, &subject.to_string()),
        None => reply,
    }
}

fn check_parts(storage: &Storage, repository: &str, document: &Document) -> Result<(), Refusal> {
    for part in &document.blobs {
        let found = storage.blob(repository, &part.digest);
        check_part("blob", part, found.map(|content| content.len()))?;
    }
    for part in &document.children {
        let found = storage.manifest(repository, &Reference::Digest(part.digest.clone()));
        check_part("manifest", part, found.map(|manifest| manifest.content.len()))?;
    }
    Ok(())
}

fn check_part(kind: &str, part: &Part, found: Option<usize>) -> Result<(), Refusal> {
    let Part { digest, size } = part;
    match found {
        None => Err(Refusal::new(Code::ManifestBlobUnknown, format!("{kind} {digest} is not in this repository"))),
        Some(found) if u64::try_from(found) != Ok(*size) => Err(Refusal::new(
            Code::ManifestInvalid,
            format!("{kind} {digest} has {found} bytes, the manifest says {size}"),
        )),
        Some(_) => Ok(()),
    }
}

fn check_tag_is_free(
    storage: &Storage,
    repository: &str,
    reference: &Reference,
    digest: &Digest,
) -> Result<(), Refusal> {
    match (reference, storage.manifest(repository, reference)) {
        (Reference::Tag(tag), Some(present)) if present.digest != *digest => {
            let message = format!("tag {tag} is immutable and names {}", present.digest);
            Err(Refusal::new(Code::TagInvalid, message))
        }
        _ => Ok(()),
    }
}
