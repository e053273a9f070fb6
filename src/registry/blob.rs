//! The ferry: one blob from one repository to another, streamed, checked on the way.
//!
//! The last piece is held back until digest and size are proved, and the upload is announced with its length: a blob that is
//! not what its digest says is never completed at the destination.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::error::Error;
use super::manifest::Blob;
use super::repository::{Download, Opened, Repository, Upload};
use super::retry::{self, Decision, Failure};
use super::tree::Shelf;
use crate::domain::Hasher;

/// Up to this size, in bytes, a blob is read whole: fewer moving parts, and checked before the first byte goes out.
pub(super) const SMALL: u64 = 256 << 10;

/// How many pieces may wait between download, hash and upload. A piece may have 400 KiB, and many blobs go at a time.
const PIECES: usize = 1;

/// What happens to a blob's bytes, for a progress display.
pub(super) type Advance<'a> = &'a (dyn Fn(u64) + Send + Sync);

/// One blob that has to be brought.
pub(super) struct Ferry<'a> {
    pub source: &'a Repository,
    pub destination: &'a Repository,
    pub blob: &'a Blob,
    pub shelf: &'a Shelf,
    pub advance: Advance<'a>,
}

/// Which half of a trip failed.
enum Trip {
    /// Opening or reading: not to be tried again from here.
    Source(Error),
    /// The upload, which going on with its session, or a new one, may mend.
    Upload(Error, Option<Upload>),
}

/// An upload that is open.
#[derive(Debug, Clone)]
struct Session {
    upload: Upload,
    /// How many bytes the registry has of it.
    has_bytes: u64,
}

/// What a download feeds.
struct Feed<'a> {
    pieces: &'a mpsc::Sender<Result<Bytes, std::io::Error>>,
    /// How many bytes are there already.
    has_bytes: u64,
    /// How many bytes are there or on the way.
    moved: &'a AtomicU64,
    /// How many bytes were shown as progress.
    shown: &'a AtomicU64,
}

/// Why a download stopped feeding its upload.
enum Stopped {
    /// The upload takes no more; its own answer says why.
    Unwanted,
    /// The download failed.
    Failed(Error),
}

