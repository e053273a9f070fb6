//! From the configuration's registries to the registry edge's settings: the only place where secrets are fetched.

use std::collections::BTreeMap;

use super::error::Error;
use super::workspace::{Workspace, read_optional};
use crate::config::SecretSource;
use crate::registry::{HostSettings, Secret, Settings};

/// Looks up a variable of the process's environment.
pub(super) type Lookup<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// Resolves where secrets are found, and reads certificates at the revision of the configuration.
pub(super) fn settings(workspace: &Workspace, variable: Lookup<'_>, jobs: usize) -> Result<Settings, Error> {
    let (config, tree) = (&workspace.config, workspace.rules.as_ref());
    let mut hosts = BTreeMap::new();
    for (host, registry) in &config.registries {
        let secret = |source: &Option<SecretSource>| {
            source
                .as_ref()
                // A change that brings the configuration itself could have them sent anywhere.
                .filter(|_| !workspace.judges_itself)
                .map(|source| secret_of(source, &format!("a credential of registry {host}"), variable))
                .transpose()
        };
        let ca_pem = match &registry.ca {
            Some(path) => Some(read_optional(tree, path)?.ok_or_else(|| {
                let message = format!("the certificates {path} of registry {host} do not exist");
                Error::usage(message, "`ca` is named from the root of the repository, at the configuration's revision")
            })?),
            None => None,
        };
        let (username, password) = (secret(&registry.username)?, secret(&registry.password)?);
        let ca_pem = ca_pem.map(|pem| pem.to_vec());
        hosts.insert(host.clone(), HostSettings { username, password, ca_pem, insecure: registry.insecure });
    }
    Ok(Settings { hosts, jobs, root: workspace.root().to_owned() })
}

/// Fetches a secret; `what` says what it is for.
pub(super) fn secret_of(source: &SecretSource, what: &str, variable: Lookup<'_>) -> Result<Secret, Error> {
    match source {
        SecretSource::Env(name) => variable(name).filter(|value| !value.is_empty()).map(Secret::new).ok_or_else(|| {
            let message = format!("the variable {name} is not set, and {what} is taken from it");
            Error::usage(message, format!("set {name}, or take it out of promote-bot.yaml"))
        }),
        SecretSource::File(path) => {
            let text = std::fs::read_to_string(path).map_err(Error::io(format!("read {what} in {path}")))?;
            Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
        }
    }
}
