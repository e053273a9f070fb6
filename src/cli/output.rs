//! Where answers go: stdout, or files.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use anstream::ColorChoice;

use super::args::{Color, Format, FormatKind};
use crate::commands::Error;

/// The formats asked for, each with its place; at most one goes to stdout.
#[derive(Debug)]
pub(super) struct Output {
    formats: Vec<Format>,
}

impl Output {
    /// Takes the formats as typed; text on stdout when none are, with annotations where a runner of GitHub Actions reads it.
    pub(super) fn new(formats: &[Format], in_actions: bool) -> Result<Self, Error> {
        let shown = |kind| Format { kind, file: None };
        let formats = match formats {
            [] if in_actions => vec![shown(FormatKind::Text), shown(FormatKind::Github)],
            [] => vec![shown(FormatKind::Text)],
            given => given.to_vec(),
        };
        // A runner picks annotations out of whatever stands around them.
        let on_stdout = |format: &&Format| format.file.is_none() && format.kind != FormatKind::Github;
        if formats.iter().filter(on_stdout).count() > 1 {
            return Err(Error::Usage {
                message: "two formats want stdout".to_owned(),
                hint: "send one to a file: -f text -f json=report.json".to_owned(),
            });
        }
        Ok(Self { formats })
    }

    /// The formats that were asked for.
    pub(super) fn formats(&self) -> &[Format] {
        &self.formats
    }

    /// Opens the places of all formats.
    pub(super) fn open(&self) -> Result<Vec<Sink>, Error> {
        self.formats.iter().map(Sink::open).collect()
    }
}

/// The place one format goes to; it may be written in pieces.
pub(super) struct Sink {
    pub(super) kind: FormatKind,
    file: Option<(PathBuf, File)>,
}

impl Sink {
    fn open(format: &Format) -> Result<Self, Error> {
        let open = |path: &PathBuf| -> Result<_, Error> {
            let file = File::create(path).map_err(Error::io(format!("write {}", path.display())))?;
            Ok((path.clone(), file))
        };
        Ok(Self { kind: format.kind, file: format.file.as_ref().map(open).transpose()? })
    }

    /// Writes the next piece. Styles reach only a stdout that wants them.
    pub(super) fn write(&mut self, text: &str) -> Result<(), Error> {
        match &mut self.file {
            Some((path, file)) => {
                let plain = anstream::adapter::strip_str(text).to_string();
                file.write_all(plain.as_bytes()).map_err(Error::io(format!("write {}", path.display())))
            }
            None => stdout(text),
        }
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
