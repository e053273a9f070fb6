//! An answer before it is sent.

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LINK};
use hyper::{Response, StatusCode};
use serde_json::Value;

/// Names the content of an answer by its digest.
pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// Tells that a pushed manifest's subject was understood.
pub(super) const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
/// Tells which filters were applied to referrers.
pub(super) const OCI_FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");
/// Names an upload, for people.
pub(super) const UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");
/// Tells which protocol this is.
pub(super) const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// Status, headers and whole body of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Reply {
    /// Makes an answer without a body.
    pub(super) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// Makes a 200 with content of a media type.
    pub(super) fn content(media_type: &str, body: Bytes) -> Self {
        let reply = Self { body, ..Self::empty(StatusCode::OK) };
        reply.with(CONTENT_TYPE, media_type)
    }

    /// Makes an answer with a JSON body.
    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        Self { status, ..Self::content("application/json", body.to_string().into()) }
    }

    /// Sets a header; a value that cannot stand in a header is left out.
    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Names the next page, if there is one, as RFC 8288 has it.
    pub(super) fn with_next(self, next: Option<&str>) -> Self {
        match next {
            Some(target) => self.with(LINK, &format!("<{target}>; rel=\"next\"")),
            None => self,
        }
    }

    /// Returns the answer with another body, to be sent.
    pub(super) fn into_response<B>(self, body: B) -> Response<B> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
