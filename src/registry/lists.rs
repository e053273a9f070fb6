//! Lists a registry gives out: of referrers, and of tags.

use std::collections::BTreeSet;

use reqwest::header::ACCEPT;
use reqwest::{Method, Url};
use serde::Deserialize;

use super::call::{Call, Want};
use super::error::Error;
use super::manifest::LONGEST_MANIFEST;
use super::redirect;
use super::remote::{Remote, set};
use crate::domain::Digest;

/// How many pages of one list are read.
const MOST_PAGES: usize = 16;

/// How many tags are asked for at a time.
const TAGS_ON_PAGE: &str = "1000";

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

#[derive(Deserialize)]
struct Referrers {
    manifests: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    digest: String,
}

#[derive(Deserialize)]
struct Tags {
    tags: Option<Vec<String>>,
}

/// One page of a list.
enum Page {
    /// What stands on it, and where the next one is.
    Read(bytes::Bytes, Option<Url>),
    /// The registry has no such list; whether it does not even know the path, and so has none for anything.
    Unknown { is_path: bool },
}

impl Remote {
    /// Lists the manifests that refer to `subject`
    /// (<https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers>); `None` from a registry that
    /// keeps no such list. What a descriptor says beside the digest is not to be trusted.
    pub(super) async fn referrers(&self, subject: &Digest) -> Result<Option<Vec<Digest>>, Error> {
        if self.host.lists_no_referrers() {
            return Ok(None);
        }
        let action = format!("list the referrers of {}@{subject}", self.locator());
        let mut call = self.call(action, Method::GET, &format!("referrers/{subject}"), Want::Whole(LONGEST_MANIFEST));
        set(&mut call.headers, ACCEPT, INDEX);
        let mut all = BTreeSet::new();
        for page in 0..MOST_PAGES {
            let (bytes, next) = match self.page(&call).await? {
                Page::Read(bytes, next) => (bytes, next),
                Page::Unknown { is_path } if page == 0 => {
                    if is_path {
                        self.host.note_no_referrers();
                    }
                    return Ok(None);
                }
                Page::Unknown { .. } => return Err(self.no_list(&call, "forgot the rest of its list")),
            };
            match serde_json::from_slice::<Referrers>(&bytes) {
                Ok(read) => all.extend(read.manifests.iter().filter_map(|entry| entry.digest.parse::<Digest>().ok())),
                // A page for people is no list.
                Err(_) if page == 0 => return Ok(None),
                Err(_) => return Err(self.no_list(&call, "sent a page of its list that is none")),
            }
            match next {
                Some(next) => call.url = next,
                None => return Ok(Some(all.into_iter().collect())),
            }
        }
        Err(self.no_list(&call, "sends its list in pages without end"))
    }

    /// Lists the tags that are made of a digest (`sha256-…`); `None` where not all can be listed, for lack of rights or since
    /// there are too many.
    pub(super) async fn digest_tags(&self) -> Option<BTreeSet<String>> {
        let action = format!("list the tags of {}", self.locator());
        let mut call = self.call(action, Method::GET, "tags/list", Want::Whole(LONGEST_MANIFEST));
        call.url.query_pairs_mut().append_pair("n", TAGS_ON_PAGE);
        let mut all = BTreeSet::new();
        for _ in 0..MOST_PAGES {
            let Ok(Page::Read(bytes, next)) = self.page(&call).await else { return None };
            let tags = serde_json::from_slice::<Tags>(&bytes).ok()?.tags.unwrap_or_default();
            all.extend(tags.into_iter().filter(|tag| tag.starts_with("sha256-") || tag.starts_with("sha512-")));
            match next {
                Some(next) => call.url = next,
                None => return Some(all),
            }
        }
        None
    }

    async fn page(&self, call: &Call) -> Result<Page, Error> {
        let answer = self.host.follow(call.clone(), false).await?;
        match answer.status {
            200 => {
                let next = answer.header("link").and_then(|link| next(&call.url, link));
                let next = next.filter(|next| redirect::same_origin(&self.host.base(), next));
                Ok(Page::Read(answer.whole, next))
            }
            // docker-registry answers 404 to the path, some registries behind a proxy 400, 405 or 501.
            400 | 404 | 405 | 406 | 501 => Ok(Page::Unknown { is_path: answer.said().code.is_none() }),
            _ => Err(answer.refusal(&call.action)),
        }
    }

    fn no_list(&self, call: &Call, what: &str) -> Error {
        Error::Protocol { action: call.action.clone(), registry: self.host.name.clone(), what: what.to_owned() }
    }
}

/// Returns where the next page is (RFC 8288).
fn next(from: &Url, link: &str) -> Option<Url> {
    let is_next = |link: &&str| link.contains("rel=\"next\"") || link.contains("rel=next");
    let link = link.split(',').find(is_next)?;
    let target = link.split_once('<')?.1.split_once('>')?.0;
    redirect::target(from, Some(target)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_named_in_a_link() {
        let from = Url::parse("https://reg.example/v2/a/tags/list?n=2").unwrap();
        let found = |link: &str| next(&from, link).map(|url| url.to_string());
        let wanted = Some("https://reg.example/v2/a/tags/list?n=2&last=b".to_owned());
        assert_eq!(found("</v2/a/tags/list?n=2&last=b>; rel=\"next\""), wanted);
        assert_eq!(found("</x>; rel=\"prev\", <?n=2&last=b>; rel=next"), wanted);
        assert_eq!(found("</x>; rel=\"prev\""), None);
        assert_eq!(found("rel=\"next\""), None);
        assert_eq!(found("<file:///etc/passwd>; rel=\"next\""), None);
    }
}
