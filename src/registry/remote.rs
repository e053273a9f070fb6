//! Repositories of registries: the calls of the distribution specification, one function each
//! (<https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md>).

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RANGE};
use reqwest::{Method, Url};

use super::call::{Answer, Call, SHORT, Scope, Want};
use super::error::{Error, plain};
use super::host::Host;
use super::manifest::{self, Blob, LONGEST_MANIFEST, Manifest, Name};
use super::redirect;
use super::repository::{Download, Opened, Upload};
use super::retry::{self, Decision, Failure};
use crate::domain::{Digest, ImageRef};

/// A repository of a registry, with the rights it is used with.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    pub host: Arc<Host>,
    pub name: String,
    scope: Scope,
}

impl Remote {
    /// Opens the repository of an image for reading.
    pub(super) fn reading(host: Arc<Host>, image: &ImageRef) -> Self {
        Self { host, name: image.repository().to_owned(), scope: Scope::pull(image.repository()) }
    }

    /// Opens the repository of an image for reading and writing.
    pub(super) fn writing(host: Arc<Host>, image: &ImageRef) -> Self {
        Self { host, name: image.repository().to_owned(), scope: Scope::push(image.repository()) }
    }

    /// Returns registry and repository.
    pub(super) fn locator(&self) -> String {
        format!("{}/{}", self.host.name, self.name)
    }

    /// Returns the digest that a tag or a digest resolves to; `None` when there is nothing.
    pub(super) async fn head(&self, reference: &str) -> Result<Option<Digest>, Error> {
        let action = format!("look up {}", self.shown(reference));
        let mut call = self.call(action, Method::HEAD, &format!("manifests/{reference}"), Want::Whole(SHORT));
        set(&mut call.headers, ACCEPT, manifest::ACCEPT);
        let answer = self.host.follow(call.clone(), false).await?;
        match answer.status {
            200 => {}
            404 => return Ok(None),
            405 | 501 => return Ok(self.get(reference, LONGEST_MANIFEST).await?.map(|(digest, ..)| digest)),
            _ => return Err(answer.refusal(&call.action)),
        }
        let digest = answer.header("docker-content-digest").and_then(|header| header.parse::<Digest>().ok());
        let schema_1 = answer.header("content-type").is_some_and(manifest::is_schema_1);
        match (digest, reference.parse::<Digest>().ok()) {
            (Some(found), None) if !schema_1 => Ok(Some(found)),
            (Some(found), Some(asked)) if found == asked => Ok(Some(found)),
            // No digest, or one of another algorithm: the bytes decide.
            _ => Ok(self.get(reference, LONGEST_MANIFEST).await?.map(|(digest, ..)| digest)),
        }
    }

    /// Reads a manifest of at most `limit_bytes` by digest.
    pub(super) async fn manifest(&self, digest: &Digest, limit_bytes: u64) -> Result<Manifest, Error> {
        let found = self.get(&digest.to_string(), limit_bytes.min(LONGEST_MANIFEST)).await?;
        let missing = || Error::Missing { digest: digest.clone(), repository: self.locator() };
        let (digest, content_type, bytes) = found.ok_or_else(missing)?;
        Manifest::parse(&self.locator(), &digest, content_type.as_deref(), bytes)
    }

    /// Reads the manifest under a tag; `None` when there is nothing.
    pub(super) async fn named(&self, tag: &str) -> Result<Option<Manifest>, Error> {
        let Some((digest, content_type, bytes)) = self.get(tag, LONGEST_MANIFEST).await? else { return Ok(None) };
        Manifest::parse(&self.locator(), &digest, content_type.as_deref(), bytes).map(Some)
    }

    /// Reads a manifest and checks its bytes against what was asked for and what the registry says.
    async fn get(&self, reference: &str, limit_bytes: u64) -> Result<Option<(Digest, Option<String>, Bytes)>, Error> {
        let action = format!("read manifest {}", self.shown(reference));
        let mut call = self.call(action, Method::GET, &format!("manifests/{reference}"), Want::Whole(limit_bytes));
        set(&mut call.headers, ACCEPT, manifest::ACCEPT);
        let answer = self.host.follow(call.clone(), false).await?;
        match answer.status {
            200 => {}
            404 => return Ok(None),
            _ => return Err(answer.refusal(&call.action)),
        }
        let content_type = answer.header("content-type").map(str::to_owned);
        let said = answer.header("docker-content-digest").and_then(|header| header.parse::<Digest>().ok());
        let asked = reference.parse::<Digest>().ok();
        if content_type.as_deref().is_some_and(manifest::is_schema_1) {
            let digest = said.or(asked).unwrap_or_else(|| Digest::of(&answer.whole));
            return Err(manifest::schema_1_refused(&self.locator(), &digest));
        }
        let expected =
            [asked.as_ref(), said.as_ref()].into_iter().flatten().find(|digest| !digest.matches(&answer.whole));
        if let Some(expected) = expected {
            let found = Digest::of(&answer.whole).to_string();
            return Err(Error::Corrupt { action: call.action, expected: expected.clone(), found });
        }
        let digest = asked.or(said).unwrap_or_else(|| Digest::of(&answer.whole));
        Ok(Some((digest, content_type, answer.whole)))
    }

