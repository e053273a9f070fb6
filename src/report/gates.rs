//! Gates: one line and one report an environment, for statuses and check runs.

use super::markdown::{Look, markdown};
use super::words::{self, counted};
use super::{Ending, safe};
use crate::domain::{
    ChangeKind, EnvironmentReview, Gate, GateState, ImageReview, Review, ReviewResult, Severity, State,
};

/// Returns the gate of each environment.
#[must_use]
pub fn gates(review: &Review, look: &Look<'_>) -> Vec<Gate> {
    review.environments.iter().map(|environment| gate(review, environment, look)).collect()
}

fn gate(review: &Review, environment: &EnvironmentReview, look: &Look<'_>) -> Gate {
    let alone = Review { environments: vec![environment.clone()], result: environment.result, ..review.clone() };
    Gate {
        environment: environment.name.clone(),
        state: match environment.result {
            ReviewResult::Noop | ReviewResult::Success => GateState::Success,
            ReviewResult::Failure => GateState::Failure,
            ReviewResult::Error => GateState::Error,
        },
        title: title(environment, look.ending),
        summary: markdown(&alone, look),
        findings: environment.findings.clone(),
    }
}

fn title(environment: &EnvironmentReview, ending: Ending) -> String {
    let new: Vec<&ImageReview> =
        environment.images.iter().filter(|i| matches!(i.kind, ChangeKind::Added | ChangeKind::Changed)).collect();
    let with = |state: State| new.iter().filter(|image| image.state == state && !image.denied).count();
    let (missing, copied) = (with(State::Missing), with(State::Copied));
    // The first error says the most; the rest is in the report.
    let first = environment.findings.iter().find(|finding| finding.severity == Severity::Error);
    let first = first.or(environment.findings.first());
    let why =
        || first.map(|finding| format!(": {}: {}", safe(&finding.rule), safe(&finding.message))).unwrap_or_default();
    let exceptions = match words::exceptions(environment).as_slice() {
        [] => String::new(),
        told => format!(" ({})", told.join(", ")),
    };
    let line = match environment.result {
        ReviewResult::Noop if new.is_empty() => "no new image".to_owned(),
        ReviewResult::Noop => format!("nothing to do: {} there", counted(new.len(), "image")),
        ReviewResult::Success if copied > 0 => format!("{} promoted and proved", counted(copied, "image")),
        ReviewResult::Success if missing > 0 && ending == Ending::Check => {
            format!("{} may go, {missing} to copy", counted(new.len(), "image"))
        }
        ReviewResult::Success => format!("{} may go", counted(new.len(), "image")),
        ReviewResult::Failure => {
            let errors = environment.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
            format!("no, {}{}", counted(errors, "violation"), why())
        }
        ReviewResult::Error => format!("could not decide or not finish{}", why()),
    };
    line + &exceptions
}

#[cfg(test)]
mod tests {
    use super::super::testing::{finding, image, review};
    use super::*;

    fn title_of(result: ReviewResult, images: Vec<ImageReview>, ending: Ending) -> (GateState, String) {
        let mut one = review();
        one.environments[0].result = result;
        one.environments[0].images = images;
        if matches!(result, ReviewResult::Failure | ReviewResult::Error) {
            one.environments[0].findings = vec![finding("worker\u{1b}")];
        }
        let look = Look { ending, most_chars: 60_000, report_url: None };
        let gate = gates(&one, &look).remove(0);
        assert!(gate.summary.starts_with("### "));
        (gate.state, gate.title)
    }

    #[test]
    fn a_line_says_how_the_environment_stands() {
        let copied = ImageReview { state: State::Copied, ..image("web") };
        let there = ImageReview { state: State::Present, ..image("db") };
        let both = || vec![image("api"), there.clone()];
        for (result, images, ending, state, title) in [
            (ReviewResult::Noop, vec![], Ending::Check, GateState::Success, "no new image"),
            (
                ReviewResult::Noop,
                vec![there.clone()],
                Ending::Check,
                GateState::Success,
                "nothing to do: 1 image there",
            ),
            (ReviewResult::Success, both(), Ending::Check, GateState::Success, "2 images may go, 1 to copy"),
            (ReviewResult::Success, vec![copied], Ending::Promote, GateState::Success, "1 image promoted and proved"),
            (
                ReviewResult::Failure,
                both(),
                Ending::Check,
                GateState::Failure,
                "no, 1 violation: production/tag: worker\u{fffd} is referenced by `latest`",
            ),
            (
                ReviewResult::Error,
                both(),
                Ending::Promote,
                GateState::Error,
                "could not decide or not finish: production/tag: worker\u{fffd} is referenced by `latest`",
            ),
        ] {
            assert_eq!(title_of(result, images, ending), (state, title.to_owned()));
        }
    }
}
