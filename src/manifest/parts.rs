//! References whose parts stand in values of their own: `{registry, repository, tag, digest}`.

use crate::domain::DecidedBy;

use super::node::{Node, Place};
use super::reference::Decided;

/// The text of a part and where it stands.
pub(crate) type Part<'n> = (&'n str, &'n Place);

/// Parts that make one reference.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ImageParts<'n> {
    pub(crate) registry: Option<Part<'n>>,
    pub(crate) repository: Part<'n>,
    pub(crate) tag: Option<Part<'n>>,
    pub(crate) digest: Option<Part<'n>>,
}

/// Returns the text of a scalar that is neither null nor empty.
pub(crate) fn part(node: &Node) -> Option<Part<'_>> {
    Some((node.text().filter(|text| !text.is_empty())?, &node.place))
}

impl<'n> ImageParts<'n> {
    /// Reads the keys of a mapping under `image` as Helm values have them.
    pub(crate) fn of_mapping(image: &'n Node) -> Option<Self> {
        let at = |key| image.get(key).and_then(part);
        Some(Self {
            registry: at("registry"),
            repository: at("repository")?,
            tag: at("tag"),
            digest: at("digest").or_else(|| at("sha")),
        })
    }

    /// Puts the reference together; the last decision is the tag's, else the digest's, else the name's.
    pub(crate) fn join(&self, by: DecidedBy) -> (String, Decided) {
        let mut text = self.registry.map(|(registry, _)| format!("{registry}/")).unwrap_or_default();
        text.push_str(self.repository.0);
        for (sign, part) in [(':', self.tag), ('@', self.digest)] {
            if let Some((part, _)) = part {
                text.push(sign);
                text.push_str(part);
            }
        }
        let place = |part: Option<Part<'_>>| part.map(|(_, place)| place.clone());
        let name = self.repository.1.clone();
        let last = place(self.tag).or_else(|| place(self.digest)).unwrap_or_else(|| name.clone());
        (text, Decided::new(by, last, name, place(self.tag), place(self.digest)))
    }
}
