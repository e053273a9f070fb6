//! Connections, and the way of a request: logged, taken by a fault or not, authorized, carried out, answered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::call::Call;
use super::errors::{Broken, Failure};
use super::faults::{Action, Faults};
use super::flow::{Flow, Outflow, outflow};
use super::log::Log;
use super::reply::{API_VERSION, Reply};
use super::route::Route;
use super::sessions::Sessions;
use super::storage::Storage;
use super::tokens::Tokens;
use super::{Options, auth, blobs, injection, lists, manifests, referrers, tokens, uploads};

/// How much hyper writes ahead; little, so that a body is cut near where it was meant to be.
const WRITE_AHEAD: usize = 64 * 1024;

/// Everything the connections share.
#[derive(Debug)]
pub(super) struct State {
    pub(super) options: Options,
    pub(super) sessions: Sessions,
    pub(super) tokens: Tokens,
    pub(super) faults: Arc<Faults>,
    pub(super) log: Log,
    storage: Mutex<Storage>,
}

impl State {
    pub(super) fn new(options: Options) -> Self {
        Self {
            options,
            sessions: Sessions::default(),
            tokens: Tokens::default(),
            faults: Arc::default(),
            log: Log::default(),
            storage: Mutex::default(),
        }
    }

    pub(super) fn storage(&self) -> MutexGuard<'_, Storage> {
        self.storage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a path as `Location` has it.
    pub(super) fn location(&self, call: &Call, path: &str) -> String {
        match self.options.absolute_locations {
            true => format!("http://{}{path}", call.host()),
            false => path.to_owned(),
        }
    }
}

/// Accepts connections until it is aborted, which ends them as well.
pub(super) async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(serve(stream, state.clone()));
            }
            Err(error) => tracing::debug!(%error, "embedded registry: cannot accept a connection"),
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    // Answers are written whole; waiting for more only costs time.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(state.clone(), request));
    let served = http1::Builder::new().max_buf_size(WRITE_AHEAD).serve_connection(TokioIo::new(stream), service).await;
    if let Err(error) = served {
        tracing::debug!(%error, "embedded registry: a connection broke");
    }
}

/// Answers a request; an error makes hyper close the connection without an answer.
async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Outflow>, Broken> {
    let mut call = Call::new(request);
    let entry = state.log.arrived(&call);
    let actions = state.faults.take(&call);
    if !actions.is_empty() {
        state.log.faulted(entry);
    }
    let flow = Flow::of(&actions, &state.faults);
    let uploads = matches!(call.method, Method::POST | Method::PUT | Method::PATCH);
    let (inward, outward) = if uploads { (flow, None) } else { (None, flow) };
    call.body.pace(inward);
    let answered = carry_out(&state, &actions, &mut call).await;
    let status = answered.as_ref().ok().map(|reply| reply.status);
    state.log.ended(entry, status, call.body.received());
    Ok(send(answered?, &call.method, outward, actions.contains(&Action::Endless)))
}

async fn carry_out(state: &State, actions: &[Action], call: &mut Call) -> Result<Reply, Broken> {
    let reply = match injection::before(state, actions, call).await? {
        Some(reply) => reply,
        None => match dispatch(state, call).await {
            Ok(reply) => reply,
            Err(Failure::Refused(refusal)) => refusal.reply(),
            Err(Failure::Broken(broken)) => return Err(broken),
        },
    };
    if call.sends_unasked() {
        call.body.drain().await?;
    }
    injection::after(actions, reply.with(API_VERSION, "registry/2.0"))
}

async fn dispatch(state: &State, call: &mut Call) -> Result<Reply, Failure> {
    let route = Route::parse(&call.path)?;
    if route == Route::Token {
        return tokens::serve(state, call).await;
    }
    auth::check(state, call, &route)?;
    Ok(match &route {
        Route::Token | Route::Version => Reply::json(StatusCode::OK, &json!({})),
        Route::Catalog => lists::catalog(state, call)?,
        Route::Tags(repository) => lists::tags(state, call, repository)?,
        Route::Manifest(repository, reference) => manifests::serve(state, call, repository, reference).await?,
        Route::Blob(repository, digest) => blobs::serve(state, call, repository, digest)?,
        Route::Uploads(repository) => uploads::start(state, call, repository).await?,
        Route::Upload(repository, id) => uploads::serve(state, call, repository, id).await?,
        Route::Referrers(repository, digest) => referrers::list(state, call, repository, digest)?,
    })
}

fn send(mut reply: Reply, method: &Method, flow: Option<Flow>, endless: bool) -> Response<Outflow> {
    if !endless && reply.status != StatusCode::NO_CONTENT {
        reply.headers.insert(CONTENT_LENGTH, HeaderValue::from(reply.body.len()));
    }
    let body = std::mem::take(&mut reply.body);
    match *method {
        // The length stays: it is what HEAD is asked for.
        Method::HEAD => reply.into_response(outflow(bytes::Bytes::new(), None, false)),
        _ => reply.into_response(outflow(body, flow, endless)),
    }
}