    /// Writes a manifest under a tag or its digest.
    pub(super) async fn put_manifest(&self, name: Name<'_>, manifest: &Manifest) -> Result<(), Error> {
        let digest = manifest.digest.to_string();
        let reference = match name {
            Name::Tag(tag, _) => tag,
            Name::Digest | Name::Part => &digest,
        };
        let action = format!("write manifest {}", self.shown(reference));
        let mut call = self.call(action, Method::PUT, &format!("manifests/{reference}"), Want::Whole(SHORT));
        set(&mut call.headers, CONTENT_TYPE, &manifest.media_type);
        call.body = manifest.bytes.clone();
        let mut attempt = 1;
        loop {
            let answer = self.host.send(&call).await?;
            if let 200..=202 = answer.status {
                return Ok(());
            }
            let refusal = answer.refusal(&call.action);
            // docker-registry 2.8 says so when two of its clients write the same manifest at once; the bytes were checked
            // when they were read.
            let collided = matches!(&refusal, Error::Answered { said, .. } if said.is_invalid_digest());
            match retry::decide(
                attempt,
                if collided { Failure::Broken } else { Failure::Lasting },
                None,
                retry::jitter(),
            ) {
                Decision::Retry(pause) => tokio::time::sleep(pause).await,
                Decision::Stop => return Err(refusal),
            }
            attempt += 1;
        }
    }

    /// Tells whether the repository has a blob.
    pub(super) async fn has_blob(&self, digest: &Digest) -> Result<bool, Error> {
        let call = self.call(
            format!("look up blob {digest} of {}", self.locator()),
            Method::HEAD,
            &format!("blobs/{digest}"),
            Want::Whole(SHORT),
        );
        let answer = self.host.send(&call).await?;
        match answer.status {
            // A registry sends to its storage only for what it has.
            200 | 301 | 302 | 303 | 307 | 308 => Ok(true),
            404 => Ok(false),
            _ => Err(answer.refusal(&call.action)),
        }
    }

    /// Opens an upload; `from` names a repository of the registry that may have the blob already.
    pub(super) async fn open(&self, digest: &Digest, from: Option<&str>) -> Result<Opened, Error> {
        let mut call = self.call(
            format!("upload blob {digest} to {}", self.locator()),
            Method::POST,
            "blobs/uploads/",
            Want::Whole(SHORT),
        );
        if let Some(from) = from {
            call.url.query_pairs_mut().append_pair("mount", &digest.to_string()).append_pair("from", from);
            if from != self.name {
                call.scope = call.scope.and(Scope::pull(from).parts());
            }
        }
        let answer = match self.host.send(&call).await {
            // A registry, or its token service, that does not let us mount may still let us upload.
            Ok(answer) if from.is_some() && (400..500).contains(&answer.status) && answer.status != 429 => {
                return Box::pin(self.open(digest, None)).await;
            }
            Err(Error::Denied { .. }) if from.is_some() => return Box::pin(self.open(digest, None)).await,
            answer => answer?,
        };
        match answer.status {
            201 if from.is_some() => Ok(Opened::Mounted),
            202 => {
                let session = redirect::session(&self.host.base(), &call.url, answer.header("location"));
                let session = session.map_err(|(target, why)| self.host.misled(&call, target.as_ref(), why))?;
                Ok(Opened::Session(Upload::At(session)))
            }
            _ => Err(answer.refusal(&call.action)),
        }
    }

    /// Ends an upload with all its bytes at once.
    pub(super) async fn commit(&self, session: Url, digest: &Digest, bytes: Bytes) -> Result<(), Error> {
        let mut call = self.closing(session, digest);
        call.body = bytes;
        let answer = self.host.send(&call).await?;
        self.committed(&call, &answer)
    }

    /// Ends an upload of which `has_bytes` arrived with a stream of the rest; see [`Host::upload`].
    pub(super) async fn commit_stream(
        &self,
        session: Url,
        blob: &Blob,
        has_bytes: u64,
        body: reqwest::Body,
        moved: &AtomicU64,
    ) -> Result<(), Error> {
        let mut call = self.closing(session, &blob.digest);
        if has_bytes > 0 {
            set(&mut call.headers, CONTENT_RANGE, &format!("{has_bytes}-{}", blob.size_bytes - 1));
        }
        let answer = self.host.upload(&call, body, blob.size_bytes - has_bytes, blob.size_bytes, moved).await?;
        self.committed(&call, &answer)
    }

