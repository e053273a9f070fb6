//! The client: one request at a time to GitHub's API, with our own patience.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HeaderMap, HeaderName, USER_AGENT};
use http::{Method, Request};
use http_body_util::{BodyExt as _, Limited};
use octocrab::Octocrab;
use octocrab::models::AppId;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::address;
use super::super::error::{Error, plain};
use super::super::jitter;
use super::super::patience::{Decision, Failure, Patience, Twice};

/// How long a connection may take to stand.
const CONNECT: Duration = Duration::from_secs(10);

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(30);

/// How long an answer may be, in bytes.
const LONGEST: usize = 8 << 20;

/// How many pages of one list are read.
const MOST_PAGES: usize = 30;

/// How requests are signed.
pub(super) enum Signing {
    /// By a token.
    Token(String),
    /// By an App's key.
    App(u64, jsonwebtoken::EncodingKey),
}

/// GitHub's API at one address.
#[derive(Debug, Clone)]
pub(super) struct Client {
    octocrab: Octocrab,
    /// The host, for people.
    pub host: String,
    /// What stands before every path: `/api/v3` on an enterprise server.
    prefix: String,
}

/// A request.
#[derive(Debug)]
pub(super) struct Call<'a, B> {
    /// What it is for: "read the statuses of …".
    pub action: &'a str,
    pub method: Method,
    /// The path with its query.
    pub path: String,
    pub body: Option<&'a B>,
    pub twice: Twice,
}

/// What became of a request that was not refused.
#[derive(Debug)]
pub(super) enum Sent {
    /// It was answered.
    Answer(HeaderMap, Bytes),
    /// It may have been carried out or not.
    Unsure,
}

impl Client {
    /// Makes a client for the API at `api_url`.
    pub(super) fn new(api_url: &str, signing: Signing) -> Result<Self, Error> {
        let (url, is_here) = address::read(api_url, "GitHub")?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let broken =
            |error: &dyn std::fmt::Display| Error::Setting(format!("no client for GitHub can be made: {error}"));
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        let http = if is_here { http.no_proxy() } else { http };
        let http = http.build().map_err(|error| broken(&error))?;
        let origin = url.origin().ascii_serialization();
        let builder = Octocrab::builder()
            .base_uri(origin.as_str())
            .map_err(|error| broken(&error))?
            .add_header(ACCEPT, "application/vnd.github+json".to_owned())
            .add_header(USER_AGENT, concat!("promote-bot/", env!("CARGO_PKG_VERSION")).to_owned())
            .add_header(HeaderName::from_static("x-github-api-version"), "2022-11-28".to_owned());
        let builder = match signing {
            Signing::Token(token) => builder.personal_token(token),
            Signing::App(id, key) => builder.app(AppId(id), key),
        };
        let octocrab = builder.build_with_reqwest(http).map_err(|error| broken(&error))?;
        let prefix = url.path().trim_end_matches('/').to_owned();
        Ok(Self { octocrab, host, prefix })
    }

