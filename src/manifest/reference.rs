//! An image reference in parts, each with where it was decided.

use super::node::{Node, Place, Scalar};

/// Where the parts of a reference were decided, and what decided last.
#[derive(Debug, Clone)]
pub(crate) struct Decided {
    pub(crate) last: Place,
    pub(crate) name: Place,
    pub(crate) tag: Option<Place>,
    pub(crate) digest: Option<Place>,
}

impl Decided {
    /// The origins of a scalar's reference: what transformers left, or the scalar itself.
    pub(crate) fn of(node: &Node, scalar: &Scalar) -> Self {
        if let Some(decided) = &scalar.decided {
            return (**decided).clone();
        }
        let parts = split(&scalar.text);
        // The parts follow each other with one character between them.
        let characters = |text: &str| text.chars().count();
        let tag_at = characters(parts.name) + 1;
        let digest_at = tag_at + parts.tag.map_or(0, |tag| characters(tag) + 1);
        let inside = |at| {
            if scalar.is_verbatim { node.place.right(at) } else { node.place.clone() }
        };
        Self {
            last: node.place.clone(),
            name: node.place.clone(),
            tag: parts.tag.map(|_| inside(tag_at)),
            digest: parts.digest.map(|_| inside(digest_at)),
        }
    }
}

/// A reference cut the way kustomize cuts it, which is not how registries do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts<'t> {
    pub(crate) name: &'t str,
    pub(crate) tag: Option<&'t str>,
    pub(crate) digest: Option<&'t str>,
}

/// Cuts at the first `:` and the first `@` after the first `/`; empty parts are none.
pub(crate) fn split(text: &str) -> Parts<'_> {
    let slash = text.find('/').unwrap_or(0);
    let at = text[slash..].find('@').map(|at| at + slash);
    let colon = text[slash..].find(':').map(|at| at + slash);
    let (name, tag, digest) = match (at, colon) {
        (None, None) => (text, "", ""),
        (Some(at), Some(colon)) if colon < at => (&text[..colon], &text[colon + 1..at], &text[at + 1..]),
        (Some(at), _) => (&text[..at], "", &text[at + 1..]),
        (None, Some(colon)) => (&text[..colon], &text[colon + 1..], ""),
    };
    Parts {
        name,
        tag: Some(tag).filter(|tag| !tag.is_empty()),
        digest: Some(digest).filter(|digest| !digest.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_cut_as_kustomize_cuts_them() {
        let cut = |text| {
            let parts = split(text);
            (parts.name, parts.tag, parts.digest)
        };
        assert_eq!(cut("nginx"), ("nginx", None, None));
        assert_eq!(cut("nginx:1@sha256:a"), ("nginx", Some("1"), Some("sha256:a")));
        assert_eq!(cut("reg:5000/x@sha256:a"), ("reg:5000/x", None, Some("sha256:a")));
        assert_eq!(cut("reg:5000/x:1"), ("reg:5000/x", Some("1"), None));
        assert_eq!(cut("nginx:"), ("nginx", None, None));
    }
}
