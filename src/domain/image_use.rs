//! Image uses: what an overlay runs, and where the text stands that says so.

use super::finding::Cause;
use super::location::Location;
use super::tree::TreePath;

/// Where in a document an image reference stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UseClass {
    /// `image` of an element of `containers`, `initContainers` or `ephemeralContainers`, or `volumes[].image.reference`.
    Container,
    /// Another non-empty scalar under a key `image` (custom resources).
    Field,
    /// A mapping under a key `image` with a `repository` (Helm values).
    Helm,
    /// A reference at a path that is known, or configured, for the kind of the document.
    Configured,
    /// A reference that is set for something that is not among the documents: by a GitOps object for what its controller
    /// deploys, by a pin of `images` for a remote base.
    Declared,
}

/// The object that uses an image.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Workload {
    /// `apiVersion` as written.
    pub api_version: String,
    /// `kind` as written.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`; empty when not set.
    pub namespace: String,
}

/// Where each part of a reference was decided: the last text that set it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origins {
    /// The text that set registry and repository.
    pub name: Location,
    /// The text that set the tag, at the tag's first character; none when there is no tag.
    pub tag: Option<Location>,
    /// The text that set the digest, at its first character; none when there is no digest.
    pub digest: Option<Location>,
}

/// What put text into an image reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DecidedBy {
    /// A manifest, as it stands in the repository.
    Written,
    /// A strategic merge patch.
    Merged,
    /// A JSON patch.
    Patched,
    /// An entry of `images`.
    Images,
    /// A replacement.
    Replaced,
    /// A variable.
    Variable,
    /// Helm values laid over others.
    Values,
}

impl DecidedBy {
    /// Returns the words for it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Written => "manifest",
            Self::Merged => "patch",
            Self::Patched => "JSON patch",
            Self::Images => "images",
            Self::Replaced => "replacement",
            Self::Variable => "variable",
            Self::Values => "values",
        }
    }
}

/// One step on the way of a reference from the base to the last word.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decision {
    /// What decided.
    pub by: DecidedBy,
    /// The reference after it.
    pub image: String,
    /// The text that decided.
    pub location: Location,
}

/// An image as one container of one workload runs it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageUse {
    /// The reference as rendered; not yet parsed, it may be a template.
    pub image: String,
    /// The kind of place it stands in.
    pub class: UseClass,
    /// The object that holds it.
    pub workload: Workload,
    /// The container's or volume's `name`, where it has one.
    pub container: Option<String>,
    /// The path inside the document: `spec.template.spec.containers[0].image`.
    pub field: String,
    /// The first character of the scalar that decided the reference.
    pub location: Location,
    /// Where name, tag and digest come from.
    pub origins: Origins,
    /// How the reference came to be, what was written first and what was decided last; never empty.
    pub decisions: Vec<Decision>,
}

/// Something that kept an overlay from being resolved wholly.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Partial {
    /// The kind of obstacle: `remote-base`, `helm`, `plugin`, `helm-default-tag`, `helm-default-repository`,
    /// `helm-no-image`, `declared-name`, `declared-tag`, `declared-template`, `declared-text`, `argocd-source`.
    pub reason: String,
    /// What it is about, as written.
    pub what: String,
    /// Where it is written.
    pub location: Location,
    /// A name for all that the repository says around it, where that is all that decides what is not known: if it is the same
    /// on two sides, so is that. None where more decides.
    pub source: Option<String>,
}

impl Partial {
    /// A gap that more may decide than is said of it.
    #[must_use]
    pub fn new(reason: &str, what: impl Into<String>, location: Location) -> Self {
        Self { reason: reason.to_owned(), what: what.into(), location, source: None }
    }
}

/// The effective images of one overlay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OverlayImages {
    /// All uses, in the order of the rendered documents.
    pub uses: Vec<ImageUse>,
    /// What could not be resolved; empty when everything could.
    pub partial: Vec<Partial>,
    /// Where rendered manifests took the place of what could not be resolved: a number for the sources they belong to.
    pub rendered_from: Option<u64>,
}

/// Why an overlay could not be resolved: subject and cause in `message`, the way out in `hint`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot resolve overlay {overlay}: {message}")]
pub struct OverlayError {
    /// The overlay asked for.
    pub overlay: TreePath,
    /// What stands in the way, with the file named unless `location` names it.
    pub message: String,
    /// An action the reader can take.
    pub hint: String,
    /// The place of the cause, when it is a place in a file.
    pub location: Option<Location>,
    /// Whether the overlay or the storage is to blame.
    pub cause: Cause,
}
