//! The rule `freeze`: when nothing is promoted.

use croner::Cron;
use croner::parser::CronParser;
use jiff::tz::TimeZone;
use jiff::{RoundMode, Timestamp, Unit, ZonedRound};

use super::complaint::Complaint;
use super::rule::Ask;
use super::span::{End, at, read_instant};
use super::subject::Subject;
use crate::yaml::{Faults, Fields, Node};

/// The rule's key.
pub(super) const NAME: &str = "freeze";

/// What `promote-bot explain freeze` prints.
pub(super) const EXPLANATION: &str = "\
freeze: when nothing is promoted

  rules:
    freeze:
      windows:
        - {from: 2026-12-20, to: 2027-01-02, reason: year end}       # both days included; or instants: 2026-12-20T18:00:00Z
        - {cron: \"* * * * SAT,SUN\", zone: Europe/Istanbul}           # every minute that the pattern fits is frozen
      level: deny                                                    # deny | warn | off

Dates and patterns are read in `zone`, an IANA time zone, UTC unless given. A pattern has five fields: minute, hour, day of the month,
month, day of the week. To promote in spite of a freeze, the policy may list `freeze` under break_glass.may_skip.
";

/// When nothing is promoted.
#[derive(Debug, Clone)]
pub(super) struct Freeze {
    windows: Vec<Window>,
}

#[derive(Debug, Clone)]
struct Window {
    span: Span,
    zone: TimeZone,
    reason: Option<String>,
}

#[derive(Debug, Clone)]
enum Span {
    Between(Timestamp, Timestamp),
    Pattern(String, Box<Cron>),
}

impl Freeze {
    pub(super) fn read(fields: &mut Fields<'_>, node: &Node, faults: &Faults) -> Option<Self> {
        let windows = fields.list("windows");
        if windows.is_empty() {
            faults.push_with_hint(
                node,
                "the rule `freeze` has no windows",
                "write {windows: [{from: DATE, to: DATE}]}",
            );
        }
        Some(Self { windows: windows.iter().filter_map(|window| read_window(window, faults)).collect() })
    }
}

fn read_window(node: &Node, faults: &Faults) -> Option<Window> {
    let mut fields = Fields::of(node, "a window of `freeze`", faults)?;
    let (from, to, cron) = (fields.optional("from"), fields.optional("to"), fields.optional("cron"));
    let reason = fields.non_empty_string("reason").map(str::to_owned);
    let zone_node = fields.optional("zone");
    let zone = match fields.non_empty_string("zone").map(TimeZone::get) {
        None => TimeZone::UTC,
        Some(Ok(zone)) => zone,
        Some(Err(_)) => {
            faults.push_with_hint(
                zone_node.unwrap_or(node),
                "`zone` is no time zone",
                "write its IANA name, such as Europe/Istanbul",
            );
            TimeZone::UTC
        }
    };
    fields.finish();
    let span = match (from, to, cron) {
        (Some(from), Some(to), None) => {
            let begins = read_instant(from, "from", End::Start, &zone, faults);
            let ends = read_instant(to, "to", End::Finish, &zone, faults);
            let (begins, ends) = (begins?, ends?);
            if ends <= begins {
                faults.push(to, "the window ends before it begins");
            }
            Span::Between(begins, ends)
        }
        (None, None, Some(pattern)) => read_pattern(pattern, faults)?,
        _ => {
            faults.push(node, "a window of `freeze` needs `from` and `to`, or `cron`");
            return None;
        }
    };
    Some(Window { span, zone, reason })
}

fn read_pattern(node: &Node, faults: &Faults) -> Option<Span> {
    let text = node.as_str().unwrap_or_default();
    let wrong = |why: String| faults.push(node, format!("`cron` must be a pattern of five fields: {why}"));
    if text.split_whitespace().count() != 5 {
        wrong(format!("found `{text}`"));
        return None;
    }
    let parsed = CronParser::new().parse(text).map_err(|error| wrong(error.to_string()));
    Some(Span::Pattern(text.to_owned(), Box::new(parsed.ok()?)))
}

impl Window {
    /// Says why it is closed now, and until when where that is known.
    fn closed(&self, now: Timestamp) -> Option<(String, Option<Timestamp>)> {
        let reason = self.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        match &self.span {
            Span::Between(begins, ends) if *begins <= now && now < *ends => {
                Some((format!("from {} to {}{reason}", at(*begins), at(*ends)), Some(*ends)))
            }
            Span::Between(..) => None,
            Span::Pattern(text, pattern) => {
                // A pattern says minutes, of which every second is frozen. What cannot be told counts as frozen.
                let minute = ZonedRound::new().smallest(Unit::Minute).mode(RoundMode::Trunc);
                let minute = now.to_zoned(self.zone.clone()).round(minute);
                let fits = minute.map_or(true, |minute| pattern.is_time_matching(&minute).unwrap_or(true));
                let zone = self.zone.iana_name().unwrap_or("UTC");
                fits.then(|| (format!("while `{text}` fits in {zone}{reason}"), None))
            }
        }
    }
}

impl Ask for Freeze {
    fn judge(&self, subject: &Subject<'_>) -> Vec<Complaint> {
        let name = subject.candidate.to.repository();
        let found = self.windows.iter().find_map(|window| window.closed(subject.now));
        let complain = |(when, ends): (String, Option<Timestamp>)| {
            let environment = &subject.candidate.environment;
            let message = format!("{name} would go to {environment} in a freeze, {when}");
            let help = match ends {
                Some(ends) => format!("run again after {}", at(ends)),
                None => "run again when the pattern does not fit any more".to_owned(),
            };
            Complaint::new(subject.candidate, message, help)
        };
        found.map(complain).into_iter().collect()
    }

    fn idle(&self, _environment: &str, now: Timestamp) -> Option<String> {
        let ended = self.windows.iter().filter_map(|window| match window.span {
            Span::Between(_, ends) if ends <= now => Some(at(ends)),
            Span::Between(..) | Span::Pattern(..) => None,
        });
        let ended: Vec<String> = ended.collect();
        (!ended.is_empty()).then(|| format!("a window is over since {}", ended.join(", ")))
    }

    fn grounds(&self, subject: &Subject<'_>) -> String {
        format!("no window is closed at {}", at(subject.now))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{candidate, complaints, faults};
    use jiff::Timestamp;

    fn messages(windows: &str, now: &str) -> Vec<String> {
        let one = candidate("prod.example/shop/api:1", None);
        let now: Timestamp = now.parse().unwrap();
        let found = complaints(&format!("freeze: {{windows: [{windows}]}}"), &one, |subject| subject.now = now);
        found.into_iter().map(|complaint| format!("{} | {}", complaint.message, complaint.help)).collect()
    }

    #[test]
    fn both_days_of_a_window_are_frozen() {
        let window = "{from: 2026-12-20, to: 2027-01-02, reason: year end}";
        assert!(messages(window, "2026-12-19T23:59:59Z").is_empty());
        assert_eq!(
            messages(window, "2027-01-02T23:59:59Z"),
            [
                "shop/api would go to production in a freeze, from 2026-12-20 00:00 UTC to 2027-01-03 00:00 UTC (year end) | run again after 2027-01-03 00:00 UTC"
            ]
        );
        assert!(messages(window, "2027-01-03T00:00:00Z").is_empty());
    }

    #[test]
    fn patterns_are_read_in_their_zone() {
        let window = r#"{cron: "* * * * SAT,SUN", zone: Europe/Istanbul}"#;
        // Friday 21:30 in London is half past midnight on Saturday in Istanbul.
        for now in ["2026-11-27T21:30:00Z", "2026-11-27T21:30:59.999Z", "2026-11-28T10:07:01Z"] {
            assert_eq!(messages(window, now).len(), 1, "{now}");
        }
        assert!(messages(window, "2026-11-27T20:30:00Z").is_empty());
        assert!(messages(window, "2026-11-29T21:30:00Z").is_empty());
    }

    #[test]
    fn windows_that_cannot_be_read_are_faults() {
        let text = "freeze: {windows: [{from: 2026-12-20}, {cron: '* * *'}, {cron: '* * * * FOO'}, {from: 2026-12-20, to: 2026-12-01}, {from: x, to: y, zone: Mars/Base}]}";
        let told = faults(text);
        assert_eq!(told.len(), 7, "{told:?}");
        assert!(told[1].contains("must be a pattern of five fields: found `* * *`"), "{told:?}");
    }
}
