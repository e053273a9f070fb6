//! Times as statements and reports write them.

use jiff::{SignedDuration, Timestamp};

/// By how much a writer's clock may be ahead of ours.
const MAX_CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The longest text that is looked at: RFC 3339 with nanoseconds and an offset takes 35 bytes.
const MAX_LENGTH: usize = 40;

/// What a field for a time holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    /// Nothing, or a zero time (Go's year 1, or the Unix epoch), which is what writers put for nothing.
    Absent,
    /// Something that is no time, or one later than now.
    Unusable,
    /// An instant.
    At(Timestamp),
}

impl Time {
    /// Reads an RFC 3339 time, or a date alone, which is its first instant in UTC.
    pub(super) fn read(text: Option<&str>, now: Timestamp) -> Self {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return Self::Absent;
        };
        if text.len() > MAX_LENGTH {
            return Self::Unusable;
        }
        let parsed: Result<Timestamp, _> = match text.len() {
            10 => format!("{text}T00:00:00Z").parse(),
            _ => text.parse(),
        };
        match parsed {
            Ok(at) if at <= Timestamp::UNIX_EPOCH => Self::Absent,
            Ok(at) if at.duration_since(now) <= MAX_CLOCK_SKEW => Self::At(at),
            _ => Self::Unusable,
        }
    }

    /// This time, or another where this is absent; one that is unusable stays so.
    pub(super) fn or(self, other: Self) -> Self {
        if self == Self::Absent { other } else { self }
    }

    pub(super) fn known(self) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(at),
            Self::Absent | Self::Unusable => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Time {
        Time::read(Some(text), "2026-06-01T00:00:00Z".parse().unwrap())
    }

    #[test]
    fn offsets_fractions_and_dates_are_read() {
        for (text, instant) in [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
            ("2023-01-16T19:07:16.853479631-06:00", "2023-01-17T01:07:16.853479631Z"),
            ("2026-01-02", "2026-01-02T00:00:00Z"),
            ("2026-06-01T00:05:00Z", "2026-06-01T00:05:00Z"),
        ] {
            assert_eq!(read(text), Time::At(instant.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn zero_times_are_absent() {
        for text in ["", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "0001-01-01"] {
            assert_eq!(read(text), Time::Absent, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_or_not_yet_is_unusable() {
        for text in [
            "2026-06-01T00:05:01Z",
            "9998-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "99999-01-01T00:00:00Z",
            "2026-01-02T03:04:05",
            "2026-13-02T03:04:05Z",
            "yesterday",
            "١٢٣٤٥",
            "1767323045",
        ] {
            assert_eq!(read(text), Time::Unusable, "{text}");
        }
        assert_eq!(read(&"2".repeat(1_000_000)), Time::Unusable);
    }
}
