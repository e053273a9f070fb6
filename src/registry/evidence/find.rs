//! Finding: what refers to an image at its source.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;

use super::super::error::Error;
use super::super::manifest::{LONGEST_MANIFEST, Links, Manifest};
use super::super::repository::Repository;
use super::super::slots::Slots;
use super::super::tree::{Shelf, Tree};
use super::facts::Facts;
use super::{Attached, Attachment, Tagged, fallback_tag};
use crate::domain::{Digest, ReferrerFilter};

/// How far referrers of referrers are followed.
const DEEPEST: usize = 3;

/// How much may belong to one image.
const MOST_REFERRERS: usize = 64;

/// How long a blob of evidence may be, in bytes.
const LONGEST_BLOB: u64 = 32 << 20;

/// How long all manifests that belong to one image may be together, in bytes: they are held until they are brought.
const LONGEST_MANIFESTS: usize = 16 << 20;

/// The endings of cosign's tags.
const ENDINGS: [&str; 3] = [".sig", ".att", ".sbom"];

/// The tags made of digests that a repository has; none where they cannot be listed.
pub(in super::super) type DigestTags = tokio::sync::OnceCell<Option<BTreeSet<String>>>;

/// Finds what belongs to `image` at `source`, as far as `filter` takes it; `tags` keeps what was listed for the next image.
///
/// # Errors
/// A registry's; [`Error::Evidence`] where there is more than may be. What only claims to belong is passed over, and said to be.
pub(in super::super) async fn find(
    source: &Repository,
    image: &Tree,
    filter: &ReferrerFilter,
    tags: &Slots<String, DigestTags>,
    shelf: &Shelf,
) -> Result<Attached, Error> {
    let mut found = Attached::default();
    if *filter == ReferrerFilter::None {
        return Ok(found);
    }
    let listed = tags.of(source.locator());
    let tags = listed.get_or_init(|| source.digest_tags()).await.as_ref();
    let finder = Finder { source, filter, tags, shelf, image: &image.top };
    let mut known: BTreeSet<Digest> = image.manifests.keys().cloned().collect();
    let mut subjects: Vec<Digest> = known.iter().cloned().collect();
    for _ in 0..DEEPEST {
        let all = try_join_all(subjects.iter().map(|subject| finder.at(subject))).await?;
        subjects.clear();
        for one in all {
            subjects.extend(one.referrers.iter().map(|referrer| referrer.tree.top.clone()));
            found.referrers.extend(one.referrers);
            found.tagged.extend(one.tagged);
            found.indexes.extend(one.indexes);
            found.passed_over.extend(one.passed_over);
        }
        finder.check_count(found.referrers.len() + found.tagged.len())?;
        finder.check_length(&found)?;
        // A digest covers its subject, so there are no circles; a referrer of two subjects there is not.
        subjects.retain(|subject| known.insert(subject.clone()));
        if subjects.is_empty() {
            break;
        }
    }
    Ok(found)
}

struct Finder<'a> {
    source: &'a Repository,
    filter: &'a ReferrerFilter,
    tags: Option<&'a BTreeSet<String>>,
    shelf: &'a Shelf,
    /// The image that all of it belongs to.
    image: &'a Digest,
}

