//! Whether to try again: a decision without clock or chance; the waiting is done elsewhere.

use std::time::{Duration, SystemTime};

use super::error::Error;

/// How often a request is tried in all.
pub(super) const ATTEMPTS: u32 = 4;

/// How often a request is tried in all that comes too early.
const LIMITED_ATTEMPTS: u32 = 8;

/// How long one registry may make a run wait in all, before it makes it wait once more: somebody waits for the verdict.
const PATIENCE: Duration = Duration::from_secs(90);

/// How often a request is tried in all that gets no answer.
const STALLED_ATTEMPTS: u32 = 2;

/// The longest a registry may make us wait, whatever its `Retry-After` says.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The wait after the first failure; it doubles from there.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// How an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// No connection, or one that broke before or amid the answer.
    Broken,
    /// A connection on which nothing came: the waiting was long already.
    Stalled,
    /// Any answer with an error status.
    Status(u16),
    /// Anything that another attempt cannot change.
    Lasting,
}

impl Failure {
    /// Classifies an error, of a registry or of its token service.
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::Unreachable { .. } => Self::Broken,
            Error::Stalled { .. } => Self::Stalled,
            _ => error.status().map_or(Self::Lasting, Self::Status),
        }
    }
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Try again after this long.
    Retry(Duration),
    /// Give up.
    Stop,
}

/// Decides after the `attempt`th attempt (from 1) failed. `jitter`, from 0 to 1, spreads clients that failed together.
pub(super) fn decide(attempt: u32, failure: Failure, retry_after: Option<Duration>, jitter: f64) -> Decision {
    let passing = match failure {
        Failure::Broken => true,
        Failure::Stalled => attempt < STALLED_ATTEMPTS,
        Failure::Status(status) => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
        Failure::Lasting => false,
    };
    let attempts = if failure == Failure::Status(429) { LIMITED_ATTEMPTS } else { ATTEMPTS };
    if !passing || attempt >= attempts {
        return Decision::Stop;
    }
    let back_off = FIRST_WAIT * 2u32.saturating_pow(attempt.saturating_sub(1));
    let spread = back_off.mul_f64(0.5 + jitter.clamp(0.0, 1.0));
    Decision::Retry(retry_after.unwrap_or(spread).min(LONGEST_WAIT))
}

/// Tells whether a registry that made us wait so long already may do it again.
pub(super) fn may_wait(waited: Duration) -> bool {
    waited < PATIENCE
}

/// Reads `Retry-After`, in seconds or as a date: [`LONGEST_WAIT`] at most, since the registry's clock need not be ours. A
/// date that is over counts as not given.
pub(super) fn retry_after(header: Option<&str>, now: SystemTime) -> Option<Duration> {
    let text = header?.trim();
    let pause = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        // A date has whole seconds: rounded up, or it would be undercut.
        Err(_) => {
            let left = httpdate::parse_http_date(text).ok()?.duration_since(now).ok()?;
            Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0))
        }
    };
    Some(pause.min(LONGEST_WAIT))
}

/// Returns a number from 0 to 1 by chance, from the keys the standard library draws for its hash maps.
pub(super) fn jitter() -> f64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    let drawn = std::hash::RandomState::new().build_hasher().finish();
    f64::from(u16::try_from(drawn & 0xffff).unwrap_or_default()) / 65_535.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passing_failures_are_tried_again_and_lasting_ones_are_not() {
        for status in [408, 429, 500, 502, 503, 504] {
            assert_ne!(decide(1, Failure::Status(status), None, 0.0), Decision::Stop, "{status}");
        }
        for status in [400, 401, 403, 404, 405, 409, 416, 501] {
            assert_eq!(decide(1, Failure::Status(status), None, 0.0), Decision::Stop, "{status}");
        }
        assert_ne!(decide(1, Failure::Broken, None, 0.0), Decision::Stop);
        assert_eq!(decide(1, Failure::Lasting, None, 0.0), Decision::Stop);
        assert_ne!(decide(1, Failure::Stalled, None, 0.0), Decision::Stop);
        assert_eq!(decide(2, Failure::Stalled, None, 0.0), Decision::Stop);
    }

    #[test]
    fn the_wait_doubles_and_the_attempts_end() {
        let wait = |attempt| decide(attempt, Failure::Broken, None, 0.5);
        assert_eq!(wait(1), Decision::Retry(Duration::from_millis(250)));
        assert_eq!(wait(2), Decision::Retry(Duration::from_millis(500)));
        assert_eq!(wait(3), Decision::Retry(Duration::from_secs(1)));
        assert_eq!(wait(4), Decision::Stop);
    }

    #[test]
    fn retry_after_is_honoured_and_capped() {
        let asked = |header| decide(1, Failure::Status(429), retry_after(Some(header), SystemTime::UNIX_EPOCH), 0.0);
        assert_eq!(asked("3"), Decision::Retry(Duration::from_secs(3)));
        assert_eq!(asked("86400"), Decision::Retry(LONGEST_WAIT));
        assert_eq!(asked("Thu, 01 Jan 1970 00:00:07 GMT"), Decision::Retry(Duration::from_secs(7)));
        assert_eq!(asked("Wed, 21 Oct 2026 07:28:00 GMT"), Decision::Retry(LONGEST_WAIT));
        let (date, later) = ("Thu, 01 Jan 1970 00:00:07 GMT", SystemTime::UNIX_EPOCH + Duration::from_millis(5500));
        assert_eq!(retry_after(Some(date), later), Some(Duration::from_secs(2)));
        assert_eq!(retry_after(Some(date), later + Duration::from_secs(2)), None);
        assert_eq!(retry_after(Some("soon"), later), None);
        assert!((0.0..=1.0).contains(&jitter()));
        assert!(may_wait(LONGEST_WAIT) && !may_wait(2 * LONGEST_WAIT));
    }
}