    /// Reads one thing.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        action: &str,
        path: String,
        patience: &mut Patience,
    ) -> Result<T, Error> {
        let call = Call { action, method: Method::GET, path, body: None::<&()>, twice: Twice::Same };
        match self.send(&call, patience).await? {
            Sent::Answer(_, bytes) => self.parse(action, &bytes),
            Sent::Unsure => Err(self.odd(action, "did not answer")),
        }
    }

    /// Reads a list of pages; `take` finds the entries of one.
    pub(super) async fn list<T, P: DeserializeOwned>(
        &self,
        action: &str,
        path: String,
        patience: &mut Patience,
        take: impl Fn(P) -> Vec<T>,
    ) -> Result<Vec<T>, Error> {
        let (mut all, mut next) = (Vec::new(), Some(path));
        for _ in 0..MOST_PAGES {
            let Some(path) = next.take() else { return Ok(all) };
            let call = Call { action, method: Method::GET, path, body: None::<&()>, twice: Twice::Same };
            let Sent::Answer(headers, bytes) = self.send(&call, patience).await? else {
                return Err(self.odd(action, "did not answer"));
            };
            all.extend(take(self.parse(action, &bytes)?));
            next = headers.get("link").and_then(|link| link.to_str().ok()).and_then(|link| self.next(link));
        }
        match next {
            None => Ok(all),
            Some(_) => Err(self.odd(action, "sends its list in pages without end")),
        }
    }

    /// The path of the next page: whatever host a link names, credentials go to ours only.
    fn next(&self, link: &str) -> Option<String> {
        let link = link.split(',').find(|link| link.contains("rel=\"next\""))?;
        let target = link.split_once('<')?.1.split_once('>')?.0;
        let url = reqwest::Url::parse(target).ok()?;
        let path = url.path().strip_prefix(self.prefix.as_str())?;
        Some(url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
    }

    /// Sends a request until it is answered, refused, or nobody knows whether it was carried out.
    pub(super) async fn send<B: Serialize>(&self, call: &Call<'_, B>, patience: &mut Patience) -> Result<Sent, Error> {
        for attempt in 1.. {
            let (failure, error) = match self.once(call).await {
                Ok((status, headers, bytes)) if status < 300 => return Ok(Sent::Answer(headers, bytes)),
                Ok((status, headers, bytes)) => {
                    let message = message(&bytes);
                    let failure = match limit(status, &headers, &message) {
                        Some(wait) => Failure::Limit(wait),
                        None => Failure::Status(status),
                    };
                    let (action, forge) = (call.action.to_owned(), self.host.clone());
                    (failure, Error::Answered { action, forge, status, message })
                }
                Err((failure, error)) => (failure, error),
            };
            match patience.decide(attempt, call.twice, failure, jitter()) {
                Decision::Again(wait) => {
                    tracing::debug!(reason = %error.reason(), wait_ms = wait.as_millis(), "asking GitHub again");
                    tokio::time::sleep(wait).await;
                }
                Decision::Look(wait) => {
                    tokio::time::sleep(wait).await;
                    return Ok(Sent::Unsure);
                }
                Decision::Stop(wait) if matches!(failure, Failure::Limit(_)) => {
                    return Err(Error::Limited { action: call.action.to_owned(), forge: self.host.clone(), wait });
                }
                Decision::Stop(_) => return Err(error),
            }
        }
        Err(self.odd(call.action, "was asked without end"))
    }

    async fn once<B: Serialize>(&self, call: &Call<'_, B>) -> Result<(u16, HeaderMap, Bytes), (Failure, Error)> {
        let uri = format!("{}{}", self.prefix, call.path);
        tracing::debug!(method = %call.method, %uri, "GitHub");
        let request = Request::builder().method(call.method.clone()).uri(uri);
        let sent = async {
            let request = self.octocrab.build_request(request, call.body)?;
            self.octocrab.execute(request).await
        };
        let response = sent.await.map_err(|error| self.unreachable(call.action, &error))?;
        let (parts, body) = response.into_parts();
        let bytes = Limited::new(body, LONGEST).collect().await;
        let cut = |source| {
            let (action, forge) = (call.action.to_owned(), self.host.clone());
            (Failure::Cut, Error::Unreachable { action, forge, source })
        };
        Ok((parts.status.as_u16(), parts.headers, bytes.map_err(cut)?.to_bytes()))
    }

    fn unreachable(&self, action: &str, error: &octocrab::Error) -> (Failure, Error) {
        let mut root: &dyn std::error::Error = error;
        let mut was_sent = true;
        while let Some(source) = root.source() {
            root = source;
            if let Some(error) = root.downcast_ref::<reqwest::Error>() {
                was_sent &= !error.is_connect();
            }
        }
        let source = plain(&root.to_string()).into();
        let failure = if was_sent { Failure::Cut } else { Failure::Unsent };
        (failure, Error::Unreachable { action: action.to_owned(), forge: self.host.clone(), source })
    }

    pub(super) fn parse<T: DeserializeOwned>(&self, action: &str, bytes: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(bytes).map_err(|_| self.odd(action, "answered something else than its description says"))
    }

    pub(super) fn odd(&self, action: &str, what: &str) -> Error {
        Error::Protocol { action: action.to_owned(), forge: self.host.clone(), what: what.to_owned() }
    }
}

