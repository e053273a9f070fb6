//! GitHub's workflow commands: annotations on the lines of a change
//! (<https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions>).

use std::fmt::Write as _;

use super::safe::safe;
use super::words::counted;
use crate::domain::{Finding, Review, Severity};

/// How many annotations of one kind GitHub shows of a step.
const MOST: usize = 10;

/// Renders the notes and findings of a review as annotations, the first of each kind, and counts the others.
#[must_use]
pub fn github(review: &Review) -> String {
    let findings = || review.environments.iter().flat_map(|e| e.findings.iter().map(move |finding| (&e.name, finding)));
    let mut out = String::new();
    let mut hidden = 0;
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        let of_run = review.notes.iter().filter(|_| severity == Severity::Note).map(|note| notice(note));
        let of_kind = findings().filter(|(_, finding)| finding.severity == severity);
        let all: Vec<String> =
            of_run.chain(of_kind.map(|(environment, finding)| annotation(environment, finding))).collect();
        // One place is left for the count.
        let most = if severity == Severity::Note { MOST - 1 } else { MOST };
        all.iter().take(most).for_each(|one| out.push_str(one));
        hidden += all.len().saturating_sub(most);
    }
    if hidden > 0 {
        let _ = writeln!(out, "::notice::{} more; see the summary of the job", counted(hidden, "finding"));
    }
    out
}

/// What is said of the whole run.
fn notice(note: &str) -> String {
    format!("::notice title=promote-bot::{}\n", data(note))
}

fn annotation(environment: &str, finding: &Finding) -> String {
    let command = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let place = finding
        .location
        .as_ref()
        .map(|place| format!("file={},line={},col={},", property(&place.path), place.line, place.column));
    let title = property(&format!("{environment}: {}", finding.rule));
    let message = data(&finding.told("; "));
    format!("::{command} {}title={title}::{message}\n", place.unwrap_or_default())
}

/// Escapes the text of a command.
fn data(text: &str) -> String {
    safe(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{finding, review};
    use super::*;

    #[test]
    fn a_finding_is_an_annotation_of_its_line() {
        let mut one = review();
        one.environments[0].findings = vec![finding("worker")];
        let expected = "::error file=overlays/production/kustomization.yaml,line=12,col=13,title=production%3A production/tag::\
                        worker is referenced by `latest`; name a version\n";
        assert_eq!(github(&one), expected);
    }

    #[test]
    fn only_so_many_are_shown_and_the_others_counted() {
        let mut one = review();
        let warning = Finding { severity: Severity::Warning, location: None, ..finding("web") };
        one.environments[0].findings = vec![finding("worker"); 25];
        one.environments[0].findings.extend(vec![warning; 11]);
        let text = github(&one);
        assert_eq!(text.matches("::error ").count(), 10);
        assert_eq!(text.matches("::warning title=").count(), 10);
        assert!(text.ends_with("::notice::16 findings more; see the summary of the job\n"), "{text}");
    }

    #[test]
    fn notes_of_the_run_are_told_too() {
        let mut one = review();
        one.notes = vec!["100 % of policies/production.yaml\nis edited".to_owned()];
        assert!(
            github(&one).contains("::notice title=promote-bot::100 %25 of policies/production.yaml"),
            "{}",
            github(&one)
        );
        assert!(!github(&one).contains("\nis edited"));
    }

    #[test]
    fn hostile_text_makes_no_command_of_its_own() {
        let mut one = review();
        let message = "a\n::set-output name=x::y\r\n::stop-commands::z %0A".to_owned();
        let location = crate::domain::Location::new("a,line=1::b\nc.yaml", 1, 1);
        let hostile = Finding { message, location: Some(location), rule: "p:,x".to_owned(), ..finding("x") };
        one.environments[0].findings = vec![hostile];
        let text = github(&one);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.starts_with("::error file=a%2Cline=1%3A%3Ab"), "{text}");
        assert!(text.contains("title=production%3A p%3A%2Cx::") && text.contains("%250A"), "{text}");
    }
}
