//! What `doctor` found, for people.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::commands::{Diagnosis, Health};
use crate::report::safe;

const BOLD: Style = Style::new().bold();

/// Renders each diagnosis as a line, with its way out below.
pub(super) fn text(diagnoses: &[Diagnosis]) -> String {
    let mut out = String::new();
    for one in diagnoses {
        let (mark, color) = match one.health {
            Health::Well => ("✓", AnsiColor::Green),
            Health::Unknown => ("?", AnsiColor::Cyan),
            Health::Weak => ("~", AnsiColor::Yellow),
            Health::Ill => ("!", AnsiColor::Red),
        };
        let style = color.on_default();
        let _ = writeln!(out, "{style}{mark}{style:#} {BOLD}{}{BOLD:#}: {}", safe(&one.subject), safe(&one.found));
        if let Some(fix) = &one.fix {
            let _ = writeln!(out, "    fix: {}", safe(fix));
        }
    }
    let count = |health: Health| diagnoses.iter().filter(|one| one.health == health).count();
    let (ill, weak) = (count(Health::Ill), count(Health::Weak));
    let _ = match (ill, weak) {
        (0, 0) => writeln!(out, "\nall is well"),
        (0, weak) => writeln!(out, "\nit works; {weak} could let something through"),
        (ill, weak) => writeln!(out, "\n{ill} do not work, {weak} could let something through"),
    };
    out
}
