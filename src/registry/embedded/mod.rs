//! A container registry inside this process, for `promote-bot demo` and for tests.
//!
//! It speaks the OCI distribution specification 1.1 over HTTP/1.1 on a loopback port, keeps everything in memory, and
//! is as strict as the strictest registry in use: a manifest is refused while anything it names is missing, a blob is
//! visible only in the repositories it was pushed or mounted to, an upload `Location` must be used as it was given.
//! What a real registry does only on a bad day it does on request: see [`Fault`].
//!
//! The crate `container-registry` (0.3) was looked at first. It cannot inject faults, has no referrers, tag lists,
//! mounts, ranges or tokens, and takes names of exactly two components; half of what is here exists for those.
//!
//! ```no_run
//! use promote_bot::registry::embedded::{Action, Fault, Options, Registry};
//!
//! # async fn example() -> std::io::Result<()> {
//! let registry = Registry::start(Options::default()).await?;
//! let layer = registry.push_blob("team/api", "layer");
//! registry.fault(Fault::new().method("GET").path_contains(layer.hex()).times(1).then(Action::CutAfter(2)));
//! # Ok(()) }
//! ```

mod access;
mod auth;
mod blobs;
mod call;
mod document;
mod errors;
mod faults;
mod flow;
mod injection;
mod lists;
mod log;
mod manifests;
mod query;
mod referrers;
mod reply;
mod route;
mod server;
mod sessions;
mod storage;
#[cfg(test)]
mod tests;
mod tokens;
mod uploads;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use self::access::{Access, Login, TokenAuth};
pub use self::faults::{Action, Fault};
pub use self::log::Request;
pub use self::storage::Manifest;
use crate::domain::Digest;

/// How a registry behaves; by default open to all and with everything a good registry has.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who may do what. Default: everybody everything.
    pub access: Access,
    /// Whether referrers are listed; when not, their path answers 404 as in docker-registry. Default: true.
    pub referrers_api: bool,
    /// Whether blobs can be mounted from other repositories; when not, a mount starts an upload. Default: true.
    pub mount: bool,
    /// Whether a tag keeps its first digest; another one is then refused as `TAG_INVALID`. Default: false.
    pub immutable_tags: bool,
    /// Whether `Location` names scheme and host. Default: true, as in docker-registry.
    pub absolute_locations: bool,
    /// The most entries on one page of tags or referrers. Default: 1000.
    pub page_limit: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            access: Access::Open,
            referrers_api: true,
            mount: true,
            immutable_tags: false,
            absolute_locations: true,
            page_limit: 1000,
        }
    }
}

/// A running registry; it stops, and closes its connections, when this handle is dropped.
#[derive(Debug)]
pub struct Registry {
    address: SocketAddr,
    state: Arc<server::State>,
    accepting: JoinHandle<()>,
}

impl Registry {
    /// Starts a registry on a free loopback port; must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(server::State::new(options));
        let accepting = tokio::spawn(server::accept(listener, state.clone()));
        Ok(Self { address, state, accepting })
    }

    /// Returns host and port, as they stand in an image reference: `127.0.0.1:41231`.
    #[must_use]
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Adds a fault; rules are tried in the order they were added, the first that fires has the request to itself.
    pub fn fault(&self, fault: Fault) {
        self.state.faults.add(fault);
    }

    /// Forgets all faults; requests already held by one stay held.
    pub fn clear_faults(&self) {
        self.state.faults.clear();
    }

    /// Lets every request go that [`Action::Pause`] or [`Action::PauseAfter`] holds now; later ones are held again.
    pub fn release(&self) {
        self.state.faults.release();
    }

    /// Returns how many requests are held.
    #[must_use]
    pub fn paused(&self) -> usize {
        self.state.faults.paused()
    }

    /// Waits until at least one request is held.
    pub async fn until_paused(&self) {
        self.state.faults.until_paused().await;
    }

    /// Returns all requests so far, in the order they arrived.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.state.log.requests()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.state.log.clear();
    }

    /// Makes all tokens issued so far void, as if their time were over.
    pub fn expire_tokens(&self) {
        self.state.tokens.expire();
    }

    /// Puts a blob into a repository.
    pub fn push_blob(&self, repository: &str, content: impl Into<Bytes>) -> Digest {
        let content = content.into();
        let digest = Digest::of(&content);
        self.state.storage().add_blob(repository, digest.clone(), content);
        digest
    }

    /// Puts a manifest into a repository under a tag, or under a digest alone, and returns the digest it has there.
    ///
    /// Nothing is checked, so that a registry can be made to hold what a careless or hostile one would: missing
    /// children, a wrong media type, or content that is not what the digest in `reference` promises.
    pub fn push_manifest(
        &self,
        repository: &str,
        reference: &str,
        media_type: &str,
        content: impl Into<Bytes>,
    ) -> Digest {
        let content = content.into();
        let named = reference.parse::<Digest>().ok();
        let tag = named.is_none().then_some(reference);
        let digest = named.unwrap_or_else(|| Digest::of(&content));
        let manifest = Manifest::new(digest.clone(), media_type, content);
        self.state.storage().put_manifest(repository, manifest, tag);
        digest
    }

    /// Returns the repositories that hold anything, sorted.
    #[must_use]
    pub fn repositories(&self) -> Vec<String> {
        self.state.storage().repositories()
    }

    /// Returns the tags of a repository, sorted.
    #[must_use]
    pub fn tags(&self, repository: &str) -> Vec<String> {
        self.state.storage().tags(repository).unwrap_or_default()
    }

    /// Returns the manifest a tag or digest names.
    #[must_use]
    pub fn manifest(&self, repository: &str, reference: &str) -> Option<Manifest> {
        let reference = route::Reference::parse(reference).ok()?;
        self.state.storage().manifest(repository, &reference)
    }

    /// Returns a blob, if it is visible in the repository.
    #[must_use]
    pub fn blob(&self, repository: &str, digest: &Digest) -> Option<Bytes> {
        self.state.storage().blob(repository, digest)
    }

    /// Removes a tag and tells whether it was there; the manifest stays.
    pub fn delete_tag(&self, repository: &str, tag: &str) -> bool {
        let tag = route::Reference::Tag(tag.to_owned());
        self.state.storage().delete_manifest(repository, &tag)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // The loop owns its connections, so they end with it.
        self.accepting.abort();
    }
}
