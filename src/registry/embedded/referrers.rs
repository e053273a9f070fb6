//! The list of manifests that refer to another.
//!
//! <https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers>

use hyper::Method;
use serde_json::{Map, Value, json};

use crate::domain::Digest;

use super::call::Call;
use super::document::OCI_INDEX;
use super::errors::{Code, Refusal};
use super::lists::Page;
use super::query;
use super::reply::{OCI_FILTERS_APPLIED, Reply};
use super::server::State;
use super::storage::Manifest;

/// Answers `/v2/<name>/referrers/<digest>`; an unknown repository or digest has an empty list.
pub(super) fn list(state: &State, call: &Call, repository: &str, subject: &Digest) -> Result<Reply, Refusal> {
    if !state.options.referrers_api {
        return Err(Refusal::new(Code::UnknownPath, "this registry does not list referrers"));
    }
    if call.method != Method::GET {
        return Err(call.unsupported());
    }
    let wanted = call.query.get("artifactType");
    let referrers = state.storage().referrers(repository, subject);
    let all = referrers
        .iter()
        .map(|referrer| (referrer.digest.to_string(), descriptor(referrer)))
        .filter(|(_, descriptor)| wanted.is_none() || descriptor.get("artifactType").and_then(Value::as_str) == wanted)
        .collect();
    let page = Page::of(all, |(digest, _)| digest, &call.query, state.options.page_limit)?;
    let filter = wanted.map(|wanted| format!("&artifactType={}", query::encode(wanted)));
    let next = page.next.map(|next| {
        let filter = filter.unwrap_or_default();
        format!("/v2/{repository}/referrers/{subject}?{next}{filter}")
    });
    let descriptors: Vec<Value> = page.items.into_iter().map(|(_, descriptor)| descriptor).collect();
    let body = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": descriptors});
    let reply = Reply::content(OCI_INDEX, body.to_string().into()).with_next(next.as_deref());
    Ok(match wanted {
        Some(_) => reply.with(OCI_FILTERS_APPLIED, "artifactType"),
        None => reply,
    })
}

/// Describes a referrer: its artifact type is its own, or else that of its config.
fn descriptor(referrer: &Manifest) -> Value {
    let content: Value = serde_json::from_slice(&referrer.content).unwrap_or_default();
    let mut descriptor = Map::new();
    descriptor.insert("mediaType".to_owned(), referrer.media_type.clone().into());
    descriptor.insert("digest".to_owned(), referrer.digest.to_string().into());
    descriptor.insert("size".to_owned(), referrer.content.len().into());
    let own = content.get("artifactType").filter(|own| own.as_str() != Some(""));
    if let Some(artifact_type) = own.or_else(|| content.pointer("/config/mediaType")) {
        descriptor.insert("artifactType".to_owned(), artifact_type.clone());
    }
    if let Some(annotations) = content.get("annotations") {
        descriptor.insert("annotations".to_owned(), annotations.clone());
    }
    descriptor.into()
}
