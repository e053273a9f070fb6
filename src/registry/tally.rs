//! The tally: what a run asked of one registry, for people who look at what it cost.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderMap;

use super::error::plain;

/// Requests to one registry, and what it said of them.
#[derive(Debug, Default)]
pub(super) struct Tally {
    requests: AtomicU64,
    waited_ms: AtomicU64,
    quota: Mutex<Option<String>>,
}

impl Tally {
    /// Counts a request.
    pub(super) fn asked(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts time that was waited because the registry asked for it.
    pub(super) fn waited(&self, pause: Duration) {
        self.waited_ms.fetch_add(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Returns how long was waited so far.
    pub(super) fn waited_so_far(&self) -> Duration {
        Duration::from_millis(self.waited_ms.load(Ordering::Relaxed))
    }

    /// Returns how many requests there were.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Returns what is left of a quota.
    pub(super) fn quota(&self) -> Option<String> {
        self.quota.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes what is left of a quota, as Docker Hub says it (`RateLimit-Remaining: 76;w=21600`).
    pub(super) fn note_quota(&self, headers: &HeaderMap) {
        if let Some(left) = headers.get("ratelimit-remaining").and_then(|left| left.to_str().ok()) {
            *self.quota.lock().unwrap_or_else(PoisonError::into_inner) = Some(plain(left));
        }
    }

    /// Tells it in the log.
    pub(super) fn tell(&self, registry: &str) {
        let (requests, quota_left) = (self.requests(), self.quota());
        tracing::info!(registry, requests, waited = ?self.waited_so_far(), quota_left, "asked");
    }
}
