//! SARIF 2.1.0, for code scanning (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_sarif::sarif::{
    ArtifactLocation, Location, Message, MultiformatMessageString, PhysicalLocation, Region, ReportingDescriptor,
    Result as Entry, ResultLevel, Run, Sarif, Suppression, Tool, ToolComponent,
};

use super::json::fingerprint;
use super::safe::safe;
use crate::domain::{Exception, Finding, Review, Severity};
use crate::plan::EXPLANATIONS;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Renders the findings of a review; one without a place is shown at the configuration.
///
/// # Errors
/// Never: all keys are strings.
pub fn sarif(review: &Review) -> Result<String, serde_json::Error> {
    let config = review.config.path.as_deref().unwrap_or("promote-bot.yaml");
    let findings = || review.environments.iter().flat_map(|e| e.findings.iter().map(move |finding| (&e.name, finding)));
    let mut rules = BTreeMap::new();
    for (_, finding) in findings() {
        rules.entry(safe(&finding.rule)).or_insert_with(|| rule(&finding.rule));
    }
    let driver = ToolComponent::builder()
        .name("promote-bot")
        .semantic_version(env!("CARGO_PKG_VERSION"))
        .information_uri(env!("CARGO_PKG_REPOSITORY"))
        .rules(rules.into_values().collect::<Vec<_>>())
        .build();
    let results: Vec<_> = findings().map(|(environment, finding)| entry(environment, finding, config)).collect();
    let tool = Tool::builder().driver(driver).build();
    let run = Run::builder().tool(tool).results(results).column_kind("unicodeCodePoints").build();
    let sarif = Sarif::builder().schema(SCHEMA).version("2.1.0").runs(vec![run]).build();
    Ok(serde_json::to_string_pretty(&sarif)? + "\n")
}

fn rule(id: &str) -> ReportingDescriptor {
    let explained = EXPLANATIONS.iter().find(|explanation| explanation.id == id);
    let text =
        explained.map_or_else(|| format!("see: promote-bot explain {}", safe(id)), |found| found.text.to_owned());
    let words = |text: String| MultiformatMessageString::builder().text(text).build();
    ReportingDescriptor::builder()
        .id(safe(id))
        .short_description(words(safe(id)))
        .full_description(words(text.clone()))
        .help(words(text))
        .build()
}

fn entry(environment: &str, finding: &Finding, config: &str) -> Entry {
    let place = finding.location.as_ref();
    let region = Region {
        start_line: Some(place.map_or(1, |place| place.line.into())),
        start_column: place.map(|place| place.column.into()),
        end_column: place
            .filter(|_| finding.width > 0)
            .map(|place| i64::from(place.column).saturating_add(i64::try_from(finding.width).unwrap_or(0))),
        ..Region::default()
    };
    let artifact =
        ArtifactLocation { uri: Some(uri(place.map_or(config, |place| &place.path))), ..ArtifactLocation::default() };
    let physical =
        PhysicalLocation { artifact_location: Some(artifact), region: Some(region), ..PhysicalLocation::default() };
    let text = safe(&format!("{environment}: {}", finding.told(". Help: ")));
    let level = match finding.severity {
        Severity::Error => ResultLevel::Error,
        Severity::Warning => ResultLevel::Warning,
        Severity::Note => ResultLevel::Note,
    };
    let suppressions: Vec<Suppression> = finding.exception.iter().map(suppression).collect();
    Entry::builder()
        .suppressions(suppressions)
        .rule_id(safe(&finding.rule))
        .level(level)
        .message(Message { text: Some(text), ..Message::default() })
        .locations(vec![Location { physical_location: Some(physical), ..Location::default() }])
        .partial_fingerprints(BTreeMap::from([("promoteBot/v1".to_owned(), fingerprint(environment, finding))]))
        .build()
}

/// An exception as SARIF has it: accepted, outside the code.
fn suppression(exception: &Exception) -> Suppression {
    let justification =
        safe(&format!("{} `{}` of {}: {}", exception.kind.word(), exception.id, exception.by, exception.reason));
    Suppression::builder()
        .kind(serde_json::json!("external"))
        .status(serde_json::json!("accepted"))
        .justification(justification)
        .build()
}

/// What stands as it is in the path of a URI (RFC 3986).
const IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Writes a path as a relative URI.
fn uri(path: &str) -> String {
    utf8_percent_encode(path, IN_PATHS).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{finding, review};
    use super::*;
    use crate::domain::Location as Place;

    #[test]
    fn findings_are_results_of_rules_that_are_described() {
        let mut one = review();
        let nowhere = Finding { location: None, rule: "missing-source".to_owned(), ..finding("web") };
        let odd = Finding { location: Some(Place::new("a b/ü:1.yaml", 3, 4)), width: 0, ..finding("\u{1b}x") };
        one.environments[0].findings = vec![finding("worker"), nowhere, odd];
        let read: serde_json::Value = serde_json::from_str(&sarif(&one).unwrap()).unwrap();
        let run = &read["runs"][0];
        let rules: Vec<_> = run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|rule| &rule["id"]).collect();
        assert_eq!(rules, ["missing-source", "production/tag"]);
        assert!(run["tool"]["driver"]["rules"][0]["help"]["text"].as_str().unwrap().contains("ImagePullBackOff"));
        let place = |number: usize| &run["results"][number]["locations"][0]["physicalLocation"];
        assert_eq!(place(0)["region"], serde_json::json!({"endColumn": 19, "startColumn": 13, "startLine": 12}));
        assert_eq!(place(1)["artifactLocation"]["uri"], "promote-bot.yaml");
        assert_eq!(place(2)["artifactLocation"]["uri"], "a%20b/%C3%BC%3A1.yaml");
        assert_eq!(run["results"][0]["level"], "error");
        assert!(!run["results"][2]["message"]["text"].as_str().unwrap().contains('\u{1b}'));
    }
}
