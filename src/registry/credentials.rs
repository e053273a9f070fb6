//! Credentials: which ones belong to a repository, from the settings or from Docker's and podman's files.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use docker_credential::{CredentialRetrievalError, DockerCredential};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::sync::OnceCell;

use super::error::Error;
use super::secret::Secret;
use super::settings::{CredentialSources, HostSettings};
use super::slots::Slots;

/// How long a credential helper may take.
const HELPER_TIME: Duration = Duration::from_secs(60);

/// The key under which Docker keeps Docker Hub's credentials.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// What proves who we are.
#[derive(Debug, Clone)]
pub(super) enum Credential {
    /// User and password.
    Password { username: Secret, password: Secret },
    /// A token that is exchanged for others at the registry's token service.
    IdentityToken(Secret),
}

/// All credentials of a run; each file is read once, each helper asked once per key.
#[derive(Debug)]
pub(super) struct Store {
    settings: BTreeMap<String, Credential>,
    places: Vec<(PathBuf, bool)>,
    files: OnceCell<Vec<AuthFile>>,
    answers: Slots<(PathBuf, String), OnceCell<Option<Credential>>>,
}

#[derive(Debug)]
struct AuthFile {
    path: PathBuf,
    // The text holds passwords: hidden from Debug as they are.
    text: Secret,
    keys: Keys,
}

/// The part of an auth file that says which registries it knows; the credentials themselves are left to
/// `docker_credential`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Keys {
    auths: BTreeMap<String, IgnoredAny>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

impl Store {
    /// Takes the credentials of the settings and remembers where files are.
    pub(super) fn new(hosts: &BTreeMap<String, HostSettings>, sources: &CredentialSources) -> Result<Self, Error> {
        let mut settings = BTreeMap::new();
        for (host, given) in hosts {
            match (&given.username, &given.password) {
                (Some(username), Some(password)) => {
                    let credential = Credential::Password { username: username.clone(), password: password.clone() };
                    settings.insert(host.clone(), credential);
                }
                (None, None) => {}
                _ => {
                    let why = "username and password go together, one is missing".to_owned();
                    return Err(Error::Settings { registry: host.clone(), why });
                }
            }
        }
        Ok(Self { settings, places: sources.files(), files: OnceCell::new(), answers: Slots::default() })
    }

    /// Returns the credential for a repository; `None` means anonymous.
    pub(super) async fn find(&self, registry: &str, repository: &str) -> Result<Option<Credential>, Error> {
        if let Some(credential) = self.settings.get(registry) {
            return Ok(Some(credential.clone()));
        }
        let files = self.files.get_or_try_init(|| self.load(registry)).await?;
        for file in files {
            if let Some(key) = file.keys.best(registry, repository)
                && let Some(credential) = self.ask(file, &key, registry).await?
            {
                return Ok(Some(credential));
            }
        }
        Ok(None)
    }

    /// Returns where the credential for a repository comes from, as words; `None` means anonymous.
    pub(super) async fn place(&self, registry: &str, repository: &str) -> Result<Option<String>, Error> {
        if self.settings.contains_key(registry) {
            return Ok(Some("promote-bot.yaml".to_owned()));
        }
        for file in self.files.get_or_try_init(|| self.load(registry)).await? {
            if let Some(key) = file.keys.best(registry, repository)
                && self.ask(file, &key, registry).await?.is_some()
            {
                let helper = file.keys.cred_helpers.get(&key).map(|helper| format!(" by docker-credential-{helper}"));
                return Ok(Some(format!("{}{}", file.path.display(), helper.unwrap_or_default())));
            }
        }
        Ok(None)
    }

    /// Reads all files, on a thread of its own, since a home directory may be far away.
    async fn load(&self, registry: &str) -> Result<Vec<AuthFile>, Error> {
        let (places, owned_registry) = (self.places.clone(), registry.to_owned());
        let loaded = tokio::task::spawn_blocking(move || load(&places, &owned_registry)).await;
        loaded.unwrap_or_else(|_| {
            let path = self.places.first().map(|(path, _)| path.clone()).unwrap_or_default();
            let why = "the file could not be read".to_owned();
            Err(Error::Credentials { registry: registry.to_owned(), path, why })
        })
    }

    async fn ask(&self, file: &AuthFile, key: &str, registry: &str) -> Result<Option<Credential>, Error> {
        let slot = (file.path.clone(), key.to_owned());
        let cell = self.answers.of(slot);
        cell.get_or_try_init(|| read(file, key, registry)).await.cloned()
    }
}

fn load(places: &[(PathBuf, bool)], registry: &str) -> Result<Vec<AuthFile>, Error> {
    let mut files = Vec::new();
    for (path, required) in places {
        let failed = |why: String| Error::Credentials { registry: registry.to_owned(), path: path.clone(), why };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !required => continue,
            Err(error) => return Err(failed(error.to_string())),
        };
        // serde_json's own message may quote a value.
        let keys = serde_json::from_str(&text)
            .map_err(|e| failed(format!("line {} is not valid JSON of an auth file", e.line())))?;
        files.push(AuthFile { path: path.clone(), text: Secret::new(text), keys });
    }
    Ok(files)
}

