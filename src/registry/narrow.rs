//! Narrowing: an index without the platforms that its environment does not want. Pure.
//!
//! The entries that stay do so byte for byte and in their order, and everything else of the index as well: the same index narrowed
//! to the same platforms has the same digest, whoever does it.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::Value;

use super::error::Error;
use super::manifest::{Child, Manifest};
use super::tree::Tree;
use crate::domain::{Digest, Narrowed, Platform};

/// What BuildKit's attestations say which image they are about with.
const ABOUT: &str = "vnd.docker.reference.digest";

/// Returns what is left of an image, and how; `None` when all of it is wanted, it is no index, or nothing in it fits.
///
/// Entries without a platform stay, unless they are attestations of one that goes.
///
/// # Errors
/// [`Error::Manifest`] for an index that cannot be written anew.
pub(super) fn narrow(tree: &Tree, wanted: &[Platform], repository: &str) -> Result<Option<(Tree, Narrowed)>, Error> {
    let Some(top) = tree.manifests.get(&tree.top) else { return Ok(None) };
    let children = top.children();
    let fits = |child: &Child| child.platform.as_ref().map(|platform| is_wanted(wanted, platform));
    if wanted.is_empty() || !children.iter().any(|child| fits(child) == Some(true)) {
        return Ok(None);
    }
    let unreadable = || Error::Manifest {
        digest: tree.top.clone(),
        repository: repository.to_owned(),
        why: "it cannot be written anew without the platforms that are not wanted".to_owned(),
    };
    let mut document: Value = serde_json::from_slice(&top.bytes).map_err(|_| unreadable())?;
    let Some(Value::Array(entries)) = document.get_mut("manifests") else { return Err(unreadable()) };
    let with =
        |fit: bool| children.iter().filter(move |child| fits(child) == Some(fit)).map(|child| child.digest.to_string());
    // One manifest may stand for two platforms.
    let stay: BTreeSet<String> = with(true).collect();
    let gone: BTreeSet<String> = with(false).filter(|digest| !stay.contains(digest)).collect();
    let mut left_out = Vec::new();
    let mut number = 0;
    entries.retain(|entry| {
        let child = &children[number];
        number += 1;
        let about = entry.get("annotations").and_then(|annotations| annotations.get(ABOUT)).and_then(Value::as_str);
        let stays = fits(child).unwrap_or_else(|| about.is_none_or(|about| !gone.contains(about)));
        if !stays {
            left_out.extend(child.platform.clone());
        }
        stays
    });
    if entries.len() == children.len() {
        return Ok(None);
    }
    let bytes = Bytes::from(document.to_string());
    let narrowed = Manifest::parse(repository, &Digest::of(&bytes), Some(&top.media_type), bytes)?;
    let digest = narrowed.digest.clone();
    let told = Narrowed { from: tree.top.clone(), digest, left_out };
    Ok(Some((below(tree, &narrowed), told)))
}

fn is_wanted(wanted: &[Platform], platform: &str) -> bool {
    platform.parse::<Platform>().is_ok_and(|platform| wanted.iter().any(|one| one.covers(&platform)))
}

