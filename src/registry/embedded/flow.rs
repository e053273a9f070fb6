//! Bodies at the pace a fault sets: throttled, held, cut, without end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;

use super::errors::Broken;
use super::faults::{Action, Faults};

/// The most bytes that pass at once.
const PIECE: usize = 64 * 1024;

/// What an endless body repeats: JSON may end in any number of spaces.
static FILLER: [u8; 4096] = [b' '; 4096];

/// The body of an answer on its way.
pub(super) type Outflow = UnsyncBoxBody<Bytes, Broken>;

/// How the bytes of one body pass.
#[derive(Debug)]
pub(super) struct Flow {
    faults: Arc<Faults>,
    passed: u64,
    bytes_per_second: Option<u64>,
    cut_after: Option<u64>,
    pause_after: Option<u64>,
}

impl Flow {
    /// Reads the pace from the actions of a fault; `None` when they set none.
    pub(super) fn of(actions: &[Action], faults: &Arc<Faults>) -> Option<Self> {
        let mut flow =
            Self { faults: faults.clone(), passed: 0, bytes_per_second: None, cut_after: None, pause_after: None };
        for action in actions {
            match action {
                Action::Throttle { bytes_per_second } => flow.bytes_per_second = Some((*bytes_per_second).max(1)),
                Action::CutAfter(bytes) => flow.cut_after = Some(*bytes),
                Action::PauseAfter(bytes) => flow.pause_after = Some(*bytes),
                _ => {}
            }
        }
        let paces = flow.bytes_per_second.is_some() || flow.cut_after.is_some() || flow.pause_after.is_some();
        paces.then_some(flow)
    }

    /// Waits as long as it must and returns how many of the next `offered` bytes may pass, at least one of them.
    pub(super) async fn admit(&mut self, offered: usize) -> Result<usize, Broken> {
        if self.pause_after == Some(self.passed) {
            self.faults.hold().await;
            self.pause_after = None;
        }
        if self.cut_after == Some(self.passed) {
            return Err(Broken);
        }
        let mut size = u64::try_from(offered.min(PIECE)).unwrap_or(u64::MAX);
        for stop in [self.cut_after, self.pause_after].into_iter().flatten() {
            size = size.min(stop - self.passed);
        }
        if let Some(rate) = self.bytes_per_second {
            size = size.min((rate / 10).max(1));
            tokio::time::sleep(Duration::from_nanos(size * 1_000_000_000 / rate)).await;
        }
        self.passed += size;
        Ok(usize::try_from(size).unwrap_or(offered))
    }
}

/// Makes the body of an answer.
pub(super) fn outflow(body: Bytes, flow: Option<Flow>, endless: bool) -> Outflow {
    if flow.is_none() && !endless {
        return Full::new(body).map_err(|never| match never {}).boxed_unsync();
    }
    let pieces = stream::try_unfold((body, flow), move |(mut body, mut flow)| async move {
        if body.is_empty() && endless {
            body = Bytes::from_static(&FILLER);
        }
        if body.is_empty() {
            return Ok(None);
        }
        let size = match &mut flow {
            Some(flow) => flushed(flow.admit(body.len()).await).await?,
            None => body.len(),
        };
        let piece = body.split_to(size);
        Ok(Some((Frame::data(piece), (body, flow))))
    });
    StreamBody::new(pieces).boxed_unsync()
}

/// Gives hyper the time to write what it has before it sees that the body broke; it writes only while a body waits.
async fn flushed<T>(admitted: Result<T, Broken>) -> Result<T, Broken> {
    if admitted.is_err() {
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    }
    admitted
}
