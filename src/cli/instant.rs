//! Times on the command line.

/// Reads a time: an instant, or a day for its first.
pub(super) fn instant(text: &str) -> Result<jiff::Timestamp, String> {
    let of_day = |day: jiff::civil::Date| day.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp());
    match text.parse::<jiff::civil::Date>() {
        Ok(day) if text.len() == 10 => of_day(day).map_err(|error| error.to_string()),
        _ => text.parse().map_err(|error: jiff::Error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_its_first_instant() {
        let read = |text: &str| instant(text).map(|instant| instant.to_string());
        assert_eq!(read("2026-12-24").as_deref(), Ok("2026-12-24T00:00:00Z"));
        assert_eq!(read("2026-12-24T12:00:00+03:00").as_deref(), Ok("2026-12-24T09:00:00Z"));
        assert!(read("2026-12-24T12:00").is_err() && read("tomorrow").is_err());
    }
}
