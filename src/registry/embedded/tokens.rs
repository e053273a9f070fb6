//! Issues and checks bearer tokens.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use hyper::{Method, StatusCode};
use serde_json::json;
use tokio::time::Instant;

use crate::domain::Digest;

use super::access::{Access, TokenAuth};
use super::auth::Scope;
use super::call::Call;
use super::errors::{Code, Failure, Refusal};
use super::query::Query;
use super::reply::Reply;
use super::server::State;

/// The most bytes a form may have.
const MAX_FORM: usize = 64 * 1024;

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It was never issued, or its time is over.
    Invalid,
    /// It is for something else.
    Insufficient,
}

impl Flaw {
    /// Returns the name of RFC 6750.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid_token",
            Self::Insufficient => "insufficient_scope",
        }
    }
}

#[derive(Debug, Default)]
struct Table {
    count: usize,
    good: HashMap<String, (Vec<Scope>, Instant)>,
}

/// The tokens issued so far.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<Table>);

impl Tokens {
    fn issue(&self, scopes: Vec<Scope>, lifetime: Duration) -> String {
        let mut table = self.table();
        table.count += 1;
        let token = Digest::of(format!("token {}", table.count).as_bytes()).short().to_owned();
        table.good.insert(token.clone(), (scopes, Instant::now() + lifetime));
        token
    }

    /// Checks that a token is good for all that is needed.
    pub(super) fn check(&self, token: &str, needed: &[Scope]) -> Result<(), Flaw> {
        let table = self.table();
        let (scopes, until) = table.good.get(token).ok_or(Flaw::Invalid)?;
        let covered = |needed| scopes.iter().any(|scope| scope.covers(needed));
        match (Instant::now() < *until, needed.iter().all(covered)) {
            (false, _) => Err(Flaw::Invalid),
            (true, false) => Err(Flaw::Insufficient),
            (true, true) => Ok(()),
        }
    }

    /// Makes all tokens void.
    pub(super) fn expire(&self) {
        self.table().good.clear();
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who asks for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asker {
    Known,
    Anonymous,
}

/// Answers `GET /token` and `POST /token`.
pub(super) async fn serve(state: &State, call: &mut Call) -> Result<Reply, Failure> {
    let Access::Token(token_auth) = &state.options.access else {
        return Err(Refusal::new(Code::UnknownPath, "this registry issues no tokens").into());
    };
    let (asker, asked) = match call.method {
        Method::GET => (by_header(token_auth, call)?, call.query.clone()),
        Method::POST => {
            let form = call.body.collect(MAX_FORM).await?;
            let form = Query::parse(&String::from_utf8_lossy(&form));
            (by_form(token_auth, &form)?, form)
        }
        _ => return Err(call.unsupported().into()),
    };
    let scopes = asked.all("scope").flat_map(str::split_whitespace);
    let granted = scopes.filter_map(Scope::parse).map(|scope| match asker {
        Asker::Known => scope,
        Asker::Anonymous => scope.reading(),
    });
    let token = state.tokens.issue(granted.collect(), token_auth.lifetime);
    let body = json!({"token": token, "access_token": token, "expires_in": token_auth.lifetime.as_secs()});
    Ok(Reply::json(StatusCode::OK, &body))
}

fn by_header(token_auth: &TokenAuth, call: &Call) -> Result<Asker, Refusal> {
    match (&token_auth.login, call.header(&AUTHORIZATION)) {
        (None, _) => Ok(Asker::Known),
        (Some(login), Some(header)) if login.is_header(header) => Ok(Asker::Known),
        (Some(_), None) if token_auth.anonymous_pull => Ok(Asker::Anonymous),
        (Some(_), _) => Err(unknown_asker()),
    }
}

/// As in <https://distribution.github.io/distribution/spec/auth/oauth/>.
fn by_form(token_auth: &TokenAuth, form: &Query) -> Result<Asker, Refusal> {
    let known = match form.get("grant_type") {
        Some("refresh_token") => {
            token_auth.identity_token.is_some() && form.get("refresh_token") == token_auth.identity_token.as_deref()
        }
        Some("password") => match &token_auth.login {
            Some(login) => login.is(form.get("username"), form.get("password")),
            None => true,
        },
        _ => {
            return Err(Refusal::new(Code::Unsupported, "grant_type must be refresh_token or password"));
        }
    };
    known.then_some(Asker::Known).ok_or_else(unknown_asker)
}

fn unknown_asker() -> Refusal {
    Refusal::new(Code::Unauthorized, "user, password or identity token is wrong")
        .with(WWW_AUTHENTICATE, "Basic realm=\"embedded\"")
}
