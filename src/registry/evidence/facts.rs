//! What a manifest says of itself: which manifest it refers to, and what kind of thing it is.

use oci_client::manifest::{IMAGE_CONFIG_MEDIA_TYPE, IMAGE_DOCKER_CONFIG_MEDIA_TYPE};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::error::plain;
use super::super::manifest::Manifest;
use crate::domain::Digest;

/// The parts of a manifest that matter to whom it refers to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Facts {
    artifact_type: Option<String>,
    subject: Option<Subject>,
    config: Option<Part>,
    #[serde(default)]
    layers: Vec<Part>,
    annotations: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
struct Subject {
    digest: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    media_type: String,
}

impl Facts {
    /// Reads them; `None` when they are not of the form the image specification gives them.
    pub(super) fn of(manifest: &Manifest) -> Option<Self> {
        serde_json::from_slice(&manifest.bytes).ok()
    }

    /// The digest it refers to.
    pub(super) fn subject(&self) -> Option<Digest> {
        self.subject.as_ref()?.digest.parse().ok()
    }

    /// The type a list of referrers has to give it.
    fn listed_type(&self) -> Option<&str> {
        let own = self.artifact_type.as_deref().filter(|own| !own.is_empty());
        own.or_else(|| self.config.as_ref().map(|config| config.media_type.as_str()))
    }

    /// The type it is chosen and reported by. Older formats dress up as images, and their layers tell them apart.
    pub(super) fn artifact_type(&self) -> String {
        let dressed_up = |kind: &&str| *kind == IMAGE_CONFIG_MEDIA_TYPE || *kind == IMAGE_DOCKER_CONFIG_MEDIA_TYPE;
        let listed = self.listed_type();
        let by_layer = || self.layers.first().map(|layer| layer.media_type.as_str());
        let kind = listed.filter(|kind| !dressed_up(kind)).or_else(by_layer).or(listed);
        plain(kind.unwrap_or("unknown"))
    }

    /// The entry that a list of referrers has for it
    /// (<https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema>).
    pub(super) fn descriptor(&self, manifest: &Manifest) -> Value {
        let mut descriptor = json!({
            "mediaType": manifest.media_type,
            "digest": manifest.digest.to_string(),
            "size": manifest.bytes.len(),
        });
        if let Some(kind) = self.listed_type() {
            descriptor["artifactType"] = kind.into();
        }
        if let Some(annotations) = &self.annotations {
            descriptor["annotations"] = annotations.clone().into();
        }
        descriptor
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn facts(text: &str) -> (Facts, Manifest) {
        let (digest, bytes) = (Digest::of(text.as_bytes()), Bytes::from(text.to_owned()));
        let manifest = Manifest::parse("r/x", &digest, None, bytes).unwrap();
        (Facts::of(&manifest).unwrap(), manifest)
    }

    const EMPTY: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    #[test]
    fn the_type_is_its_own_or_its_configuration_s_or_its_layer_s() {
        let of = |own: &str, config: &str| {
            facts(&format!(
                r#"{{"schemaVersion":2,{own}"config":{{"mediaType":"{config}","digest":"{EMPTY}","size":2}},
                "layers":[{{"mediaType":"text/spdx","digest":"{EMPTY}","size":2}}],"annotations":{{"a":"b"}}}}"#
            ))
        };
        let (own, manifest) = of(r#""artifactType":"a/own","#, "a/config");
        assert_eq!(own.artifact_type(), "a/own");
        let descriptor = own.descriptor(&manifest);
        assert_eq!((&descriptor["artifactType"], &descriptor["annotations"]["a"]), (&json!("a/own"), &json!("b")));
        assert_eq!(descriptor["size"], manifest.bytes.len());
        assert_eq!(of("", "a/config").0.artifact_type(), "a/config");
        let (old, manifest) = of("", IMAGE_CONFIG_MEDIA_TYPE);
        assert_eq!(old.artifact_type(), "text/spdx");
        assert_eq!(old.descriptor(&manifest)["artifactType"], IMAGE_CONFIG_MEDIA_TYPE);
        assert_eq!(old.subject(), None);
    }
}