/// GitHub's own message, for people.
fn message(bytes: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Said {
        message: String,
    }
    let said = serde_json::from_slice::<Said>(bytes).map(|said| said.message).unwrap_or_default();
    if said.is_empty() { String::new() } else { format!("({})", plain(&said)) }
}

/// Tells whether a limit was reached, and for how long
/// (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>).
fn limit(status: u16, headers: &HeaderMap, message: &str) -> Option<Option<Duration>> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    if !matches!(status, 403 | 429) {
        return None;
    }
    if let Some(seconds) = number("retry-after") {
        return Some(Some(Duration::from_secs(seconds)));
    }
    if number("x-ratelimit-remaining") == Some(0) {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let reset = number("x-ratelimit-reset").map(Duration::from_secs);
        return Some(reset.map(|reset| reset.saturating_sub(now)));
    }
    let is_secondary = message.to_ascii_lowercase().contains("rate limit");
    (status == 429 || is_secondary).then_some(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_over_https_or_stays_here() {
        let made =
            |url: &str| Client::new(url, Signing::Token("t".to_owned())).map(|client| (client.host, client.prefix));
        let rt = tokio::runtime::Runtime::new().unwrap();
        let _guard = rt.enter();
        assert_eq!(made("https://api.github.com").unwrap(), ("api.github.com".to_owned(), String::new()));
        assert_eq!(made("https://ghe.example/api/v3/").unwrap(), ("ghe.example".to_owned(), "/api/v3".to_owned()));
        assert!(made("http://127.0.0.1:1").is_ok());
        for url in ["http://ghe.example", "ftp://x", "nonsense"] {
            assert!(matches!(made(url), Err(Error::Setting(_))), "{url}");
        }
    }

    #[test]
    fn limits_are_told_from_missing_rights() {
        let headers = |pairs: &[(&'static str, &str)]| {
            pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
        };
        let forbidden = "(Resource not accessible by integration)";
        assert_eq!(limit(403, &headers(&[("x-ratelimit-remaining", "12")]), forbidden), None);
        assert_eq!(limit(403, &headers(&[("retry-after", "30")]), ""), Some(Some(Duration::from_secs(30))));
        assert_eq!(limit(429, &headers(&[]), ""), Some(None));
        assert_eq!(limit(403, &headers(&[]), "(You have exceeded a secondary rate limit)"), Some(None));
        let past = headers(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")]);
        assert_eq!(limit(403, &past, ""), Some(Some(Duration::ZERO)));
        assert_eq!(limit(500, &headers(&[("retry-after", "30")]), ""), None);
    }

    #[test]
    fn the_next_page_is_asked_of_our_host_whatever_the_link_says() {
        let rt = tokio::runtime::Runtime::new().unwrap();
        let _guard = rt.enter();
        let client = Client::new("https://ghe.example/api/v3", Signing::Token("t".to_owned())).unwrap();
        let next = |link: &str| client.next(link);
        let link = "<https://elsewhere.example/api/v3/repos/a/b/issues/1/comments?page=2>; rel=\"next\", <https://x/>; rel=\"last\"";
        assert_eq!(next(link).as_deref(), Some("/repos/a/b/issues/1/comments?page=2"));
        assert_eq!(next("<https://ghe.example/api/v3/x>; rel=\"last\""), None);
        assert_eq!(next("<https://ghe.example/else>; rel=\"next\""), None);
    }
}
