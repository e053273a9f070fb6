//! Dates as go-yaml reads them.

/// Reads a YAML timestamp and prints it as RFC 3339, or `None` for anything else.
///
/// The forms are those of go-yaml's `parseTimestamp`: a date, optionally `T`, `t` or a space and a time, after `T` and `t`
/// with a zone.
pub(super) fn timestamp(text: &str) -> Option<String> {
    let separator = text.find(['T', 't', ' ']);
    let (date, time) = match separator {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
    if !(1..=12).contains(&month) || !(1..=days(year, month)).contains(&day) {
        return None;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    match time {
        None => Some(format!("{date}T00:00:00Z")),
        Some(time) => {
            let zoned = !text[..separator.unwrap_or(0) + 1].ends_with(' ');
            clock(time, zoned).map(|time| format!("{date}T{time}"))
        }
    }
}

fn clock(text: &str, zoned: bool) -> Option<String> {
    let (time, zone) = match zoned {
        true => {
            let at = text.find(['Z', '+', '-'])?;
            (&text[..at], offset(&text[at..])?)
        }
        false => (text, "Z"),
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut parts = time.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    let fits = parts.next().is_none() && hour < 24 && minute < 60 && second < 60;
    if !fits || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{hour:02}:{minute:02}:{second:02}{point}{fraction}{zone}"))
}

fn offset(zone: &str) -> Option<&str> {
    let (hours, minutes) = match zone {
        "Z" | "+00:00" | "-00:00" => return Some("Z"),
        _ => zone.get(1..)?.split_once(':')?,
    };
    let fits = hours.len() == 2 && minutes.len() == 2 && digits(hours, 2)? < 24 && digits(minutes, 2)? < 60;
    (fits && zone.starts_with(['+', '-'])).then_some(zone)
}

fn digits(text: &str, most: usize) -> Option<u32> {
    let fits = (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

fn days(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_go_yaml_are_read() {
        for (text, printed) in [
            ("2001-1-2", "2001-01-02T00:00:00Z"),
            ("2001-12-14t21:59:43.10-05:00", "2001-12-14T21:59:43.1-05:00"),
            ("2001-12-14 21:59:43", "2001-12-14T21:59:43Z"),
        ] {
            assert_eq!(timestamp(text).as_deref(), Some(printed));
        }
        for text in ["2001-13-01", "2001-02-29", "201-01-01", "2001-01", "20010101", "2001-01-01-1", "2001-01-01T"] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }
}
