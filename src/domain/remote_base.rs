//! Remote bases: where a kustomization lives that is not in the repository.

use std::fmt;

use super::tree::TreePath;

/// A repository or file elsewhere, as kustomize names it: `https://host/repository//path?ref=revision` and its relatives.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RemoteBase {
    repository: String,
    path: String,
    revision: Option<String>,
}

impl RemoteBase {
    /// Reads a URL; whatever the scheme, the login and the spelling, one repository is one repository.
    #[must_use]
    pub fn parse(url: &str) -> Self {
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let value = |pair: &str| {
            let (key, value) = pair.split_once('=')?;
            matches!(key, "ref" | "version").then(|| value.to_owned())
        };
        let revision = query.split('&').find_map(value).filter(|revision| !revision.is_empty());
        let address = ["git::", "https://", "http://", "ssh://", "git://"]
            .iter()
            .fold(address, |address, scheme| address.strip_prefix(scheme).unwrap_or(address));
        // A login stands before the host; `git@host:owner/repository` is another way to write a path.
        let at = address.find('@').filter(|at| !address[..*at].contains('/'));
        let address = at.map_or(address.to_owned(), |at| address[at + 1..].replacen(':', "/", 1));
        let (repository, path) = split(&address);
        let repository = repository.trim_matches('/');
        let repository = repository.strip_suffix(".git").unwrap_or(repository).to_ascii_lowercase();
        Self { repository, path: path.trim_matches('/').to_owned(), revision }
    }

    /// Returns the revision that is named.
    #[must_use]
    pub fn revision(&self) -> Option<&str> {
        self.revision.as_deref()
    }

    /// Returns where `other` lies below this: of the same repository, at the same revision.
    #[must_use]
    pub fn path_to<'o>(&self, other: &'o Self) -> Option<&'o str> {
        if (&self.repository, &self.revision) != (&other.repository, &other.revision) {
            return None;
        }
        let rest = other.path.strip_prefix(&self.path)?;
        match self.path.is_empty() || rest.is_empty() {
            true => Some(rest),
            false => rest.strip_prefix('/'),
        }
    }
}

/// Cuts an address into repository and path.
fn split(address: &str) -> (&str, &str) {
    if let Some(cut) = address.split_once("//") {
        return cut;
    }
    if let Some((repository, path)) = address.split_once(".git/") {
        return (repository, path);
    }
    // These hosts have repositories with an owner and a name.
    let has_owners = ["github.com/", "gitlab.com/", "bitbucket.org/"].iter().any(|host| address.starts_with(host));
    match address.match_indices('/').nth(2).filter(|_| has_owners) {
        Some((cut, _)) => address.split_at(cut),
        None => (address, ""),
    }
}

impl fmt::Display for RemoteBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository)?;
        if !self.path.is_empty() {
            write!(f, "//{}", self.path)?;
        }
        self.revision.as_ref().map_or(Ok(()), |revision| write!(f, "?ref={revision}"))
    }
}

/// A remote base whose files were copied into the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vendored {
    /// What was copied.
    pub base: RemoteBase,
    /// Where the copy lies.
    pub path: TreePath,
}

impl Vendored {
    /// Finds the copy of what `url` names.
    #[must_use]
    pub fn find(all: &[Self], url: &str) -> Option<TreePath> {
        if all.is_empty() {
            return None;
        }
        let wanted = RemoteBase::parse(url);
        all.iter().find_map(|vendored| vendored.path.join(vendored.base.path_to(&wanted)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_repository_has_many_spellings() {
        let spelled = [
            "https://github.com/o/r//deploy/base?ref=v1",
            "github.com/o/r/deploy/base?ref=v1",
            "https://github.com/o/r.git//deploy/base?version=v1&timeout=90s",
            "git@github.com:o/r.git//deploy/base?ref=v1",
            "git::ssh://git@github.com/o/r//deploy/base/?ref=v1",
            "https://user:token@github.com/O/R//deploy/base?ref=v1",
        ];
        for url in spelled {
            assert_eq!(RemoteBase::parse(url).to_string(), "github.com/o/r//deploy/base?ref=v1", "{url}");
        }
    }

    #[test]
    fn a_copy_serves_what_lies_below_it_at_its_revision_only() {
        let vendored = [Vendored {
            base: RemoteBase::parse("https://github.com/o/r//deploy?ref=v1"),
            path: TreePath::parse("vendor/r").unwrap(),
        }];
        let find = |url| Vendored::find(&vendored, url).map(|path| path.to_string());
        assert_eq!(find("https://github.com/o/r//deploy/base?ref=v1").as_deref(), Some("vendor/r/base"));
        assert_eq!(find("https://github.com/o/r//deploy?ref=v1").as_deref(), Some("vendor/r"));
        assert_eq!(find("https://github.com/o/r//deploy?ref=v2"), None);
        assert_eq!(find("https://github.com/o/r//deployment?ref=v1"), None);
        assert_eq!(find("https://github.com/o/other//deploy?ref=v1"), None);
        assert_eq!(find("https://github.com/o/r//deploy/../../../x?ref=v1"), None);
    }
}
