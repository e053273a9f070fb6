//! The order of writes: a pure function of the manifest tree.
//!
//! Blobs come before the manifests that point at them, children before their index, the name last. So a killed run leaves
//! nothing named that is not whole.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::{Blob, Manifest};
use super::tree::Tree;
use crate::domain::Digest;

/// One write at the destination.
#[derive(Debug, Clone, Copy)]
pub(super) enum Write<'a> {
    /// A blob.
    Blob(&'a Blob),
    /// A manifest under its digest.
    Manifest(&'a Manifest),
    /// The top manifest under the name the overlay refers to.
    Name(&'a Manifest),
}

/// Returns the writes in stages: those of one stage in any order, each stage after the one before it. Each digest comes
/// once; the last stage is the name alone.
pub(super) fn stages(tree: &Tree) -> Vec<Vec<Write<'_>>> {
    let mut heights = BTreeMap::new();
    height(tree, &tree.top, &mut heights);
    let mut seen = BTreeSet::new();
    let blobs = tree.manifests.values().flat_map(Manifest::blobs).filter(|blob| seen.insert(&blob.digest));
    let mut stages = vec![blobs.map(Write::Blob).collect::<Vec<_>>()];
    let tallest = heights.values().copied().max().unwrap_or_default();
    for level in 0..=tallest {
        let of_level = tree.manifests.values().filter(|manifest| heights.get(&manifest.digest) == Some(&level));
        stages.push(of_level.filter(|manifest| manifest.digest != tree.top).map(Write::Manifest).collect());
    }
    stages.push(tree.manifests.get(&tree.top).map(Write::Name).into_iter().collect());
    stages.retain(|stage| !stage.is_empty());
    stages
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
            };
            let blob = |blob: usize| Blob { digest: digest(1000 + blob % 5), size_bytes: 1, media_type: String::new() };
            let links = match below.is_empty() {
                true => Links::Image(vec![blob(number), blob(number + 1)]),
                false => Links::Index(below.iter().map(child).collect()),
            };
            Manifest { digest: digest(number), media_type: String::new(), bytes: Bytes::new(), links }
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
        let kinds: Vec<Vec<&str>> = stages(&tree).iter().map(|stage| stage.iter().map(kind).collect()).collect();
        assert_eq!(kinds, [vec!["blob", "blob"], vec!["name"]]);
    }

    fn kind(write: &Write<'_>) -> &'static str {
        match write {
            Write::Blob(_) => "blob",
            Write::Manifest(_) => "manifest",
            Write::Name(_) => "name",
        }
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
            let mut written = BTreeSet::new();
            let stages = stages(&tree);
            for stage in &stages {
                for write in stage {
                    if let Write::Manifest(manifest) | Write::Name(manifest) = write {
                        prop_assert!(manifest.children().iter().all(|child| written.contains(&child.digest)));
                        prop_assert!(manifest.blobs().iter().all(|blob| written.contains(&blob.digest)));
                    }
                }
                for write in stage {
                    let digest = match write { Write::Blob(blob) => &blob.digest, Write::Manifest(m) | Write::Name(m) => &m.digest };
                    prop_assert!(written.insert(digest.clone()), "written twice");
                }
            }
            prop_assert!(reached.iter().all(|digest| written.contains(digest)));
            let names = stages.iter().flatten().filter(|write| matches!(write, Write::Name(_))).count();
            prop_assert_eq!(names, 1);
            prop_assert!(matches!(stages.last().unwrap().as_slice(), [Write::Name(_)]));
        }
    }
}
