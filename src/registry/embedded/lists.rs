//! Lists of names, a page at a time.

use hyper::{Method, StatusCode};
use serde_json::json;

use super::call::Call;
use super::errors::{Code, Refusal};
use super::query::{self, Query};
use super::reply::Reply;
use super::server::State;

/// A page of a sorted list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// The query of the next page, if there is one.
    pub(super) next: Option<String>,
}

impl<T> Page<T> {
    /// Cuts out what `n` and `last` of a query ask for, at most `limit` items; `n=0` is an empty page and the last.
    pub(super) fn of(mut all: Vec<T>, name: impl Fn(&T) -> &str, query: &Query, limit: usize) -> Result<Self, Refusal> {
        let invalid = |_| Refusal::new(Code::PageInvalid, "`n` is not a number");
        let asked = query.get("n").map(str::parse::<usize>).transpose().map_err(invalid)?;
        let size = asked.unwrap_or(limit).min(limit.max(1));
        if let Some(last) = query.get("last") {
            all.retain(|item| name(item) > last);
        }
        let more = all.len() > size;
        all.truncate(size);
        let last = all.last().filter(|_| more);
        let next = last.map(|last| format!("n={size}&last={}", query::encode(name(last))));
        Ok(Self { items: all, next })
    }
}

/// Answers `/v2/<name>/tags/list`.
pub(super) fn tags(state: &State, call: &Call, repository: &str) -> Result<Reply, Refusal> {
    only_get(call)?;
    let tags = state.storage().tags(repository);
    let unknown = || Refusal::new(Code::NameUnknown, format!("there is no repository {repository}"));
    let page = Page::of(tags.ok_or_else(unknown)?, String::as_str, &call.query, state.options.page_limit)?;
    let next = page.next.map(|next| format!("/v2/{repository}/tags/list?{next}"));
    let body = json!({"name": repository, "tags": page.items});
    Ok(Reply::json(StatusCode::OK, &body).with_next(next.as_deref()))
}

/// Answers `/v2/_catalog`.
pub(super) fn catalog(state: &State, call: &Call) -> Result<Reply, Refusal> {
    only_get(call)?;
    let repositories = state.storage().repositories();
    let page = Page::of(repositories, String::as_str, &call.query, state.options.page_limit)?;
    let next = page.next.map(|next| format!("/v2/_catalog?{next}"));
    let body = json!({"repositories": page.items});
    Ok(Reply::json(StatusCode::OK, &body).with_next(next.as_deref()))
}

fn only_get(call: &Call) -> Result<(), Refusal> {
    match call.method {
        Method::GET => Ok(()),
        _ => Err(call.unsupported()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(query: &str, limit: usize) -> Page<&'static str> {
        Page::of(vec!["a", "b", "c"], |item| item, &Query::parse(query), limit).unwrap()
    }

    #[test]
    fn pages_follow_each_other_to_the_end() {
        assert_eq!(page("", 9).items, ["a", "b", "c"]);
        let first = page("n=2", 9);
        assert_eq!((first.items, first.next.as_deref()), (vec!["a", "b"], Some("n=2&last=b")));
        let last = page("n=2&last=b", 9);
        assert_eq!((last.items, last.next), (vec!["c"], None));
        assert_eq!(page("n=3", 9).next, None);
    }

    #[test]
    fn the_limit_of_the_registry_counts_more_than_the_wish() {
        assert_eq!(page("n=3", 1).next.as_deref(), Some("n=1&last=a"));
        assert_eq!(page("", 1).items, ["a"]);
        let none = page("n=0", 9);
        assert_eq!((none.items.len(), none.next), (0, None));
        assert!(Page::of(vec!["a"], |item| item, &Query::parse("n=x"), 9).is_err());
    }
}
