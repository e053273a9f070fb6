//! Addresses of source repositories, in the one form that is compared.

use super::unreadable::{Unreadable, shown};

const MAX_LENGTH: usize = 2048;

/// Brings the address of a repository into the one form that is compared: without `git+`, `.git` and a slash at its
/// end, scheme and host in lower case, without its scheme's own port. The path keeps its case.
///
/// Both sides of a comparison go through this. What it makes, it makes of itself again.
///
/// # Errors
/// [`Unreadable::Repository`] for anything but an `https`, `http`, `ssh` or `git` URL with a host and a path, and for
/// one with user information, a query or a fragment.
///
/// ```
/// # use promote_bot::attestation::canonical_repository;
/// let same = ["git+https://Git.Example:443/acme/App.git", "https://git.example/acme/App/"];
/// assert!(same.iter().all(|text| canonical_repository(text).is_ok_and(|it| it == "https://git.example/acme/App")));
/// ```
pub fn canonical_repository(text: &str) -> Result<String, Unreadable> {
    if text.len() > MAX_LENGTH {
        return refuse(text, "it is too long");
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains('\\') {
        return refuse(text, "it has characters that no address has");
    }
    let url = text.strip_prefix("git+").unwrap_or(text);
    let Some((scheme, rest)) = url.split_once("://") else {
        return refuse(text, "it has no scheme");
    };
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "https" => 443,
        "http" => 80,
        "ssh" => 22,
        "git" => 9418,
        _ => return refuse(text, "its scheme is not https, http, ssh or git"),
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') {
        return refuse(text, "it names a user");
    }
    if path.contains(['@', '?', '#']) {
        return refuse(text, "it has more than host and path");
    }
    let Some(host) = canonical_host(authority, default_port) else {
        return refuse(text, "its host is not valid");
    };
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    if path.ends_with(".git") || path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return refuse(text, "its path is not valid");
    }
    Ok(format!("{scheme}://{host}/{path}"))
}

fn canonical_host(authority: &str, default_port: u16) -> Option<String> {
    let lower = authority.to_ascii_lowercase();
    let port_at = lower.rfind(':').filter(|at| !lower[*at..].contains(']'));
    let (host, port) = port_at.map_or((lower.as_str(), None), |at| (&lower[..at], Some(&lower[at + 1..])));
    let is_name =
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if !is_name && address.is_none_or(|address| address.parse::<core::net::Ipv6Addr>().is_err()) {
        return None;
    }
    let Some(port) = port else {
        return Some(host.to_owned());
    };
    // `parse` alone would take a plus sign.
    let port: u16 = port.bytes().all(|b| b.is_ascii_digit()).then(|| port.parse().ok())??;
    Some(if port == default_port { host.to_owned() } else { format!("{host}:{port}") })
}

fn refuse(text: &str, why: &'static str) -> Result<String, Unreadable> {
    // What stands before an `@` may be a password.
    let public = match (text.split_once("://"), text.rfind('@')) {
        (Some((scheme, _)), Some(at)) => format!("{scheme}://…{}", &text[at..]),
        (None, Some(at)) => format!("…{}", &text[at..]),
        _ => text.to_owned(),
    };
    Err(Unreadable::Repository { text: shown(&public), why })
}

