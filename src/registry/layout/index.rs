//! `index.json`: which images a layout has, and under which names
//! (<https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md#indexjson-file>).

use serde_json::{Map, Value, json};

use super::super::manifest::{Manifest, is_index};
use crate::domain::{Digest, ImageRef};

/// Where a layout's images have their names.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// Where containerd and Docker look for a name before they look there.
const CONTAINERD_NAME: &str = "io.containerd.image.name";

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A layout's `index.json`; what we do not know of it stays as it is.
#[derive(Debug)]
pub(super) struct Index {
    document: Map<String, Value>,
    entries: Vec<Entry>,
}

/// One image of a layout.
#[derive(Debug)]
pub(super) struct Entry {
    pub digest: Digest,
    pub is_index: bool,
    /// The whole name, in the form images are compared in where it is one.
    pub name: Option<String>,
    /// The descriptor as it stands there.
    descriptor: Value,
}

impl Default for Index {
    fn default() -> Self {
        let document = [("schemaVersion".to_owned(), json!(2)), ("mediaType".to_owned(), json!(INDEX))];
        Self { document: document.into_iter().collect(), entries: Vec::new() }
    }
}

impl Index {
    /// Reads one; the error says what is wrong with it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let wrong = |error: serde_json::Error| {
            format!("its index.json is not JSON at line {} column {}", error.line(), error.column())
        };
        let mut document: Map<String, Value> = serde_json::from_slice(bytes).map_err(wrong)?;
        let Some(Value::Array(manifests)) = document.remove("manifests") else {
            return Err("its index.json has no list `manifests`".to_owned());
        };
        let of = |(number, descriptor)| {
            Entry::of(descriptor).ok_or_else(|| format!("entry {number} of its index.json has no digest to check"))
        };
        let entries = manifests.into_iter().enumerate().map(of).collect::<Result<_, _>>()?;
        Ok(Self { document, entries })
    }

    /// Writes it as it is to stand there.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut document = self.document.clone();
        let manifests = self.entries.iter().map(|entry| entry.descriptor.clone()).collect();
        document.insert("manifests".to_owned(), Value::Array(manifests));
        Value::Object(document).to_string().into_bytes()
    }

    /// Returns all images.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns what stands under a whole name; an error when two different ones do.
    pub(super) fn named(&self, name: &str) -> Result<Option<&Digest>, String> {
        let mut found = self.entries.iter().filter(|entry| entry.name.as_deref() == Some(name)).map(|e| &e.digest);
        let first = found.next();
        match found.find(|other| Some(*other) != first) {
            Some(_) => Err(format!("its index.json has two images of the name {name}")),
            None => Ok(first),
        }
    }

    /// Sets what stands under a name, or, without one, sees to it that the manifest is listed. Tells whether that changed anything.
    pub(super) fn set(&mut self, name: Option<&str>, manifest: &Manifest) -> bool {
        let is_there =
            |entry: &Entry| entry.digest == manifest.digest && name.is_none_or(|n| entry.name.as_deref() == Some(n));
        if self.entries.iter().any(is_there) {
            return false;
        }
        let mut descriptor = json!({
            "mediaType": manifest.media_type,
            "digest": manifest.digest.to_string(),
            "size": manifest.bytes.len(),
        });
        if let Some(name) = name {
            self.entries.retain(|entry| entry.name.as_deref() != Some(name));
            descriptor["annotations"] = json!({ REF_NAME: name, CONTAINERD_NAME: name });
        }
        self.entries.extend(Entry::of(descriptor));
        true
    }
}

impl Entry {
    fn of(descriptor: Value) -> Option<Self> {
        let digest = descriptor.get("digest")?.as_str()?.parse().ok()?;
        let is_index = descriptor.get("mediaType").and_then(Value::as_str).is_some_and(is_index);
        let annotation = |key: &str| descriptor.get("annotations")?.get(key)?.as_str();
        // Whoever writes a tag alone as the name has the whole name, if anywhere, in containerd's.
        let name = annotation(CONTAINERD_NAME).or_else(|| annotation(REF_NAME)).map(canonical);
        Some(Self { digest, is_index, name, descriptor })
    }
}

fn canonical(name: &str) -> String {
    name.parse::<ImageRef>().map_or_else(|_| name.to_owned(), |image| image.to_string())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const DIGESTS: [&str; 2] = [
        "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ];

    fn index(entries: &[Value]) -> Index {
        let manifests: Vec<Value> = entries.to_vec();
        Index::parse(json!({"schemaVersion": 2, "odd": true, "manifests": manifests}).to_string().as_bytes()).unwrap()
    }

    fn manifest(text: &str) -> Manifest {
        let bytes = Bytes::from(text.to_owned());
        Manifest::parse("test", &Digest::of(&bytes), None, bytes).unwrap()
    }

    #[test]
    fn an_image_is_found_by_its_whole_name_however_it_is_written() {
        let found = |annotations: Value| {
            let index = index(&[json!({"digest": DIGESTS[0], "annotations": annotations})]);
            index.named("docker.io/library/nginx:1").unwrap().is_some()
        };
        assert!(found(json!({ REF_NAME: "nginx:1" })));
        assert!(found(json!({ REF_NAME: "1", CONTAINERD_NAME: "docker.io/library/nginx:1" })));
        assert!(!found(json!({ REF_NAME: "1" })));
        assert!(!found(json!({})));
    }

    #[test]
    fn one_name_for_two_images_is_an_error() {
        let entry = |digest: &str| json!({"digest": digest, "annotations": {REF_NAME: "a.example/b:1"}});
        let error = index(&DIGESTS.map(entry)).named("a.example/b:1").unwrap_err();
        assert_eq!(error, "its index.json has two images of the name a.example/b:1");
        assert!(index(&[entry(DIGESTS[0]), entry(DIGESTS[0])]).named("a.example/b:1").unwrap().is_some());
    }

    #[test]
    fn what_is_set_is_found_and_all_else_stays() {
        let kept = json!({"digest": DIGESTS[0], "size": 2, "platform": {"os": "linux"}, "x": 1});
        let mut index = index(std::slice::from_ref(&kept));
        let (one, other) =
            (manifest(r#"{"schemaVersion":2,"manifests":[]}"#), manifest(r#"{"schemaVersion":2,"manifests":[ ]}"#));
        assert!(index.set(Some("a.example/b:1"), &one));
        assert!(!index.set(Some("a.example/b:1"), &one));
        assert!(!index.set(None, &one), "it is listed already");
        assert!(index.set(None, &other));
        assert!(index.set(Some("a.example/b:1"), &other));
        let read = Index::parse(&index.to_bytes()).unwrap();
        assert_eq!(read.named("a.example/b:1").unwrap(), Some(&other.digest));
        assert_eq!((read.entries().len(), &read.entries()[0].descriptor), (3, &kept));
        assert_eq!(read.document["odd"], true);
        assert!(read.entries()[1].is_index);
    }

    #[test]
    fn what_is_none_is_said() {
        for (text, why) in [
            ("[", "not JSON at line 1"),
            ("{}", "no list `manifests`"),
            (r#"{"manifests":[{"digest":"md5:00"}]}"#, "entry 0"),
            (r#"{"manifests":[7]}"#, "entry 0"),
        ] {
            let error = Index::parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{error} lacks {why}");
        }
    }
}
