//! What one entry of a list of images asks for: `name`, and what takes the place of name, tag and digest.

use std::sync::Arc;

use super::node::{Node, Place, Scalar};
use super::reference::split;

/// A text and the place it was written at.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) text: Arc<str>,
    pub(crate) place: Place,
}

/// An entry of a list of images.
#[derive(Debug, Clone)]
pub(crate) struct ImageOverride {
    pub(crate) name: Written,
    pub(crate) new_name: Option<Written>,
    pub(crate) new_tag: Option<Written>,
    pub(crate) digest: Option<Written>,
}

impl ImageOverride {
    /// Reads the mapping of an entry of kustomize's `images`; `None` without a name.
    pub(crate) fn of_mapping(entry: &Node) -> Option<Self> {
        let at = |key: &str| {
            let node = entry.get(key)?;
            let text = node.text().filter(|text| !text.is_empty())?;
            Some(Written { text: text.into(), place: node.place.clone() })
        };
        Some(Self { name: at("name")?, new_name: at("newName"), new_tag: at("newTag"), digest: at("digest") })
    }

    /// Reads `[name=]image[:tag][@digest]`, as `kustomize edit set image` and Argo CD's `kustomize.images` have it; `None`
    /// where that sets nothing.
    pub(crate) fn of_text(node: &Node) -> Option<Self> {
        let scalar = node.as_scalar()?;
        let text = node.text()?;
        let (name, image_at) = match text.find('=') {
            Some(at) => (Some(&text[..at]), at + 1),
            None => (None, 0),
        };
        let image = &text[image_at..];
        let parts = split(image);
        let here = |part: &str, at: usize| Written { text: part.into(), place: inside(node, scalar, text, at) };
        // The parts follow each other with one character between them.
        let tag_at = image_at + parts.name.len() + 1;
        let digest_at = tag_at + parts.tag.map_or(0, |tag| tag.len() + 1);
        let sets_something = name.is_some() || parts.tag.is_some() || parts.digest.is_some();
        let name_text = name.unwrap_or(parts.name);
        (sets_something && !name_text.is_empty()).then(|| Self {
            name: here(name_text, 0),
            new_name: name.map(|_| here(parts.name, image_at)),
            new_tag: parts.tag.map(|tag| here(tag, tag_at)),
            digest: parts.digest.map(|digest| here(digest, digest_at)),
        })
    }
}

/// The place of the byte `at` of a scalar's text, as far as it is known.
fn inside(node: &Node, scalar: &Scalar, text: &str, at: usize) -> Place {
    match scalar.is_verbatim {
        true => node.place.right(text.get(..at).map_or(0, |before| before.chars().count())),
        false => node.place.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Reading, Shift};
    use super::*;
    use crate::yaml;

    fn read(text: &str) -> Option<[Option<(String, u32)>; 4]> {
        let node = &yaml::parse("f", text.as_bytes()).unwrap()[0];
        let node = Node::convert(node, Reading::Resource, &Shift::None).unwrap();
        let found = ImageOverride::of_text(&node)?;
        let show = |part: Option<Written>| part.map(|part| (part.text.to_string(), part.place.column));
        Some([Some(found.name), found.new_name, found.new_tag, found.digest].map(show))
    }

    #[test]
    fn a_text_is_cut_into_name_new_name_tag_and_digest() {
        let part = |text: &str, column| Some((text.to_owned(), column));
        assert_eq!(
            read("app=reg:5000/x/app:1@sha256:ab").unwrap(),
            [part("app", 1), part("reg:5000/x/app", 5), part("1", 20), part("sha256:ab", 22)]
        );
        assert_eq!(read("'reg/app:2'").unwrap(), [part("reg/app", 2), None, part("2", 10), None]);
        assert_eq!(read("app=reg/app").unwrap()[1], part("reg/app", 5));
        assert!(read("reg/app").is_none());
        assert!(read("=x:1").is_none());
    }
}
