//! Hosts: the one guarded way to a registry. Authorization, permits, time limits and retries are seen to here and nowhere
//! else.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderValue};
use reqwest::{Method, Request, Url};
use tokio::sync::{MutexGuard, Semaphore};

use super::address::Address;
use super::call::{Answer, Call, IDLE, LOOK, SHORT, Want, read_whole, unreachable};
use super::challenge::Challenge;
use super::error::Error;
use super::permits::Permits;
use super::redirect::{self, HOPS, Pinned};
use super::retry::{self, Decision, Failure};
use super::secret::{Secret, hidden_header};
use super::tally::Tally;
use super::token::{Errand, Pass, TokenDesk};

/// How many KiB all blobs of one host that are held whole may have together.
const SMALL_KIB: usize = 6 << 10;

/// How long an upload may stand still: longer than [`IDLE`], so that a source that is resumed does not end it.
const STANDSTILL: Duration = Duration::from_secs(2 * IDLE.as_secs());

/// How long a registry may take to store an upload that it has received.
const STORING: Duration = Duration::from_secs(600);

/// How long a host that could not be reached is not tried again, so that many images cost one connect timeout.
const LOST: Duration = Duration::from_secs(10);

/// One registry, shared by everything that speaks to it.
#[derive(Debug)]
pub(super) struct Host {
    /// The registry as image references name it.
    pub name: String,
    address: Address,
    /// Room for blobs that are read whole, in KiB.
    pub small: Semaphore,
    client: reqwest::Client,
    pinned: Pinned,
    pub permits: Permits,
    pub tally: Tally,
    lists_no_referrers: AtomicBool,
    /// Where its tokens come from.
    pub desk: TokenDesk,
    challenge: Mutex<Option<Challenge>>,
    rests_until: Mutex<Option<Instant>>,
    // The first request learns how to authenticate; the others wait for it instead of each being refused.
    opening: tokio::sync::Mutex<Option<Lost>>,
    is_open: AtomicBool,
}

/// A host that was never reached.
#[derive(Debug)]
struct Lost {
    since: Instant,
    why: String,
}

/// What a request shows: the header, and the token it was made of.
#[derive(Debug, Clone)]
struct Authorization {
    header: Secret,
    token: Option<Secret>,
    authenticated: bool,
}

impl Host {
    pub(super) fn new(desk: TokenDesk) -> Self {
        Self {
            name: desk.registry.clone(),
            address: Address::new(desk.base.clone()),
            small: Semaphore::new(SMALL_KIB),
            client: desk.client.clone(),
            pinned: desk.pinned.clone(),
            permits: Permits::default(),
            tally: Tally::default(),
            lists_no_referrers: AtomicBool::new(false),
            desk,
            challenge: Mutex::default(),
            rests_until: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            is_open: AtomicBool::new(false),
        }
    }

    /// Its address: scheme, host and port.
    pub(super) fn base(&self) -> Url {
        self.address.base()
    }

