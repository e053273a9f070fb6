//! `openapi`: another schema than the one built into kustomize, set by the first kustomization that names one.

use crate::domain::TreePath;
use crate::manifest::{Failure, Result, Text};

use super::load::Loader;
use super::section::Section;
use super::strategic_merge::Definitions;

/// The one version of Kubernetes whose schema is built in.
const BUILT_IN: &str = "v1.21.2";

/// The field `openapi`.
#[derive(Debug)]
pub(super) struct OpenApi {
    path: Option<Text>,
    version: Option<Text>,
}

/// Whether a schema was chosen, which happens once in a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Chosen {
    /// Not yet, and this is the overlay itself.
    #[default]
    Nothing,
    /// Not by the overlay, nor was any schema needed yet.
    NotByOverlay,
    /// Not before resources were read, for which kustomize may have needed the one that is built in.
    TooLate,
    Done,
}

impl Chosen {
    /// Notes that resources were read.
    pub(super) fn after_resources(self) -> Self {
        if self == Self::NotByOverlay { Self::TooLate } else { self }
    }
}

impl OpenApi {
    /// Reads the field.
    pub(super) fn read(kustomization: &Section<'_>) -> Result<Self> {
        let pairs = kustomization.pairs("openapi")?;
        let find = |key| pairs.iter().find(|(name, _)| name == key).map(|(_, text)| text.clone());
        Ok(Self { path: find("path"), version: find("version") })
    }

    /// Chooses the schema unless one was chosen before; its file must be there all the same.
    pub(super) fn choose(&self, loader: &mut Loader<'_>, root: &TreePath, chosen: Chosen) -> Result<Chosen> {
        let later = if chosen == Chosen::Nothing { Chosen::NotByOverlay } else { chosen };
        let file = match &self.path {
            Some(path) => Some((loader.read(root, &path.text, &path.place)?.0, path)),
            None => None,
        };
        match (file, &self.version) {
            _ if chosen == Chosen::Done => Ok(chosen),
            (None, None) => Ok(later),
            (Some(_), Some(version)) => {
                let message = "`openapi` may have a path or a version, not both";
                Err(Failure::at(&version.place, message, "keep one of the two"))
            }
            (Some((_, path)), None) if chosen == Chosen::TooLate => {
                let hint = "name the schema in the overlay itself, which holds for its bases too";
                Err(Failure::at(
                    &path.place,
                    "`openapi.path` is not supported in a base that other resources come before",
                    hint,
                ))
            }
            (Some((file, path)), None) => {
                let parsed = loader.parse(&file, &path.place)?;
                loader.set_schema(Definitions::read(&parsed, &path.place)?);
                Ok(Chosen::Done)
            }
            (None, Some(version)) if version.text.is_empty() => Ok(later),
            (None, Some(version)) if &*version.text == BUILT_IN => Ok(Chosen::Done),
            (None, Some(version)) => {
                let message = format!("the schema of Kubernetes {} is not built into kustomize", version.text);
                Err(Failure::at(&version.place, message, format!("write {BUILT_IN}, or remove `openapi`")))
            }
        }
    }
}