/// Returns `top` with what it points at of `tree`.
fn below(tree: &Tree, top: &Manifest) -> Tree {
    let mut narrowed = Tree { top: top.digest.clone(), manifests: [(top.digest.clone(), top.clone())].into() };
    let mut open = top.children().to_vec();
    while let Some(child) = open.pop() {
        if let Some(manifest) = tree.manifests.get(&child.digest)
            && narrowed.manifests.insert(child.digest, manifest.clone()).is_none()
        {
            open.extend(manifest.children().iter().cloned());
        }
    }
    narrowed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

    fn manifest(value: &Value) -> Manifest {
        let bytes = Bytes::from(value.to_string());
        Manifest::parse("test", &Digest::of(&bytes), None, bytes).unwrap()
    }

    /// An index of these platforms, each with an attestation, and one entry without a platform.
    fn tree(platforms: &[&str]) -> Tree {
        let image = |name: &str| {
            let config = json!({"mediaType": "a/b", "digest": Digest::of(name.as_bytes()).to_string(), "size": 1});
            manifest(&json!({"schemaVersion": 2, "config": config, "layers": []}))
        };
        let mut all = Vec::new();
        let mut entries = Vec::new();
        let mut add = |name: &str, rest: Value| {
            let image = image(name);
            let mut entry =
                json!({"mediaType": MANIFEST, "digest": image.digest.to_string(), "size": image.bytes.len()});
            entry.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            entries.push(entry);
            all.push(image.clone());
            image.digest
        };
        for platform in platforms {
            let (os, architecture) = platform.split_once('/').unwrap();
            let digest = add(platform, json!({"platform": {"os": os, "architecture": architecture}}));
            let about = json!({ABOUT: digest.to_string()});
            let unknown = json!({"os": "unknown", "architecture": "unknown"});
            add(&format!("about {platform}"), json!({"platform": unknown, "annotations": about}));
        }
        add("artifact", json!({}));
        let top = manifest(&json!({"schemaVersion": 2, "manifests": entries, "annotations": {"kept": "yes"}}));
        let manifests = all.into_iter().chain([top.clone()]).map(|one| (one.digest.clone(), one)).collect();
        Tree { top: top.digest, manifests }
    }

    fn wanted(platforms: &[&str]) -> Vec<Platform> {
        platforms.iter().map(|platform| platform.parse().unwrap()).collect()
    }

    #[test]
    fn platforms_go_with_their_attestations_and_all_else_stays() {
        let whole = tree(&["linux/amd64", "linux/arm64", "windows/amd64"]);
        let (narrowed, told) = narrow(&whole, &wanted(&["linux/amd64", "linux/s390x"]), "test").unwrap().unwrap();
        assert_eq!((&told.from, &told.digest), (&whole.top, &narrowed.top));
        assert_eq!(told.left_out, ["linux/arm64", "windows/amd64"]);
        let top = &narrowed.manifests[&narrowed.top];
        let left: Vec<_> = top.children().iter().map(|child| child.platform.as_deref()).collect();
        assert_eq!(left, [Some("linux/amd64"), None, None]);
        assert_eq!(narrowed.manifests.len(), 4, "what is left out is not carried along");
        assert!(String::from_utf8_lossy(&top.bytes).contains(r#""annotations":{"kept":"yes"}"#));
        let again = narrow(&whole, &wanted(&["linux/amd64"]), "test").unwrap().unwrap().1;
        assert_eq!(again.digest, told.digest);
    }

    #[test]
    fn an_image_that_stands_for_two_platforms_keeps_its_attestation() {
        let image = manifest(
            &json!({"schemaVersion": 2, "config": {"mediaType": "a/b", "digest": Digest::of(b"x").to_string(), "size": 1}, "layers": []}),
        );
        let entry = |rest: Value| {
            let mut entry =
                json!({"mediaType": MANIFEST, "digest": image.digest.to_string(), "size": image.bytes.len()});
            entry.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            entry
        };
        let arm =
            |variant: &str| entry(json!({"platform": {"os": "linux", "architecture": "arm", "variant": variant}}));
        let about = entry(json!({"annotations": {ABOUT: image.digest.to_string()}}));
        let top = manifest(&json!({"schemaVersion": 2, "manifests": [arm("v6"), arm("v7"), about]}));
        let whole = Tree {
            top: top.digest.clone(),
            manifests: [(top.digest.clone(), top), (image.digest.clone(), image.clone())].into(),
        };
        let (narrowed, told) = narrow(&whole, &wanted(&["linux/arm/v7"]), "test").unwrap().unwrap();
        assert_eq!((narrowed.manifests[&narrowed.top].children().len(), told.left_out.len()), (2, 1));
    }

    #[test]
    fn what_cannot_be_written_anew_is_refused() {
        let entry = |os: &str| {
            format!(
                r#"{{"mediaType":"{MANIFEST}","digest":"{}","size":1,"platform":{{"os":"{os}","architecture":"amd64"}}}}"#,
                Digest::of(b"x")
            )
        };
        let text = format!(r#"{{"schemaVersion":2,"x":1e999,"manifests":[{},{}]}}"#, entry("linux"), entry("windows"));
        let top = Manifest::parse("test", &Digest::of(text.as_bytes()), None, text.into()).unwrap();
        let whole = Tree { top: top.digest.clone(), manifests: [(top.digest.clone(), top)].into() };
        assert!(narrow(&whole, &wanted(&["linux/amd64"]), "test").is_err());
    }

    #[test]
    fn what_is_wanted_whole_or_not_at_all_is_left_alone() {
        let whole = tree(&["linux/amd64", "linux/arm64"]);
        for platforms in [&["linux/arm64", "linux/amd64"][..], &["plan9/386"], &[]] {
            assert!(narrow(&whole, &wanted(platforms), "test").unwrap().is_none(), "{platforms:?}");
        }
        let digest = whole.manifests.keys().find(|digest| **digest != whole.top).unwrap();
        let single = below(&whole, &whole.manifests[digest]);
        assert!(narrow(&single, &wanted(&["linux/amd64"]), "test").unwrap().is_none());
    }
}
