//! Evidence: what belongs to an image without being part of it, found at the source, brought to the destination before the
//! image gets its name, and proved there.
//!
//! Three conventions are in use, and an image may have something of each: the referrers API and its fallback tag
//! (<https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema>), and cosign's older tags
//! `sha256-<hex>.sig`, `.att` and `.sbom`. They are looked for at an index and at each manifest below it, and at referrers
//! themselves. Every manifest arrives with its bytes unchanged; what the destination has already under the same tag stays, and
//! what it lacks is added.

mod bring;
mod facts;
mod find;
mod merge;

use std::collections::BTreeMap;

use serde_json::Value;

use self::facts::Facts;
use super::manifest::Manifest;
use super::tree::Tree;
use crate::domain::{Digest, Referrer};

pub(super) use bring::bring;
pub(super) use find::{DigestTags, find};

/// What belongs to an image.
#[derive(Debug, Default)]
pub(super) struct Attached {
    /// Manifests that name as their subject one of the image's, or one before them here.
    referrers: Vec<Attachment>,
    /// Manifests under tags that are made of a digest.
    tagged: Vec<Tagged>,
    /// The fallback index of a subject at the source, where all that it lists is brought.
    indexes: BTreeMap<Digest, Manifest>,
    /// What claims to belong and is left, and why.
    pub passed_over: Vec<String>,
}

/// A manifest with a subject.
#[derive(Debug)]
struct Attachment {
    subject: Digest,
    tree: Tree,
    artifact_type: String,
    /// How lists of referrers show it.
    descriptor: Value,
}

/// A manifest under a tag that is made of a digest.
#[derive(Debug)]
struct Tagged {
    tag: String,
    tree: Tree,
    artifact_type: String,
}

impl Attached {
    /// Makes it of one manifest that refers to `subject`.
    pub(super) fn of_one(subject: Digest, tree: Tree) -> Self {
        let facts = tree.manifests.get(&tree.top).and_then(|top| Some((top, Facts::of(top)?)));
        let Some((artifact_type, descriptor)) =
            facts.map(|(top, facts)| (facts.artifact_type(), facts.descriptor(top)))
        else {
            return Self::default();
        };
        Self { referrers: vec![Attachment { subject, tree, artifact_type, descriptor }], ..Self::default() }
    }

    /// Tells whether there is nothing to bring.
    pub(super) fn is_empty(&self) -> bool {
        self.referrers.is_empty() && self.tagged.is_empty()
    }

    /// Returns the manifests that hang on the image and its parts, each with the digest it hangs on.
    pub(super) fn manifests(&self) -> impl Iterator<Item = (Digest, &Manifest)> {
        let attached = self.referrers.iter().map(|one| (Some(one.subject.clone()), &one.tree));
        let tagged = self.tagged.iter().map(|one| (one.subject(), &one.tree));
        attached.chain(tagged).filter_map(|(subject, tree)| Some((subject?, tree.manifests.get(&tree.top)?)))
    }

    /// Returns what is brought, for a report.
    pub(super) fn referrers(&self) -> Vec<Referrer> {
        let attached = self.referrers.iter().map(|one| (&one.tree.top, &one.artifact_type));
        let tagged = self.tagged.iter().map(|one| (&one.tree.top, &one.artifact_type));
        let shown =
            |(digest, kind): (&Digest, &String)| Referrer { digest: digest.clone(), artifact_type: kind.clone() };
        let mut all: Vec<Referrer> = attached.chain(tagged).map(shown).collect();
        all.sort();
        all
    }
}

impl Tagged {
    /// The digest its tag is made of; of sha512 the tag holds a part only, and does not tell.
    fn subject(&self) -> Option<Digest> {
        let stem = self.tag.rsplit_once('.').map_or(self.tag.as_str(), |(stem, _)| stem);
        stem.replacen('-', ":", 1).parse().ok()
    }
}

/// The tag that stands in for the referrers API.
fn fallback_tag(subject: &Digest) -> String {
    // As the specification cuts it; of the algorithms in use only sha512 is long enough.
    format!("{}-{}", subject.algorithm().name(), subject.hex().chars().take(64).collect::<String>())
}
