//! Errors as they are printed: what could not be done, why, and what to do.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::commands::Error;
use crate::report::safe;

const RED: Style = AnsiColor::Red.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default().bold();

/// Renders an error as three lines, or one group a fault where a file has many.
pub(super) fn render(error: &Error) -> String {
    let mut out = String::new();
    if let Error::Faults { faults, .. } = error {
        for fault in faults {
            let place = format!("{}:{}:{}", fault.file, fault.line, fault.column);
            let _ = writeln!(out, "{RED}error{RED:#}: {}: {}", safe(&place), safe(&fault.message));
            if let Some(hint) = &fault.hint {
                let _ = writeln!(out, "{CYAN}hint{CYAN:#}: {}", safe(hint));
            }
        }
    } else {
        let _ = writeln!(out, "{RED}error{RED:#}: {}", safe(&error.to_string()));
    }
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        let _ = writeln!(out, "{RED}caused by{RED:#}: {}", safe(&source.to_string()));
        cause = source.source();
    }
    if let Some(hint) = error.hint() {
        let _ = writeln!(out, "{CYAN}hint{CYAN:#}: {}", safe(&hint));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_subject_cause_and_hint() {
        let source = std::io::Error::other("disk full");
        let error = Error::Io { what: "write report.json".to_owned(), source };
        let plain = anstream::adapter::strip_str(&render(&error)).to_string();
        assert_eq!(plain, "error: cannot write report.json\ncaused by: disk full\n");
        let usage = Error::Usage { message: "a\u{1b}[31m".to_owned(), hint: "b".to_owned() };
        assert_eq!(anstream::adapter::strip_str(&render(&usage)).to_string(), "error: a\u{FFFD}[31m\nhint: b\n");
    }
}
