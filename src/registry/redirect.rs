//! Redirects: where an answer may lead, and which addresses a foreign host may have.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// How many redirects of a blob are followed.
pub(super) const HOPS: usize = 5;

/// Why a redirect is not followed.
pub(super) type Why = &'static str;

/// Tells whether both are the same scheme, host and port, so that credentials of one may go to the other.
pub(super) fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host_str() == other.host_str()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// Returns scheme, host and port of a URL: all that may be shown of one that came from outside.
pub(super) fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    super::error::plain(&format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default()))
}

/// Returns where `location`, sent in answer to a request for `from`, leads.
pub(super) fn target(from: &Url, location: Option<&str>) -> Result<Url, (Option<Url>, Why)> {
    let location = location.ok_or((None, "without saying where"))?;
    let target = from.join(location).map_err(|_| (None, "which is not an address"))?;
    if !matches!(target.scheme(), "http" | "https") {
        return Err((Some(target), "which is neither http nor https"));
    }
    if from.scheme() == "https" && target.scheme() == "http" {
        return Err((Some(target), "which is not encrypted"));
    }
    Ok(target)
}

/// Returns the address of an upload session, which must be at the registry itself. A proxy in front that makes the registry
/// believe it is spoken to over plain HTTP is forgiven; the session is used over the registry's own scheme.
pub(super) fn session(base: &Url, from: &Url, location: Option<&str>) -> Result<Url, (Option<Url>, Why)> {
    let location = location.ok_or((None, "without saying where"))?;
    let mut target = from.join(location).map_err(|_| (None, "which is not an address"))?;
    if target.scheme() == "http" && base.scheme() == "https" && target.set_scheme("https").is_err() {
        return Err((Some(target), "which is not encrypted"));
    }
    match same_origin(base, &target) {
        true => Ok(target),
        false => Err((Some(target), "which is another host")),
    }
}

/// The kind of network an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Network {
    Public,
    Private,
    LinkLocal,
    Loopback,
}

impl Network {
    fn of(address: IpAddr) -> Self {
        match carried_by(address) {
            IpAddr::V4(v4) if v4.is_loopback() => Self::Loopback,
            IpAddr::V4(v4) if v4.is_link_local() => Self::LinkLocal,
            IpAddr::V4(v4) if v4.is_private() || is_shared(v4) => Self::Private,
            IpAddr::V6(v6) if v6.is_loopback() => Self::Loopback,
            IpAddr::V6(v6) if v6.is_unicast_link_local() => Self::LinkLocal,
            IpAddr::V6(v6) if v6.is_unique_local() || v6.is_unspecified() || v6.is_multicast() => Self::Private,
            _ => Self::Public,
        }
    }

    /// Tells whether a registry that is itself in network `home` may lead to this one.
    fn is_open_from(self, home: Self) -> bool {
        self == Self::Public || self == home
    }
}

/// Returns the IPv4 address that an IPv6 one stands for, where it does: a gateway may deliver it there. Mapped addresses,
/// NAT64 (<https://www.rfc-editor.org/rfc/rfc6052#section-2.1>) and 6to4 (<https://www.rfc-editor.org/rfc/rfc3056>).
fn carried_by(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => embedded(high, low),
        _ => v6.to_canonical(),
    }
}

/// Carrier-grade NAT, "this network", multicast and reserved addresses: none is a public server's.
fn is_shared(v4: Ipv4Addr) -> bool {
    let [first, second, ..] = v4.octets();
    first == 0 || first >= 224 || (first == 100 && (64..128).contains(&second))
}

/// The resolver of every client: the system's, except for hosts that an answer led to. Those keep the addresses that were
/// judged, so that a name cannot change between the judgement and the connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Pinned(Arc<Mutex<HashMap<String, Vec<SocketAddr>>>>);

