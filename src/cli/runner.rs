//! What a run leaves for the runner of GitHub Actions: outputs for later steps, and the summary of the job
//! (<https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions#environment-files>).

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use super::args::{Format, FormatKind};
use crate::commands::Error;
use crate::domain::{Review, Severity};
use crate::report::{self, Ending, Look};

/// How long a summary may be; the runner takes 1 MiB of a step.
const LONGEST_SUMMARY: usize = 900_000 / 4;

/// Tells whether a runner of GitHub Actions runs us.
pub(super) fn is_there(variable: impl Fn(&str) -> Option<String>) -> bool {
    variable("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// Takes from text for people what the runner would take for a command wherever it stands in a line.
pub(super) fn disarmed(text: &str) -> String {
    text.replace("##[", "# #[")
}

/// Writes outputs and summary where the runner wants them.
pub(super) fn leave(
    review: &Review,
    ending: Ending,
    formats: &[Format],
    variable: impl Fn(&str) -> Option<String>,
) -> Result<(), Error> {
    if let Some(path) = variable("GITHUB_OUTPUT") {
        append(&path, &outputs(review, formats))?;
    }
    if let Some(path) = variable("GITHUB_STEP_SUMMARY") {
        let look = Look { ending, most_chars: LONGEST_SUMMARY, report_url: None };
        let seconds = format!("\n<sub>{:.1} s</sub>\n", review.stats.seconds);
        append(&path, &(report::markdown(review, &look) + &seconds))?;
    }
    Ok(())
}

/// Says that nothing is left to be settled.
pub(super) fn settled(variable: impl Fn(&str) -> Option<String>) -> Result<(), Error> {
    match variable("GITHUB_OUTPUT") {
        Some(path) => append(&path, "settled=true\n"),
        None => Ok(()),
    }
}

fn outputs(review: &Review, formats: &[Format]) -> String {
    let stats = &review.stats;
    let findings = review.environments.iter().flat_map(|environment| &environment.findings);
    let violations = findings.filter(|finding| finding.severity == Severity::Error).count();
    let mut out = format!(
        "result={}\nchanged={}\nto-promote={}\npromoted={}\nviolations={violations}\n",
        review.result.word(),
        stats.changed,
        stats.to_promote,
        stats.promoted,
    );
    let report = formats.iter().find(|format| format.kind == FormatKind::Json).and_then(|format| format.file.as_ref());
    // A line is all an output is given.
    if let Some(path) = report.map(|path| path.display().to_string()).filter(|path| !path.contains(['\n', '\r'])) {
        out.push_str(&format!("report={path}\n"));
    }
    out
}

fn append(path: &str, text: &str) -> Result<(), Error> {
    let file = OpenOptions::new().create(true).append(true).open(Path::new(path));
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(Error::io(format!("write {path} for the runner")))
}
