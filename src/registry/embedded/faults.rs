//! Faults on request: which requests, and what happens to them.

use std::ops::{Bound, RangeBounds};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use super::call::Call;

/// What happens to a request that a [`Fault`] takes.
///
/// The actions about transfer ([`Throttle`](Self::Throttle), [`CutAfter`](Self::CutAfter),
/// [`PauseAfter`](Self::PauseAfter)) act on the request's body for POST, PUT and PATCH, on the answer's body otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Waits before anything else.
    Delay(Duration),
    /// Waits before anything else, until [`Registry::release`](super::Registry::release).
    Pause,
    /// Waits in the middle of the transfer, when this many bytes have passed and more are to come.
    PauseAfter(u64),
    /// Never answers; the connection stays open.
    Hang,
    /// Closes the connection without an answer; the request is not carried out.
    Drop,
    /// Carries the request out, then closes the connection without an answer.
    LoseAnswer,
    /// Answers with a status, and `Retry-After` in whole seconds; the request is not carried out.
    Status(u16, Option<Duration>),
    /// Answers 307 with a `Location`; the request is not carried out.
    Redirect(String),
    /// Transfers evenly at a rate.
    Throttle {
        /// The rate; 0 counts as 1.
        bytes_per_second: u64,
    },
    /// Closes the connection when this many bytes have passed and more are to come. What arrived of an upload stays.
    CutAfter(u64),
    /// Changes one byte in the middle of the answer's body.
    Corrupt,
    /// Answers with another body; status and headers stay, the length fits.
    Body(Bytes),
    /// Goes on after the answer's body with spaces, without end and without a length.
    Endless,
    /// Changes the answer's `Content-Type`.
    ContentType(String),
    /// Changes the answer's `Docker-Content-Digest` to a well-formed digest of something else.
    WrongDigestHeader,
    /// Sets a header of the answer.
    Header(String, String),
    /// Removes a header of the answer.
    WithoutHeader(String),
}

/// A rule: the requests it matches, which of those it takes, and what happens to them, in the order of
/// [`then`](Self::then). A new rule matches and takes every request.
#[derive(Debug, Clone, Default)]
pub struct Fault {
    method: Option<String>,
    path_part: Option<String>,
    query_part: Option<String>,
    first: usize,
    last: Option<usize>,
    times: Option<usize>,
    actions: Vec<Action>,
}

impl Fault {
    /// Makes a rule for every request that does nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Matches only this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Matches only paths with this part.
    #[must_use]
    pub fn path_contains(mut self, part: &str) -> Self {
        self.path_part = Some(part.to_owned());
        self
    }

    /// Matches only queries, as sent, with this part.
    #[must_use]
    pub fn query_contains(mut self, part: &str) -> Self {
        self.query_part = Some(part.to_owned());
        self
    }

    /// Takes only some of the matching requests, counted from 1: `nth(2..)`, `nth(3..=3)`.
    #[must_use]
    pub fn nth(mut self, range: impl RangeBounds<usize>) -> Self {
        self.first = match range.start_bound() {
            Bound::Included(&first) => first,
            Bound::Excluded(&before) => before + 1,
            Bound::Unbounded => 0,
        };
        self.last = match range.end_bound() {
            Bound::Included(&last) => Some(last),
            Bound::Excluded(&after) => Some(after.saturating_sub(1)),
            Bound::Unbounded => None,
        };
        self
    }

    /// Takes at most this many requests.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = Some(times);
        self
    }

    /// Adds what happens.
    #[must_use]
    pub fn then(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    fn matches(&self, call: &Call) -> bool {
        let has = |text: &str, part: &Option<String>| part.as_ref().is_none_or(|part| text.contains(part));
        self.method.as_ref().is_none_or(|method| call.method.as_str() == method)
            && has(&call.path, &self.path_part)
            && has(&call.query_text, &self.query_part)
    }
}

#[derive(Debug)]
struct Rule {
    fault: Fault,
    seen: usize,
    taken: usize,
}

impl Rule {
    /// Counts a request and tells whether the rule takes it.
    fn takes(&mut self, call: &Call) -> bool {
        if !self.fault.matches(call) {
            return false;
        }
        self.seen += 1;
        let fault = &self.fault;
        let takes = self.seen >= fault.first
            && fault.last.is_none_or(|last| self.seen <= last)
            && fault.times.is_none_or(|times| self.taken < times);
        self.taken += usize::from(takes);
        takes
    }
}

/// The requests held now, and how often they were let go.
#[derive(Debug, Default)]
struct Held {
    releases: usize,
    count: usize,
}

/// All rules, and the requests they hold.
#[derive(Debug, Default)]
pub(super) struct Faults {
    rules: Mutex<Vec<Rule>>,
    held: watch::Sender<Held>,
}

impl Faults {
    pub(super) fn add(&self, fault: Fault) {
        self.rules().push(Rule { fault, seen: 0, taken: 0 });
    }

    pub(super) fn clear(&self) {
        self.rules().clear();
    }

    /// Returns what is to happen to a request: the actions of the first rule that takes it.
    pub(super) fn take(&self, call: &Call) -> Vec<Action> {
        let mut rules = self.rules();
        let rule = rules.iter_mut().find_map(|rule| rule.takes(call).then_some(rule));
        rule.map(|rule| rule.fault.actions.clone()).unwrap_or_default()
    }

    /// Holds a request until it is let go.
    pub(super) async fn hold(&self) {
        let mut watching = self.held.subscribe();
        let mut releases = 0;
        self.held.send_modify(|held| {
            held.count += 1;
            releases = held.releases;
        });
        let _ticket = Ticket { faults: self, releases };
        // The sender is borrowed from `self`, so it cannot close while this waits.
        let _ = watching.wait_for(|held| held.releases != releases).await;
    }

    pub(super) fn release(&self) {
        self.held.send_modify(|held| {
            held.releases += 1;
            held.count = 0;
        });
    }

    pub(super) fn paused(&self) -> usize {
        self.held.borrow().count
    }

    pub(super) async fn until_paused(&self) {
        let _ = self.held.subscribe().wait_for(|held| held.count > 0).await;
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a held request down when its client goes away before the release.
struct Ticket<'a> {
    faults: &'a Faults,
    releases: usize,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.faults.held.send_if_modified(|held| {
            let still_held = held.releases == self.releases;
            held.count -= usize::from(still_held);
            still_held
        });
    }
}
