//! The report for people: one line an image, each finding with its place and its way out, and what to do next.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::safe::safe;
use super::snippet::snippet;
use crate::domain::{
    Cause, ChangeKind, Digest, EnvironmentReview, Finding, ImageRef, ImageReview, Review, ReviewResult, Severity, State,
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
    [safe(&image.name), safe(&change(image)), digest, words(environment, image)]
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

/// `1.4.1 → 1.4.2` where the repository stays; whole references where it does not.
fn change(image: &ImageReview) -> String {
    let parse = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<ImageRef>().ok());
    let (before, after) = (parse(&image.before), parse(&image.to));
    let same_place = match (&before, &after) {
        (Some(before), Some(after)) => before.locator() == after.locator(),
        _ => true,
    };
    let show = |image: &Option<ImageRef>, text: &Option<String>| match (image, text) {
        (Some(image), _) if same_place => version(image),
        (_, Some(text)) => text.clone(),
        (_, None) => String::new(),
    };
    match (&image.before, &image.to) {
        (Some(_), Some(_)) => format!("{} → {}", show(&before, &image.before), show(&after, &image.to)),
        _ => format!("{}{}", show(&before, &image.before), show(&after, &image.to)),
    }
}

fn version(image: &ImageRef) -> String {
    match (image.tag(), image.digest()) {
        (Some(tag), None) => tag.to_owned(),
        (Some(tag), Some(digest)) => format!("{tag}@{}", digest.short()),
        (None, Some(digest)) => format!("@{}", digest.short()),
        (None, None) => "latest (no tag)".to_owned(),
    }
}

fn words(environment: &EnvironmentReview, image: &ImageReview) -> String {
    let registry = environment.registry.as_deref().unwrap_or("the registry");
    let size = image.size_bytes.map(size);
    let made_of = match (size, image.platforms.len()) {
        (Some(size), 0) => format!("   {size}"),
        (Some(size), 1) => format!("   {size}, {}", safe(&image.platforms[0])),
        (Some(size), platforms) => format!("   {size}, {platforms} platforms"),
        (None, _) => String::new(),
    };
    match image.state {
        State::Missing if image.denied => format!("denied{made_of}"),
        State::Missing => format!("not in {registry} yet{made_of}"),
        State::Present => format!("is in {registry}"),
        State::Copied => {
            let reused = match image.bytes_reused {
                0 => String::new(),
                bytes => format!(" ({} were there already)", self::size(bytes)),
            };
            let with = match image.referrers.len() {
                0 => String::new(),
                1 => ", with 1 referrer".to_owned(),
                count => format!(", with {count} referrers"),
            };
            format!("copied and proved{with}   {} sent{reused}", self::size(image.bytes_copied))
        }
        State::Conflict => "conflict".to_owned(),
        State::NoSource => "does not exist, and cannot be copied".to_owned(),
        State::External if image.denied => "external, denied".to_owned(),
        State::External => "external, never copied".to_owned(),
        State::Failed => "not finished".to_owned(),
        State::Unknown if image.denied => "denied".to_owned(),
        State::Unknown => "not known".to_owned(),
        State::Removed => "no longer referenced".to_owned(),
    }
}

/// Bytes for people, in powers of 1000 as registries and disks count.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.5 && unit < UNITS.len() - 1 {
        (value, unit) = (value / 1000.0, unit + 1);
    }
    if value < 9.95 { format!("{value:.1} {}", UNITS[unit]) } else { format!("{value:.0} {}", UNITS[unit]) }
}

fn violations(count: usize) -> &'static str {
    if count == 1 { "violation" } else { "violations" }
}

fn footer(review: &Review, ending: Ending) -> String {
    let stats = &review.stats;
    let seconds = format!("({:.1} s)", stats.seconds);
    let images = |count: usize| format!("{count} image{}", if count == 1 { "" } else { "s" });
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
                "{GREEN}allowed{GREEN:#} {seconds}: {} to copy; next: promote-bot promote",
                images(stats.to_promote)
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

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_two_or_three_figures() {
        let shown: Vec<String> =
            [0, 999, 1000, 9_949, 48_234_496, 999_600_000, u64::MAX].into_iter().map(size).collect();
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "9.9 kB", "48 MB", "1.0 GB", "18446744 TB"]);
    }
}
