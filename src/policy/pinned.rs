//! The rule `digest`: the overlay says which digest it means.

use super::complaint::Complaint;
use super::rule::Ask;
use super::subject::Subject;
use crate::yaml::{Faults, Fields, Node};

/// The rule's key.
pub(super) const NAME: &str = "digest";

/// What `promote-bot explain digest` prints.
pub(super) const EXPLANATION: &str = "\
digest: the overlay says which digest it means

A tag is a name that somebody can move; a digest is the content itself. With a digest in the overlay, what was reviewed is what every
node pulls, whatever becomes of the tag.

  rules:
    digest:
      pinned: true          # the reference must name a digest; a tag beside it stays welcome, for people
      level: deny           # deny | warn | off

Whether or not this rule is asked, a tag and a digest that are written together must agree at the source. This rule cannot be skipped
with --break-glass. To fix a finding, write the digest that the report shows, for example with kustomize:
  images: [{name: api, newTag: \"1.4.2\", digest: \"sha256:…\"}]
";

/// The overlay says which digest it means.
#[derive(Debug, Clone)]
pub(super) struct PinnedDigest;

impl PinnedDigest {
    pub(super) fn read(fields: &mut Fields<'_>, node: &Node, faults: &Faults) -> Option<Self> {
        let pinned = fields.bool("pinned");
        if pinned == Some(false) || fields.optional("pinned").is_none() {
            faults.push_with_hint(node, "the rule `digest` asks for nothing", "write {pinned: true}, or {level: off}");
        }
        pinned.map(|_| Self)
    }
}

impl Ask for PinnedDigest {
    fn judge(&self, subject: &Subject<'_>) -> Vec<Complaint> {
        let candidate = subject.candidate;
        if candidate.to.digest().is_some() {
            return Vec::new();
        }
        let name = candidate.to.repository();
        let help = match subject.digest {
            Some(digest) => format!("write the digest it has now: {digest}"),
            None => "write its digest where the overlay names it".to_owned(),
        };
        vec![Complaint::of_tag(candidate, format!("{name} is referenced without a digest"), help)]
    }

    fn grounds(&self, subject: &Subject<'_>) -> String {
        match subject.candidate.to.digest() {
            Some(digest) => format!("pinned to {digest}"),
            None => "no digest is asked for".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{candidate, complaints};
    use crate::domain::Digest;

    #[test]
    fn a_reference_without_digest_is_told_the_one_it_has() {
        let candidate = candidate("prod.example/shop/api:1.4.2", None);
        let found = complaints("digest: {pinned: true}", &candidate, |subject| subject.digest = Some(digest()));
        assert_eq!(found[0].message, "shop/api is referenced without a digest");
        assert_eq!(found[0].help, format!("write the digest it has now: {}", digest()));
        assert_eq!(super::super::testing::faults("digest: {pinned: false}"), ["the rule `digest` asks for nothing"]);
    }

    #[test]
    fn a_digest_beside_a_tag_is_enough() {
        let candidate = candidate(&format!("prod.example/shop/api:1.4.2@{}", digest()), None);
        assert!(complaints("digest: {pinned: true}", &candidate, |_| ()).is_empty());
    }

    fn digest() -> &'static Digest {
        static DIGEST: std::sync::LazyLock<Digest> = std::sync::LazyLock::new(|| Digest::of(b"x"));
        &DIGEST
    }
}
