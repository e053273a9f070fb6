//! A record of the requests, for tests to count and order.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, CONTENT_RANGE, RANGE};

use super::call::Call;

/// A request as it arrived and how it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path, as sent.
    pub path: String,
    /// The query without `?`, as sent; empty when there is none.
    pub query: String,
    /// Whether there was an `Authorization` header; its value is not kept.
    pub had_authorization: bool,
    /// The `Range` header.
    pub range: Option<String>,
    /// The `Content-Range` header.
    pub content_range: Option<String>,
    /// Whether a fault took the request.
    pub faulted: bool,
    /// The status of the answer, set before it is sent; none while there is no answer, and none if there never is one.
    pub status: Option<u16>,
    /// How many bytes of the request's body were read, once there is an answer or a fault broke the connection.
    pub received_bytes: u64,
}

impl Request {
    fn of(call: &Call) -> Self {
        Self {
            method: call.method.to_string(),
            path: call.path.clone(),
            query: call.query_text.clone(),
            had_authorization: call.headers.contains_key(AUTHORIZATION),
            range: call.header(&RANGE).map(str::to_owned),
            content_range: call.header(&CONTENT_RANGE).map(str::to_owned),
            faulted: false,
            status: None,
            received_bytes: 0,
        }
    }
}

/// Where a request stands in the log; from before a [`Log::clear`] it stands nowhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry(usize);

#[derive(Debug, Default)]
struct Records {
    forgotten: usize,
    requests: Vec<Request>,
}

/// All requests since the last [`Log::clear`], in the order they arrived.
#[derive(Debug, Default)]
pub(super) struct Log(Mutex<Records>);

impl Log {
    /// Records that a request arrived.
    pub(super) fn arrived(&self, call: &Call) -> Entry {
        let mut records = self.records();
        records.requests.push(Request::of(call));
        Entry(records.forgotten + records.requests.len() - 1)
    }

    /// Records that a fault took the request.
    pub(super) fn faulted(&self, entry: Entry) {
        self.change(entry, |request| request.faulted = true);
    }

    /// Records how the request ended.
    pub(super) fn ended(&self, entry: Entry, status: Option<StatusCode>, received_bytes: u64) {
        self.change(entry, |request| {
            request.status = status.map(|status| status.as_u16());
            request.received_bytes = received_bytes;
        });
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.records().requests.clone()
    }

    pub(super) fn clear(&self) {
        let mut records = self.records();
        records.forgotten += records.requests.len();
        records.requests.clear();
    }

    fn change(&self, entry: Entry, change: impl FnOnce(&mut Request)) {
        let mut records = self.records();
        let index = entry.0.checked_sub(records.forgotten);
        if let Some(request) = index.and_then(|index| records.requests.get_mut(index)) {
            change(request);
        }
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
