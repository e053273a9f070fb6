//! Showing: one review in every format that was asked for, at the forge, and to the runner; and the exit code that says the same.

use super::args::{FailOnName, FormatKind};
use super::output::Output;
use super::{output, runner};
use crate::commands::{Error, Exit, Posting};
use crate::domain::{Review, ReviewResult};
use crate::report::{self, Ending, Look};

/// How a review is shown.
pub(super) struct Showing<'a> {
    pub(super) output: Output,
    pub(super) ending: Ending,
    pub(super) fail_on: FailOnName,
    pub(super) posting: Option<&'a Posting>,
    pub(super) variable: &'a (dyn Fn(&str) -> Option<String> + Sync),
}

impl Showing<'_> {
    /// Shows it: first to whoever reads the log, then at the forge.
    pub(super) async fn show(&self, review: &Review) -> Result<Exit, Error> {
        let in_actions = runner::is_there(self.variable);
        for mut sink in self.output.open()? {
            let text = rendered(review, sink.kind, self.ending)?;
            let is_read = in_actions && matches!(sink.kind, FormatKind::Text | FormatKind::Github);
            sink.write(&if is_read { runner::disarmed(&text) } else { text })?;
        }
        if in_actions {
            told(runner::leave(review, self.ending, self.output.formats(), self.variable));
        }
        if let Some(posting) = self.posting {
            for told in posting.finish(review, self.ending).await? {
                output::stderr(&format!("note: {}\n", report::safe(&told)));
            }
        }
        if in_actions {
            told(runner::settled(self.variable));
        }
        Ok(match review.result {
            ReviewResult::Noop | ReviewResult::Success => Exit::Success,
            ReviewResult::Failure if matches!(self.fail_on, FailOnName::Never) => Exit::Success,
            ReviewResult::Failure => Exit::No,
            ReviewResult::Error => Exit::Undecided,
        })
    }
}

/// What is only left for others to read is no verdict: that it could not be is a note.
fn told(left: Result<(), Error>) {
    if let Err(error) = left {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        output::stderr(&format!("note: {}\n", report::safe(&format!("{error}{cause}"))));
    }
}

fn rendered(review: &Review, kind: FormatKind, ending: Ending) -> Result<String, Error> {
    Ok(match kind {
        FormatKind::Text => report::text(review, ending),
        FormatKind::Json => report::json::json(review)?,
        FormatKind::Markdown => report::markdown(review, &Look { ending, most_chars: usize::MAX, report_url: None }),
        FormatKind::Github => report::github(review),
        FormatKind::Sarif => report::sarif(review)?,
        FormatKind::Junit => {
            report::junit(review).map_err(|error| Error::io("write the report")(std::io::Error::other(error)))?
        }
        FormatKind::Gitlab => report::gitlab(review)?,
    })
}
