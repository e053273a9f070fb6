//! Checks who asks, and tells a client without the right credentials where to get them.

use std::collections::BTreeSet;
use std::fmt;

use hyper::Method;
use hyper::header::{AUTHORIZATION, WWW_AUTHENTICATE};

use super::access::{Access, TokenAuth};
use super::call::Call;
use super::errors::{Code, Refusal};
use super::route::Route;
use super::server::State;
use super::tokens::Flaw;

/// What may be done to one resource: `repository:team/api:pull,push`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope {
    resource: String,
    actions: BTreeSet<String>,
}

impl Scope {
    /// Reads a scope; the resource may have colons of its own.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (resource, actions) = text.rsplit_once(':')?;
        Some(Self { resource: resource.to_owned(), actions: actions.split(',').map(str::to_owned).collect() })
    }

    fn repository(name: &str, actions: &[&str]) -> Self {
        Self {
            resource: format!("repository:{name}"),
            actions: actions.iter().map(|action| (*action).to_owned()).collect(),
        }
    }

    /// Returns the scope with reading alone.
    pub(super) fn reading(mut self) -> Self {
        self.actions.retain(|action| action == "pull");
        self
    }

    /// Tells whether this scope allows all that `needed` does.
    pub(super) fn covers(&self, needed: &Self) -> bool {
        self.resource == needed.resource && self.actions.is_superset(&needed.actions)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actions: Vec<&str> = self.actions.iter().map(String::as_str).collect();
        write!(f, "{}:{}", self.resource, actions.join(","))
    }
}

/// Returns what a request needs; a mount also reads the repository it mounts from, as in docker-registry.
fn needed(call: &Call, route: &Route) -> Vec<Scope> {
    let Some(repository) = route.repository() else {
        return match route {
            Route::Catalog => Scope::parse("registry:catalog:*").into_iter().collect(),
            _ => Vec::new(),
        };
    };
    let reads = matches!(call.method, Method::GET | Method::HEAD);
    let actions: &[&str] = if reads { &["pull"] } else { &["pull", "push"] };
    let mounted_from = match (route, call.query.get("mount")) {
        (Route::Uploads(_), Some(_)) => call.query.get("from").filter(|from| *from != repository),
        _ => None,
    };
    std::iter::once(Scope::repository(repository, actions))
        .chain(mounted_from.map(|from| Scope::repository(from, &["pull"])))
        .collect()
}

/// Checks the credentials of a request.
pub(super) fn check(state: &State, call: &Call, route: &Route) -> Result<(), Refusal> {
    let header = call.header(&AUTHORIZATION);
    let flaw = match &state.options.access {
        Access::Open => return Ok(()),
        Access::Basic(login) if header.is_some_and(|header| login.is_header(header)) => return Ok(()),
        Access::Basic(_) => None,
        Access::Token(_) => match header.and_then(|header| header.strip_prefix("Bearer ")) {
            None => None,
            Some(token) => match state.tokens.check(token, &needed(call, route)) {
                Ok(()) => return Ok(()),
                Err(flaw) => Some(flaw),
            },
        },
    };
    let refusal = Refusal::new(Code::Unauthorized, "authentication required");
    Err(match challenge(state, call, route, flaw) {
        Some(challenge) => refusal.with(WWW_AUTHENTICATE, challenge),
        None => refusal,
    })
}

/// Returns what `WWW-Authenticate` says to a request; `None` in an open registry.
pub(super) fn challenge(state: &State, call: &Call, route: &Route, flaw: Option<Flaw>) -> Option<String> {
    match &state.options.access {
        Access::Open => None,
        Access::Basic(_) => Some("Basic realm=\"embedded\"".to_owned()),
        Access::Token(token_auth) => Some(bearer_challenge(token_auth, call, &needed(call, route), flaw)),
    }
}

fn bearer_challenge(token_auth: &TokenAuth, call: &Call, needed: &[Scope], flaw: Option<Flaw>) -> String {
    let own = || format!("http://{}/token", call.host());
    let realm = token_auth.realm.clone().unwrap_or_else(own);
    let mut challenge = format!("Bearer realm=\"{realm}\",service=\"{}\"", token_auth.service);
    if !needed.is_empty() {
        let scopes: Vec<String> = needed.iter().map(Scope::to_string).collect();
        challenge.push_str(&format!(",scope=\"{}\"", scopes.join(" ")));
    }
    if let Some(flaw) = flaw {
        challenge.push_str(&format!(",error=\"{}\"", flaw.name()));
    }
    challenge
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_prints_and_parses_back() {
        let text = "repository:host:5000/a:pull,push";
        let scope = Scope::parse(text).unwrap();
        assert_eq!(scope.to_string(), text);
        assert!(scope.covers(&scope.clone().reading()));
        assert!(!scope.clone().reading().covers(&scope));
        assert!(!scope.covers(&Scope::repository("b", &["pull"])));
    }
}
