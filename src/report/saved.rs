//! Saved reports: the machine format read back, to be rendered or posted by another job.
//!
//! Whoever saved it may have been a run for somebody else's change: it is parsed as strictly as a repository's files, and what it
//! says is shown as text from outside.

use super::json::{self, Report, SCHEMA};
use crate::domain::{
    Cause, ChangeKind, ConfigUsed, Digest, EnvironmentReview, Exception, ExceptionKind, Finding, ImageReview,
    InvalidDigest, Location, Range, Referrer, Review, ReviewResult, Revision, Severity, State, Stats,
};

/// Why a saved report cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is not of the form.
    #[error("it is not a report in JSON: {0}")]
    Form(#[from] serde_json::Error),
    /// It is another format, or another version of it.
    #[error("it is of the format `{0}`, not `{SCHEMA}`")]
    Schema(String),
    /// A word that no report has.
    #[error("`{word}` is not a {what}")]
    Word {
        /// What it stands for.
        what: &'static str,
        /// The word.
        word: String,
    },
    /// A digest that is none.
    #[error(transparent)]
    Digest(#[from] InvalidDigest),
}

/// Reads what [`json`](json::json) wrote.
///
/// # Errors
/// When it is not such a report.
pub fn read(text: &str) -> Result<Review, Unreadable> {
    let report: Report = serde_json::from_str(text)?;
    if report.schema != SCHEMA {
        return Err(Unreadable::Schema(report.schema));
    }
    let base = Revision::of_word(&report.change.base);
    let stats = report.stats;
    Ok(Review {
        range: Range {
            target: base.clone(),
            base,
            head: Revision::of_word(&report.change.head),
            why: report.change.why,
        },
        config: ConfigUsed { path: report.config.path, revision: Revision::of_word(&report.config.revision) },
        notes: report.notes,
        environments: report.environments.into_iter().map(environment).collect::<Result<_, _>>()?,
        result: result(&report.result)?,
        stats: Stats {
            changed: stats.changed,
            to_promote: stats.to_promote,
            promoted: stats.promoted,
            errors: stats.errors,
            waived: stats.waived,
            glass_broken: stats.glass_broken,
            bytes_copied: stats.bytes_copied,
            bytes_reused: stats.bytes_reused,
            seconds: stats.seconds,
        },
    })
}

fn environment(saved: json::Environment) -> Result<EnvironmentReview, Unreadable> {
    Ok(EnvironmentReview {
        name: saved.name,
        registry: saved.registry,
        has_policy: saved.has_policy,
        result: result(&saved.result)?,
        images: saved.images.into_iter().map(image).collect::<Result<_, _>>()?,
        findings: saved.findings.into_iter().map(finding).collect::<Result<_, _>>()?,
    })
}

fn image(saved: json::Image) -> Result<ImageReview, Unreadable> {
    let kinds = [ChangeKind::Added, ChangeKind::Changed, ChangeKind::Removed, ChangeKind::Unchanged];
    let states = [
        State::Missing,
        State::Present,
        State::Copied,
        State::Conflict,
        State::NoSource,
        State::External,
        State::Failed,
        State::Unknown,
        State::Removed,
    ];
    let referrer =
        |saved: json::Referrer| Ok(Referrer { digest: saved.digest.parse()?, artifact_type: saved.artifact_type });
    Ok(ImageReview {
        name: saved.name,
        kind: word("kind of change", &saved.kind, &kinds, ChangeKind::word)?,
        before: saved.before,
        to: saved.to,
        from: saved.from,
        digest: saved.digest.map(|digest| digest.parse::<Digest>()).transpose()?,
        size_bytes: saved.bytes,
        bytes_copied: saved.bytes_copied,
        bytes_reused: saved.bytes_reused,
        platforms: saved.platforms,
        referrers: saved.referrers.into_iter().map(referrer).collect::<Result<_, Unreadable>>()?,
        state: word("state", &saved.state, &states, State::word)?,
        denied: saved.denied,
        locations: saved.locations.into_iter().map(location).collect(),
    })
}

fn finding(saved: json::Finding) -> Result<Finding, Unreadable> {
    let severities = [Severity::Note, Severity::Warning, Severity::Error];
    Ok(Finding {
        rule: saved.rule,
        severity: word("severity", &saved.severity, &severities, Severity::word)?,
        cause: word("cause", &saved.cause, &[Cause::Change, Cause::Circumstance], Cause::word)?,
        message: saved.message,
        help: saved.help,
        image: saved.image,
        location: saved.location.map(location),
        width: saved.width,
        excerpt: saved.excerpt,
        exception: saved.exception.map(exception).transpose()?,
    })
}

fn exception(saved: json::Exception) -> Result<Exception, Unreadable> {
    let kinds = [ExceptionKind::Waiver, ExceptionKind::BreakGlass];
    let kind = word("kind of exception", &saved.kind, &kinds, ExceptionKind::word)?;
    Ok(Exception { kind, id: saved.id, by: saved.by, reason: saved.reason })
}

fn location(saved: json::Location) -> Location {
    Location::new(saved.path, saved.line.max(1), saved.column.max(1))
}

fn result(text: &str) -> Result<ReviewResult, Unreadable> {
    let all = [ReviewResult::Noop, ReviewResult::Success, ReviewResult::Error, ReviewResult::Failure];
    word("result", text, &all, ReviewResult::word)
}

fn word<T: Copy>(what: &'static str, text: &str, all: &[T], of: impl Fn(T) -> &'static str) -> Result<T, Unreadable> {
    let found = all.iter().copied().find(|one| of(*one) == text);
    found.ok_or_else(|| Unreadable::Word { what, word: text.chars().take(40).collect() })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{finding, image, review};
    use super::*;

    #[test]
    fn what_is_saved_is_read_back_whole() {
        let mut one = review();
        one.notes = vec!["a note".to_owned()];
        let copied = ImageReview {
            state: State::Copied,
            bytes_copied: 5,
            bytes_reused: 6,
            referrers: vec![Referrer { digest: Digest::of(b"r"), artifact_type: "a/b".to_owned() }],
            ..image("web")
        };
        one.environments[0].images = vec![image("api"), ImageReview { denied: true, ..image("worker") }, copied];
        let undecided =
            Finding { cause: Cause::Circumstance, severity: Severity::Warning, location: None, ..finding("x") };
        let exception = Exception {
            kind: ExceptionKind::Waiver,
            id: "w1".to_owned(),
            by: "ann".to_owned(),
            reason: "not reachable".to_owned(),
        };
        let waived = Finding { severity: Severity::Note, exception: Some(exception), ..finding("y") };
        one.environments[0].findings = vec![finding("worker"), undecided, waived];
        one.stats = Stats { changed: 3, promoted: 1, waived: 1, glass_broken: 2, seconds: 0.25, ..Stats::default() };
        assert_eq!(read(&json::json(&one).unwrap()).unwrap(), one);
    }

    #[test]
    fn what_is_no_report_is_refused() {
        let text = json::json(&review()).unwrap();
        for (from, to, why) in [
            ("report/v1", "report/v2", "it is of the format `promote-bot/report/v2`"),
            ("\"result\": \"success\"", "\"result\": \"fine\"", "`fine` is not a result"),
            ("{", "[", "not a report in JSON"),
        ] {
            let error = read(&text.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
