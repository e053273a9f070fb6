//! What is said of a step that was carried out.

use super::platforms;
use super::refusals::{destination_moved, plain};
use crate::domain::{Cause, Finding, Outcome, Severity, State, Step};

/// What is to be said about a step that is not carried out yet.
#[must_use]
pub fn before(step: &Step) -> Vec<Finding> {
    platforms::left_out(step).into_iter().collect()
}

/// Tells how an image stands after `outcome`, and what is to be said about it.
#[must_use]
pub fn after(step: &Step, outcome: &Outcome) -> (State, Vec<Finding>) {
    let to = &step.candidate.to;
    match outcome {
        Outcome::Present => (State::Present, Vec::new()),
        Outcome::Copied { source_moved, passed_over, .. } => {
            let moved = source_moved.then(|| source_moved_on(step));
            let left = passed_over.iter().map(|why| left_behind(step, why));
            (
                State::Copied,
                moved.into_iter().chain(platforms::left_out(step)).chain(foreign(step)).chain(left).collect(),
            )
        }
        Outcome::Conflict { found } => (State::Conflict, vec![destination_moved(&step.candidate, &step.digest, found)]),
        Outcome::Refused { reason, hint } => {
            let message = format!("{to} cannot be promoted: {reason}");
            (State::Failed, vec![plain("copy-refused", &step.candidate, message, hint.clone())])
        }
        Outcome::Unproved { reason, hint } => {
            let message = format!("{to} is at its destination, and its signature is not proved there: {reason}");
            (State::Failed, vec![plain("signature-unproved", &step.candidate, message, hint.clone())])
        }
        Outcome::Failed { reason, hint } => {
            let message = format!("{to} was not promoted: {reason}");
            let finding = plain("copy-failed", &step.candidate, message, hint.clone());
            (State::Failed, vec![Finding { cause: Cause::Circumstance, ..finding }])
        }
    }
}

fn source_moved_on(step: &Step) -> Finding {
    let to = &step.candidate.to;
    let from = step.candidate.from.as_ref().map(ToString::to_string).unwrap_or_default();
    let message = format!("{from} names another image by now; {to} holds what was judged, {}", step.digest);
    let help = "nothing to do, unless the newer image was meant: then give it a tag of its own".to_owned();
    Finding { severity: Severity::Warning, ..plain("source-moved", &step.candidate, message, help) }
}

fn foreign(step: &Step) -> Option<Finding> {
    let count = step.content.as_ref()?.foreign_layers;
    let layers = if count == 1 { "layer lies" } else { "layers lie" };
    let message = format!(
        "{count} {layers} elsewhere, where the manifest's URLs say, and {} was copied without",
        step.candidate.to
    );
    let help = "nothing to do, if those URLs can be reached from where it runs".to_owned();
    let finding = plain("foreign-layers", &step.candidate, message, help);
    (count > 0).then_some(Finding { severity: Severity::Note, ..finding })
}

fn left_behind(step: &Step, why: &str) -> Finding {
    let message = format!("something that claims to belong to {} was left behind: {why}", step.candidate.to);
    let help = "see who may write to the source's repository; remove it there if nobody needs it".to_owned();
    Finding { severity: Severity::Warning, ..plain("referrer-left", &step.candidate, message, help) }
}

/// The outcome of a step that nobody reported on.
#[must_use]
pub fn forgotten() -> Outcome {
    let hint = "run promote-bot promote again; if it stays so, report it as a fault of promote-bot".to_owned();
    Outcome::Failed { reason: "it was approved and not carried out".to_owned(), hint }
}
