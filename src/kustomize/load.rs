//! Files and kustomization roots, found as kustomize finds them and bounded.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use crate::domain::tree::{EntryKind, TreeError, follow};
use crate::domain::{Tree, TreePath};
use crate::manifest::{Failure, Place, Result, Text};

use super::files::{Files, Parsed};
use super::strategic_merge::Definitions;
use super::{LoadRestrictor, Options};

/// How many files one overlay may read, a file read twice counted twice.
pub(super) const MAX_FILES: usize = 10_000;
/// How deeply kustomizations may refer to each other.
pub(super) const MAX_ROOTS: usize = 64;
/// How many values all files of one overlay may hold together with what patches and labels add, however often.
const MAX_NODES: usize = 10_000_000;
/// How many values one overlay may look at beyond those it makes: patches, ids and images are each held against all of them.
const MAX_STEPS: usize = 50_000_000;
/// The longest path, as on Linux.
const MAX_PATH_BYTES: usize = 4_096;
/// How much copied text counts as one value made.
const BYTES_FOR_ONE: usize = 64;

pub(super) const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Reads files for one resolution.
pub(super) struct Loader<'t> {
    tree: &'t dyn Tree,
    store: &'t Files,
    restrictor: LoadRestrictor,
    files: usize,
    nodes: usize,
    steps: usize,
    /// The schema that replaces the built-in one.
    schema: Option<Rc<Definitions>>,
    /// What was read until now, if it is wanted.
    fingerprint: Option<DefaultHasher>,
}

/// What a path in a kustomization leads to.
pub(super) enum Found {
    File(TreePath),
    Directory(TreePath),
    Nothing,
}

impl<'t> Loader<'t> {
    /// Starts with nothing read.
    pub(super) fn new(tree: &'t dyn Tree, options: &Options<'t>) -> Self {
        Self {
            tree,
            store: options.files,
            restrictor: options.load_restrictor,
            files: 0,
            nodes: 0,
            steps: 0,
            schema: None,
            fingerprint: options.has_fingerprint.then(DefaultHasher::new),
        }
    }

    /// Looks up `path`, written at `place` in a kustomization of `root`.
    pub(super) fn find(&self, root: &TreePath, path: &str, place: &Place) -> Result<Found> {
        if path.len() > MAX_PATH_BYTES {
            let message = format!("a text of {} bytes stands here, longer than any path", path.len());
            return Err(Failure::at(place, message, "name a file or directory, or correct the YAML of the text"));
        }
        if path.is_empty() {
            let message = "an entry that is empty names no file";
            return Err(Failure::at(place, message, "remove the entry, or write the path behind the `-`"));
        }
        if path.starts_with('/') {
            let hint = "write it relative to the kustomization's directory";
            return Err(Failure::at(place, format!("`{path}` is an absolute path"), hint));
        }
        let Some(joined) = root.join(path) else {
            let hint = "refer to files of this repository only";
            return Err(Failure::at(place, format!("`{path}` leads out of the repository"), hint));
        };
        match follow(self.tree, &joined).map_err(|error| Failure::of_tree(&error, Some(place)))? {
            None => match self.submodule_above(&joined) {
                Some(submodule) => Err(in_submodule(path, &submodule, place)),
                None => Ok(Found::Nothing),
            },
            Some((path, EntryKind::Directory)) => Ok(Found::Directory(path)),
            Some((path, EntryKind::File)) => Ok(Found::File(path)),
            Some((reached, EntryKind::Submodule | EntryKind::Symlink)) => Err(in_submodule(path, &reached, place)),
        }
    }

    /// The submodule that `path` lies in.
    fn submodule_above(&self, path: &TreePath) -> Option<TreePath> {
        let above = std::iter::successors(path.parent(), TreePath::parent);
        let mut reached = above.filter_map(|path| follow(self.tree, &path).ok().flatten());
        reached.next().filter(|(_, kind)| *kind == EntryKind::Submodule).map(|(reached, _)| reached)
    }

    /// Reads the file `path`, written at `place`, as far as the load restrictor allows.
    pub(super) fn read(&mut self, root: &TreePath, path: &str, place: &Place) -> Result<(TreePath, Arc<[u8]>)> {
        match self.find(root, path, place)? {
            Found::File(file) => {
                self.allow(root, &file, place)?;
                let content = self.content(&file, place)?;
                Ok((file, content))
            }
            Found::Directory(_) => {
                Err(Failure::at(place, format!("`{path}` is a directory, not a file"), "name a file"))
            }
            Found::Nothing => Err(Failure::missing(path, place)),
        }
    }

    /// Refuses a file that the load restrictor keeps away from the kustomization in `root`.
    pub(super) fn allow(&self, root: &TreePath, file: &TreePath, place: &Place) -> Result<()> {
        let directory = file.parent().unwrap_or_default();
        if self.restrictor == LoadRestrictor::None || directory.is_within(root) {
            return Ok(());
        }
        let message = format!("{file} is not in or below {root}, where the load restrictor keeps this kustomization");
        Err(Failure::at(place, message, "move the file, or set `load_restrictor: none` for this environment"))
    }

