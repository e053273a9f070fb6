//! Merging: what both registries have under one tag, nothing lost on either side. Pure.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::domain::Digest;

/// What is to be written under a tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Merged {
    /// Nothing: all of it stands there.
    Whole,
    /// This manifest.
    New(Value),
}

/// Adds the entries that an index of referrers lacks. `there` is what stands under the tag; `None` when that is no index.
pub(super) fn index(there: Option<&[u8]>, wanted: &[Value]) -> Option<Merged> {
    let empty = || json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []});
    let mut index: Value = there.map_or_else(|| Some(empty()), |bytes| serde_json::from_slice(bytes).ok())?;
    let entries = index.get_mut("manifests")?.as_array_mut()?;
    let known: BTreeSet<String> = entries.iter().filter_map(digest_of).map(str::to_owned).collect();
    let lacking: Vec<Value> =
        wanted.iter().filter(|entry| digest_of(entry).is_some_and(|digest| !known.contains(digest))).cloned().collect();
    if lacking.is_empty() && there.is_some() {
        return Some(Merged::Whole);
    }
    entries.extend(lacking);
    Some(Merged::New(index))
}

/// Adds the layers of `source` that `there` lacks, as cosign adds signatures: a layer is known by its digest and its annotations,
/// which hold the signature. `None` when either is no image manifest with layers.
pub(super) fn layers(there: &[u8], source: &[u8]) -> Option<Merged> {
    let mut merged: Value = serde_json::from_slice(there).ok()?;
    let source: Value = serde_json::from_slice(source).ok()?;
    let layers = merged.get_mut("layers")?.as_array_mut()?;
    let is_known = |layer: &&Value| {
        let same = |other: &Value| other.get("digest") == layer.get("digest") && signature(other) == signature(layer);
        layers.iter().any(same)
    };
    let lacking: Vec<Value> =
        source.get("layers")?.as_array()?.iter().filter(|layer| !is_known(layer)).cloned().collect();
    if lacking.is_empty() {
        return Some(Merged::Whole);
    }
    layers.extend(lacking);
    Some(Merged::New(merged))
}

/// The configuration of merged layers: that of `there` with the diff ids that its manifest's layers have now. They are not
/// compressed, and so their own digests. `None` when it names none.
pub(super) fn configuration(there: &[u8], merged: &Value) -> Option<Vec<u8>> {
    let mut config: Value = serde_json::from_slice(there).ok()?;
    let ids: Vec<Value> =
        merged.get("layers")?.as_array()?.iter().filter_map(|layer| layer.get("digest").cloned()).collect();
    *config.get_mut("rootfs")?.get_mut("diff_ids")? = ids.into();
    serde_json::to_vec(&config).ok()
}

/// Lets a manifest name another configuration.
pub(super) fn set_configuration(manifest: &mut Value, content: &[u8]) {
    if let Some(config) = manifest.get_mut("config").and_then(Value::as_object_mut) {
        config.insert("digest".to_owned(), Digest::of(content).to_string().into());
        config.insert("size".to_owned(), content.len().into());
    }
}

fn digest_of(entry: &Value) -> Option<&str> {
    entry.get("digest")?.as_str()
}

fn signature(layer: &Value) -> Option<&Value> {
    layer.get("annotations").filter(|annotations| annotations.as_object().is_some_and(|all| !all.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(value: &Value) -> Vec<u8> {
        value.to_string().into_bytes()
    }

    #[test]
    fn an_index_keeps_what_it_has_and_gets_what_it_lacks() {
        let entry = |digest: &str| json!({"mediaType": "m", "digest": digest, "size": 1});
        let there = json!({"schemaVersion": 2, "manifests": [entry("a"), {"digest": "b", "x": "kept"}], "annotations": {"k": "v"}});
        let Some(Merged::New(merged)) = index(Some(&bytes(&there)), &[entry("b"), entry("c")]) else { panic!() };
        assert_eq!(merged["manifests"], json!([entry("a"), {"digest": "b", "x": "kept"}, entry("c")]));
        assert_eq!(merged["annotations"]["k"], "v");
        assert_eq!(index(Some(&bytes(&merged)), &[entry("c"), entry("a")]), Some(Merged::Whole));
        assert!(
            matches!(index(None, &[entry("a")]), Some(Merged::New(new)) if new["manifests"] == json!([entry("a")]))
        );
        for no_index in ["<html>", "{}", r#"{"manifests":1}"#] {
            assert_eq!(index(Some(no_index.as_bytes()), &[entry("a")]), None, "{no_index}");
        }
    }

    #[test]
    fn signatures_of_both_sides_stand_side_by_side() {
        let layer =
            |digest: &str, signature: &str| json!({"digest": digest, "size": 1, "annotations": {"s": signature}});
        let manifest = |layers: &[Value]| json!({"config": {"digest": "c", "size": 1}, "layers": layers});
        let there = manifest(&[layer("p", "one")]);
        let source = manifest(&[layer("p", "one"), layer("p", "two")]);
        let Some(Merged::New(mut merged)) = layers(&bytes(&there), &bytes(&source)) else { panic!() };
        assert_eq!(merged["layers"], json!([layer("p", "one"), layer("p", "two")]));
        assert_eq!(layers(&bytes(&merged), &bytes(&there)), Some(Merged::Whole));
        assert_eq!(layers(b"{}", &bytes(&there)), None);
        let config = configuration(br#"{"os":"","rootfs":{"type":"layers","diff_ids":["p"]}}"#, &merged).unwrap();
        let read: Value = serde_json::from_slice(&config).unwrap();
        assert_eq!((&read["rootfs"]["diff_ids"], &read["os"]), (&json!(["p", "p"]), &json!("")));
        set_configuration(&mut merged, &config);
        assert_eq!(merged["config"]["digest"], Digest::of(&config).to_string());
        assert_eq!(configuration(b"{}", &merged), None);
    }
}