/// Reads one entry; a helper runs on a thread of its own, since it may ask a cloud.
async fn read(file: &AuthFile, key: &str, registry: &str) -> Result<Option<Credential>, Error> {
    let failed =
        |why: &str| Error::Credentials { registry: registry.to_owned(), path: file.path.clone(), why: why.to_owned() };
    let (text, owned_key) = (file.text.clone(), key.to_owned());
    let asked = tokio::task::spawn_blocking(move || {
        docker_credential::get_credential_from_reader(text.expose().as_bytes(), &owned_key)
    });
    let answer =
        tokio::time::timeout(HELPER_TIME, asked).await.map_err(|_| failed("the credential helper did not answer"))?;
    match answer.map_err(|_| failed("the credential helper could not be run"))? {
        Ok(DockerCredential::UsernamePassword(username, password)) => {
            Ok(Some(Credential::Password { username: Secret::new(username), password: Secret::new(password) }))
        }
        Ok(DockerCredential::IdentityToken(token)) => Ok(Some(Credential::IdentityToken(Secret::new(token)))),
        Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(None),
        // What every helper prints for a registry nobody logged in to.
        Err(CredentialRetrievalError::HelperFailure { stdout, .. }) if stdout.contains("credentials not found") => {
            Ok(None)
        }
        // A helper's output may hold a secret: only its name is shown.
        Err(CredentialRetrievalError::HelperFailure { helper, .. }) => Err(failed(&format!("`{helper} get` failed"))),
        Err(other) => Err(failed(&other.to_string().to_lowercase())),
    }
}

impl Keys {
    /// Returns the key, as the file writes it, of the entry that fits a repository best: the longest path, a helper before
    /// a stored password, the file's common store last.
    fn best(&self, registry: &str, repository: &str) -> Option<String> {
        let written = || self.cred_helpers.keys().chain(self.auths.keys());
        let store_key = || match registry {
            "docker.io" => DOCKER_HUB_KEY.to_owned(),
            other => other.to_owned(),
        };
        scopes(registry, repository)
            .find_map(|scope| written().find(|key| normal(key) == scope).cloned())
            .or_else(|| self.creds_store.as_ref().map(|_| store_key()))
    }
}

/// Returns `host/ns/repo`, `host/ns`, `host`: the order in which podman looks.
fn scopes(registry: &str, repository: &str) -> impl Iterator<Item = String> {
    let full = format!("{registry}/{repository}");
    std::iter::successors(Some(full), |scope| scope.rsplit_once('/').map(|(shorter, _)| shorter.to_owned()))
}

/// Brings a file's key into the form of [`scopes`].
fn normal(key: &str) -> String {
    let bare = key.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    let bare = bare.strip_suffix("/v1").or_else(|| bare.strip_suffix("/v2")).unwrap_or(bare);
    let (host, path) = bare.split_at(bare.find('/').unwrap_or(bare.len()));
    let host = match host.to_ascii_lowercase() {
        host if matches!(host.as_str(), "index.docker.io" | "registry-1.docker.io") => "docker.io".to_owned(),
        host => host.strip_suffix(":443").map(str::to_owned).unwrap_or(host),
    };
    host + path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(json: &str) -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config.json"), json).unwrap();
        let sources =
            CredentialSources { docker_config_dir: Some(dir.path().to_path_buf()), ..CredentialSources::default() };
        let store = Store::new(&BTreeMap::new(), &sources).unwrap();
        (dir, store)
    }

    async fn found(store: &Store, registry: &str, repository: &str) -> Option<String> {
        match store.find(registry, repository).await.unwrap()? {
            Credential::Password { username, password } => Some(format!("{}:{}", username.expose(), password.expose())),
            Credential::IdentityToken(token) => Some(token.expose().to_owned()),
        }
    }

    // base64 of `one:1`, `two:2`, `hub:3`
    const FILE: &str = r#"{"auths": {"reg.example": {"auth": "b25lOjE="}, "reg.example/team/api": {"auth": "dHdvOjI="},
        "https://index.docker.io/v1/": {"auth": "aHViOjM="}, "id.example": {"auth": "b25lOjE=", "identitytoken": "tok"}}}"#;

    #[tokio::test]
    async fn the_longest_path_that_fits_wins() {
        let (_dir, store) = store(FILE);
        assert_eq!(found(&store, "reg.example", "team/api").await.as_deref(), Some("two:2"));
        assert_eq!(found(&store, "reg.example", "team/api2").await.as_deref(), Some("one:1"));
        assert_eq!(found(&store, "docker.io", "library/nginx").await.as_deref(), Some("hub:3"));
        assert_eq!(found(&store, "id.example", "x").await.as_deref(), Some("tok"));
        assert_eq!(found(&store, "other.example", "reg.example").await, None);
    }

    #[tokio::test]
    async fn a_broken_file_is_named_and_not_quoted() {
        let (_dir, store) = store(r#"{"auths": {"reg.example": {"auth": "hunter22"#);
        let error = store.find("reg.example", "x").await.unwrap_err().to_string();
        assert!(error.contains("config.json") && !error.contains("hunter22"), "{error}");
    }

    #[test]
    fn half_a_credential_is_refused() {
        let half = HostSettings { username: Some(Secret::new("me")), ..HostSettings::default() };
        let hosts = BTreeMap::from([("reg.example".to_owned(), half)]);
        assert!(matches!(Store::new(&hosts, &CredentialSources::default()), Err(Error::Settings { .. })));
    }

    #[tokio::test]
    async fn a_file_named_outright_must_be_there() {
        let missing = CredentialSources {
            registry_auth_file: Some("/nonexistent/auth.json".into()),
            ..CredentialSources::default()
        };
        let store = Store::new(&BTreeMap::new(), &missing).unwrap();
        assert!(store.find("reg.example", "x").await.is_err());
    }

    #[tokio::test]
    async fn the_common_store_is_asked_last_and_a_failing_helper_says_only_its_name() {
        let (_dir, store) =
            store(r#"{"auths": {"reg.example": {"auth": "b25lOjE="}}, "credsStore": "none-of-this-name"}"#);
        assert_eq!(found(&store, "reg.example", "x").await.as_deref(), Some("one:1"));
        let error = store.find("other.example", "x").await.unwrap_err().to_string();
        assert!(error.contains("credential helper"), "{error}");
    }
}