    /// Sends a call until it is answered; an answer that says no is an answer.
    pub(super) async fn send(&self, call: &Call) -> Result<Answer, Error> {
        let mut opening = self.open(call).await?;
        let mut attempt = 1;
        loop {
            let outcome = self.authenticated(call).await;
            let no_connection = outcome.as_ref().err().and_then(no_connection);
            if no_connection.is_none() {
                self.is_open.store(true, Ordering::Release);
                opening = None;
            }
            let (failure, pause) = match &outcome {
                Ok(answer) => (Failure::Status(answer.status), answer.retry_after()),
                Err(error) => (Failure::of(error), error.retry_after()),
            };
            let Decision::Retry(wait) = retry::decide(attempt, failure, pause, retry::jitter()) else {
                if let (Some(opening), Some(why)) = (&mut opening, no_connection) {
                    **opening = Some(Lost { since: Instant::now(), why });
                }
                return outcome;
            };
            if pause.is_some() && !retry::may_wait(self.tally.waited_so_far()) {
                return outcome;
            }
            tracing::debug!(registry = %self.name, attempt, ?failure, ?wait, "retry");
            if pause.is_some() {
                self.leave_alone(wait);
            }
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    /// Sends a call and follows where it leads: a blob to other hosts too, without authorization.
    pub(super) async fn follow(&self, mut call: Call, may_leave: bool) -> Result<Answer, Error> {
        for _ in 0..=HOPS {
            let answer = self.send(&call).await?;
            if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
                return Ok(answer);
            }
            let target = redirect::target(&call.url, answer.header("location"))
                .map_err(|(target, why)| self.misled(&call, target.as_ref(), why))?;
            let leaves = call.is_abroad || !redirect::same_origin(&self.base(), &target);
            if leaves && !may_leave {
                return Err(self.misled(&call, Some(&target), "and a manifest must come from the registry itself"));
            }
            if leaves {
                let guarded = self.pinned.guard(&self.base(), &target).await;
                guarded.map_err(|why| self.misled(&call, Some(&target), why))?;
            }
            call.is_abroad = leaves;
            call.url = target;
        }
        Err(self.misled(&call, None, "and on, more often than is followed"))
    }

    /// Sends a stream of `length_bytes` once, the rest of `size_bytes`; what a stream carries cannot be sent again from here.
    /// `moved` counts up to `size_bytes` what is there or was given, and is watched for a standstill.
    pub(super) async fn upload(
        &self,
        call: &Call,
        body: reqwest::Body,
        length_bytes: u64,
        size_bytes: u64,
        moved: &AtomicU64,
    ) -> Result<Answer, Error> {
        let authorization = self.authorization(call).await?;
        let _permit = self.permits.acquire().await;
        let mut request = self.request(call, authorization.as_ref());
        request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length_bytes));
        *request.body_mut() = Some(body);
        self.rest().await;
        let answer = tokio::select! {
            answer = self.execute(call, request, authorization.as_ref()) => answer?,
            after = standstill(moved, size_bytes) => return Err(self.stalled(call, after)),
        };
        if let (400.., Some(pause)) = (answer.status, answer.retry_after()) {
            self.leave_alone(pause);
        }
        if answer.status == 401 {
            self.answer_challenge(call, &answer, authorization.as_ref()).await?;
        }
        Ok(answer)
    }

    /// Lets the first request go alone, so that the others know how to authenticate, and all others together. While
    /// nothing was ever answered, whoever waited for a connection that failed shares that failure.
    async fn open(&self, call: &Call) -> Result<Option<MutexGuard<'_, Option<Lost>>>, Error> {
        if self.is_open.load(Ordering::Acquire) {
            return Ok(None);
        }
        let opening = self.opening.lock().await;
        if self.is_open.load(Ordering::Acquire) {
            return Ok(None);
        }
        match opening.as_ref().filter(|lost| lost.since.elapsed() < LOST) {
            Some(lost) => Err(Error::Unreachable {
                action: call.action.clone(),
                registry: self.name.clone(),
                source: lost.why.clone().into(),
            }),
            None => Ok(Some(opening)),
        }
    }

    async fn authenticated(&self, call: &Call) -> Result<Answer, Error> {
        let authorization = self.authorization(call).await?;
        let mut answer = self.once(call, authorization.as_ref()).await?;
        if !call.is_abroad && self.address.turns_out_encrypted(&answer) {
            match self.once(call, authorization.as_ref()).await {
                Ok(understood) => answer = understood,
                Err(error) if self.address.is_plain_after_all(&error) => return Ok(answer),
                Err(error) => return Err(error),
            }
        }
        if answer.status != 401 || call.is_abroad {
            return Ok(answer);
        }
        match self.answer_challenge(call, &answer, authorization.as_ref()).await? {
            Some(anew) => self.once(call, Some(&anew)).await,
            None => Ok(answer),
        }
    }

    async fn once(&self, call: &Call, authorization: Option<&Authorization>) -> Result<Answer, Error> {
        let _permit = match call.is_urgent {
            true => None,
            false => Some(self.permits.acquire().await),
        };
        let mut request = self.request(call, authorization);
        if !call.body.is_empty() || call.method == Method::POST || call.method == Method::PUT {
            *request.body_mut() = Some(call.body.clone().into());
        }
        self.rest().await;
        let is_look = request.method().is_safe() && matches!(call.want, Want::Whole(_));
        let limit = if is_look { LOOK } else { IDLE };
        let answer = tokio::time::timeout(limit, self.execute(call, request, authorization));
        answer.await.map_err(|_| self.stalled(call, limit))?
    }

    fn request(&self, call: &Call, authorization: Option<&Authorization>) -> Request {
        let mut request = Request::new(call.method.clone(), self.address.corrected(call.url.clone()));
        *request.headers_mut() = call.headers.clone();
        if let Some(header) = authorization.and_then(|authorization| hidden_header(&authorization.header)) {
            request.headers_mut().insert(AUTHORIZATION, header);
        }
        request
    }

    async fn execute(&self, call: &Call, request: Request, used: Option<&Authorization>) -> Result<Answer, Error> {
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        self.tally.asked();
        let sent = Instant::now();
        let response = self.client.execute(request).await;
        let response = response.map_err(|error| unreachable(&call.action, &self.name, error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        self.tally.note_quota(&headers);
        match status {
            429 | 503 => self.permits.complained(),
            // Abroad is another host, and its way another's.
            _ => self.permits.answered((method == Method::HEAD && !call.is_abroad).then(|| sent.elapsed())),
        }
        tracing::debug!(registry = %self.name, %method, path, status, "request");
        let (whole, stream) = match call.want {
            Want::Stream if (200..300).contains(&status) => (bytes::Bytes::new(), Some(response)),
            Want::Whole(limit) if (200..300).contains(&status) => {
                (read_whole(&call.action, &self.name, response, limit).await?, None)
            }
            // An error page of any size is still an error.
            _ => (read_whole(&call.action, &self.name, response, SHORT).await.unwrap_or_default(), None),
        };
        let hide = used.map(|used| used.token.iter().chain([&used.header]).cloned().collect()).unwrap_or_default();
        let authenticated = used.is_some_and(|used| used.authenticated);
        Ok(Answer { registry: self.name.clone(), status, headers, whole, stream, authenticated, hide })
    }

    /// Returns what the registry is known to want to see.
    async fn authorization(&self, call: &Call) -> Result<Option<Authorization>, Error> {
        let known = self.challenge.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(challenge) if !call.is_abroad => self.authorize(call, &challenge, &[], None).await,
            _ => Ok(None),
        }
    }

    /// Returns what a registry that refused `used` will take instead, if there is such a thing.
    async fn answer_challenge(
        &self,
        call: &Call,
        answer: &Answer,
        used: Option<&Authorization>,
    ) -> Result<Option<Authorization>, Error> {
        let Some(challenge) = answer.challenge() else {
            return Ok(None);
        };
        let scopes = match &challenge {
            Challenge::Bearer { scopes, .. } => scopes.clone(),
            Challenge::Basic if used.is_some() => return Ok(None),
            Challenge::Basic => Vec::new(),
        };
        *self.challenge.lock().unwrap_or_else(PoisonError::into_inner) = Some(challenge.clone());
        // What we ask for by ourselves comes first; what the registry names is added only once that was not enough.
        let scopes = if used.is_some() { scopes } else { Vec::new() };
        self.authorize(call, &challenge, &scopes, used.and_then(|used| used.token.as_ref())).await
    }

    async fn authorize(
        &self,
        call: &Call,
        challenge: &Challenge,
        scopes: &[String],
        stale: Option<&Secret>,
    ) -> Result<Option<Authorization>, Error> {
        let Challenge::Bearer { realm, service, .. } = challenge else {
            let credential = self.desk.store.find(&self.name, &call.repository).await?;
            let header = credential.as_ref().and_then(super::credentials::Credential::basic);
            return Ok(header.map(|header| Authorization { header, token: None, authenticated: true }));
        };
        let scope = call.scope.clone().and(scopes);
        let errand = Errand {
            action: &call.action,
            repository: &call.repository,
            scope: &scope,
            realm,
            service: service.as_deref(),
        };
        let Pass { token, authenticated } = self.desk.pass(errand, stale).await?;
        let header = Secret::new(format!("Bearer {}", token.expose()));
        Ok(Some(Authorization { header, token: Some(token), authenticated }))
    }

    /// Keeps every request back for a while.
    fn leave_alone(&self, pause: Duration) {
        let mut rests_until = self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, until) = (Instant::now(), Instant::now() + pause);
        // Several that are sent away together wait once.
        let more = until.saturating_duration_since(rests_until.unwrap_or(now).max(now));
        self.tally.waited(more);
        *rests_until = (*rests_until).max(Some(until));
    }

    /// Waits while the registry has asked to be left alone.
    async fn rest(&self) {
        let until = *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = until {
            tokio::time::sleep_until(until.into()).await;
        }
    }

    /// Makes an error of an answer that leads where it must not.
    pub(super) fn misled(&self, call: &Call, target: Option<&Url>, why: &'static str) -> Error {
        let target = target.map_or_else(|| "another place".to_owned(), redirect::shown);
        Error::Misled { action: call.action.clone(), registry: self.name.clone(), target, why }
    }

    fn stalled(&self, call: &Call, after: Duration) -> Error {
        Error::Stalled { action: call.action.clone(), registry: self.name.clone(), after }
    }

    /// Tells whether the registry was seen not to know the path of referrers at all.
    pub(super) fn lists_no_referrers(&self) -> bool {
        self.lists_no_referrers.load(Ordering::Relaxed)
    }

    /// Remembers that the registry does not know the path of referrers.
    pub(super) fn note_no_referrers(&self) {
        self.lists_no_referrers.store(true, Ordering::Relaxed);
    }

    /// Tells in the log what was asked of it.
    pub(super) fn tell(&self) {
        self.tally.tell(&self.name);
    }
}

/// Returns once an upload has not moved for [`STANDSTILL`], or its end has not been answered for [`STORING`].
async fn standstill(moved: &AtomicU64, size_bytes: u64) -> Duration {
    let mut before = moved.load(Ordering::Relaxed);
    loop {
        tokio::time::sleep(STANDSTILL).await;
        let now = moved.load(Ordering::Relaxed);
        if now >= size_bytes {
            tokio::time::sleep(STORING).await;
            return STORING;
        }
        if now == before {
            return STANDSTILL;
        }
        before = now;
    }
}

/// Returns why no connection came about; `None` when one did.
fn no_connection(error: &Error) -> Option<String> {
    let Error::Unreachable { source, .. } = error else { return None };
    let is_connect = source.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_connect);
    is_connect.then(|| error.root().to_string())
}
