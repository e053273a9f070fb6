//! Directories without a kustomization: every document of every file, as it is written.

use crate::domain::tree::{EntryKind, follow};
use crate::domain::{OverlayError, Tree, TreePath};
use crate::manifest::{Failure, Node, Place, Reading, Result, Shared, Shift};
use crate::yaml;

use super::files::Files;
use super::load::{Loader, MAX_FILES, kustomization_files};
use super::{LoadRestrictor, Options, Rendered};

/// How deep directories may be nested.
const MAX_DIRECTORIES: usize = 64;

/// Reads all YAML and JSON files in and below a directory, hidden ones left out, ordered by path.
///
/// # Errors
/// When the directory is absent, or one of its files is not YAML: then nothing is known of what it would deploy.
pub fn read_loose(tree: &dyn Tree, directory: &TreePath, store: &Files) -> std::result::Result<Rendered, OverlayError> {
    read(tree, directory, store).map_err(|failure| failure.of_overlay(directory))
}

/// Reads the manifests that a program printed for `overlay`; they have no place but the overlay's.
///
/// # Errors
/// When they are no YAML, in one line.
pub fn read_printed(overlay: &TreePath, text: &[u8]) -> std::result::Result<Rendered, String> {
    let documents = yaml::parse(overlay.as_str(), text)
        .map_err(|error| format!("line {} of what was printed: {}", error.line, error.message))?;
    let shift = Shift::Fixed(Place::start_of(overlay.as_str()));
    let convert = |document| Node::convert(document, Reading::Loose, &shift).map(Shared::from);
    let documents = documents.iter().map(convert).collect::<Result<_>>();
    Ok(Rendered { documents: documents.map_err(|failure| failure.message().to_owned())?, ..Rendered::default() })
}

fn read(tree: &dyn Tree, directory: &TreePath, store: &Files) -> Result<Rendered> {
    let mut files = Vec::new();
    let found = follow(tree, directory).map_err(|error| Failure::of_tree(&error, None))?;
    let Some((start, EntryKind::Directory)) = found else {
        return Err(Failure::missing(directory.as_str(), &Place::start_of(directory.as_str())));
    };
    collect(tree, &start, 0, &mut files)?;
    files.sort();
    let mut loader = Loader::new(tree, &Options { load_restrictor: LoadRestrictor::None, ..Options::new(store) });
    let mut rendered = Rendered::default();
    for file in files {
        let parsed = loader.parse(&file, &Place::start_of(file.as_str()))?;
        for document in &*parsed.documents()? {
            rendered.documents.push(Node::convert(document, Reading::Loose, &Shift::None)?.into());
        }
    }
    Ok(rendered)
}

fn collect(tree: &dyn Tree, directory: &TreePath, depth: usize, files: &mut Vec<TreePath>) -> Result<()> {
    let entries = tree.list(directory).map_err(|error| Failure::of_tree(&error, None))?;
    for (name, kind) in entries.into_iter().filter(|(name, _)| !name.starts_with('.')) {
        let Some(path) = directory.child(&name) else { continue };
        match kind {
            // A kustomization is an overlay of its own; its files mean something else before it is applied.
            EntryKind::Directory if holds_kustomization(tree, &path)? => {}
            EntryKind::Directory if depth < MAX_DIRECTORIES => collect(tree, &path, depth + 1, files)?,
            EntryKind::File if is_manifest(&name) => files.push(path),
            EntryKind::Symlink => match follow(tree, &path).map_err(|error| Failure::of_tree(&error, None))? {
                Some((file, EntryKind::File)) if is_manifest(&name) => files.push(file),
                // A link may lead in a circle; what it leads to is read where it stands, or named for itself.
                Some((_, EntryKind::Directory)) => {
                    let message = format!("{path} is a link to a directory, which is not read from a loose overlay");
                    return Err(Failure::without_place(message, "name the directory it leads to as an overlay"));
                }
                _ => {}
            },
            EntryKind::Submodule => {
                let message = format!("{path} is a submodule, whose files are not in this repository");
                return Err(Failure::without_place(message, "keep submodules out of overlays"));
            }
            _ => {}
        }
        if files.len() > MAX_FILES {
            let message = format!("the directory holds more than {MAX_FILES} files");
            return Err(Failure::without_place(message, "name a smaller directory"));
        }
    }
    Ok(())
}

fn holds_kustomization(tree: &dyn Tree, directory: &TreePath) -> Result<bool> {
    let files = kustomization_files(tree, directory).map_err(|error| Failure::of_tree(&error, None))?;
    Ok(!files.is_empty())
}

fn is_manifest(name: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|extension| name.ends_with(extension))
}
