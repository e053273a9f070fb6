//! Resources that live elsewhere.

/// Tells whether kustomize would take `path` for a URL or a Git repository.
pub(super) fn is_remote(path: &str) -> bool {
    const PREFIXES: [&str; 8] = ["http://", "https://", "ssh://", "git://", "file://", "git::", "git@", "github.com"];
    let lower = path.to_ascii_lowercase();
    PREFIXES.iter().any(|prefix| lower.starts_with(prefix))
        || path.contains("?ref=")
        || path.contains("//")
        || path.contains(".git")
        || path.contains("_git")
}

/// Returns the URL without what may be a credential: what stands before an `@`, and a query but its revision.
pub(super) fn shown(url: &str) -> &str {
    let shown = url.rsplit_once('@').map_or(url, |(_, host)| host);
    match shown.split_once('?') {
        Some((_, query)) if query.starts_with("ref=") && !query.contains('&') => shown,
        Some((base, _)) => base,
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_repositories_are_remote() {
        for path in ["https://x/y.yaml", "github.com/o/r//p?ref=v1", "git@host:o/r.git", "ssh://h/r", "o/r?ref=x"] {
            assert!(is_remote(path), "{path}");
        }
        assert!(!is_remote("../base"));
        assert!(!is_remote("a.yaml"));
    }
}
