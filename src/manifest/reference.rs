//! An image reference in parts, each with where it was decided.

use std::sync::Arc;

use crate::domain::{DecidedBy, Decision, ImageUse, Origins, UseClass, Workload};

use super::node::{Node, Place, Scalar};

/// Tells whether a reference has a tag or a digest.
pub(crate) fn has_version(text: &str) -> bool {
    let parts = split(text);
    parts.tag.is_some() || parts.digest.is_some()
}

/// How many earlier decisions are kept of one reference; hostile overlays make thousands.
const MAX_DECISIONS: u16 = 200;

/// Where the parts of a reference were decided, what decided last, and what stood there before.
#[derive(Debug, Clone)]
pub(crate) struct Decided {
    pub(crate) by: DecidedBy,
    pub(crate) last: Place,
    pub(crate) name: Place,
    pub(crate) tag: Option<Place>,
    pub(crate) digest: Option<Place>,
    before: Option<Arc<Before>>,
}

/// The reference before a decision.
#[derive(Debug)]
struct Before {
    text: Arc<str>,
    decided: Decided,
    /// How many decisions lie before this one.
    count: u16,
}

impl Decided {
    /// A first decision.
    pub(crate) fn new(by: DecidedBy, last: Place, name: Place, tag: Option<Place>, digest: Option<Place>) -> Self {
        Self { by, last, name, tag, digest, before: None }
    }

    /// The origins of a scalar's reference: what transformers left, or the scalar itself.
    pub(crate) fn of(node: &Node, scalar: &Scalar) -> Self {
        match &scalar.decided {
            Some(decided) => (**decided).clone(),
            None => Self::written(node, scalar),
        }
    }

    fn written(node: &Node, scalar: &Scalar) -> Self {
        let parts = split(&scalar.text);
        // The parts follow each other with one character between them.
        let characters = |text: &str| text.chars().count();
        let tag_at = characters(parts.name) + 1;
        let digest_at = tag_at + parts.tag.map_or(0, |tag| characters(tag) + 1);
        let inside = |at| {
            if scalar.is_verbatim { node.place.right(at) } else { node.place.clone() }
        };
        let (tag, digest) = (parts.tag.map(|_| inside(tag_at)), parts.digest.map(|_| inside(digest_at)));
        Self::new(DecidedBy::Written, node.place.clone(), node.place.clone(), tag, digest)
    }

    /// Notes what stood here before.
    pub(crate) fn after(mut self, text: &Arc<str>, decided: Self) -> Self {
        let count = decided.before.as_ref().map_or(0, |before| before.count + 1);
        if count < MAX_DECISIONS {
            self.before = Some(Arc::new(Before { text: text.clone(), decided, count }));
        }
        self
    }

    /// The use of `image` at `field` of a document that is yet to be named.
    pub(crate) fn image_use(&self, image: &str, class: UseClass, field: String) -> ImageUse {
        ImageUse {
            image: image.to_owned(),
            class,
            workload: Workload::default(),
            container: None,
            field,
            location: self.last.location(),
            origins: Origins {
                name: self.name.location(),
                tag: self.tag.as_ref().map(Place::location),
                digest: self.digest.as_ref().map(Place::location),
            },
            decisions: self.decisions(image),
        }
    }

    /// The decisions from the first to this one, which made it `image`.
    pub(crate) fn decisions(&self, image: &str) -> Vec<Decision> {
        let decision = |decided: &Self, image: &str| Decision {
            by: decided.by,
            image: image.to_owned(),
            location: decided.last.location(),
        };
        let mut decisions = vec![decision(self, image)];
        let mut at = &self.before;
        while let Some(before) = at {
            decisions.push(decision(&before.decided, &before.text));
            at = &before.decided.before;
        }
        decisions.reverse();
        decisions
    }
}

impl Node {
    /// Notes that this scalar took the place of the scalar `old`; nothing is noted where one of the two is none.
    pub(crate) fn succeed(&mut self, old: &Self, by: DecidedBy) {
        let Some(past) = old.as_scalar() else { return };
        let Some(mut decided) = self.as_scalar().map(|scalar| Decided::of(self, scalar)) else { return };
        decided.by = by;
        decided = decided.after(&past.text, Decided::of(old, past));
        if let super::Value::Scalar(scalar) = &mut self.value {
            scalar.decided = Some(Arc::new(decided));
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
