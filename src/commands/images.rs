//! `images`: the effective images of overlays at one revision.

use std::collections::HashMap;
use std::path::PathBuf;

use super::error::Error;
use super::uses::select;
use super::workspace::{Scope, Snapshot};
use crate::domain::{Cause, Environment, LoadRestrictor, OverlayError, Tree, TreePath};
use crate::kustomize::{Files, sites_digest};
use crate::overlay;
use crate::report::images::Overlay;

/// What `images` needs to know.
#[derive(Debug)]
pub struct ImagesInputs {
    /// Where to look.
    pub scope: Scope,
    /// The overlays asked for, from the directory of `-C`; those of all environments when none are.
    pub overlays: Vec<String>,
    /// A file with more of them, one a line; `-` for standard input.
    pub overlays_from: Option<PathBuf>,
    /// The revision; the work tree, or HEAD in a bare repository, when not given.
    pub revision: Option<String>,
    /// Which files a kustomization may read; as the environment says when not given.
    pub load_restrictor: Option<LoadRestrictor>,
}

/// Resolves the overlays asked for, in that order, and hands each to `each` as it is done.
///
/// # Errors
/// When the repository or the configuration cannot be read; an overlay that cannot be resolved is handed on as such.
pub fn images(inputs: &ImagesInputs, mut each: impl FnMut(&Overlay) -> Result<(), Error>) -> Result<(), Error> {
    let snapshot = Snapshot::open(&inputs.scope, inputs.revision.as_deref())?;
    let (Snapshot { repository, tree, environments, .. }, checkout) = (&snapshot, snapshot.checkout());
    let tree = tree.as_ref();
    let mut owners = Vec::new();
    for environment in environments {
        for path in overlay::find_all(tree, environment)? {
            owners.push((path, environment));
        }
    }
    // They are the configuration's, and so every environment's.
    let fields = environments.first().map(|environment| environment.fields.as_slice()).unwrap_or_default();
    let (asked, files) = (asked(inputs)?, Files::default());
    let settings = overlay::Settings { fields, runner: Some(&checkout), ..overlay::Settings::new(&files) };
    let wanted = select(environments, &inputs.scope.environments)?;
    // A list that a filter left empty asks for nothing, not for everything.
    if asked.is_empty() && inputs.overlays_from.is_none() {
        let is_wanted = |owner: &Environment| wanted.iter().any(|environment| environment.name == owner.name);
        owners.retain(|(_, owner)| is_wanted(owner));
        if owners.is_empty() {
            let hint = "name some, or the environments they belong to in promote-bot.yaml";
            return Err(Error::usage("there are no overlays", hint));
        }
        let work = |(path, owner): &(TreePath, &Environment)| resolve(tree, path, Some(owner), inputs, settings);
        return overlay::in_order(&owners, work, |overlay| each(&overlay));
    }
    let owner_of: HashMap<&TreePath, &Environment> = owners.iter().rev().map(|(path, owner)| (path, *owner)).collect();
    let work = |text: &String| match repository.prefix().join(text) {
        Some(path) => resolve(tree, &path, owner_of.get(&path).copied(), inputs, settings),
        None => outside(text),
    };
    overlay::in_order(&asked, work, |overlay| each(&overlay))?;
    // The program is about to end; taking hundreds of thousands of values apart first would only delay it.
    std::mem::forget(files);
    Ok(())
}

fn resolve(
    tree: &dyn Tree,
    path: &TreePath,
    owner: Option<&Environment>,
    inputs: &ImagesInputs,
    settings: overlay::Settings<'_>,
) -> Overlay {
    let mut settings = owner.map_or(settings, |owner| overlay::Settings::of(owner, settings.files, settings.runner));
    settings.load_restrictor = inputs.load_restrictor.unwrap_or(settings.load_restrictor);
    let images = overlay::resolve(tree, path, &settings);
    let sites = images.as_ref().map(sites_digest).unwrap_or_default();
    let (path, environment) = (path.to_string(), owner.map(|owner| owner.name.clone()));
    Overlay { path, environment, images, sites }
}

/// One path that cannot be resolved is its own line; the others go on.
fn outside(text: &str) -> Overlay {
    let error = OverlayError {
        overlay: TreePath::root(),
        message: format!("{text} is not inside the repository"),
        hint: "name overlays relative to the directory of -C".to_owned(),
        location: None,
        cause: Cause::Change,
    };
    Overlay { path: text.to_owned(), environment: None, images: Err(error), sites: String::new() }
}

fn asked(inputs: &ImagesInputs) -> Result<Vec<String>, Error> {
    let mut asked = inputs.overlays.clone();
    if let Some(path) = &inputs.overlays_from {
        let text = match path.as_os_str() == "-" {
            true => std::io::read_to_string(std::io::stdin()).map_err(Error::io("read standard input"))?,
            false => std::fs::read_to_string(path).map_err(Error::io(format!("read {}", path.display())))?,
        };
        asked.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
    }
    Ok(asked)
}
