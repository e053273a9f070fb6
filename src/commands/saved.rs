//! `report`: a saved report rendered or posted by another job, and gates that a dead run left pending closed.

use std::io::Read as _;
use std::path::Path;

use super::error::Error;
use crate::domain::Review;
use crate::forge::Forge;
use crate::report;

/// How long a saved report may be, in bytes.
const LONGEST: u64 = 64 << 20;

/// Reads a saved report; `-` is standard input.
///
/// # Errors
/// When it cannot be read or is none.
pub fn saved_report(path: &Path) -> Result<Review, Error> {
    let subject = path.display().to_string();
    let reading = Error::io(format!("read the report {subject}"));
    let mut text = String::new();
    let read = match path.as_os_str() == "-" {
        true => std::io::stdin().take(LONGEST).read_to_string(&mut text),
        false => std::fs::File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text)),
    };
    read.map_err(reading)?;
    report::read(&text).map_err(|error| {
        Error::usage(format!("{subject} cannot be shown: {error}"), "give the file of `--format json=FILE`")
    })
}

/// Closes what a run that was killed left pending; returns how many gates there were.
///
/// # Errors
/// The forge's.
pub async fn settle(forge: &dyn Forge) -> Result<usize, Error> {
    Ok(forge.settle("the run ended before its verdict; run it again").await?)
}
