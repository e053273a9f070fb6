//! Permits: as many as a host's [`Pace`] allows, which changes while they are out.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::pace::Pace;

/// How many blobs are read from one distant host at a time; half as many from a near one. Each holds some MiB, and a few fill any
/// line, the sooner the shorter it is.
const STREAMS: usize = 8;

/// The permits to ask one host.
#[derive(Debug)]
pub(super) struct Permits {
    open: Semaphore,
    // Apart, so that a blob that is being read never keeps the upload it feeds from its connection.
    streams: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    pace: Pace,
    /// How many there are, out or not.
    all: usize,
}

/// A permit; it goes back when dropped, unless there are too many by then.
#[derive(Debug)]
pub(super) struct Permit<'p> {
    permits: &'p Permits,
    held: Option<SemaphorePermit<'p>>,
}

impl Default for Permits {
    fn default() -> Self {
        let pace = Pace::default();
        Self {
            open: Semaphore::new(pace.ceiling()),
            streams: Semaphore::new(STREAMS),
            state: Mutex::new(State { all: pace.ceiling(), pace }),
        }
    }
}

impl Permits {
    /// Waits for a permit.
    pub(super) async fn acquire(&self) -> Permit<'_> {
        // The semaphore is never closed; without a permit the request would only be less patient.
        Permit { permits: self, held: self.open.acquire().await.ok() }
    }

    /// Waits for a permit to read a blob.
    pub(super) async fn stream(&self) -> Option<SemaphorePermit<'_>> {
        let weight = if self.lock().pace.is_distant() { 1 } else { 2 };
        self.streams.acquire_many(weight).await.ok()
    }

    /// Learns from an answer; see [`Pace::answered`].
    pub(super) fn answered(&self, took: Option<Duration>) {
        self.learn(|pace| pace.answered(took));
    }

    /// Learns from a complaint; see [`Pace::complained`].
    pub(super) fn complained(&self) {
        self.learn(Pace::complained);
    }

    fn learn(&self, lesson: impl FnOnce(&mut Pace)) {
        let mut state = self.lock();
        lesson(&mut state.pace);
        let (all, ceiling) = (state.all, state.pace.ceiling());
        self.open.add_permits(ceiling.saturating_sub(all));
        // Those that are out are taken back when they are returned.
        let forgotten = self.open.forget_permits(all.saturating_sub(ceiling));
        state.all = all.max(ceiling) - forgotten;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.permits.lock();
        if state.all > state.pace.ceiling()
            && let Some(held) = self.held.take()
        {
            state.all -= 1;
            held.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn available(permits: &Permits) -> usize {
        permits.open.available_permits()
    }

    #[tokio::test]
    async fn permits_follow_the_pace() {
        let permits = Permits::default();
        let near = available(&permits);
        drop(permits.stream().await);
        assert_eq!(permits.streams.available_permits(), STREAMS);
        permits.answered(Some(Duration::from_millis(50)));
        assert_eq!(available(&permits), 4 * near);
        let _stream = permits.stream().await;
        assert_eq!(permits.streams.available_permits(), STREAMS - 1);
        let mut out = Vec::new();
        for _ in 0..4 * near {
            out.push(permits.acquire().await);
        }
        permits.complained();
        drop(out);
        assert_eq!(available(&permits), 2 * near);
        permits.complained();
        assert_eq!(available(&permits), near);
    }
}
