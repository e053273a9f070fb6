//! Package URLs: <https://github.com/package-url/purl-spec>.

const MAX_LENGTH: usize = 4096;

/// A package URL, its parts decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purl {
    /// The type, in lower case: `deb`, `oci`.
    pub kind: String,
    /// The namespace; empty for none.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The version.
    pub version: Option<String>,
    /// Qualifiers with a value, as written.
    pub qualifiers: Vec<(String, String)>,
    /// The path within the package.
    pub subpath: Option<String>,
}

impl Purl {
    /// Reads a package URL; none for anything the specification does not take.
    ///
    /// Only what all types have in common is brought into one form; `pkg:pypi/A_b` and `pkg:pypi/a-b` stay two.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("pkg:").filter(|_| text.len() <= MAX_LENGTH)?.trim_start_matches('/');
        let (rest, subpath) = rest.split_once('#').map_or((rest, None), |(rest, subpath)| (rest, Some(subpath)));
        let (rest, qualifiers) = rest.split_once('?').map_or((rest, ""), |(rest, qualifiers)| (rest, qualifiers));
        let (kind, path) = rest.split_once('/')?;
        let path = path.trim_matches('/');
        let name_start = path.rfind('/').map_or(0, |slash| slash + 1);
        let (name, version) = path[name_start..]
            .split_once('@')
            .map_or((&path[name_start..], None), |(name, version)| (name, Some(version)));
        let is_kind = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-');
        if kind.is_empty() || !kind.bytes().all(is_kind) {
            return None;
        }
        let name = decoded(name)?;
        let version = version.filter(|version| !version.is_empty()).map(decoded);
        let subpath =
            subpath.map(|subpath| subpath.trim_matches('/')).filter(|subpath| !subpath.is_empty()).map(decoded);
        Some(Self {
            kind: kind.to_ascii_lowercase(),
            namespace: decoded(path[..name_start].trim_end_matches('/'))?,
            name: if name.is_empty() { return None } else { name },
            version: if let Some(version) = version { Some(version?) } else { None },
            qualifiers: read_qualifiers(qualifiers)?,
            subpath: if let Some(subpath) = subpath { Some(subpath?) } else { None },
        })
    }

    /// The value of a qualifier.
    #[must_use]
    pub fn qualifier(&self, key: &str) -> Option<&str> {
        self.qualifiers.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Tells whether a package is among those this one names: all that is given here must be the same there.
    ///
    /// Without a version this names all versions, as OpenVEX reads it.
    #[must_use]
    pub fn names(&self, package: &Self) -> bool {
        (&self.kind, &self.namespace, &self.name) == (&package.kind, &package.namespace, &package.name)
            && (self.version.is_none() || self.version == package.version)
            && (self.subpath.is_none() || self.subpath == package.subpath)
            && self.qualifiers.iter().all(|(key, value)| package.qualifier(key) == Some(value))
    }
}

fn read_qualifiers(text: &str) -> Option<Vec<(String, String)>> {
    let mut qualifiers: Vec<(String, String)> = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=')?;
        let (key, value) = (key.to_ascii_lowercase(), decoded(value)?);
        if key.is_empty() || qualifiers.iter().any(|(known, _)| *known == key) || qualifiers.len() == 32 {
            return None;
        }
        if !value.is_empty() {
            qualifiers.push((key, value));
        }
    }
    Some(qualifiers)
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let value = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
        bytes.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Purl {
        Purl::parse(text).unwrap()
    }

    #[test]
    fn parts_are_told_apart_and_decoded() {
        let purl = parse("pkg:OCI/app@sha256%3Aab?repository_url=reg.example%2Fshop%2Fapp&arch=&tag=1#/a/b/");
        assert_eq!((purl.kind.as_str(), purl.namespace.as_str(), purl.name.as_str()), ("oci", "", "app"));
        assert_eq!(purl.version.as_deref(), Some("sha256:ab"));
        assert_eq!(purl.qualifier("repository_url"), Some("reg.example/shop/app"));
        assert_eq!((purl.qualifier("arch"), purl.subpath.as_deref()), (None, Some("a/b")));
        let scoped = parse("pkg:npm/%40angular/core@1.0.0");
        assert_eq!(scoped, parse("pkg:npm/@angular/core@1.0.0"));
        assert_eq!((scoped.namespace.as_str(), scoped.name.as_str()), ("@angular", "core"));
        assert_eq!(parse("pkg:deb/ubuntu/libstdc%2B%2B6@12").name, "libstdc++6");
        assert_eq!(parse("pkg:golang/github.com/acme/lib@v1").namespace, "github.com/acme");
    }

    #[test]
    fn what_is_no_package_url_is_none() {
        for text in [
            "",
            "pkg:",
            "pkg:deb",
            "pkg:deb/",
            "pkg:/",
            "PKG:deb/a",
            "deb/a",
            "pkg:d b/a",
            "pkg:deb/a%",
            "pkg:deb/a%4",
            "pkg:deb/a%zz",
            "pkg:deb/a%+1",
            "pkg:deb/a%ff",
            "pkg:deb/a?b",
            "pkg:deb/a?=b",
            "pkg:deb/a?b=1&B=2",
            "pkg:deb/@1",
        ] {
            assert_eq!(Purl::parse(text), None, "{text}");
        }
        assert_eq!(Purl::parse(&format!("pkg:deb/{}", "a".repeat(5_000))), None);
    }

    #[test]
    fn all_that_is_given_must_be_the_same() {
        let package = parse("pkg:deb/debian/openssl@3.0.9?arch=amd64&distro=debian-12");
        for text in [
            "pkg:deb/debian/openssl",
            "pkg:deb/debian/openssl@3.0.9",
            "pkg:deb/debian/openssl@3.0.9?arch=amd64",
            "pkg:DEB/debian/openssl?distro=debian-12",
        ] {
            assert!(parse(text).names(&package), "{text}");
        }
        for text in [
            "pkg:deb/openssl",
            "pkg:deb/ubuntu/openssl",
            "pkg:rpm/debian/openssl",
            "pkg:deb/debian/OpenSSL",
            "pkg:deb/debian/openssl@3.0",
            "pkg:deb/debian/openssl?arch=arm64",
            "pkg:deb/debian/openssl?epoch=1",
            "pkg:deb/debian/openssl#sub",
        ] {
            assert!(!parse(text).names(&package), "{text}");
        }
        assert!(!package.names(&parse("pkg:deb/debian/openssl")), "less is known of the package than is asked");
    }

    proptest! {
        #[test]
        fn a_package_names_itself_and_no_text_panics(text in "pkg:[a-z]{0,3}/[a-z@/%0-9?&=#]{0,30}") {
            if let Some(purl) = Purl::parse(&text) {
                prop_assert!(purl.names(&purl));
            }
        }
    }
}
