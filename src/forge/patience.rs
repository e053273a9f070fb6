//! Patience: whether a request is sent again, and when. Pure, but for what it remembers of the time that is left.
//!
//! A request that creates something is not sent again unless it was certainly not carried out: two comments are worse than none.
//! Waiting is bounded in all, and shorter for what is only told than for what holds a merge.

use std::time::Duration;

/// How often a request is sent at most.
const ATTEMPTS: u32 = 4;

/// How long the first pause is where the forge names none.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// How long the first pause is when a limit is reached and the forge does not say for how long.
const LIMIT_PAUSE: Duration = Duration::from_secs(60);

/// What a request does when it is carried out twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twice {
    /// Nothing more than once.
    Same,
    /// It makes a second thing.
    Another,
}

/// What came of a request that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// No answer: it may have been carried out.
    Cut,
    /// No connection: it was not carried out.
    Unsent,
    /// An answer that says no, or not now.
    Status(u16),
    /// A limit was reached; after how long to come back, where the forge says it.
    Limit(Option<Duration>),
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Send it again after a pause.
    Again(Duration),
    /// Look after a pause whether it was carried out.
    Look(Duration),
    /// Give up; the pause that would have been too long.
    Stop(Duration),
}

/// How long all pauses of one piece of work may be together.
#[derive(Debug)]
pub(super) struct Patience {
    left: Duration,
}

impl Patience {
    /// For what is only told: comments.
    pub(super) fn telling() -> Self {
        Self { left: Duration::from_secs(120) }
    }

    /// For what holds a merge: statuses and check runs.
    pub(super) fn gating() -> Self {
        Self { left: Duration::from_secs(600) }
    }

    /// Decides after attempt number `attempt`, from 1. `jitter` is between 0 and 1.
    pub(super) fn decide(&mut self, attempt: u32, twice: Twice, failure: Failure, jitter: f64) -> Decision {
        let doubled = |first: Duration| first * 2u32.saturating_pow(attempt - 1);
        let wait = match failure {
            Failure::Limit(Some(named)) => named,
            Failure::Limit(None) => doubled(LIMIT_PAUSE),
            Failure::Cut | Failure::Unsent | Failure::Status(500..=599 | 408) => {
                doubled(FIRST_PAUSE).mul_f64(0.5 + jitter / 2.0)
            }
            Failure::Status(_) => return Decision::Stop(Duration::ZERO),
        };
        if attempt >= ATTEMPTS || wait > self.left {
            return Decision::Stop(wait);
        }
        self.left -= wait;
        match failure {
            Failure::Cut | Failure::Status(_) if twice == Twice::Another => Decision::Look(wait),
            _ => Decision::Again(wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_creates_is_not_sent_twice_blindly() {
        for failure in [Failure::Cut, Failure::Status(502)] {
            assert!(matches!(Patience::telling().decide(1, Twice::Another, failure, 0.5), Decision::Look(_)));
            assert!(matches!(Patience::telling().decide(1, Twice::Same, failure, 0.5), Decision::Again(_)));
        }
        assert!(matches!(Patience::telling().decide(1, Twice::Another, Failure::Unsent, 0.5), Decision::Again(_)));
        let limited = Failure::Limit(Some(seconds(3)));
        assert_eq!(Patience::telling().decide(1, Twice::Another, limited, 0.5), Decision::Again(seconds(3)));
    }

    #[test]
    fn a_no_is_a_no_and_attempts_end() {
        for status in [400, 401, 403, 404, 422] {
            let decision = Patience::gating().decide(1, Twice::Same, Failure::Status(status), 0.5);
            assert_eq!(decision, Decision::Stop(Duration::ZERO));
        }
        assert!(matches!(Patience::gating().decide(4, Twice::Same, Failure::Cut, 0.5), Decision::Stop(_)));
        let pause = |attempt| Patience::gating().decide(attempt, Twice::Same, Failure::Cut, 1.0);
        assert_eq!(pause(3), Decision::Again(seconds(2)));
    }

    #[test]
    fn waiting_is_bounded_in_all_and_longer_for_a_gate() {
        let limit = |named| Failure::Limit(Some(seconds(named)));
        let (mut telling, mut gating) = (Patience::telling(), Patience::gating());
        assert_eq!(telling.decide(1, Twice::Same, limit(100), 0.0), Decision::Again(seconds(100)));
        assert_eq!(telling.decide(1, Twice::Same, limit(30), 0.0), Decision::Stop(seconds(30)));
        assert_eq!(gating.decide(1, Twice::Same, limit(599), 0.0), Decision::Again(seconds(599)));
        assert_eq!(gating.decide(1, Twice::Same, limit(3600), 0.0), Decision::Stop(seconds(3600)));
        let unnamed = Failure::Limit(None);
        assert_eq!(Patience::gating().decide(2, Twice::Same, unnamed, 0.0), Decision::Again(seconds(120)));
    }
}
