//! A request as the handlers see it.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName};
use hyper::{Method, Request};

use super::errors::{Broken, Code, Failure, Refusal};
use super::flow::Flow;
use super::query::Query;

/// Method, target, headers and the body still to come.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    /// The query as sent.
    pub(super) query_text: String,
    /// The query, decoded.
    pub(super) query: Query,
    pub(super) headers: HeaderMap,
    pub(super) body: Inflow,
}

impl Call {
    pub(super) fn new(request: Request<Incoming>) -> Self {
        let (head, incoming) = request.into_parts();
        let query_text = head.uri.query().unwrap_or_default().to_owned();
        Self {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: Query::parse(&query_text),
            query_text,
            headers: head.headers,
            body: Inflow::new(incoming),
        }
    }

    /// Returns a header that is text.
    pub(super) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the host the client believes to talk to.
    pub(super) fn host(&self) -> &str {
        self.header(&HOST).unwrap_or_default()
    }

    /// Returns the length of the body, if it was told.
    pub(super) fn content_length(&self) -> Option<u64> {
        self.header(&CONTENT_LENGTH)?.parse().ok()
    }

    /// Tells whether the client sends its body anyway; one that waits for a 100 is better left waiting.
    pub(super) fn sends_unasked(&self) -> bool {
        !self.headers.contains_key(EXPECT)
    }

    /// Returns the refusal of a method the path does not have.
    pub(super) fn unsupported(&self) -> Refusal {
        Refusal::new(Code::Unsupported, format!("{} is not supported here", self.method))
    }
}

/// The body of a request, at the pace a fault sets.
#[derive(Debug)]
pub(super) struct Inflow {
    incoming: Incoming,
    ahead: Bytes,
    flow: Option<Flow>,
    received: u64,
}

impl Inflow {
    fn new(incoming: Incoming) -> Self {
        Self { incoming, ahead: Bytes::new(), flow: None, received: 0 }
    }

    /// Sets the pace.
    pub(super) fn pace(&mut self, flow: Option<Flow>) {
        self.flow = flow;
    }

    /// Returns how many bytes were read.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Returns the next bytes; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        while self.ahead.is_empty() {
            match self.incoming.frame().await {
                None => return Ok(None),
                Some(frame) => self.ahead = frame.map_err(|_| Broken)?.into_data().unwrap_or_default(),
            }
        }
        let size = match &mut self.flow {
            Some(flow) => flow.admit(self.ahead.len()).await?,
            None => self.ahead.len(),
        };
        self.received += u64::try_from(size).unwrap_or(u64::MAX);
        Ok(Some(self.ahead.split_to(size)))
    }

    /// Reads all of a body of at most `limit` bytes.
    pub(super) async fn collect(&mut self, limit: usize) -> Result<Bytes, Failure> {
        let mut collected = BytesMut::new();
        while let Some(piece) = self.next().await? {
            if collected.len() + piece.len() > limit {
                return Err(Refusal::new(Code::TooLarge, format!("the body has more than {limit} bytes")).into());
            }
            collected.extend_from_slice(&piece);
        }
        Ok(collected.freeze())
    }

    /// Reads what nobody wanted, so that a client in the middle of sending gets to read the answer.
    pub(super) async fn drain(&mut self) -> Result<(), Broken> {
        while self.next().await?.is_some() {}
        Ok(())
    }
}
