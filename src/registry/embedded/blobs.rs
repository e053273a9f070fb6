//! Blobs: asked for, read, hidden.

use bytes::Bytes;
use hyper::header::{ACCEPT_RANGES, CONTENT_RANGE, RANGE};
use hyper::{Method, StatusCode};

use crate::domain::Digest;

use super::call::Call;
use super::errors::{Code, Refusal};
use super::reply::{CONTENT_DIGEST, Reply};
use super::server::State;

/// Answers `/v2/<name>/blobs/<digest>`.
pub(super) fn serve(state: &State, call: &Call, repository: &str, digest: &Digest) -> Result<Reply, Refusal> {
    match call.method {
        Method::GET | Method::HEAD => {
            let blob = state.storage().blob(repository, digest);
            read(call, blob.ok_or_else(|| unknown(repository, digest))?, digest)
        }
        Method::DELETE => match state.storage().remove_blob(repository, digest) {
            true => Ok(Reply::empty(StatusCode::ACCEPTED)),
            false => Err(unknown(repository, digest)),
        },
        _ => Err(call.unsupported()),
    }
}

fn unknown(repository: &str, digest: &Digest) -> Refusal {
    Refusal::new(Code::BlobUnknown, format!("blob {digest} is not in {repository}"))
}

fn read(call: &Call, blob: Bytes, digest: &Digest) -> Result<Reply, Refusal> {
    let size = blob.len();
    let part = match call.header(&RANGE) {
        Some(range) if call.method == Method::GET => part_asked_for(range, size)?,
        _ => None,
    };
    let reply = match part {
        None => Reply::content("application/octet-stream", blob),
        Some((first, last)) => Reply {
            status: StatusCode::PARTIAL_CONTENT,
            ..Reply::content("application/octet-stream", blob.slice(first..=last))
        }
        .with(CONTENT_RANGE, &format!("bytes {first}-{last}/{size}")),
    };
    Ok(reply.with(ACCEPT_RANGES, "bytes").with(CONTENT_DIGEST, &digest.to_string()))
}

/// Returns the first and last byte a `Range` asks for; `None` when RFC 9110 has it ignored, as it also allows for
/// more than one range.
fn part_asked_for(range: &str, size: usize) -> Result<Option<(usize, usize)>, Refusal> {
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Ok(None);
    };
    let (first, last) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.min(size.saturating_sub(1))),
        (Ok(first), Err(_)) if last.is_empty() => (first, size.saturating_sub(1)),
        (Err(_), Ok(length)) if first.is_empty() => (size.saturating_sub(length), size.saturating_sub(1)),
        _ => return Ok(None),
    };
    if first > last || first >= size {
        let refusal = Refusal::new(Code::RangeInvalid, format!("the blob has {size} bytes"));
        return Err(refusal.with(CONTENT_RANGE, format!("bytes */{size}")));
    }
    Ok(Some((first, last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_http_has_them() {
        let part = |range| part_asked_for(range, 10).unwrap();
        assert_eq!(part("bytes=0-3"), Some((0, 3)));
        assert_eq!(part("bytes=4-"), Some((4, 9)));
        assert_eq!(part("bytes=-3"), Some((7, 9)));
        assert_eq!(part("bytes=-99"), Some((0, 9)));
        assert_eq!(part("bytes=8-99"), Some((8, 9)));
        for ignored in ["bytes=3-1", "bytes=0-1,3-4", "lines=1-2", "bytes=a-b", "bytes=-"] {
            assert_eq!(part(ignored), None, "{ignored}");
        }
        for beyond in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert!(part_asked_for(beyond, 10).is_err(), "{beyond}");
        }
        assert!(part_asked_for("bytes=0-", 0).is_err());
    }
}
