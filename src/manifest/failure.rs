//! What stops a resolution, before it is known of which overlay.

use crate::domain::tree::TreeError;
use crate::domain::{Cause, OverlayError, TreePath};
use crate::yaml;

use super::node::Place;

pub(crate) type Result<T> = std::result::Result<T, Box<Failure>>;

/// Why an overlay cannot be resolved: the cause, its place and the way out.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    message: String,
    hint: String,
    place: Option<Place>,
    cause: Cause,
    /// The path that leads nowhere, where that is all.
    missing: Option<String>,
}

impl Failure {
    /// Says that the file `path`, named at `place`, is not there.
    pub(crate) fn missing(path: &str, place: &Place) -> Box<Self> {
        let hint = "correct the path, or commit the file if it is generated";
        let mut failure = Self::at(place, format!("`{path}` does not exist"), hint);
        failure.missing = Some(path.to_owned());
        failure
    }

    /// The path of a file that is not there and the place that names it, if this failure is just that.
    pub(crate) fn missing_file(&self) -> Option<(&str, &Place)> {
        self.missing.as_deref().zip(self.place.as_ref())
    }

    /// A failure at a place.
    pub(crate) fn at(place: &Place, message: impl Into<String>, hint: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            message: message.into(),
            hint: hint.into(),
            place: Some(place.clone()),
            cause: Cause::Change,
            missing: None,
        })
    }

    /// A failure that has no place in a file.
    pub(crate) fn without_place(message: impl Into<String>, hint: impl Into<String>) -> Box<Self> {
        Box::new(Self { message: message.into(), hint: hint.into(), place: None, cause: Cause::Change, missing: None })
    }

    /// A failure of the tree below.
    pub(crate) fn of_tree(error: &TreeError, place: Option<&Place>) -> Box<Self> {
        let cause = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
        Box::new(Self {
            message: format!("{error}{cause}"),
            hint: "check that the file is part of this revision".into(),
            place: place.cloned(),
            cause: error.cause(),
            missing: None,
        })
    }

    /// A fault in a file's YAML.
    pub(crate) fn of_yaml(error: &yaml::Error, text: &[u8]) -> Box<Self> {
        let is_template = text.windows(2).any(|pair| pair == b"{{");
        let hint = match is_template {
            true => "this looks like a Helm template; render it first, or keep it out of the overlay",
            false => "correct the YAML; `kubectl kustomize` fails on it too",
        };
        Self::at(&Place::of_error(error), error.message.clone(), hint)
    }

    /// What is the matter.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Whether files or the storage below them are to blame.
    pub(crate) fn cause(&self) -> Cause {
        self.cause
    }

    /// Where it is.
    pub(crate) fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// The same failure, at `place` unless it has one.
    pub(crate) fn or_at(mut self: Box<Self>, place: &Place) -> Box<Self> {
        self.place.get_or_insert_with(|| place.clone());
        self
    }

    /// Names the overlay.
    pub(crate) fn of_overlay(self, overlay: &TreePath) -> OverlayError {
        OverlayError {
            overlay: overlay.clone(),
            message: self.message,
            hint: self.hint,
            location: self.place.map(|place| place.location()),
            cause: self.cause,
        }
    }
}
