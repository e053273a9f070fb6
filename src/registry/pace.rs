//! The pace: how many requests go to one host at a time. A decision without clock; the waiting is done elsewhere.

use std::time::Duration;

/// How many requests at a time any registry is trusted with.
const NEAR: usize = 16;

/// How many keep the way to a distant registry full.
const FAR: usize = 64;

/// From this round trip on a registry counts as distant.
const DISTANT: Duration = Duration::from_millis(5);

/// The fewest requests at a time, however much a registry complains.
const FEWEST: usize = 1;

/// How many good answers in a row raise a ceiling that was lowered, by one.
const GOOD_IN_A_ROW: u32 = 32;

/// How many requests may go at a time. More to a distant host, whose way is long and not its work; half as many each time the host
/// says it is too much; and slowly more again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pace {
    ceiling: usize,
    /// The quickest answer so far: what a request costs in way, not in waiting.
    quickest: Option<Duration>,
    good: u32,
    was_lowered: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self { ceiling: NEAR, quickest: None, good: 0, was_lowered: false }
    }
}

impl Pace {
    /// How many requests may go at a time now.
    pub(super) fn ceiling(&self) -> usize {
        self.ceiling
    }

    /// Tells whether the way to the host is long.
    pub(super) fn is_distant(&self) -> bool {
        self.quickest.is_some_and(|quickest| quickest >= DISTANT)
    }

    /// Learns from an answer that asked for no patience; `took` where it moved next to nothing, so that it tells of the way.
    pub(super) fn answered(&mut self, took: Option<Duration>) {
        self.quickest = self.quickest.into_iter().chain(took).min();
        let limit = if self.is_distant() { FAR } else { NEAR };
        if !self.was_lowered {
            self.ceiling = limit;
            return;
        }
        self.good += 1;
        if self.good >= GOOD_IN_A_ROW {
            self.good = 0;
            self.ceiling = (self.ceiling + 1).min(limit);
        }
    }

    /// Learns that a host had too much: it answered 429 or 503, or asked to be left alone.
    pub(super) fn complained(&mut self) {
        self.ceiling = (self.ceiling / 2).max(FEWEST);
        self.was_lowered = true;
        self.good = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distant_host_gets_more_at_a_time() {
        let mut pace = Pace::default();
        pace.answered(Some(Duration::from_millis(21)));
        assert_eq!(pace.ceiling(), FAR);
        // One that was only busy turns out to be near.
        pace.answered(Some(Duration::from_millis(1)));
        pace.answered(Some(Duration::from_millis(30)));
        pace.answered(None);
        assert_eq!(pace.ceiling(), NEAR);
    }

    #[test]
    fn a_complaint_halves_and_good_answers_mend_slowly() {
        let mut pace = Pace::default();
        (0..3).for_each(|_| pace.complained());
        assert_eq!(pace.ceiling(), NEAR / 8);
        (0..GOOD_IN_A_ROW).for_each(|_| pace.answered(None));
        assert_eq!(pace.ceiling(), NEAR / 8 + 1);
        (0..10).for_each(|_| pace.complained());
        assert_eq!(pace.ceiling(), FEWEST);
        (0..GOOD_IN_A_ROW * 100).for_each(|_| pace.answered(None));
        assert_eq!(pace.ceiling(), NEAR);
    }
}