impl Ferry<'_> {
    /// Brings the blob; `session` is an upload that is open already.
    pub(super) async fn carry(&self, session: Option<Upload>) -> Result<(), Error> {
        let mut session = session.map(|upload| Session { upload, has_bytes: 0 });
        let shown = AtomicU64::new(0);
        let mut attempt = 1;
        loop {
            let outcome = match self.blob.size_bytes <= SMALL {
                true => self.carry_whole(session.take()).await,
                false => self.carry_stream(session.take(), &shown).await,
            };
            let (error, broken) = match outcome {
                Ok(()) => return Ok(()),
                // Reading has been tried often enough below.
                Err(Trip::Source(error)) => return Err(error),
                Err(Trip::Upload(error, broken)) => (error, broken),
            };
            match retry::decide(attempt, upload_failure(&error, attempt), error.retry_after(), retry::jitter()) {
                Decision::Retry(wait) => tokio::time::sleep(wait).await,
                Decision::Stop => return Err(error),
            }
            if let Some(broken) = broken {
                let kept = self.destination.upload_state(&broken, self.blob).await;
                session = kept.map(|(upload, has_bytes)| Session { upload, has_bytes });
            }
            attempt += 1;
        }
    }

    async fn session(&self, open: Option<Session>) -> Result<Option<Session>, Error> {
        match open {
            Some(session) => Ok(Some(session)),
            None => match self.destination.open(&self.blob.digest, None).await? {
                Opened::Session(upload) => Ok(Some(Session { upload, has_bytes: 0 })),
                Opened::Mounted => Ok(None),
            },
        }
    }

    async fn carry_whole(&self, session: Option<Session>) -> Result<(), Trip> {
        // Never closed; at least one, or an empty blob would count for nothing.
        let size_kib = u32::try_from(self.blob.size_bytes >> 10).unwrap_or(u32::MAX) + 1;
        let _room = self.source.small().acquire_many(size_kib).await;
        let read = async {
            match self.shelf.kept_blob(self.source, &self.blob.digest) {
                Some(bytes) => Ok(bytes),
                None => self.source.read_blob(&self.blob.digest, self.blob.size_bytes).await,
            }
        };
        let (session, bytes) = tokio::try_join!(self.session(session), read).map_err(Trip::Source)?;
        if let Some(session) = session {
            let sent = self.destination.commit(session.upload, &self.blob.digest, bytes).await;
            sent.map_err(|error| Trip::Upload(error, None))?;
        }
        (self.advance)(self.blob.size_bytes);
        Ok(())
    }

    async fn carry_stream(&self, session: Option<Session>, shown: &AtomicU64) -> Result<(), Trip> {
        let digest = &self.blob.digest;
        let _stream = self.source.stream().await;
        let ready = tokio::try_join!(self.session(session), self.source.download(digest, 0));
        let (session, download) = ready.map_err(Trip::Source)?;
        let Some(session) = session else { return Ok(()) };
        let (pieces, taken) = mpsc::channel(PIECES);
        let body = reqwest::Body::wrap_stream(futures_util::stream::unfold(taken, async |mut taken| {
            taken.recv().await.map(|piece: Result<Bytes, std::io::Error>| (piece, taken))
        }));
        let moved = Arc::new(AtomicU64::new(session.has_bytes));
        let (broken, has_bytes) = (session.upload.clone(), session.has_bytes);
        let upload = self.destination.commit_stream(session.upload, self.blob, has_bytes, body, &moved);
        match tokio::join!(self.pump(download, has_bytes, pieces, &moved, shown), upload) {
            (Ok(()), Ok(())) => Ok(()),
            (Err(Stopped::Failed(error)), _) => Err(Trip::Source(error)),
            (_, Err(error)) => Err(Trip::Upload(error, Some(broken))),
            (Err(Stopped::Unwanted), Ok(())) => {
                let error = Error::Protocol {
                    action: format!("upload blob {digest} to {}", self.destination.locator()),
                    registry: self.destination.registry().to_owned(),
                    what: "says it has the blob before all of it was sent".to_owned(),
                };
                Err(Trip::Upload(error, None))
            }
        }
    }

    /// Feeds the upload; on a failure the upload's body ends in an error, so that it cannot complete.
    async fn pump(
        &self,
        download: Download,
        has_bytes: u64,
        pieces: mpsc::Sender<Result<Bytes, std::io::Error>>,
        moved: &AtomicU64,
        shown: &AtomicU64,
    ) -> Result<(), Stopped> {
        let feed = Feed { pieces: &pieces, has_bytes, moved, shown };
        let outcome = self.pump_checked(download, &feed).await;
        if matches!(outcome, Err(Stopped::Failed(_))) {
            let _ = pieces.send(Err(std::io::Error::other("the source failed"))).await;
        }
        outcome
    }

    async fn pump_checked(&self, mut download: Download, feed: &Feed<'_>) -> Result<(), Stopped> {
        let (hashed, mut to_hash) = mpsc::channel::<Bytes>(PIECES);
        let mut hasher = Hasher::new(self.blob.digest.algorithm());
        // On a task of its own, so that hashing overlaps the wire.
        let hashing = tokio::spawn(async move {
            while let Some(piece) = to_hash.recv().await {
                hasher.update(&piece);
            }
            hasher.finish()
        });
        let (mut received, mut attempt) = (0, 1);
        let mut held: Option<Bytes> = None;
        while let Some(piece) = self.next(&mut download, received, &mut attempt).await.map_err(Stopped::Failed)? {
            received += piece.len() as u64;
            // What came further is not stuck, however often a long download breaks.
            attempt = 1;
            if received > self.blob.size_bytes {
                return Err(Stopped::Failed(self.corrupt(format!("more than {} bytes", self.blob.size_bytes))));
            }
            let _ = hashed.send(piece.clone()).await;
            // Whoever has the beginning still wants the whole to be right.
            let known = feed.has_bytes.saturating_sub(received - piece.len() as u64);
            let rest = piece.slice(usize::try_from(known).unwrap_or(usize::MAX).min(piece.len())..);
            if let Some(before) = held.replace(rest) {
                self.pass_on(before, feed).await?;
            }
        }
        drop(hashed);
        if received != self.blob.size_bytes {
            return Err(Stopped::Failed(self.corrupt(format!("{received} bytes instead of {}", self.blob.size_bytes))));
        }
        match hashing.await {
            Ok(found) if found == self.blob.digest => {}
            Ok(found) => return Err(Stopped::Failed(self.corrupt(found.to_string()))),
            Err(_) => {
                return Err(Stopped::Failed(self.corrupt("content that could not be hashed".to_owned())));
            }
        }
        match held {
            Some(last) => self.pass_on(last, feed).await,
            None => Ok(()),
        }
    }

    async fn pass_on(&self, piece: Bytes, feed: &Feed<'_>) -> Result<(), Stopped> {
        let length = piece.len() as u64;
        if length == 0 {
            return Ok(());
        }
        feed.pieces.send(Ok(piece)).await.map_err(|_| Stopped::Unwanted)?;
        let now = feed.moved.fetch_add(length, Ordering::Relaxed) + length;
        // A second attempt shows only what the first did not.
        let before = feed.shown.fetch_max(now, Ordering::Relaxed);
        if now > before {
            (self.advance)(now - before);
        }
        Ok(())
    }

    /// Returns the next piece; a download that breaks is resumed where it broke, and the hash goes on.
    async fn next(&self, download: &mut Download, received: u64, attempt: &mut u32) -> Result<Option<Bytes>, Error> {
        loop {
            let action = format!("read blob {} of {}", self.blob.digest, self.source.locator());
            let error = match download.next_chunk(&action, self.source.registry()).await {
                Ok(Some(mut piece)) if download.skip_bytes > 0 => {
                    let skipped = download.skip_bytes.min(piece.len() as u64);
                    download.skip_bytes -= skipped;
                    let rest = piece.split_off(usize::try_from(skipped).unwrap_or(piece.len()));
                    if rest.is_empty() {
                        continue;
                    }
                    return Ok(Some(rest));
                }
                Ok(piece) => return Ok(piece),
                Err(error) => error,
            };
            match retry::decide(*attempt, Failure::of(&error), None, retry::jitter()) {
                Decision::Retry(wait) => tokio::time::sleep(wait).await,
                Decision::Stop => return Err(error),
            }
            *attempt += 1;
            *download = self.source.download(&self.blob.digest, received).await?;
        }
    }

    fn corrupt(&self, found: String) -> Error {
        let action = format!("copy blob {} of {}", self.blob.digest, self.source.locator());
        Error::Corrupt { action, expected: self.blob.digest.clone(), found }
    }
}

/// Classifies the failure of an upload: a session that is gone, or a token that ended amid the stream, is a passing one,
/// since the next attempt begins anew.
fn upload_failure(error: &Error, attempt: u32) -> Failure {
    match error.status() {
        Some(401) if attempt == 1 => Failure::Broken,
        Some(404 | 416) if matches!(error, Error::Answered { action, .. } if action.starts_with("upload")) => {
            Failure::Broken
        }
        _ => Failure::of(error),
    }
}
