//! JUnit's XML as Jenkins and GitLab read it: a suite an environment, a case an image.

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::safe::safe;
use super::words::{change, standing};
use crate::domain::{Cause, ChangeKind, EnvironmentReview, Finding, ImageReview, Review, Severity};

/// Renders a review. What is wrong with an image is a failure, what could not be decided an error; an image that did not change
/// is skipped. What concerns no image is a case of its own.
///
/// # Errors
/// Never: what XML may not have is taken out.
pub fn junit(review: &Review) -> Result<String, SerializeError> {
    let mut report = Report::new("promote-bot");
    for environment in &review.environments {
        let mut suite = TestSuite::new(safe(&environment.name));
        for image in &environment.images {
            suite.add_test_case(of_image(environment, image));
        }
        let concerns_no_image = |finding: &&Finding| {
            finding.severity == Severity::Error && !environment.images.iter().any(|image| is_about(finding, image))
        };
        for finding in environment.findings.iter().filter(concerns_no_image) {
            let name = finding.location.as_ref().map_or(&finding.rule, |place| &place.path);
            suite.add_test_case(case(environment, &safe(name), failed(&[finding])));
        }
        report.add_test_suite(suite);
    }
    report.to_string()
}

fn of_image(environment: &EnvironmentReview, image: &ImageReview) -> TestCase {
    let errors: Vec<&Finding> = environment
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error && is_about(finding, image))
        .collect();
    let status = match (errors.is_empty(), image.kind) {
        (false, _) => failed(&errors),
        (true, _) if image.denied => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message("a rule keeps it from being promoted");
            status
        }
        (true, ChangeKind::Unchanged | ChangeKind::Removed) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(if image.kind == ChangeKind::Removed { "no longer referenced" } else { "unchanged" });
            status
        }
        (true, _) => TestCaseStatus::success(),
    };
    let mut case = case(environment, &safe(&image.name), status);
    let digest = image.digest.as_ref().map_or_else(|| "digest not known".to_owned(), ToString::to_string);
    let mut out = format!("{}\n{digest}\n{}\n", safe(&change(image)), safe(&standing(environment, image)));
    image.locations.iter().for_each(|place| out.push_str(&format!("{}\n", safe(&place.to_string()))));
    let excused = environment.findings.iter().filter(|finding| finding.exception.is_some() && is_about(finding, image));
    excused.for_each(|finding| out.push_str(&format!("{}: {}\n", safe(&finding.rule), safe(&finding.message))));
    case.set_system_out(out);
    case
}

fn is_about(finding: &Finding, image: &ImageReview) -> bool {
    finding.image.as_deref() == Some(&image.name)
}

fn case(environment: &EnvironmentReview, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    // Jenkins groups by what stands before the last dot.
    case.set_classname(format!("promote-bot.{}", safe(&environment.name)));
    case
}

fn failed(findings: &[&Finding]) -> TestCaseStatus {
    let is_undecided = findings.iter().all(|finding| finding.cause == Cause::Circumstance);
    let kind = if is_undecided { NonSuccessKind::Error } else { NonSuccessKind::Failure };
    let mut status = TestCaseStatus::non_success(kind);
    if let Some(first) = findings.first() {
        status.set_message(safe(&first.message)).set_type(safe(&first.rule));
    }
    let line = |finding: &&Finding| {
        let place = finding.location.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
        let help = if finding.help.is_empty() { String::new() } else { format!("\n  help: {}", finding.help) };
        format!("{}{} [{}]{}", safe(&place), safe(&finding.message), safe(&finding.rule), help)
    };
    status.set_description(findings.iter().map(line).collect::<Vec<_>>().join("\n"));
    status
}

#[cfg(test)]
mod tests {
    use super::super::testing::{finding, image, review};
    use super::*;
    use crate::domain::State;

    #[test]
    fn images_are_cases_and_their_errors_failures() {
        let mut one = review();
        let unchanged = ImageReview { kind: ChangeKind::Unchanged, state: State::Unknown, ..image("web") };
        one.environments[0].images = vec![image("api"), ImageReview { denied: true, ..image("worker") }, unchanged];
        let undecided = Finding { cause: Cause::Circumstance, image: None, location: None, ..finding("x") };
        one.environments[0].findings = vec![finding("worker"), undecided];
        let text = junit(&one).unwrap();
        let report = Report::deserialize_from_str(&text).unwrap();
        let suite = &report.test_suites[0];
        assert_eq!((suite.tests, suite.failures, suite.errors), (4, 1, 1));
        assert_eq!(text.matches("<skipped").count(), 1);
        assert!(
            text.contains("<failure message=\"worker is referenced by `latest`\" type=\"production/tag\">"),
            "{text}"
        );
        assert!(text.contains("overlays/production/kustomization.yaml:12:13"), "{text}");
        assert!(text.contains("1.0.0 → 1.1.0"), "{text}");
    }

    #[test]
    fn hostile_names_leave_it_well_formed() {
        let mut one = review();
        for name in ["]]>", "<a b='c'>", "&amp;\u{0}", "\u{1b}[31m\n", "\u{ffff}"] {
            one.environments[0].images.push(image(name));
            one.environments[0].findings.push(finding(name));
        }
        let report = Report::deserialize_from_str(&junit(&one).unwrap()).unwrap();
        assert_eq!(report.test_suites[0].test_cases.len(), 5);
        assert_eq!(report.test_suites[0].test_cases[0].name.as_str(), "]]>");
    }
}
