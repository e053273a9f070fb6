//! Progress of copies on stderr: bars on a terminal, else one line a finished image.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::Mutex;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::output::stderr;
use crate::domain::{Outcome, Step};
use crate::registry::Progress;

/// Chooses how progress is shown.
pub(super) fn progress(quiet: bool) -> Box<dyn Progress> {
    if quiet {
        Box::new(Silent)
    } else if std::io::stderr().is_terminal() {
        Box::new(Bars::default())
    } else {
        Box::new(Lines::default())
    }
}

/// What each step is about, remembered from its beginning to its end.
type Names = Mutex<BTreeMap<usize, String>>;

fn remember(names: &Names, index: usize, step: &Step) {
    if let Ok(mut names) = names.lock() {
        names.insert(index, format!("{} {}", step.candidate.to, step.digest));
    }
}

/// One line for a finished image.
fn line(names: &Names, index: usize, outcome: &Outcome) -> String {
    let word = match outcome {
        Outcome::Present => "present ",
        Outcome::Copied { .. } => "copied  ",
        Outcome::Conflict { .. } => "conflict",
        Outcome::Refused { .. } | Outcome::Unproved { .. } => "refused ",
        Outcome::Failed { .. } => "failed  ",
    };
    let name = names.lock().ok().and_then(|mut names| names.remove(&index)).unwrap_or_default();
    format!("{word} {name}")
}

struct Silent;

impl Progress for Silent {
    fn begin(&self, _: usize, _: &Step, _: Option<u64>) {}
    fn advance(&self, _: usize, _: u64) {}
    fn finish(&self, _: usize, _: &Outcome) {}
}

#[derive(Default)]
struct Lines {
    names: Names,
}

impl Progress for Lines {
    fn begin(&self, index: usize, step: &Step, _: Option<u64>) {
        remember(&self.names, index, step);
    }

    fn advance(&self, _: usize, _: u64) {}

    fn finish(&self, index: usize, outcome: &Outcome) {
        stderr(&format!("{}\n", line(&self.names, index, outcome)));
    }
}

#[derive(Default)]
struct Bars {
    names: Names,
    all: MultiProgress,
    of_steps: Mutex<BTreeMap<usize, ProgressBar>>,
}

impl Progress for Bars {
    fn begin(&self, index: usize, step: &Step, total_bytes: Option<u64>) {
        remember(&self.names, index, step);
        let bar = self.all.add(ProgressBar::new(total_bytes.unwrap_or(0)));
        if let Ok(style) = ProgressStyle::with_template("  {msg} {bar:24} {bytes}/{total_bytes} {bytes_per_sec}") {
            bar.set_style(style.progress_chars("━╸ "));
        }
        bar.set_message(format!("{}{}", step.candidate.to.repository(), step.candidate.to.suffix()));
        if let Ok(mut bars) = self.of_steps.lock() {
            bars.insert(index, bar);
        }
    }

    fn advance(&self, index: usize, bytes: u64) {
        if let Some(bar) = self.of_steps.lock().ok().and_then(|bars| bars.get(&index).cloned()) {
            bar.inc(bytes);
        }
    }

    fn finish(&self, index: usize, outcome: &Outcome) {
        if let Some(bar) = self.of_steps.lock().ok().and_then(|mut bars| bars.remove(&index)) {
            bar.finish_and_clear();
        }
        // A line that cannot be printed is missed by nobody: the report follows.
        let _ = self.all.println(line(&self.names, index, outcome));
    }
}