impl Pinned {
    /// Judges the addresses of a host that the registry at `base` leads to, and keeps them.
    pub(super) async fn guard(&self, base: &Url, target: &Url) -> Result<(), Why> {
        if target.host_str() == base.host_str() {
            return Ok(());
        }
        let home = self.addresses(base).await.first().map_or(Network::Public, |home| Network::of(home.ip()));
        let addresses = self.addresses(target).await;
        if !addresses.iter().all(|address| Network::of(address.ip()).is_open_from(home)) {
            return Err("which is an address of an inner network");
        }
        // No address is kept too: a proxy may know the name, but we must not find it elsewhere a moment later.
        if let Some(host) = target.domain() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned(), addresses);
        }
        Ok(())
    }

    async fn addresses(&self, url: &Url) -> Vec<SocketAddr> {
        let host = url.host_str().unwrap_or_default();
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return vec![SocketAddr::new(address, 0)];
        }
        tokio::net::lookup_host((host, 0)).await.map(Iterator::collect).unwrap_or_default()
    }
}

impl Resolve for Pinned {
    fn resolve(&self, name: Name) -> Resolving {
        let pinned = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name.as_str()).cloned();
        Box::pin(async move {
            let addresses: Addrs = match pinned {
                Some(addresses) => Box::new(addresses.into_iter()),
                None => Box::new(tokio::net::lookup_host((name.as_str(), 0)).await?.collect::<Vec<_>>().into_iter()),
            };
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_redirect_never_leaves_encryption() {
        let from = url("https://reg.example/v2/x/blobs/sha256:00");
        assert_eq!(target(&from, Some("https://cdn.example/b?sig=1")).unwrap().host_str(), Some("cdn.example"));
        assert_eq!(target(&from, Some("/other")).unwrap().as_str(), "https://reg.example/other");
        for location in [Some("http://cdn.example/b"), Some("file:///etc/passwd"), Some("http://["), None] {
            assert!(target(&from, location).is_err(), "{location:?}");
        }
    }

    #[test]
    fn an_upload_session_stays_at_the_registry() {
        let (base, from) = (url("https://reg.example/"), url("https://reg.example/v2/x/blobs/uploads/"));
        assert_eq!(
            session(&base, &from, Some("/v2/x/u/1?_state=a%2Fb")).unwrap().as_str(),
            "https://reg.example/v2/x/u/1?_state=a%2Fb"
        );
        assert_eq!(session(&base, &from, Some("http://reg.example/u")).unwrap().scheme(), "https");
        for location in
            [Some("https://evil.example/u"), Some("https://reg.example:444/u"), Some("//evil.example/u"), None]
        {
            assert!(session(&base, &from, location).is_err(), "{location:?}");
        }
    }

    #[test]
    fn what_is_shown_of_an_address_is_its_host() {
        assert_eq!(shown(&url("https://user:pass@cdn.example:8443/b?sig=secret")), "https://cdn.example:8443");
    }

    #[tokio::test]
    async fn inner_addresses_are_refused_unless_the_registry_is_there() {
        let pinned = Pinned::default();
        let public = url("https://93.184.216.34/");
        for inner in [
            "http://169.254.169.254/",
            "http://10.0.0.1/",
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://100.64.0.1/",
            "http://0.0.0.0/",
            "http://[fd00::1]/",
            "http://[64:ff9b::10.0.0.1]/",
            "http://[64:ff9b::169.254.169.254]/",
            "http://[2002:7f00:1::1]/",
            "http://[2002:a9fe:a9fe::]/",
        ] {
            assert!(pinned.guard(&public, &url(inner)).await.is_err(), "{inner}");
        }
        for outer in
            ["https://1.1.1.1/", "https://[2606:4700::1]/", "https://[64:ff9b::1.1.1.1]/", "https://[2002:101:101::]/"]
        {
            assert!(pinned.guard(&public, &url(outer)).await.is_ok(), "{outer}");
        }
        assert!(pinned.guard(&url("http://10.0.0.1/"), &url("http://10.0.0.2/")).await.is_ok());
        assert!(pinned.guard(&url("http://10.0.0.1/"), &url("http://169.254.169.254/")).await.is_err());
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_not_looked_up_again() {
        let pinned = Pinned::default();
        // Top level `invalid` never resolves (RFC 6761).
        let (registry, nowhere) = (url("https://93.184.216.34/"), url("https://cdn.invalid/"));
        assert!(pinned.guard(&registry, &nowhere).await.is_ok());
        let found = pinned.resolve("cdn.invalid".parse().unwrap()).await.unwrap();
        assert_eq!(found.count(), 0);
    }
}
