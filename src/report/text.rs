//! The report for people: one line an image, each finding with its place and its way out, and what to do next.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::safe::safe;
use super::snippet::snippet;
use super::words::{self, counted};
use crate::domain::{
    Cause, ChangeKind, Digest, EnvironmentReview, Finding, ImageReview, Review, ReviewResult, Severity, State,
};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default().bold();
/// The widest a column is padded to: one long name must not push every row off the screen.
const WIDEST: usize = 48;

const YELLOW: Style = AnsiColor::Yellow.on_default();

/// How the command that made the review ends it: what was meant to happen, and what may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Judged only; nothing is ever written.
    Check,
    /// Judged, and would have been copied.
    DryRun,
    /// Judged and copied.
    Promote,
}

/// Renders a review as styled text; strip the styles where they are not wanted.
#[must_use]
pub fn text(review: &Review, ending: Ending) -> String {
    let mut out = String::new();
    let path = review.config.path.as_deref().unwrap_or("no promote-bot.yaml: overlays/<environment>");
    let _ = writeln!(
        out,
        "comparing {} ({}) … {}, configuration: {} at {}",
        review.range.base.short(),
        safe(&review.range.why),
        review.range.head.short(),
        safe(path),
        review.config.revision.short(),
    );
    for note in &review.notes {
        let _ = writeln!(out, "note: {}", safe(note));
    }
    for environment in &review.environments {
        let _ = write!(out, "\n{}", environment_text(environment));
    }
    for finding in review.environments.iter().flat_map(|environment| &environment.findings) {
        let _ = write!(out, "\n{}\n", snippet(finding));
    }
    let _ = writeln!(out, "\n{}", footer(review, ending));
    out
}

fn environment_text(environment: &EnvironmentReview) -> String {
    let count = |predicate: &dyn Fn(&ImageReview) -> bool| environment.images.iter().filter(|i| predicate(i)).count();
    let mut parts = vec![format!("{} changed", count(&|image| image.kind != ChangeKind::Unchanged))];
    let to_promote = count(&|image| image.state == State::Missing && !image.denied);
    let copied = count(&|image| image.state == State::Copied);
    let unchanged = count(&|image| image.kind == ChangeKind::Unchanged);
    let errors = |cause| {
        let of_cause = |finding: &&Finding| finding.severity == Severity::Error && finding.cause == cause;
        environment.findings.iter().filter(of_cause).count()
    };
    let (no, undecided) = (errors(Cause::Change), errors(Cause::Circumstance));
    for (number, words) in [
        (to_promote, "to promote"),
        (copied, "copied"),
        (no, violations(no)),
        (undecided, "undecided"),
        (unchanged, "unchanged"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {words}"));
        }
    }
    parts.extend(words::exceptions(environment));
    if !environment.has_policy {
        parts.push("no policy".to_owned());
    }
    let mut out = format!("{BOLD}{}{BOLD:#}   {}\n", safe(&environment.name), parts.join(" · "));
    let rows: Vec<[String; 4]> = environment
        .images
        .iter()
        .filter(|image| image.kind != ChangeKind::Unchanged)
        .map(|i| row(environment, i))
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).min(WIDEST);
    let (names, changes) = (width(0), width(1));
    let changed = environment.images.iter().filter(|image| image.kind != ChangeKind::Unchanged);
    for (image, [name, change, digest, words]) in changed.zip(&rows) {
        let (mark, style) = mark(image);
        let line =
            format!("  {style}{mark}{style:#} {name:names$}   {change:changes$}   {DIM}{digest:12}{DIM:#}   {words}");
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn row(environment: &EnvironmentReview, image: &ImageReview) -> [String; 4] {
    let digest = image.digest.as_ref().map(Digest::short).unwrap_or_default().to_owned();
    [safe(&image.name), safe(&words::change(image)), digest, words::standing(environment, image)]
}

fn mark(image: &ImageReview) -> (&'static str, Style) {
    if image.denied {
        return ("!", RED);
    }
    match image.state {
        State::Missing => ("+", GREEN),
        State::Present => ("=", GREEN),
        State::Copied => ("✓", GREEN),
        State::Conflict | State::NoSource | State::Failed => ("!", RED),
        State::Unknown => ("?", YELLOW),
        State::External => ("~", DIM),
        State::Removed => ("-", DIM),
    }
}

fn violations(count: usize) -> &'static str {
    if count == 1 { "violation" } else { "violations" }
}

fn footer(review: &Review, ending: Ending) -> String {
    let stats = &review.stats;
    let seconds = format!("({:.1} s)", stats.seconds);
    let images = |count: usize| counted(count, "image");
    let copied = match (ending, stats.promoted) {
        (Ending::Promote, 0) => " Nothing was copied.".to_owned(),
        (Ending::Promote, count) => format!(" {} copied.", images(count)),
        _ => " Nothing was copied.".to_owned(),
    };
    match review.result {
        ReviewResult::Noop => format!("{GREEN}nothing to do{GREEN:#} {seconds}"),
        ReviewResult::Success if stats.promoted > 0 => {
            format!("{GREEN}promoted{GREEN:#} {}, digests equal at both ends {seconds}", images(stats.promoted))
        }
        ReviewResult::Success if stats.to_promote > 0 && ending == Ending::DryRun => {
            format!(
                "{GREEN}allowed{GREEN:#} {seconds}: {} would be copied; run again without --dry-run",
                images(stats.to_promote)
            )
        }
        ReviewResult::Success if stats.to_promote > 0 => {
            format!(
                "{GREEN}allowed{GREEN:#} {seconds}: {} to copy; next: promote-bot promote{}",
                images(stats.to_promote),
                if stats.glass_broken > 0 { ", with the same --break-glass and --reason" } else { "" }
            )
        }
        ReviewResult::Success if is_unasked(review) => {
            format!("{GREEN}allowed{GREEN:#} {seconds} as far as rules can tell: no registry was asked")
        }
        ReviewResult::Success => format!("{GREEN}allowed{GREEN:#} {seconds}: nothing to copy"),
        ReviewResult::Failure => {
            let count = match stats.errors {
                0 => "a warning, and warnings count here".to_owned(),
                errors => format!("{errors} {}", violations(errors)),
            };
            format!("{RED}no{RED:#}: {count} {seconds}.{copied} More: promote-bot explain {}", safe(first_rule(review)))
        }
        ReviewResult::Error => {
            format!("{YELLOW}could not decide or not finish{YELLOW:#} {seconds}.{copied} Safe to run again.")
        }
    }
}

/// Tells whether new images stand undecided, as after an offline run.
fn is_unasked(review: &Review) -> bool {
    let mut images = review.environments.iter().flat_map(|environment| &environment.images);
    images.any(|image| image.state == State::Unknown && image.kind != ChangeKind::Unchanged)
}

/// The rule of the worst finding, to be explained.
fn first_rule(review: &Review) -> &str {
    let findings = review.environments.iter().flat_map(|environment| &environment.findings);
    // The first of the worst: `max_by_key` would take the last.
    let worst = findings.reduce(|worst, finding| if finding.severity > worst.severity { finding } else { worst });
    worst.map_or("tag", |finding| finding.rule.as_str())
}
