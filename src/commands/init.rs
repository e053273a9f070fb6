//! `init`: writes promote-bot.yaml from the overlays found.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::error::Error;
use crate::config::{self, Found, template};
use crate::domain::{Environment, ImageRef, LoadRestrictor, Revision, Tree, TreePath};
use crate::git::Repository;
use crate::kustomize::Files;
use crate::overlay;

/// How many overlays of one shape are listed before they become a glob.
const LISTED: usize = 3;

/// What `init` needs to know.
#[derive(Debug)]
pub struct InitInputs {
    /// The directory of `-C`.
    pub directory: PathBuf,
    /// Return the text and write nothing.
    pub dry_run: bool,
    /// Write over a file that is there.
    pub force: bool,
}

/// Writes a configuration for the overlays found in the work tree; returns its text and where it was written.
///
/// # Errors
/// When there is no work tree or no overlay, or the file exists and `force` is not given.
pub fn init(inputs: &InitInputs) -> Result<(String, Option<PathBuf>), Error> {
    let repository = Repository::open(&inputs.directory)?;
    let tree = repository.tree(&Revision::Worktree)?;
    let layout = overlay::layout(tree.as_ref())?;
    if !layout.keys().any(|name| Environment::is_name(name)) {
        return Err(Error::usage(
            "no overlays were found: no directory whose name could be an environment's lies below one called `overlays`",
            "write promote-bot.yaml by hand; promote-bot schema config prints what goes into it",
        ));
    }
    let mut found = Vec::new();
    for (name, paths) in layout.iter().filter(|(name, _)| Environment::is_name(name)) {
        let images = image_names(tree.as_ref(), paths)?;
        found.push(Found { name: name.clone(), overlays: patterns(paths), images });
    }
    let text = template(&found);
    let Some(root) = repository.root().filter(|_| !inputs.dry_run) else {
        return Ok((text, None));
    };
    let path = root.join(config::DEFAULT_PATH);
    write(&path, &text, inputs.force)?;
    Ok((text, Some(path)))
}

/// Writes a file, over one that is there only when that is asked for.
pub(super) fn write(path: &Path, text: &str, force: bool) -> Result<(), Error> {
    let failed = |source| Error::Io { what: format!("write {}", path.display()), source };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    let mut options = OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let mut file = options.open(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::AlreadyExists => Error::usage(
            format!("{} exists already", path.display()),
            "look at what would be written with --dry-run, or use --force",
        ),
        _ => failed(source),
    })?;
    file.write_all(text.as_bytes()).map_err(failed)
}

/// The names, without tag and digest, of the images that can be read; what cannot is for `check` to say.
fn image_names(tree: &dyn Tree, paths: &[TreePath]) -> Result<Vec<String>, Error> {
    let patterns: Vec<String> = paths.iter().map(ToString::to_string).collect();
    let (files, mut names) = (Files::default(), BTreeSet::new());
    let settings = overlay::Settings { load_restrictor: LoadRestrictor::None, ..overlay::Settings::new(&files) };
    for path in overlay::find(tree, &patterns)? {
        let Ok(images) = overlay::resolve(tree, &path, &settings) else {
            continue;
        };
        let references = images.uses.iter().filter_map(|image_use| image_use.image.parse::<ImageRef>().ok());
        names.extend(references.map(|image| image.locator()));
    }
    Ok(names.into_iter().collect())
}

/// Lists paths; many that differ in one component become one glob.
fn patterns(paths: &[TreePath]) -> Vec<String> {
    let all: Vec<Vec<&str>> = paths.iter().map(|path| path.components().collect()).collect();
    let Some(first) =
        all.first().filter(|first| all.len() > LISTED && all.iter().all(|path| path.len() == first.len()))
    else {
        return paths.iter().map(ToString::to_string).collect();
    };
    let differing: Vec<usize> = (0..first.len()).filter(|&i| all.iter().any(|path| path[i] != first[i])).collect();
    let mut pattern = first.clone();
    match differing.as_slice() {
        [one] => pattern[*one] = "*",
        _ => return paths.iter().map(ToString::to_string).collect(),
    }
    vec![pattern.join("/")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_overlays_of_one_shape_become_a_glob() {
        let paths = |names: &[&str]| -> Vec<TreePath> {
            names.iter().map(|name| TreePath::parse(&format!("apps/{name}/overlays/dev")).unwrap()).collect()
        };
        assert_eq!(patterns(&paths(&["a", "b", "c", "d"])), ["apps/*/overlays/dev"]);
        assert_eq!(patterns(&paths(&["a", "b"])), ["apps/a/overlays/dev", "apps/b/overlays/dev"]);
    }
}
