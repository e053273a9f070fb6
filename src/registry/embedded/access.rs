//! Who may do what: the choices, as a test or the demo makes them.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How a registry asks for credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Access {
    /// Not at all.
    #[default]
    Open,
    /// User and password with every request.
    Basic(Login),
    /// A token with every request, from the registry's own `/token`.
    Token(TokenAuth),
}

/// A user and a password; the password is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    user: String,
    password: String,
}

impl Login {
    /// Makes a login.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { user: user.into(), password: password.into() }
    }

    /// Tells whether an `Authorization` header is this login.
    pub(super) fn is_header(&self, header: &str) -> bool {
        let decoded = header.strip_prefix("Basic ").and_then(|encoded| STANDARD.decode(encoded).ok());
        decoded.is_some_and(|decoded| decoded == format!("{}:{}", self.user, self.password).as_bytes())
    }

    /// Tells whether user and password are these.
    pub(super) fn is(&self, user: Option<&str>, password: Option<&str>) -> bool {
        user == Some(&self.user) && password == Some(&self.password)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).field("password", &"***").finish()
    }
}

/// Bearer tokens as in <https://distribution.github.io/distribution/spec/auth/token/>: short, opaque, good for the
/// repositories and actions they were asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenAuth {
    /// The service named in the challenge. Default: `embedded`.
    pub service: String,
    /// Who gets a token. Default: none, which is everybody.
    pub login: Option<Login>,
    /// An identity token taken in exchange for a token, by `grant_type=refresh_token`. Default: none.
    pub identity_token: Option<String>,
    /// Whether a client without a login gets a token to pull. Default: false.
    pub anonymous_pull: bool,
    /// How long a token is good; told to the client in whole seconds. Default: five minutes.
    pub lifetime: Duration,
    /// The realm of the challenge, to send clients elsewhere. Default: none, which is `/token` of the registry.
    pub realm: Option<String>,
}

impl Default for TokenAuth {
    fn default() -> Self {
        Self {
            service: "embedded".to_owned(),
            login: None,
            identity_token: None,
            anonymous_pull: false,
            lifetime: Duration::from_secs(300),
            realm: None,
        }
    }
}

impl fmt::Debug for TokenAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenAuth")
            .field("service", &self.service)
            .field("login", &self.login)
            .field("identity_token", &self.identity_token.as_ref().map(|_| "***"))
            .field("anonymous_pull", &self.anonymous_pull)
            .field("lifetime", &self.lifetime)
            .field("realm", &self.realm)
            .finish()
    }
}
