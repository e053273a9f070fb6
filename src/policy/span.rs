//! Spans of time and instants in our own files, and in words.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, Unit, Zoned};

use crate::yaml::{Faults, Fields, Node};

/// Reads a span such as `24h`, `7d` or `1h 30m` under `key`; a day has 24 hours. Months and years, whose length varies, are faults.
pub(super) fn read_span(fields: &mut Fields<'_>, key: &'static str, faults: &Faults) -> Option<SignedDuration> {
    let node = fields.optional(key)?;
    let read = node.as_str().and_then(parse_span);
    if read.is_none() {
        faults.push_with_hint(node, format!("`{key}` must be a span of time"), "write it as 90s, 60m, 24h or 7d");
    }
    read
}

/// The longest span, a hundred years: more is meant by nobody, and would leave the calendar.
const LONGEST: SignedDuration = SignedDuration::from_hours(100 * 366 * 24);

/// Parses a span that is not negative, and not longer than a century.
pub(super) fn parse_span(text: &str) -> Option<SignedDuration> {
    let span: Span = text.trim().parse().ok()?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return None;
    }
    let seconds = span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).ok()?;
    let span = SignedDuration::try_from_secs_f64(seconds).ok()?;
    (!span.is_negative() && span <= LONGEST).then_some(span)
}

/// Which end of a day a date without a time means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Its first instant.
    Start,
    /// The first instant after it.
    Finish,
}

/// Reads a date, or an instant with its offset.
pub(super) fn read_instant(node: &Node, key: &str, end: End, zone: &TimeZone, faults: &Faults) -> Option<Timestamp> {
    let read = node.as_str().and_then(|text| parse_instant(text, end, zone));
    if read.is_none() {
        faults.push_with_hint(
            node,
            format!("`{key}` must be a date or an instant"),
            "write it as 2026-12-20, or as 2026-12-20T18:00:00Z",
        );
    }
    read
}

/// Parses a date, or an instant with its offset.
pub(super) fn parse_instant(text: &str, end: End, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    if text.contains(['T', 't', ' ']) {
        return None;
    }
    // One form, as everybody writes it.
    if text.len() != 10
        || text.bytes().enumerate().any(|(at, b)| if matches!(at, 4 | 7) { b != b'-' } else { !b.is_ascii_digit() })
    {
        return None;
    }
    let date: Date = text.parse().ok()?;
    let date = if end == End::Finish { date.tomorrow().ok()? } else { date };
    date.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
}

/// Says a span in its two greatest units: `3 days 4 hours`, `40 minutes`; from a week on in days alone.
pub(super) fn told(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let units = [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (name, length) in units {
        let count = rest / length;
        rest %= length;
        match count {
            0 if !parts.is_empty() => break,
            0 => {}
            1 => parts.push(format!("1 {name}")),
            count => parts.push(format!("{count} {name}s")),
        }
        if parts.len() == 2 || seconds >= 7 * 86_400 {
            break;
        }
    }
    if parts.is_empty() { "0 seconds".to_owned() } else { parts.join(" ") }
}

/// Returns the instant a span later; the last there is where that is beyond the calendar.
pub(super) fn later(instant: Timestamp, span: SignedDuration) -> Timestamp {
    instant.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// Says an instant to the minute, in UTC.
pub(super) fn at(instant: Timestamp) -> String {
    Zoned::new(instant, TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_with_days_of_24_hours() {
        for (text, seconds) in [("24h", 86_400), ("7d", 604_800), ("60s", 60), ("1h 30m", 5_400), ("P1D", 86_400)] {
            assert_eq!(parse_span(text).map(|span| span.as_secs()), Some(seconds), "{text}");
        }
        for text in ["", "7", "-1h", "1mo", "1y", "soon", "99999999999999d", "40000d"] {
            assert_eq!(parse_span(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_means_its_first_instant_or_the_first_after_it() {
        let at = |text, end| parse_instant(text, end, &TimeZone::UTC).map(|instant| instant.to_string());
        assert_eq!(at("2026-12-20", End::Start).as_deref(), Some("2026-12-20T00:00:00Z"));
        assert_eq!(at("2026-12-20", End::Finish).as_deref(), Some("2026-12-21T00:00:00Z"));
        assert_eq!(at("2026-12-20T18:00:00+03:00", End::Finish).as_deref(), Some("2026-12-20T15:00:00Z"));
        assert_eq!(at("2026-12-20T18:00:00", End::Start), None);
        for text in ["2026-13-01", "20261220", "+002026-12-20", "2026-W51-7", "26-12-20"] {
            assert_eq!(at(text, End::Start), None, "{text}");
        }
    }

    #[test]
    fn spans_are_told_in_two_units() {
        for (seconds, words) in [
            (0, "0 seconds"),
            (61, "1 minute 1 second"),
            (86_400, "1 day"),
            (93_600, "1 day 2 hours"),
            (86_460, "1 day"),
            (700_000, "8 days"),
            (-5, "0 seconds"),
        ] {
            assert_eq!(told(SignedDuration::from_secs(seconds)), words);
        }
    }
}
