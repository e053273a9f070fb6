//! Blobs coming in: at once, in one request after another, or mounted.

use hyper::header::{CONTENT_RANGE, LOCATION, RANGE};
use hyper::{Method, StatusCode};

use crate::domain::Digest;

use super::call::Call;
use super::errors::{Code, Failure, Refusal};
use super::reply::{CONTENT_DIGEST, Reply, UPLOAD_UUID};
use super::route;
use super::server::State;
use super::sessions::Key;

/// Answers `POST /v2/<name>/blobs/uploads/`: mounts a blob, takes a whole one, or opens an upload.
pub(super) async fn start(state: &State, call: &mut Call, repository: &str) -> Result<Reply, Failure> {
    if call.method != Method::POST {
        return Err(call.unsupported().into());
    }
    if let Some(digest) = call.query.get("mount") {
        let digest = route::digest(digest)?;
        let from = call.query.get("from").filter(|_| state.options.mount);
        if from.is_some_and(|from| state.storage().mount(from, repository, &digest)) {
            return Ok(created(state, call, repository, &digest));
        }
    } else if let Some(digest) = call.query.get("digest") {
        let digest = route::digest(digest)?;
        let key = state.sessions.open(repository);
        receive(state, call, &key).await?;
        return Ok(finish(state, call, &key, &digest)?);
    }
    Ok(progress(state, call, &state.sessions.open(repository), 0, StatusCode::ACCEPTED))
}

/// Answers `/v2/<name>/blobs/uploads/<id>`.
pub(super) async fn serve(state: &State, call: &mut Call, repository: &str, id: &str) -> Result<Reply, Failure> {
    let key = Key {
        repository: repository.to_owned(),
        id: id.to_owned(),
        state: call.query.get("_state").unwrap_or_default().to_owned(),
    };
    let length = state.sessions.length(&key)?;
    match call.method {
        Method::GET => Ok(progress(state, call, &key, length, StatusCode::NO_CONTENT)),
        Method::PATCH => {
            check_range(state, call, &key, length)?;
            receive(state, call, &key).await?;
            let length = state.sessions.length(&key)?;
            Ok(progress(state, call, &key, length, StatusCode::ACCEPTED))
        }
        Method::PUT => {
            let missing = || Refusal::new(Code::DigestInvalid, "the query has no `digest`");
            let digest = route::digest(call.query.get("digest").ok_or_else(missing)?)?;
            check_range(state, call, &key, length)?;
            receive(state, call, &key).await?;
            Ok(finish(state, call, &key, &digest)?)
        }
        Method::DELETE => {
            state.sessions.close(&key)?;
            Ok(Reply::empty(StatusCode::NO_CONTENT))
        }
        _ => Err(call.unsupported().into()),
    }
}

async fn receive(state: &State, call: &mut Call, key: &Key) -> Result<(), Failure> {
    while let Some(piece) = call.body.next().await? {
        state.sessions.append(key, &piece)?;
    }
    Ok(())
}

/// Closes the upload, whatever comes of it: docker-registry, too, forgets an upload with the wrong digest.
fn finish(state: &State, call: &Call, key: &Key, digest: &Digest) -> Result<Reply, Refusal> {
    let content = state.sessions.close(key)?;
    if !digest.matches(&content) {
        let message = format!("the content is not {digest}");
        return Err(Refusal::new(Code::DigestInvalid, message));
    }
    state.storage().add_blob(&key.repository, digest.clone(), content);
    Ok(created(state, call, &key.repository, digest))
}

fn created(state: &State, call: &Call, repository: &str, digest: &Digest) -> Reply {
    let location = state.location(call, &format!("/v2/{repository}/blobs/{digest}"));
    Reply::empty(StatusCode::CREATED).with(LOCATION, &location).with(CONTENT_DIGEST, &digest.to_string())
}

fn progress(state: &State, call: &Call, key: &Key, length: usize, status: StatusCode) -> Reply {
    Reply::empty(status)
        .with(LOCATION, &upload_location(state, call, key))
        .with(RANGE, &received_range(length))
        .with(UPLOAD_UUID, &key.id)
}

fn upload_location(state: &State, call: &Call, key: &Key) -> String {
    let path = format!("/v2/{}/blobs/uploads/{}?_state={}", key.repository, key.id, key.state);
    state.location(call, &path)
}

/// Writes what arrived; there is no way to write nothing, docker-registry writes `0-0` for that as well.
fn received_range(length: usize) -> String {
    format!("0-{}", length.saturating_sub(1))
}

fn check_range(state: &State, call: &Call, key: &Key, length: usize) -> Result<(), Refusal> {
    let Some(range) = call.header(&CONTENT_RANGE) else {
        return Ok(());
    };
    check_chunk(range, call.content_length(), length).map_err(|refusal| {
        refusal.with(LOCATION, upload_location(state, call, key)).with(RANGE, received_range(length))
    })
}

/// Checks that a chunk starts where the last one ended and is as long as it says.
fn check_chunk(range: &str, content_length: Option<u64>, length: usize) -> Result<(), Refusal> {
    let ends = range.split_once('-');
    let ends = ends.and_then(|(first, last)| Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?)));
    let Some((first, last)) = ends.filter(|(first, last)| first <= last) else {
        let message = "Content-Range is not `<first>-<last>`";
        return Err(Refusal::new(Code::BlobUploadInvalid, message));
    };
    if u64::try_from(length) != Ok(first) {
        let message = format!("the chunk starts at {first} but {length} bytes arrived so far");
        return Err(Refusal::new(Code::RangeInvalid, message));
    }
    if content_length.is_some_and(|announced| announced != last - first + 1) {
        let message = "Content-Range and Content-Length disagree";
        return Err(Refusal::new(Code::SizeInvalid, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_goes_on_where_the_last_one_ended() {
        assert!(check_chunk("5-9", Some(5), 5).is_ok());
        assert!(check_chunk("5-9", None, 5).is_ok());
        for (range, content_length) in [("0-4", 5), ("6-9", 4), ("5-9", 4), ("9-5", 5), ("bytes 5-9/10", 5)] {
            assert!(check_chunk(range, Some(content_length), 5).is_err(), "{range}");
        }
    }
}
