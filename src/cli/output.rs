//! Where answers go: stdout, or files.

use std::io::Write as _;

use anstream::ColorChoice;

use super::args::{Color, Format, FormatKind};
use crate::commands::Error;

/// The formats asked for, each with its place; at most one goes to stdout.
#[derive(Debug)]
pub(super) struct Output {
    formats: Vec<Format>,
}

impl Output {
    /// Takes the formats as typed; text on stdout when none are.
    pub(super) fn new(formats: &[Format]) -> Result<Self, Error> {
        let formats = match formats {
            [] => vec![Format { kind: FormatKind::Text, file: None }],
            given => given.to_vec(),
        };
        if formats.iter().filter(|format| format.file.is_none()).count() > 1 {
            return Err(Error::Usage {
                message: "two formats want stdout".to_owned(),
                hint: "send one to a file: -f text -f json=report.json".to_owned(),
            });
        }
        Ok(Self { formats })
    }

    /// Writes each format, as `render` makes it, to its place. Styles reach only a stdout that wants them.
    pub(super) fn write(&self, mut render: impl FnMut(FormatKind) -> Result<String, Error>) -> Result<(), Error> {
        for format in &self.formats {
            let text = render(format.kind)?;
            match &format.file {
                Some(path) => {
                    let plain = anstream::adapter::strip_str(&text).to_string();
                    std::fs::write(path, plain).map_err(Error::io(format!("write {}", path.display())))?;
                }
                None => stdout(&text)?,
            }
        }
        Ok(())
    }
}

/// Writes an answer to stdout. A reader that went away (`| head`) is no error.
pub(super) fn stdout(text: &str) -> Result<(), Error> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(source) if source.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::io("write to stdout")(source)),
        _ => Ok(()),
    }
}

/// Writes a line of the story to stderr; a closed stderr is nobody's concern.
pub(super) fn stderr(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Settles when colours are used: the flag, else NO_COLOR, FORCE_COLOR and whether a terminal listens.
pub(super) fn choose_color(color: Color, variable: impl Fn(&str) -> Option<String>) {
    let choice = match color {
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
        Color::Auto if variable("NO_COLOR").is_some() => ColorChoice::Never,
        Color::Auto if variable("FORCE_COLOR").is_some_and(|value| value != "0") => ColorChoice::Always,
        Color::Auto => ColorChoice::Auto,
    };
    choice.write_global();
}
