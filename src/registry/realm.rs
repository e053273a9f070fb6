//! Realms: whether a token service may be given a registry's credentials.
//!
//! A registry names its token service itself, so a hostile one names somebody who collects passwords. Credentials go to the
//! registry's own host, to a host of the same organisation over https, or to one of a short list.

use reqwest::Url;

/// Token services that are known to serve a registry of another domain.
const KNOWN: [(&str, &str); 2] = [("docker.io", "auth.docker.io"), ("registry.redhat.io", "sso.redhat.com")];

/// Second-level names under which strangers register, where the top level is a country's.
const SHARED_SECOND_LEVELS: [&str; 12] =
    ["ac", "co", "com", "edu", "gen", "gov", "ltd", "mil", "ne", "net", "or", "org"];

/// Domains whose customers get a name below them: siblings there are strangers.
const SHARED_DOMAINS: [&str; 24] = [
    "amazonaws.com",
    "appspot.com",
    "azurecr.io",
    "azurewebsites.net",
    "cloudapp.net",
    "cloudfront.net",
    "duckdns.org",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "googleapis.com",
    "herokuapp.com",
    "netlify.app",
    "ngrok.io",
    "ngrok.app",
    "nip.io",
    "onrender.com",
    "pages.dev",
    "run.app",
    "sslip.io",
    "vercel.app",
    "web.app",
    "windows.net",
    "workers.dev",
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
    let own = same_origin
        || (realm.scheme() == "https"
            && (same_host || related(base, realm) || KNOWN.contains(&(name, realm.host_str().unwrap_or_default()))));
    if own { Standing::Own } else { Standing::Foreign }
}

/// Tells whether one host is a parent of the other or both are siblings, below a domain that one organisation holds.
fn related(one: &Url, other: &Url) -> bool {
    let (Some(one), Some(other)) = (one.domain(), other.domain()) else {
        return false;
    };
    let below = |host: &str, parent: &str| host.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'));
    let sibling = match (one.split_once('.'), other.split_once('.')) {
        (Some((_, parent)), Some((_, other_parent))) => parent == other_parent && held_by_one(parent),
        _ => false,
    };
    sibling || (below(one, other) && held_by_one(other)) || (below(other, one) && held_by_one(one))
}

fn held_by_one(domain: &str) -> bool {
    let mut labels = domain.rsplit('.');
    let (Some(top), Some(second)) = (labels.next(), labels.next()) else {
        return false;
    };
    let under_country = top.len() == 2 && SHARED_SECOND_LEVELS.contains(&second) && labels.next().is_none();
    let under_host = SHARED_DOMAINS.iter().any(|shared| domain == *shared || domain.ends_with(&format!(".{shared}")));
    !under_country && !under_host
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(registry: &str, realm: &str) -> Standing {
        let base = Url::parse(registry).unwrap();
        judge(base.host_str().unwrap(), &base, &Url::parse(realm).unwrap())
    }

    #[test]
    fn a_realm_of_the_same_organisation_may_have_the_credentials() {
        for (registry, realm) in [
            ("https://reg.example:5000", "https://reg.example:5000/token"),
            ("https://registry.gitlab.com", "https://gitlab.com/jwt/auth"),
            ("https://registry-1.docker.io", "https://auth.docker.io/token"),
            ("https://registry.acme.co.uk", "https://auth.acme.co.uk/t"),
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
            ("https://registry.acme.com", "http://auth.acme.com/token"),
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