    /// Parses a file.
    pub(super) fn parse(&mut self, file: &TreePath, place: &Place) -> Result<Arc<Parsed>> {
        self.count_file(place)?;
        let parsed = self.store.parse(self.tree, file, place)?;
        self.spend(parsed.size, place)?;
        if let Some(hasher) = &mut self.fingerprint {
            parsed.fingerprint()?.hash(hasher);
        }
        Ok(parsed)
    }

    /// Reads the files of `later`, entries of the kustomization in `root`, for as long as another thread is reading `file`: it
    /// is awaited, and what comes after it will be asked for next.
    pub(super) fn read_ahead(&self, root: &TreePath, file: &TreePath, later: &[Text]) {
        for entry in later {
            if !self.store.is_being_read(self.tree, file) {
                return;
            }
            if let Ok(Found::File(next)) = self.find(root, &entry.text, &entry.place)
                && self.allow(root, &next, &entry.place).is_ok()
                && !self.store.is_being_read(self.tree, &next)
            {
                // What is wrong with it is said in its own turn.
                let _ = self.store.parse(self.tree, &next, &entry.place);
            }
        }
    }

    /// A number for all that was read until now, if it is wanted; comments in YAML do not count.
    pub(super) fn fingerprint(&self) -> Option<u64> {
        self.fingerprint.as_ref().map(DefaultHasher::finish)
    }

    /// Parses the one kustomization of the directory `root`; `place` is what refers to it.
    pub(super) fn kustomization(&mut self, root: &TreePath, place: Option<&Place>) -> Result<Arc<Parsed>> {
        let files = kustomization_files(self.tree, root).map_err(|error| Failure::of_tree(&error, place))?;
        let here = |message: String, hint: &str| {
            let failure = Failure::without_place(message, hint);
            place.map_or(failure.clone(), |place| failure.or_at(place))
        };
        match files.as_slice() {
            [file] => {
                let place = place.cloned().unwrap_or_else(|| Place::start_of(file.as_str()));
                self.allow(root, file, &place)?;
                self.parse(file, &place)
            }
            [] => Err(here(format!("{root} holds no kustomization.yaml"), "name a directory that holds one")),
            _ => Err(here(format!("{root} holds several kustomization files"), "keep one of them")),
        }
    }

    /// The schema that replaces the built-in one.
    pub(super) fn schema(&self) -> Option<Rc<Definitions>> {
        self.schema.clone()
    }

    /// Replaces the built-in schema.
    pub(super) fn set_schema(&mut self, schema: Definitions) {
        self.schema = Some(Rc::new(schema));
    }

    /// The content of a file that was parsed.
    pub(super) fn source(&self, file: &TreePath) -> Option<Arc<[u8]>> {
        self.tree.read(file).ok()
    }

    fn content(&mut self, file: &TreePath, place: &Place) -> Result<Arc<[u8]>> {
        self.count_file(place)?;
        self.tree.read(file).map_err(|error| Failure::of_tree(&error, Some(place)))
    }

    fn count_file(&mut self, place: &Place) -> Result<()> {
        self.files += 1;
        match self.files > MAX_FILES {
            true => {
                Err(Failure::at(place, format!("the overlay reads more than {MAX_FILES} files"), "split the overlay"))
            }
            false => Ok(()),
        }
    }

    /// Counts values that are about to be made.
    pub(super) fn spend(&mut self, values: usize, place: &Place) -> Result<()> {
        self.nodes = self.nodes.saturating_add(values);
        match self.nodes > MAX_NODES {
            true => {
                Err(Failure::at(place, format!("the overlay makes more than {MAX_NODES} values"), "split the overlay"))
            }
            false => Ok(()),
        }
    }

    /// Counts text that is about to be put in `copies` places.
    pub(super) fn spend_text(&mut self, bytes: usize, copies: usize, place: &Place) -> Result<()> {
        self.spend(bytes.saturating_mul(copies) / BYTES_FOR_ONE, place)
    }

    /// Counts values that are about to be looked at.
    pub(super) fn step(&mut self, values: usize, place: &Place) -> Result<()> {
        self.steps = self.steps.saturating_add(values);
        match self.steps > MAX_STEPS {
            true => {
                let message = format!("the overlay takes more than {MAX_STEPS} steps to build");
                Err(Failure::at(place, message, "split the overlay"))
            }
            false => Ok(()),
        }
    }
}

fn in_submodule(path: &str, submodule: &TreePath, place: &Place) -> Box<Failure> {
    let message = format!("`{path}` leads into the submodule {submodule}, whose files are not in this repository");
    Failure::at(place, message, "copy what is needed into this repository")
}

/// Returns the kustomization files of a directory.
pub(super) fn kustomization_files(tree: &dyn Tree, dir: &TreePath) -> std::result::Result<Vec<TreePath>, TreeError> {
    let mut files = Vec::new();
    for name in NAMES {
        let Some(path) = dir.join(name) else { continue };
        if let Some((file, EntryKind::File)) = follow(tree, &path)? {
            files.push(file);
        }
    }
    Ok(files)
}
