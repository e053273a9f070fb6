//! Tokens: credentials exchanged for the right to do one thing, each fetched once and renewed before it ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::{Method, Request, Url};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::call::{Answer, IDLE, SHORT, Scope, read_whole, unreachable};
use super::credentials::{Credential, Store};
use super::error::Error;
use super::realm::{self, Standing};
use super::redirect::{self, Pinned};
use super::secret::Secret;
use super::slots::Slots;

/// How long a token lasts whose service does not say (the token specification's own default).
const DEFAULT_LIFE: Duration = Duration::from_secs(60);

/// How long before its end a token is renewed; a quarter of its life when that is shorter.
const RENEWED_BEFORE: Duration = Duration::from_secs(30);

/// Where tokens of one registry come from.
#[derive(Debug)]
pub(super) struct TokenDesk {
    pub registry: String,
    pub base: Url,
    pub client: reqwest::Client,
    pub store: Arc<Store>,
    pub pinned: Pinned,
    // One lock per scope: whoever needs the same token waits for the one request.
    slots: Slots<String, Mutex<Option<Token>>>,
}

/// What a request shows to be let in.
#[derive(Debug, Clone)]
pub(super) struct Pass {
    /// The token.
    pub token: Secret,
    /// Whether credentials stand behind it.
    pub authenticated: bool,
}

#[derive(Debug, Clone)]
struct Token {
    pass: Pass,
    renew_at: Instant,
}

/// What a token is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Errand<'a> {
    pub action: &'a str,
    pub repository: &'a str,
    pub scope: &'a Scope,
    pub realm: &'a str,
    pub service: Option<&'a str>,
}

/// A token service's answer.
#[derive(Deserialize)]
struct Granted {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

impl TokenDesk {
    pub(super) fn new(registry: String, base: Url, client: reqwest::Client, store: Arc<Store>, pinned: Pinned) -> Self {
        Self { registry, base, client, store, pinned, slots: Slots::default() }
    }

    /// Returns a token for an errand: the one at hand, unless it nears its end or is the `stale` one the registry refused.
    pub(super) async fn pass(&self, errand: Errand<'_>, stale: Option<&Secret>) -> Result<Pass, Error> {
        let key = errand.scope.parts().join(" ");
        let slot = self.slots.of(key);
        let mut held = slot.lock().await;
        if let Some(token) = held.as_ref()
            && token.renew_at > Instant::now()
            && stale != Some(&token.pass.token)
        {
            return Ok(token.pass.clone());
        }
        let token = self.fetch(errand).await?;
        Ok(held.insert(token).pass.clone())
    }

    async fn fetch(&self, errand: Errand<'_>) -> Result<Token, Error> {
        let realm = Url::parse(errand.realm)
            .map_err(|_| self.protocol(errand, "names a token service that is not an address"))?;
        let credential = self.store.find(&self.registry, errand.repository).await?;
        self.guard(errand, &realm, credential.is_some()).await?;
        // Tried once: whoever needs the token tries again as a whole, and doing both would multiply.
        self.exchange(errand, &realm, credential.as_ref()).await
    }

    /// Keeps credentials from a stranger's token service, and anonymous requests from inner networks.
    async fn guard(&self, errand: Errand<'_>, realm: &Url, has_credential: bool) -> Result<(), Error> {
        if realm::judge(&self.registry, &self.base, realm) == Standing::Own {
            return Ok(());
        }
        let (action, registry) = (errand.action.to_owned(), self.registry.clone());
        if has_credential {
            return Err(Error::ForeignRealm { action, registry, realm: redirect::shown(realm) });
        }
        let misled = |why| Error::Misled { action, registry, target: redirect::shown(realm), why };
        match realm.scheme() == "https" || self.base.scheme() == "http" {
            true => self.pinned.guard(&self.base, realm).await.map_err(misled),
            false => Err(misled("which is not encrypted")),
        }
    }

