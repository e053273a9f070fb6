//! Settings: what the caller decides about registries, and where credential files are looked for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::secret::Secret;

/// How registries are spoken to.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What is particular to a registry, by its host and, where it is not 443, port.
    pub hosts: BTreeMap<String, HostSettings>,
    /// How many images are copied at a time; at least one.
    pub jobs: usize,
    /// Where the directories of layouts begin that are not absolute.
    pub root: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        Self { hosts: BTreeMap::new(), jobs: 32, root: PathBuf::new() }
    }
}

/// What is particular to one registry.
#[derive(Debug, Clone, Default)]
pub struct HostSettings {
    /// The user; with `password`, these win over every credential file.
    pub username: Option<Secret>,
    /// The user's password.
    pub password: Option<Secret>,
    /// Certificates in PEM that are trusted for this registry beside the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Whether it is spoken to over plain HTTP. Loopback hosts are without being asked, unless they have a `ca_pem`.
    pub insecure: bool,
}

/// Where credential files are looked for, in this order; the first that knows the registry wins.
#[derive(Debug, Clone, Default)]
pub struct CredentialSources {
    /// The auth file named outright; it must be readable.
    pub registry_auth_file: Option<PathBuf>,
    /// The directory with `containers/auth.json`, as podman and skopeo write it.
    pub xdg_runtime_dir: Option<PathBuf>,
    /// The directory with Docker's `config.json`; `.docker` in `home` when not set.
    pub docker_config_dir: Option<PathBuf>,
    /// The user's home directory.
    pub home: Option<PathBuf>,
}

impl CredentialSources {
    /// Reads the places from `REGISTRY_AUTH_FILE`, `XDG_RUNTIME_DIR`, `DOCKER_CONFIG` and `HOME`; an empty variable counts
    /// as unset.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let path = |name: &str| lookup(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            registry_auth_file: path("REGISTRY_AUTH_FILE"),
            xdg_runtime_dir: path("XDG_RUNTIME_DIR"),
            docker_config_dir: path("DOCKER_CONFIG"),
            home: path("HOME"),
        }
    }

    /// Returns the files in the order they are asked, and whether each must exist.
    pub(super) fn files(&self) -> Vec<(PathBuf, bool)> {
        let docker = self.docker_config_dir.clone().or_else(|| self.home.as_ref().map(|home| home.join(".docker")));
        let containers = "containers/auth.json";
        let places = [
            (self.registry_auth_file.clone(), true),
            (self.xdg_runtime_dir.as_ref().map(|dir| dir.join(containers)), false),
            (self.home.as_ref().map(|home| home.join(".config").join(containers)), false),
            (docker.map(|dir| dir.join("config.json")), false),
        ];
        places.into_iter().filter_map(|(path, required)| Some((path?, required))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let sources = CredentialSources::from_env(|name| match name {
            "HOME" => Some("/home/me".to_owned()),
            "DOCKER_CONFIG" => Some(String::new()),
            _ => None,
        });
        let files: Vec<_> = sources.files().into_iter().map(|(path, _)| path.display().to_string()).collect();
        assert_eq!(files, ["/home/me/.config/containers/auth.json", "/home/me/.docker/config.json"]);
    }
}
