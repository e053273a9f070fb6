//! Applies the actions of a fault to a request before it is carried out, and to its answer after.

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};

use crate::domain::Digest;

use super::auth;
use super::call::Call;
use super::errors::{Broken, Code, Refusal};
use super::faults::Action;
use super::reply::{CONTENT_DIGEST, Reply};
use super::route::Route;
use super::server::State;

/// Does what comes before the request is carried out; an answer means that it is not carried out at all.
pub(super) async fn before(state: &State, actions: &[Action], call: &Call) -> Result<Option<Reply>, Broken> {
    for action in actions {
        match action {
            Action::Delay(time) => tokio::time::sleep(*time).await,
            Action::Pause => state.faults.hold().await,
            Action::Hang => std::future::pending().await,
            Action::Drop => return Err(Broken),
            Action::Status(status, retry_after) => {
                let reply = status_reply(state, call, *status);
                return Ok(Some(match retry_after {
                    Some(time) => reply.with(RETRY_AFTER, &time.as_secs().to_string()),
                    None => reply,
                }));
            }
            Action::Redirect(target) => {
                return Ok(Some(Reply::empty(StatusCode::TEMPORARY_REDIRECT).with(LOCATION, target)));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// Makes the answer of [`Action::Status`]; a 401 says what a real one would.
fn status_reply(state: &State, call: &Call, status: u16) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status.is_success() {
        return Reply::empty(status);
    }
    let reply = Refusal::new(Code::for_status(status), "this fault was asked for").reply_as(status);
    let challenge = Route::parse(&call.path)
        .ok()
        .filter(|_| status == StatusCode::UNAUTHORIZED)
        .and_then(|route| auth::challenge(state, call, &route, None));
    match challenge {
        Some(challenge) => reply.with(WWW_AUTHENTICATE, &challenge),
        None => reply,
    }
}

/// Changes an answer before it is sent.
pub(super) fn after(actions: &[Action], mut reply: Reply) -> Result<Reply, Broken> {
    for action in actions {
        reply = match action {
            Action::LoseAnswer => return Err(Broken),
            Action::Corrupt => corrupted(reply),
            Action::Body(body) => Reply { body: body.clone(), ..reply },
            Action::ContentType(media_type) => reply.with(CONTENT_TYPE, media_type),
            Action::WrongDigestHeader => reply.with(CONTENT_DIGEST, &Digest::of(b"something else").to_string()),
            Action::Header(name, value) => match HeaderName::try_from(name) {
                Ok(name) => reply.with(name, value),
                Err(_) => reply,
            },
            Action::WithoutHeader(name) => {
                reply.headers.remove(name);
                reply
            }
            _ => reply,
        };
    }
    Ok(reply)
}

fn corrupted(reply: Reply) -> Reply {
    let mut body = reply.body.to_vec();
    let middle = body.len() / 2;
    if let Some(byte) = body.get_mut(middle) {
        *byte ^= 1;
    }
    Reply { body: body.into(), ..reply }
}
