//! Calls: one request to a registry, and what it answered.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};

use super::challenge::Challenge;
use super::error::{Error, Said};
use super::retry;
use super::secret::Secret;

/// How long nothing may move before a connection is given up.
pub(super) const IDLE: Duration = Duration::from_secs(60);

/// How long a look-up may take to be answered: it moves next to nothing, and somebody waits for the verdict.
pub(super) const LOOK: Duration = Duration::from_secs(20);

/// How long an answer that is read whole may take, so that a drip cannot go on for ever.
const WHOLE: Duration = Duration::from_secs(180);

/// How much of an answer is read that is only looked at for what it says.
pub(super) const SHORT: u64 = 64 << 10;

/// The rights a request needs, as the scopes of the token specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope(Vec<String>);

impl Scope {
    /// Needs to read a repository.
    pub(super) fn pull(repository: &str) -> Self {
        Self(vec![format!("repository:{repository}:pull")])
    }

    /// Needs to read and write a repository.
    pub(super) fn push(repository: &str) -> Self {
        Self(vec![format!("repository:{repository}:pull,push")])
    }

    /// Needs what `self` and `others` name; what is covered already is not named again, so that one token serves.
    pub(super) fn and(mut self, others: &[String]) -> Self {
        for other in others {
            if !self.0.iter().any(|scope| covers(scope, other)) {
                self.0.push(other.clone());
            }
        }
        self
    }

    /// Returns the scopes one by one.
    pub(super) fn parts(&self) -> &[String] {
        &self.0
    }
}

/// Tells whether the scope `wide` allows all that `narrow` does: the same resource, no action missing.
fn covers(wide: &str, narrow: &str) -> bool {
    match (wide.rsplit_once(':'), narrow.rsplit_once(':')) {
        (Some((resource, has)), Some((other, wants))) => {
            resource == other && wants.split(',').all(|want| has.split(',').any(|has| has == want))
        }
        _ => wide == narrow,
    }
}

/// How much of a good answer's body is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// At most this many bytes, all at once.
    Whole(u64),
    /// The stream.
    Stream,
}

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// What it is for: "read manifest sha256:… of reg/repo".
    pub action: String,
    /// The repository it is about.
    pub repository: String,
    /// The rights it needs.
    pub scope: Scope,
    /// The method.
    pub method: Method,
    /// Where it goes.
    pub url: Url,
    /// Headers beside the authorization.
    pub headers: HeaderMap,
    /// What is sent.
    pub body: Bytes,
    /// What is read.
    pub want: Want,
    /// Whether a redirect led it to another host: then it carries no authorization.
    pub is_abroad: bool,
    /// Whether something that holds a permit waits for it: then it needs none.
    pub is_urgent: bool,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    /// The registry that was asked.
    pub registry: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, when it was wanted whole or tells of an error.
    pub whole: Bytes,
    /// The body, when it was wanted as a stream.
    pub stream: Option<reqwest::Response>,
    /// Whether credentials were sent.
    pub authenticated: bool,
    /// What was sent and may be echoed.
    pub hide: Vec<Secret>,
}

impl Answer {
    /// Returns a header's text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns what the registry wants to see before it answers.
    pub(super) fn challenge(&self) -> Option<Challenge> {
        Challenge::pick(self.headers.get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok()))
    }

    /// Returns what the registry said.
    pub(super) fn said(&self) -> Said {
        let hide = |text: &str| self.hide.iter().fold(text.to_owned(), |text, secret| secret.redact(&text));
        let retry_after_seconds = self.retry_after().and_then(|pause| u8::try_from(pause.as_secs()).ok());
        Said { retry_after_seconds, ..Said::read(self.status, &self.whole, hide) }
    }

    /// Returns how long the registry asks to be left alone.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        retry::retry_after(self.header("retry-after"), std::time::SystemTime::now())
    }

    /// Makes an error of an answer that was not expected.
    pub(super) fn refusal(&self, action: &str) -> Error {
        let (action, registry, said) = (action.to_owned(), self.registry.clone(), self.said());
        match self.status {
            401 | 403 => Error::Denied { action, registry, authenticated: self.authenticated, said },
            _ => Error::Answered { action, registry, said },
        }
    }
}

/// Makes an error of a transport that failed; the URL stays out of it.
pub(super) fn unreachable(action: &str, registry: &str, error: reqwest::Error) -> Error {
    Error::Unreachable { action: action.to_owned(), registry: registry.to_owned(), source: error.without_url().into() }
}

/// Reads a body of at most `limit_bytes`.
pub(super) async fn read_whole(
    action: &str,
    registry: &str,
    mut response: reqwest::Response,
    limit_bytes: u64,
) -> Result<Bytes, Error> {
    let too_large = || Error::TooLarge { action: action.to_owned(), registry: registry.to_owned(), limit_bytes };
    let reading = async {
        let mut body = BytesMut::new();
        while let Some(chunk) = next_chunk(action, registry, &mut response).await? {
            if body.len() as u64 + chunk.len() as u64 > limit_bytes {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    let stalled = |_| Error::Stalled { action: action.to_owned(), registry: registry.to_owned(), after: WHOLE };
    tokio::time::timeout(WHOLE, reading).await.map_err(stalled)?
}

/// Reads the next piece of a body; `None` at its end.
pub(super) async fn next_chunk(
    action: &str,
    registry: &str,
    response: &mut reqwest::Response,
) -> Result<Option<Bytes>, Error> {
    match tokio::time::timeout(IDLE, response.chunk()).await {
        Ok(chunk) => chunk.map_err(|error| unreachable(action, registry, error)),
        Err(_) => Err(Error::Stalled { action: action.to_owned(), registry: registry.to_owned(), after: IDLE }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_that_is_covered_is_not_asked_for_again() {
        let asked = |scope: Scope, others: &[&str]| {
            let others: Vec<String> = others.iter().map(|other| (*other).to_owned()).collect();
            scope.and(&others).parts().join(" ")
        };
        assert_eq!(
            asked(Scope::push("api"), &["repository:api:pull", "repository:api:push,pull"]),
            "repository:api:pull,push"
        );
        assert_eq!(
            asked(Scope::pull("api"), &["repository:api:pull,push"]),
            "repository:api:pull repository:api:pull,push"
        );
        assert_eq!(
            asked(Scope::pull("api"), &["repository:app:pull", "odd"]),
            "repository:api:pull repository:app:pull odd"
        );
    }
}