/// Takes a locator apart: `git+https://host/o/r@refs/heads/main` as SPDX has it, or
/// `https://host/o/r.git#refs/heads/main:dir` as BuildKit has it.
///
/// Whichever of `@` and `#` comes first in the path parts them, for a reference may have both in its name. The
/// directory behind BuildKit's reference is left out. An empty reference is none.
pub(super) fn split_locator(text: &str) -> Result<(String, Option<&str>), Unreadable> {
    let path_start = text.find("://").and_then(|at| text[at + 3..].find('/').map(|slash| at + 3 + slash));
    let mark = path_start.and_then(|start| text[start..].find(['@', '#']).map(|at| start + at));
    let Some(mark) = mark else {
        return Ok((canonical_repository(text)?, None));
    };
    let reference = match text[mark..].strip_prefix('#') {
        Some(fragment) => fragment.split_once(':').map_or(fragment, |(reference, _)| reference),
        None => &text[mark + 1..],
    };
    Ok((canonical_repository(&text[..mark])?, Some(reference).filter(|reference| !reference.is_empty())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ways_to_write_one_repository_are_one() {
        for text in [
            "https://git.example/acme/App",
            "git+https://git.example/acme/App.git",
            "HTTPS://GIT.example:443/acme/App/",
            "https://git.example:0443/acme/App.git/",
        ] {
            assert_eq!(canonical_repository(text).unwrap(), "https://git.example/acme/App", "{text}");
        }
    }

    #[test]
    fn different_repositories_stay_different() {
        let texts = [
            "https://git.example/acme/app",
            "https://git.example/acme/App",
            "http://git.example/acme/app",
            "ssh://git.example/acme/app",
            "https://git.example:8443/acme/app",
            "https://git.example./acme/app",
            "https://git.example/acme/app.git.x",
            "https://git.example/acme%2Fapp",
            "https://[::1]/acme/app",
        ];
        let all: std::collections::BTreeSet<String> =
            texts.iter().map(|text| canonical_repository(text).unwrap()).collect();
        assert_eq!(all.len(), texts.len());
    }

    #[test]
    fn hostile_addresses_are_refused() {
        for text in [
            "",
            "git.example/acme/app",
            "git@git.example:acme/app",
            "https://user@git.example/acme/app",
            "https://user:secret@git.example/acme/app",
            "git+ssh://git@git.example/acme/app.git",
            "https://git.example@evil.example/acme/app",
            "https://git.example",
            "https://git.example/",
            "https://git.example/.git",
            "https://git.example/acme/app.git.git",
            "https://git.example/acme/../app",
            "https://git.example/acme//app",
            "https://git.example/acme/app?ref=main",
            "https://git.example/acme/app#main",
            "https://git.example/acme/app@main",
            "https://git.example/acme/app\n",
            " https://git.example/acme/app",
            "https://git.example\\@evil.example/acme/app",
            "https://gıt.example/acme/app",
            "https://git.example:+443/acme/app",
            "https://git.example:/acme/app",
            "https://git.example:99999/acme/app",
            "https://:443/acme/app",
            "https:///acme/app",
            "file:///acme/app",
            "git+git+https://git.example/acme/app",
            "pkg:docker/alpine@3",
        ] {
            assert!(canonical_repository(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_refused_address_does_not_tell_its_password() {
        let told = canonical_repository("https://user:secret@git.example/acme/app").unwrap_err().to_string();
        assert_eq!(
            told,
            "`https://\\u{2026}@git.example/acme/app` is not the address of a repository: it names a user"
        );
        assert!(!canonical_repository("user:secret@git.example").unwrap_err().to_string().contains("secret"));
    }

    #[test]
    fn references_are_kept_as_they_are() {
        for (text, reference) in [
            ("git+https://git.example/acme/app@refs/heads/main", Some("refs/heads/main")),
            ("git+https://git.example/acme/app@refs/heads/main\n", Some("refs/heads/main\n")),
            ("git+https://git.example/acme/app@refs/heads/main@x", Some("refs/heads/main@x")),
            ("git+https://git.example/acme/app@refs/heads/fix#7", Some("refs/heads/fix#7")),
            ("https://git.example/acme/app.git#refs/heads/main", Some("refs/heads/main")),
            ("https://git.example/acme/app.git#refs/heads/a@b:sub/dir", Some("refs/heads/a@b")),
            ("https://git.example/acme/app#main", Some("main")),
            ("https://git.example/acme/app#", None),
            ("https://git.example/acme/app@", None),
            ("https://git.example/acme/app", None),
        ] {
            let split = split_locator(text).unwrap();
            assert_eq!(split, ("https://git.example/acme/app".to_owned(), reference), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn the_canonical_form_is_its_own(text in "(git\\+)?https?://[A-Za-z.:0-9@]{1,12}/[a-zA-Z./@#%]{0,16}") {
            if let Ok(canonical) = canonical_repository(&text) {
                let again = canonical_repository(&canonical);
                prop_assert_eq!(again.as_ref(), Ok(&canonical));
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = canonical_repository(&text);
            let _ = split_locator(&text);
        }
    }
}