    /// Asks how much of a broken upload arrived, and where it goes on; `None` when it is to be begun anew: most registries that
    /// docker-registry is in forget it.
    pub(super) async fn upload_state(&self, session: &Url, blob: &Blob) -> Option<(Url, u64)> {
        let action = format!("go on with the upload of blob {} to {}", blob.digest, self.locator());
        let mut call = self.call(action, Method::GET, "", Want::Whole(SHORT));
        call.url = session.clone();
        let answer = self.host.send(&call).await.ok().filter(|answer| matches!(answer.status, 202 | 204))?;
        let last: u64 = answer.header("range")?.strip_prefix("0-")?.parse().ok()?;
        let session = redirect::session(&self.host.base(), &call.url, answer.header("location")).ok()?;
        // `0-0` is written for nothing as well, and the last byte is kept back.
        (0 < last && last + 1 < blob.size_bytes).then_some((session, last + 1))
    }

    fn closing(&self, session: Url, digest: &Digest) -> Call {
        let mut call =
            self.call(format!("upload blob {digest} to {}", self.locator()), Method::PUT, "", Want::Whole(SHORT));
        call.url = session;
        call.url.query_pairs_mut().append_pair("digest", &digest.to_string());
        set(&mut call.headers, CONTENT_TYPE, "application/octet-stream");
        call
    }

    fn committed(&self, call: &Call, answer: &Answer) -> Result<(), Error> {
        match answer.status {
            201 => Ok(()),
            200..=299 => {
                let what = format!("answered {} and did not store the blob", answer.status);
                Err(Error::Protocol { action: call.action.clone(), registry: self.host.name.clone(), what })
            }
            _ => Err(answer.refusal(&call.action)),
        }
    }

    /// Reads a small blob whole and checks it.
    pub(super) async fn read_blob(&self, digest: &Digest, size_bytes: u64) -> Result<Bytes, Error> {
        let call = self.download_call(digest, Want::Whole(size_bytes));
        let action = call.action.clone();
        let answer = self.host.follow(call, true).await?;
        if answer.status != 200 {
            return Err(self.no_blob(&answer, &action, digest));
        }
        if answer.whole.len() as u64 != size_bytes {
            let found = format!("{} bytes instead of {size_bytes}", answer.whole.len());
            return Err(Error::Corrupt { action, expected: digest.clone(), found });
        }
        match digest.matches(&answer.whole) {
            true => Ok(answer.whole),
            false => {
                Err(Error::Corrupt { action, expected: digest.clone(), found: Digest::of(&answer.whole).to_string() })
            }
        }
    }

    /// Begins to read a blob after its first `offset` bytes.
    pub(super) async fn download(&self, digest: &Digest, offset: u64) -> Result<Download, Error> {
        let mut call = self.download_call(digest, Want::Stream);
        if offset > 0 {
            set(&mut call.headers, RANGE, &format!("bytes={offset}-"));
            // An upload holds its permit and waits for this.
            call.is_urgent = true;
        }
        let action = call.action.clone();
        let mut answer = self.host.follow(call, true).await?;
        let resumes =
            answer.header("content-range").is_some_and(|range| range.starts_with(&format!("bytes {offset}-")));
        let skip_bytes = match answer.status {
            200 => offset,
            206 if resumes => 0,
            status @ 200..=299 => {
                let what = format!("answered {status} and did not send what was asked for");
                return Err(Error::Protocol { action, registry: self.host.name.clone(), what });
            }
            _ => return Err(self.no_blob(&answer, &action, digest)),
        };
        let response = answer.stream.take().ok_or_else(|| answer.refusal(&action))?;
        Ok(Download::of_response(response, skip_bytes))
    }

    /// Says why a blob cannot be read: one that a manifest names and its registry does not have will not come by asking again.
    fn no_blob(&self, answer: &Answer, action: &str, digest: &Digest) -> Error {
        match answer.status {
            404 => Error::Missing { digest: digest.clone(), repository: self.locator() },
            _ => answer.refusal(action),
        }
    }

    fn download_call(&self, digest: &Digest, want: Want) -> Call {
        self.call(format!("read blob {digest} of {}", self.locator()), Method::GET, &format!("blobs/{digest}"), want)
    }

    pub(super) fn call(&self, action: String, method: Method, path: &str, want: Want) -> Call {
        let mut url = self.host.base();
        url.set_path(&format!("/v2/{}/{path}", self.name));
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        Call {
            action,
            repository: self.name.clone(),
            scope: self.scope.clone(),
            method,
            url,
            headers,
            body,
            want,
            is_abroad: false,
            is_urgent: false,
        }
    }

    fn shown(&self, reference: &str) -> String {
        let separator = if reference.contains(':') { '@' } else { ':' };
        format!("{}{separator}{reference}", self.locator())
    }
}

/// Sets a header; a text that no header may have is made plain first.
pub(super) fn set(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text).or_else(|_| HeaderValue::from_str(&plain(text))) {
        headers.insert(name, value);
    }
}
