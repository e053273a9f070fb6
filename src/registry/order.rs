//! The order of writes: a pure function of the manifest tree.
//!
//! Blobs come before the manifests that point at them, children before their index, the name last. So a killed run leaves
//! nothing named that is not whole.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::{Blob, Manifest};
use super::tree::Tree;
use crate::domain::Digest;

/// What is to be written at the destination, in the order of the fields; each digest comes once.
#[derive(Debug)]
pub(super) struct Writes<'a> {
    /// All blobs, in any order.
    pub blobs: Vec<&'a Blob>,
    /// The manifests that are written under their digests alone, in stages: each after the one before it, children first.
    pub manifests: Vec<Vec<&'a Manifest>>,
    /// The top manifest, written last and under the name the overlay refers to.
    pub name: &'a Manifest,
}

/// Orders the writes of a tree; `None` when it lacks its own top.
pub(super) fn writes(tree: &Tree) -> Option<Writes<'_>> {
    let name = tree.manifests.get(&tree.top)?;
    let mut heights = BTreeMap::new();
    let top_height = height(tree, &tree.top, &mut heights);
    let mut seen = BTreeSet::new();
    let blobs = tree.manifests.values().flat_map(Manifest::blobs).filter(|blob| seen.insert(&blob.digest));
    let of_height = |level: usize| {
        let below_top = tree.manifests.values().filter(|manifest| manifest.digest != tree.top);
        below_top.filter(|manifest| heights.get(&manifest.digest) == Some(&level)).collect()
    };
    Some(Writes { blobs: blobs.collect(), manifests: (0..top_height).map(of_height).collect(), name })
}

/// Returns how many manifests stand below one, at most, on the way to an image. A digest covers what is below it, so there
/// are no circles.
fn height(tree: &Tree, digest: &Digest, heights: &mut BTreeMap<Digest, usize>) -> usize {
    if let Some(known) = heights.get(digest) {
        return *known;
    }
    let children = tree.manifests.get(digest).map(Manifest::children).unwrap_or_default();
    let height = children.iter().map(|child| 1 + height(tree, &child.digest, heights)).max().unwrap_or_default();
    heights.insert(digest.clone(), height);
    height
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::super::manifest::{Child, Links};
    use super::*;

    fn digest(number: usize) -> Digest {
        Digest::of(&number.to_le_bytes())
    }

    /// Makes a tree where manifest `n` points at the later manifests `links[n]`, or, having none, at two blobs.
    fn tree(links: &[Vec<usize>]) -> Tree {
        let manifest = |number: usize, below: &Vec<usize>| {
            let child = |below: &usize| Child {
                digest: digest(*below),
                size_bytes: 1,
                media_type: String::new(),
                platform: None,
                is_for_nobody: false,
            };
            let blob = |blob: usize| Blob { digest: digest(1000 + blob % 5), size_bytes: 1, media_type: String::new() };
            let links = match below.is_empty() {
                true => Links::Image(vec![blob(number), blob(number + 1)]),
                false => Links::Index(below.iter().map(child).collect()),
            };
            Manifest {
                digest: digest(number),
                media_type: String::new(),
                bytes: Bytes::new(),
                links,
                foreign_layers: 0,
            }
        };
        let manifests =
            links.iter().enumerate().map(|(number, below)| (digest(number), manifest(number, below))).collect();
        Tree { top: digest(0), manifests }
    }

    fn reachable(tree: &Tree) -> BTreeSet<Digest> {
        let mut reached = BTreeSet::new();
        let mut open = vec![tree.top.clone()];
        while let Some(next) = open.pop() {
            if reached.insert(next.clone()) {
                open.extend(tree.manifests[&next].children().iter().map(|child| child.digest.clone()));
            }
        }
        reached
    }

    #[test]
    fn an_image_is_its_blobs_and_then_its_name() {
        let tree = tree(&[vec![]]);
        let writes = writes(&tree).unwrap();
        assert_eq!((writes.blobs.len(), writes.manifests.len(), &writes.name.digest), (2, 0, &tree.top));
    }

    proptest! {
        #[test]
        fn no_manifest_goes_before_what_it_points_at_and_the_name_is_last(
            raw in prop::collection::vec(prop::collection::vec(0usize..12, 0..4), 1..12)
        ) {
            let count = raw.len();
            let links: Vec<Vec<usize>> = raw.iter().enumerate()
                .map(|(number, below)| below.iter().map(|b| number + 1 + b).filter(|b| *b < count).collect())
                .collect();
            let mut tree = tree(&links);
            let reached = reachable(&tree);
            tree.manifests.retain(|digest, _| reached.contains(digest));
            let writes = writes(&tree).unwrap();
            let mut written = BTreeSet::new();
            for blob in &writes.blobs {
                prop_assert!(written.insert(blob.digest.clone()), "written twice");
            }
            prop_assert_eq!(&writes.name.digest, &tree.top);
            for stage in writes.manifests.iter().cloned().chain([vec![writes.name]]) {
                for manifest in &stage {
                    prop_assert!(manifest.children().iter().all(|child| written.contains(&child.digest)));
                    prop_assert!(manifest.blobs().iter().all(|blob| written.contains(&blob.digest)));
                }
                for manifest in stage {
                    prop_assert!(written.insert(manifest.digest.clone()), "written twice");
                }
            }
            prop_assert!(reached.iter().all(|digest| written.contains(digest)));
        }
    }
}
