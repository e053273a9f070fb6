//! GitLab's code quality report (<https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>).

use serde::Serialize;

use super::json::fingerprint;
use super::safe::safe;
use crate::domain::{Review, Severity};

#[derive(Debug, Serialize)]
struct Entry {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Place,
}

#[derive(Debug, Serialize)]
struct Place {
    path: String,
    lines: Lines,
}

#[derive(Debug, Serialize)]
struct Lines {
    begin: u32,
}

/// Renders the findings of a review; one without a place is shown at the configuration.
///
/// # Errors
/// Never: all keys are strings.
pub fn gitlab(review: &Review) -> Result<String, serde_json::Error> {
    let config = review.config.path.as_deref().unwrap_or("promote-bot.yaml");
    let mut entries = Vec::new();
    for environment in &review.environments {
        for finding in &environment.findings {
            let place = finding.location.as_ref();
            entries.push(Entry {
                description: safe(&format!("{}: {}", environment.name, finding.told(": "))),
                check_name: safe(&finding.rule),
                fingerprint: fingerprint(&environment.name, finding),
                severity: match finding.severity {
                    Severity::Error => "blocker",
                    Severity::Warning => "minor",
                    Severity::Note => "info",
                },
                location: Place {
                    path: place.map_or(config, |place| &place.path).to_owned(),
                    lines: Lines { begin: place.map_or(1, |place| place.line) },
                },
            });
        }
    }
    Ok(serde_json::to_string_pretty(&entries)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{finding, review};
    use super::*;
    use crate::domain::Finding;

    #[test]
    fn findings_are_entries_with_a_place_and_a_lasting_fingerprint() {
        let mut one = review();
        let nowhere = Finding { location: None, severity: Severity::Note, ..finding("web") };
        one.environments[0].findings = vec![finding("worker"), nowhere];
        let read: serde_json::Value = serde_json::from_str(&gitlab(&one).unwrap()).unwrap();
        assert_eq!(read[0]["location"]["lines"]["begin"], 12);
        assert_eq!(read[0]["severity"], "blocker");
        assert_eq!(read[0]["description"], "production: worker is referenced by `latest`: name a version");
        assert_eq!(read[1]["location"]["path"], "promote-bot.yaml");
        assert_ne!(read[0]["fingerprint"], read[1]["fingerprint"]);
        assert_eq!(gitlab(&one).unwrap(), gitlab(&one).unwrap());
        assert_eq!(gitlab(&review()).unwrap(), "[]\n");
        let fingerprint = |message: &str| {
            one.environments[0].findings = vec![Finding { message: message.to_owned(), ..finding("worker") }];
            serde_json::from_str::<serde_json::Value>(&gitlab(&one).unwrap()).unwrap()[0]["fingerprint"].clone()
        };
        let [soon, later, other] = [
            "it is in staging for 3 minutes 29 seconds, and must be for 1 day",
            "it is in staging for 4 hours, and must be for 1 day",
            "it is in dev for 4 hours, and must be for 1 day",
        ]
        .map(fingerprint);
        assert!(soon == later && later != other);
    }
}
