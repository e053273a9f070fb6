//! Realms: whether a token service may be given a registry's credentials.
//!
//! A registry names its token service itself, so a hostile one names somebody who collects passwords. Credentials go to the
//! registry's own host, from `registry.<domain>` to `<domain>` or to its `gitlab.`, `auth.` and the like over https, or to one
//! of a short list. Any other neighbour below the same domain is not enough: no list of the domains whose customers are
//! strangers to each other is ever complete.

use reqwest::Url;

/// Token services that are known to serve a registry of another host, by the registry's name.
const KNOWN: [(&str, &str); 4] = [
    ("docker.io", "auth.docker.io"),
    ("index.docker.io", "auth.docker.io"),
    ("registry-1.docker.io", "auth.docker.io"),
    ("registry.redhat.io", "sso.redhat.com"),
];

/// Whose a token service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The registry's own: it may have the credentials.
    Own,
    /// Somebody else's: it may be asked for an anonymous token at most.
    Foreign,
}

/// Judges the realm that the registry `name`, served at `base`, sent.
pub(super) fn judge(name: &str, base: &Url, realm: &Url) -> Standing {
    let same_host = realm.host_str() == base.host_str();
    let same_origin =
        same_host && realm.scheme() == base.scheme() && realm.port_or_known_default() == base.port_or_known_default();
    let known = || KNOWN.contains(&(name, realm.host_str().unwrap_or_default()));
    let own = same_origin || (realm.scheme() == "https" && (same_host || is_of_its_domain(base, realm) || known()));
    if own { Standing::Own } else { Standing::Foreign }
}

/// First labels under which the domain of a `registry.<domain>` runs its sign-in.
const SIGN_IN: [&str; 7] = ["gitlab", "git", "auth", "login", "sso", "token", "api"];

/// Tells whether the registry is `registry.<domain>` and the realm is `<domain>` itself or its sign-in, as at GitLab
/// (<https://docs.gitlab.com/administration/packages/container_registry/>).
fn is_of_its_domain(base: &Url, realm: &Url) -> bool {
    let Some(domain) = base.domain().and_then(|name| name.strip_prefix("registry.")).filter(|name| name.contains('.'))
    else {
        return false;
    };
    let of_sign_in =
        |name: &str| name.split_once('.').is_some_and(|(label, rest)| SIGN_IN.contains(&label) && rest == domain);
    realm.domain().is_some_and(|name| name == domain || of_sign_in(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(registry: &str, realm: &str) -> Standing {
        let base = Url::parse(registry).unwrap();
        judge(base.host_str().unwrap(), &base, &Url::parse(realm).unwrap())
    }

    #[test]
    fn the_registrys_own_realm_may_have_the_credentials() {
        for (registry, realm) in [
            ("https://reg.example:5000", "https://reg.example:5000/token"),
            ("https://registry.gitlab.com", "https://gitlab.com/jwt/auth"),
            ("https://registry-1.docker.io", "https://auth.docker.io/token"),
            ("https://registry.acme.co.uk", "https://acme.co.uk/jwt/auth"),
            ("https://registry.acme.com", "https://gitlab.acme.com/jwt/auth"),
            ("https://reg.example:5000", "https://reg.example/token"),
            ("http://127.0.0.1:5000", "http://127.0.0.1:5000/token"),
        ] {
            assert_eq!(judged(registry, realm), Standing::Own, "{registry} {realm}");
        }
        let hub = Url::parse("https://registry-1.docker.io").unwrap();
        assert_eq!(judge("docker.io", &hub, &Url::parse("https://auth.docker.io/t").unwrap()), Standing::Own);
    }

    #[test]
    fn a_strangers_realm_may_not() {
        for (registry, realm) in [
            ("https://reg.example", "https://evil.example/token"),
            ("https://reg.example", "http://reg.example/token"),
            ("https://registry.acme.com", "http://acme.com/token"),
            ("https://registry.acme.com", "https://evil.acme.com/token"),
            ("https://hub.acme.com", "https://auth.acme.com/token"),
            ("https://registry.acme.com", "https://com/token"),
            ("https://registry.com", "https://com/token"),
            ("https://hub.acme.com", "https://acme.com/token"),
            ("https://acme.com", "https://registry.acme.com/token"),
            ("https://acme.up.railway.app", "https://evil.up.railway.app/token"),
            ("https://acme.trycloudflare.com", "https://evil.trycloudflare.com/token"),
            ("https://acme.go.jp", "https://evil.go.jp/token"),
            ("https://reg.example", "https://auth.docker.io/token"),
            ("https://acme.co.uk", "https://evil.co.uk/token"),
            ("https://acme.github.io", "https://evil.github.io/token"),
            ("https://acme.eu.run.app", "https://evil.eu.run.app/token"),
            ("https://acme.com", "https://notacme.com/token"),
            ("https://acme.com", "https://com/token"),
            ("https://10.0.0.1", "https://10.0.0.2/token"),
            ("http://127.0.0.1:5000", "http://127.0.0.1:5001/token"),
            ("http://127.0.0.1:5000", "http://localhost:5000/token"),
        ] {
            assert_eq!(judged(registry, realm), Standing::Foreign, "{registry} {realm}");
        }
    }
}