impl Finder<'_> {
    /// Finds what refers to one manifest.
    async fn at(&self, subject: &Digest) -> Result<Attached, Error> {
        let names = ENDINGS.map(|ending| format!("{}{ending}", fallback_tag(subject)));
        let (listed, (fallback, unusable), tagged) = tokio::try_join!(
            self.source.referrers(subject),
            self.fallback(subject),
            try_join_all(names.into_iter().map(|name| self.tagged(name))),
        )?;
        let mut found = Attached { passed_over: unusable.into_iter().collect(), ..Attached::default() };
        let (index, in_index) = fallback.map_or_else(Default::default, |(index, entries)| (Some(index), entries));
        let wanted: BTreeSet<Digest> = listed.into_iter().flatten().chain(in_index.iter().cloned()).collect();
        self.check_count(wanted.len())?;
        for referrer in try_join_all(wanted.into_iter().map(|digest| self.referrer(subject, digest))).await? {
            found.take(referrer, |found, attachment| found.referrers.push(attachment));
        }
        for one in tagged {
            found.take(one, |found, tagged| found.tagged.push(tagged));
        }
        let is_brought = |digest: &Digest| found.referrers.iter().any(|referrer| referrer.tree.top == *digest);
        if let Some(index) = index.filter(|_| !in_index.is_empty() && in_index.iter().all(is_brought)) {
            found.indexes.insert(subject.clone(), index);
        }
        Ok(found)
    }

    /// Reads the index under the fallback tag, and what it lists.
    ///
    /// What is no index that can be used is told.
    async fn fallback(&self, subject: &Digest) -> Result<(Option<(Manifest, Vec<Digest>)>, Option<String>), Error> {
        let tag = fallback_tag(subject);
        Ok(match self.named(&tag).await? {
            // GitLab's registry takes the tag for the digest, and answers with the image itself.
            Some(Ok(index)) if index.digest == *subject => (None, None),
            Some(Ok(index)) => match &index.links {
                Links::Index(children) => {
                    let entries = children.iter().map(|child| child.digest.clone()).collect();
                    (Some((index, entries)), None)
                }
                Links::Image(_) => (None, Some(format!("the tag {tag} holds an image, and no list of referrers"))),
            },
            Some(Err(why)) => (None, Some(format!("the tag {tag} holds a list of referrers that {why}"))),
            None => (None, None),
        })
    }

    async fn tagged(&self, tag: String) -> Result<Found<Tagged>, Error> {
        let manifest = match self.named(&tag).await? {
            Some(Ok(manifest)) => manifest,
            Some(Err(why)) => return Ok(Found::Garbage(format!("the tag {tag} holds something that {why}"))),
            None => return Ok(Found::Nothing),
        };
        if let Links::Index(_) = manifest.links {
            return Ok(Found::Garbage(format!("the tag {tag} holds an index, and no signatures")));
        }
        let Some(facts) = Facts::of(&manifest) else {
            return Ok(Found::Garbage(format!("the tag {tag} holds something that breaks the format")));
        };
        let artifact_type = facts.artifact_type();
        if !self.filter.takes(&artifact_type) {
            return Ok(Found::Nothing);
        }
        let top = manifest.digest.clone();
        let tree = Tree { top: top.clone(), manifests: [(top, manifest)].into() };
        self.check_blobs(&tree)?;
        Ok(Found::One(Tagged { tag, tree, artifact_type }))
    }

    async fn referrer(&self, subject: &Digest, digest: Digest) -> Result<Found<Attachment>, Error> {
        let garbage = |why: String| Ok(Found::Garbage(format!("{digest}, listed as a referrer of {subject}, {why}")));
        let top = match self.shelf.manifest(self.source, &digest, LONGEST_MANIFEST).await {
            Ok(manifest) => manifest,
            Err(error) if error.is_final() => return garbage(format!("cannot be used: {}", error.reason())),
            Err(error) => return Err(error),
        };
        let Some(facts) = Facts::of(&top) else { return garbage("breaks the format".to_owned()) };
        match facts.subject() {
            Some(own) if own == *subject => {}
            Some(own) => return garbage(format!("refers to {own}")),
            None => return garbage("refers to nothing".to_owned()),
        }
        let artifact_type = facts.artifact_type();
        if !self.filter.takes(&artifact_type) {
            return Ok(Found::Nothing);
        }
        let tree = match Tree::read(self.source, &digest, self.shelf).await {
            Ok(tree) => tree,
            Err(error) if error.is_final() => return garbage(format!("cannot be used: {}", error.reason())),
            Err(error) => return Err(error),
        };
        self.check_blobs(&tree)?;
        let descriptor = facts.descriptor(&top);
        Ok(Found::One(Attachment { subject: subject.clone(), tree, artifact_type, descriptor }))
    }

    /// Reads what stands under a tag, unless it is known that nothing does; what is no manifest is told as the words why.
    async fn named(&self, tag: &str) -> Result<Option<Result<Manifest, String>>, Error> {
        if self.tags.is_some_and(|tags| !tags.contains(tag)) {
            return Ok(None);
        }
        match self.source.named(tag).await {
            Ok(manifest) => Ok(manifest.map(Ok)),
            Err(Error::Manifest { why, .. }) => Ok(Some(Err(format!("cannot be used: {why}")))),
            Err(error) => Err(error),
        }
    }

    fn check_count(&self, count: usize) -> Result<(), Error> {
        match count > MOST_REFERRERS {
            true => Err(self.too_much(format!("more than {MOST_REFERRERS} manifests refer to it"))),
            false => Ok(()),
        }
    }

    fn check_length(&self, found: &Attached) -> Result<(), Error> {
        let trees = found.referrers.iter().map(|one| &one.tree).chain(found.tagged.iter().map(|one| &one.tree));
        let length: usize = trees.flat_map(|tree| tree.manifests.values()).map(|manifest| manifest.bytes.len()).sum();
        match length > LONGEST_MANIFESTS {
            true => {
                Err(self.too_much(format!("the manifests that refer to it are longer than {LONGEST_MANIFESTS} bytes")))
            }
            false => Ok(()),
        }
    }

    fn check_blobs(&self, tree: &Tree) -> Result<(), Error> {
        let blobs = || tree.manifests.values().flat_map(Manifest::blobs);
        match blobs().find(|blob| blob.size_bytes > LONGEST_BLOB) {
            Some(blob) => Err(self.too_much(format!(
                "{}, which refers to it, has a blob of {} bytes, more than the {LONGEST_BLOB} that go along",
                tree.top, blob.size_bytes
            ))),
            None => Ok(()),
        }
    }

    fn too_much(&self, why: String) -> Error {
        Error::Evidence { image: format!("{}@{}", self.source.locator(), self.image), why }
    }
}

/// What a look for evidence gave.
enum Found<T> {
    /// Nothing that is wanted.
    Nothing,
    /// Something that cannot be what it claims to be.
    Garbage(String),
    /// What was looked for.
    One(T),
}

impl Attached {
    fn take<T>(&mut self, found: Found<T>, add: impl FnOnce(&mut Self, T)) {
        match found {
            Found::Nothing => {}
            Found::Garbage(why) => self.passed_over.push(why),
            Found::One(one) => add(self, one),
        }
    }
}
