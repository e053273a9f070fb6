//! The wire: one client per way of trusting a registry, one host per registry.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::{Certificate, Client, Url};

use super::credentials::Store;
use super::error::Error;
use super::host::Host;
use super::layout::{Images, Layout};
use super::redirect::Pinned;
use super::remote::Remote;
use super::repository::Repository;
use super::settings::{CredentialSources, HostSettings, Settings};
use super::slots::Slots;
use super::token::TokenDesk;
use crate::domain::ImageRef;

/// How long a connection may take to stand.
const CONNECT: Duration = Duration::from_secs(10);

/// All registries of a run.
#[derive(Debug)]
pub(super) struct Wire {
    settings: BTreeMap<String, HostSettings>,
    store: Arc<Store>,
    pinned: Pinned,
    shared: Client,
    local: Client,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
    /// Where directories of layouts begin that are not absolute.
    root: PathBuf,
    layouts: Slots<String, OnceLock<Arc<Layout>>>,
}

impl Wire {
    pub(super) fn new(settings: Settings, sources: &CredentialSources) -> Result<Self, Error> {
        // Only the first install of a process counts; any provider that is already there serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let given = settings.hosts.into_iter().map(|(host, given)| (canonical(&host), given)).collect();
        let pinned = Pinned::default();
        let failed = |error: reqwest::Error| Error::Settings {
            registry: "(every one)".to_owned(),
            why: format!("no client can be made: {}", error.without_url()),
        };
        let wire = Self {
            store: Arc::new(Store::new(&given, sources)?),
            shared: client(&pinned, &[], true).map_err(failed)?,
            local: client(&pinned, &[], false).map_err(failed)?,
            settings: given,
            pinned,
            hosts: Mutex::default(),
            root: settings.root,
            layouts: Slots::default(),
        };
        // Certificates that cannot be used are a fault of the configuration, to be told before anything is asked.
        for (name, _) in wire.settings.iter().filter(|(_, given)| given.ca_pem.is_some()) {
            wire.desk(name)?;
        }
        Ok(wire)
    }

    /// Opens the repository of an image for reading.
    pub(super) fn reading(&self, image: &ImageRef) -> Result<Repository, Error> {
        match image.layout() {
            Some(directory) => Ok(self.layout(directory, image)),
            None => Ok(Repository::Remote(Remote::reading(self.host(image)?, image))),
        }
    }

    /// Opens the repository of an image for reading and writing.
    pub(super) fn writing(&self, image: &ImageRef) -> Result<Repository, Error> {
        match image.layout() {
            Some(directory) => Ok(self.layout(directory, image)),
            None => Ok(Repository::Remote(Remote::writing(self.host(image)?, image))),
        }
    }

    /// Returns where the credentials for an image's repository come from.
    pub(super) async fn credentials(&self, image: &ImageRef) -> Result<Option<String>, Error> {
        self.store.place(image.registry(), image.repository()).await
    }

    fn layout(&self, directory: &str, image: &ImageRef) -> Repository {
        let place = self.layouts.of(directory.to_owned());
        let made = || Arc::new(Layout::new(image.registry().to_owned(), self.root.join(directory)));
        Repository::Layout(Images::new(place.get_or_init(made).clone(), image.repository()))
    }

    /// Returns the host an image lives at.
    pub(super) fn host(&self, image: &ImageRef) -> Result<Arc<Host>, Error> {
        let name = image.registry();
        if let Some(host) = self.hosts.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(host.clone());
        }
        let made = Arc::new(Host::new(self.desk(name)?));
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(hosts.entry(name.to_owned()).or_insert(made).clone())
    }

    /// Tells in the log what was asked of each registry.
    pub(super) fn tell(&self) {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.values().for_each(|host| host.tell());
    }

    fn desk(&self, name: &str) -> Result<TokenDesk, Error> {
        let wrong = |why: String| Error::Settings { registry: name.to_owned(), why };
        let given = self.settings.get(name).cloned().unwrap_or_default();
        let local = is_loopback(name);
        let client = match &given.ca_pem {
            Some(pem) => {
                let certificates =
                    Certificate::from_pem_bundle(pem).map_err(|_| wrong("its `ca` is not PEM".to_owned()))?;
                if certificates.is_empty() {
                    return Err(wrong("its `ca` has no certificate".to_owned()));
                }
                client(&self.pinned, &certificates, !local)
                    .map_err(|e| wrong(format!("its `ca` cannot be used: {}", e.without_url())))?
            }
            None if local => self.local.clone(),
            None => self.shared.clone(),
        };
        let is_plain = given.insecure || (local && given.ca_pem.is_none());
        let address = if name == "docker.io" { "registry-1.docker.io" } else { name };
        let base = Url::parse(&format!("{}://{address}/", if is_plain { "http" } else { "https" }));
        let base = base.map_err(|_| wrong("its name is not an address".to_owned()))?;
        Ok(TokenDesk::new(name.to_owned(), base, client, self.store.clone(), self.pinned.clone()))
    }
}

/// HTTP/1.1 only: docker-registry breaks streamed uploads over HTTP/2. Redirects and retries are decided by us.
fn client(pinned: &Pinned, certificates: &[Certificate], may_use_proxy: bool) -> Result<Client, reqwest::Error> {
    let builder = || {
        let builder = Client::builder()
            .user_agent(concat!("promote-bot/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .pool_idle_timeout(Duration::from_secs(50))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .http1_only()
            .dns_resolver(pinned.clone());
        if may_use_proxy { builder } else { builder.no_proxy() }
    };
    match builder().tls_certs_merge(certificates.iter().cloned()).build() {
        // A container without system certificates still reaches plain and specially trusted registries.
        Err(_) => builder().tls_certs_only(certificates.iter().cloned()).build(),
        client => client,
    }
}

/// Tells whether a registry's host is this very machine.
fn is_loopback(registry: &str) -> bool {
    let host = match registry.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => registry.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Brings a host as settings write it into the form image references have.
fn canonical(host: &str) -> String {
    match ImageRef::new(host, "x", None, None) {
        Ok(image) => image.registry().to_owned(),
        Err(_) => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(name: &str, given: Option<HostSettings>) -> String {
        let hosts = given.map(|given| (name.to_owned(), given)).into_iter().collect();
        let wire = Wire::new(Settings { hosts, ..Settings::default() }, &CredentialSources::default()).unwrap();
        wire.host(&ImageRef::new(name, "x", None, None).unwrap()).unwrap().base().to_string()
    }

    #[test]
    fn plain_http_is_for_loopback_and_for_who_asks() {
        assert_eq!(base("reg.example:5000", None), "https://reg.example:5000/");
        assert_eq!(base("docker.io", None), "https://registry-1.docker.io/");
        for local in ["localhost:5000", "127.9.0.1:5000", "[::1]:5000"] {
            assert_eq!(base(local, None), format!("http://{local}/"));
        }
        assert_eq!(base("127.0.0.1.example:5000", None), "https://127.0.0.1.example:5000/");
        let insecure = HostSettings { insecure: true, ..HostSettings::default() };
        assert_eq!(base("Reg.example:5000", Some(insecure)), "http://reg.example:5000/");
    }
}
