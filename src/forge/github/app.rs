//! Credentials: a token as it is, or one that is asked for with an App's key and may do no more than is needed here.

use http::Method;
use serde::{Deserialize, Serialize};

use super::super::error::Error;
use super::super::patience::{Patience, Twice};
use super::client::{Call, Client, Sent, Signing};

/// What requests are signed with.
#[derive(Clone)]
pub enum Credentials {
    /// A token.
    Token(String),
    /// An App's id and its private key in PEM.
    App {
        /// The App's id.
        id: u64,
        /// The key.
        key_pem: String,
    },
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token(…)",
            Self::App { .. } => "App(…)",
        })
    }
}

#[derive(Deserialize)]
struct Installation {
    id: u64,
    #[serde(default)]
    permissions: Granted,
}

#[derive(Deserialize, Default)]
struct Granted {
    contents: Option<String>,
    checks: Option<String>,
    statuses: Option<String>,
    pull_requests: Option<String>,
}

#[derive(Serialize)]
struct Wanted<'a> {
    repositories: [&'a str; 1],
    permissions: Permissions,
}

#[derive(Serialize)]
struct Permissions {
    metadata: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    contents: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statuses: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pull_requests: Option<&'static str>,
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

/// Makes a client, and tells whether its user is an App's bot.
pub(super) async fn client(
    api_url: &str,
    credentials: Credentials,
    owner: &str,
    repository: &str,
) -> Result<(Client, bool), Error> {
    let (id, key_pem) = match credentials {
        Credentials::Token(token) => {
            // The tokens of Actions and of Apps.
            let is_app = token.starts_with("ghs_");
            return Ok((Client::new(api_url, Signing::Token(token))?, is_app));
        }
        Credentials::App { id, key_pem } => (id, key_pem),
    };
    let key = jsonwebtoken::EncodingKey::from_rsa_pem(key_pem.as_bytes())
        .map_err(|_| Error::Setting("the private key of the GitHub App is not an RSA key in PEM".to_owned()))?;
    let client = Client::new(api_url, Signing::App(id, key))?;
    let mut patience = Patience::gating();
    let action = format!("find the installation of the GitHub App in {owner}/{repository}");
    let path = format!("/repos/{owner}/{repository}/installation");
    let installation: Installation = client.get(&action, path, &mut patience).await?;
    // What the App was not given cannot be asked for.
    let granted = |right: Option<&String>| right.map(|right| if right == "read" { "read" } else { "write" });
    let given = installation.permissions;
    let permissions = Permissions {
        metadata: "read",
        contents: given.contents.map(|_| "read"),
        checks: granted(given.checks.as_ref()),
        statuses: granted(given.statuses.as_ref()),
        pull_requests: granted(given.pull_requests.as_ref()),
    };
    let action = format!("ask for a token for {owner}/{repository}");
    let body = Wanted { repositories: [repository], permissions };
    let path = format!("/app/installations/{}/access_tokens", installation.id);
    // A token more than is used ends by itself.
    let call = Call { action: &action, method: Method::POST, path, body: Some(&body), twice: Twice::Same };
    match client.send(&call, &mut patience).await? {
        Sent::Answer(_, bytes) => {
            let token: Token = client.parse(&action, &bytes)?;
            Ok((Client::new(api_url, Signing::Token(token.token))?, true))
        }
        Sent::Unsure => Err(client.odd(&action, "did not answer")),
    }
}