    async fn exchange(&self, errand: Errand<'_>, realm: &Url, credential: Option<&Credential>) -> Result<Token, Error> {
        let action = format!("get a token to {}", errand.action);
        let request = token_request(errand, realm, credential);
        tracing::debug!(registry = %self.registry, scope = ?errand.scope, "token");
        let stalled = |_| Error::Stalled { action: action.clone(), registry: self.registry.clone(), after: IDLE };
        let response = tokio::time::timeout(IDLE, self.client.execute(request)).await.map_err(stalled)?;
        let response = response.map_err(|error| unreachable(&action, &self.registry, error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let whole = read_whole(&action, &self.registry, response, SHORT).await?;
        if status != 200 {
            let hide = credential.map(Credential::secrets).unwrap_or_default();
            let authenticated = credential.is_some();
            let registry = self.registry.clone();
            return Err(Answer { registry, status, headers, whole, stream: None, authenticated, hide }.refusal(&action));
        }
        let granted: Granted = serde_json::from_slice(&whole)
            .map_err(|_| self.protocol(errand, "has a token service that answers something else"))?;
        let text = granted.token.or(granted.access_token).filter(|token| !token.is_empty());
        let text = text.ok_or_else(|| self.protocol(errand, "has a token service that gives no token"))?;
        let life = granted.expires_in.map_or(DEFAULT_LIFE, Duration::from_secs).min(Duration::from_secs(24 * 3600));
        let renew_at = renew_at(Instant::now(), life);
        Ok(Token { pass: Pass { token: Secret::new(text), authenticated: credential.is_some() }, renew_at })
    }

    fn protocol(&self, errand: Errand<'_>, what: &str) -> Error {
        Error::Protocol { action: errand.action.to_owned(), registry: self.registry.clone(), what: what.to_owned() }
    }
}

/// Returns when a token that was issued at some time for so long is due for renewal.
fn renew_at(issued: Instant, life: Duration) -> Instant {
    issued + life - RENEWED_BEFORE.min(life / 4)
}

/// Makes the request: `GET` with basic authentication, or OAuth2's `POST` for an identity token
/// (<https://distribution.github.io/distribution/spec/auth/oauth/>).
fn token_request(errand: Errand<'_>, realm: &Url, credential: Option<&Credential>) -> Request {
    let mut url = realm.clone();
    let scopes = errand.scope.parts();
    if let Some(Credential::IdentityToken(token)) = credential {
        let scope = scopes.join(" ");
        let mut form = vec![("grant_type", "refresh_token"), ("client_id", "promote-bot"), ("scope", &scope)];
        form.push(("refresh_token", token.expose()));
        form.extend(errand.service.map(|service| ("service", service)));
        let mut encoder = realm.clone();
        encoder.query_pairs_mut().clear().extend_pairs(form);
        let mut request = Request::new(Method::POST, url);
        let kind = reqwest::header::HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(reqwest::header::CONTENT_TYPE, kind);
        *request.body_mut() = Some(encoder.query().unwrap_or_default().to_owned().into());
        return request;
    }
    url.query_pairs_mut()
        .extend_pairs(errand.service.map(|service| ("service", service)))
        .extend_pairs(scopes.iter().map(|scope| ("scope", scope)));
    let mut request = Request::new(Method::GET, url);
    if let Some(header) =
        credential.and_then(Credential::basic).and_then(|secret| super::secret::hidden_header(&secret))
    {
        request.headers_mut().insert(reqwest::header::AUTHORIZATION, header);
    }
    request
}

impl Credential {
    /// Returns the value of a basic `Authorization` header; none for an identity token.
    pub(super) fn basic(&self) -> Option<Secret> {
        use base64::Engine as _;
        let Self::Password { username, password } = self else {
            return None;
        };
        let pair = format!("{}:{}", username.expose(), password.expose());
        Some(Secret::new(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))))
    }

    /// Returns all that must not be shown.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        match self {
            Self::Password { password, .. } => self.basic().into_iter().chain([password.clone()]).collect(),
            Self::IdentityToken(token) => vec![token.clone()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::embedded::{Access, Login, Options, Registry, TokenAuth};
    use super::super::tests::{image, login, registries_with};
    use super::*;

    #[test]
    fn a_token_is_renewed_before_its_end() {
        let issued = Instant::now();
        for (life, due) in [(300, 270), (60, 45), (4, 3), (0, 0)] {
            let due = issued + Duration::from_secs(due);
            assert_eq!(renew_at(issued, Duration::from_secs(life)), due, "{life}");
        }
    }

    #[tokio::test]
    async fn a_token_near_its_end_is_renewed_without_being_refused() {
        let access = Access::Token(TokenAuth { login: Some(Login::new("bot", "s3cret")), ..TokenAuth::default() });
        let registry = Registry::start(Options { access, ..Options::default() }).await.unwrap();
        let registries = registries_with([(registry.host(), login("bot", "s3cret"))]);
        let name = image(&format!("{}/api:1", registry.host()));
        registries.resolve(&name).await.unwrap();
        let slot = registries.wire.host(&name).unwrap().desk.slots.of(Scope::pull("api").parts().join(" "));
        slot.lock().await.as_mut().unwrap().renew_at = Instant::now();
        registries.resolve(&name).await.unwrap();
        let count = |is: fn(&str, Option<u16>) -> bool| {
            registry.requests().iter().filter(|request| is(&request.path, request.status)).count()
        };
        assert_eq!(count(|_, status| status == Some(401)), 1);
        assert_eq!(count(|path, _| path == "/token"), 2);
    }
}
