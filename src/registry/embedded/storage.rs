//! What the registry holds, in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;

use crate::domain::Digest;

use super::document;
use super::route::Reference;

/// A manifest as it was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The digest it is stored under.
    pub digest: Digest,
    /// The media type it was pushed with.
    pub media_type: String,
    /// Its bytes.
    pub content: Bytes,
    /// The manifest it refers to.
    pub(super) subject: Option<Digest>,
}

impl Manifest {
    /// Makes a manifest; its subject is read from the content.
    pub(super) fn new(digest: Digest, media_type: &str, content: Bytes) -> Self {
        Self { digest, media_type: media_type.to_owned(), subject: document::subject(&content), content }
    }
}

#[derive(Debug, Default)]
struct Repository {
    blobs: BTreeSet<Digest>,
    manifests: BTreeMap<Digest, Manifest>,
    tags: BTreeMap<String, Digest>,
}

/// All content: blobs once each, and what of it each repository shows.
#[derive(Debug, Default)]
pub(super) struct Storage {
    blobs: HashMap<Digest, Bytes>,
    repositories: BTreeMap<String, Repository>,
}

impl Storage {
    pub(super) fn repositories(&self) -> Vec<String> {
        self.repositories.keys().cloned().collect()
    }

    pub(super) fn blob(&self, repository: &str, digest: &Digest) -> Option<Bytes> {
        self.repositories.get(repository)?.blobs.get(digest)?;
        self.blobs.get(digest).cloned()
    }

    pub(super) fn add_blob(&mut self, repository: &str, digest: Digest, content: Bytes) {
        self.repository(repository).blobs.insert(digest.clone());
        self.blobs.entry(digest).or_insert(content);
    }

    /// Hides a blob from a repository and tells whether it was visible.
    pub(super) fn remove_blob(&mut self, repository: &str, digest: &Digest) -> bool {
        self.repositories.get_mut(repository).is_some_and(|repository| repository.blobs.remove(digest))
    }

    /// Makes a blob of one repository visible in another and tells whether it was there.
    pub(super) fn mount(&mut self, from: &str, to: &str, digest: &Digest) -> bool {
        let visible = self.blob(from, digest).is_some();
        if visible {
            self.repository(to).blobs.insert(digest.clone());
        }
        visible
    }

    pub(super) fn manifest(&self, repository: &str, reference: &Reference) -> Option<Manifest> {
        let repository = self.repositories.get(repository)?;
        let digest = match reference {
            Reference::Tag(tag) => repository.tags.get(tag)?,
            Reference::Digest(digest) => digest,
        };
        repository.manifests.get(digest).cloned()
    }

    pub(super) fn put_manifest(&mut self, repository: &str, manifest: Manifest, tag: Option<&str>) {
        let repository = self.repository(repository);
        if let Some(tag) = tag {
            repository.tags.insert(tag.to_owned(), manifest.digest.clone());
        }
        repository.manifests.insert(manifest.digest.clone(), manifest);
    }

    /// Removes a tag, or a manifest with all its tags, and tells whether it was there.
    pub(super) fn delete_manifest(&mut self, repository: &str, reference: &Reference) -> bool {
        let Some(repository) = self.repositories.get_mut(repository) else {
            return false;
        };
        match reference {
            Reference::Tag(tag) => repository.tags.remove(tag).is_some(),
            Reference::Digest(digest) => {
                repository.tags.retain(|_, named| named != digest);
                repository.manifests.remove(digest).is_some()
            }
        }
    }

    /// Returns the tags, sorted; `None` when there is no such repository.
    pub(super) fn tags(&self, repository: &str) -> Option<Vec<String>> {
        Some(self.repositories.get(repository)?.tags.keys().cloned().collect())
    }

    /// Returns the manifests that refer to `subject`, sorted by digest.
    pub(super) fn referrers(&self, repository: &str, subject: &Digest) -> Vec<Manifest> {
        let manifests =
            self.repositories.get(repository).into_iter().flat_map(|repository| repository.manifests.values());
        manifests.filter(|manifest| manifest.subject.as_ref() == Some(subject)).cloned().collect()
    }

    fn repository(&mut self, name: &str) -> &mut Repository {
        self.repositories.entry(name.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_visible_only_where_it_was_put_or_mounted() {
        let mut storage = Storage::default();
        let digest = Digest::of(b"x");
        storage.add_blob("a", digest.clone(), Bytes::from_static(b"x"));
        assert_eq!(storage.blob("b", &digest), None);
        assert!(!storage.mount("b", "c", &digest));
        assert!(storage.mount("a", "b", &digest));
        assert!(storage.remove_blob("a", &digest));
        assert_eq!(storage.blob("a", &digest), None);
        assert!(storage.blob("b", &digest).is_some());
    }

    #[test]
    fn a_manifest_takes_its_tags_with_it() {
        let mut storage = Storage::default();
        let digest = Digest::of(b"{}");
        let manifest = Manifest::new(digest.clone(), "m", Bytes::from_static(b"{}"));
        storage.put_manifest("a", manifest.clone(), Some("one"));
        storage.put_manifest("a", manifest, Some("two"));
        assert!(storage.delete_manifest("a", &Reference::Tag("one".to_owned())));
        assert_eq!(storage.tags("a").unwrap(), ["two"]);
        assert!(storage.delete_manifest("a", &Reference::Digest(digest)));
        assert_eq!(storage.tags("a").unwrap(), [""; 0]);
    }
}
