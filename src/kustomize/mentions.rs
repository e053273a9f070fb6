//! What a kustomization may read, told without building it: every text in it that could be a path.

use std::collections::BTreeSet;

use crate::domain::tree::{EntryKind, TreeError, follow, land};
use crate::domain::{Tree, TreePath, Vendored};
use crate::yaml::{self, Node, Value};

use super::load::NAMES;

/// Fields whose entries are resources that may name files themselves.
const PLUGINS: [&str; 3] = ["generators", "transformers", "validators"];
/// The annotation of a plugin that says, in YAML, which program or container it is.
const FUNCTION: &str = "config.kubernetes.io/function";
/// Where charts are kept when nothing else is said.
const CHART_HOME: &str = "charts";
/// How many paths are told; a kustomization with more may read anything.
const MAX_PATHS: usize = 10_000;

/// What a directory may read by itself.
#[derive(Debug, Default)]
pub struct Mentions {
    /// Whether it holds a kustomization.
    pub has_kustomization: bool,
    /// Whether it may read anything.
    pub is_open: bool,
    /// The directories that are mentioned.
    pub directories: BTreeSet<TreePath>,
    /// The other paths, whatever stands there.
    pub others: BTreeSet<TreePath>,
}

/// The paths that the kustomization in `directory` may read, its own names included, each as written and as reached through
/// links: too many rather than too few, and not those that other kustomizations it leads to may read.
///
/// # Errors
/// When the tree cannot be read.
pub fn mentions(tree: &dyn Tree, directory: &TreePath, vendored: &[Vendored]) -> Result<Mentions, TreeError> {
    let mut search = Search { tree, directory, vendored, found: Mentions::default() };
    for name in NAMES {
        let Some(path) = directory.child(name) else { continue };
        let (file, kind) = land(tree, &path)?;
        if kind == Some(EntryKind::File) {
            search.found.has_kustomization = true;
            search.kustomization(&file)?;
        }
        search.add(path, file, kind);
    }
    Ok(search.found)
}

struct Search<'t> {
    tree: &'t dyn Tree,
    directory: &'t TreePath,
    vendored: &'t [Vendored],
    found: Mentions,
}

impl Search<'_> {
    fn kustomization(&mut self, file: &TreePath) -> Result<(), TreeError> {
        let source = self.tree.read(file)?;
        // A file that cannot be read as YAML is an error in whatever tree it stands.
        let Ok(documents) = yaml::parse(file.as_str(), &source) else { return Ok(()) };
        for (key, value) in documents.iter().filter_map(Node::as_mapping).flatten() {
            let key = key.as_str().unwrap_or_default();
            if PLUGINS.iter().any(|plugin| plugin.eq_ignore_ascii_case(key)) {
                self.plugins(value)?;
            }
            if key.to_ascii_lowercase().starts_with("helmchart") {
                self.path(CHART_HOME);
            }
            self.texts(value);
        }
        Ok(())
    }

    /// Looks into the configuration of plugins, whose paths start where the kustomization is.
    fn plugins(&mut self, entries: &Node) -> Result<(), TreeError> {
        for text in entries.as_sequence().unwrap_or_default().iter().filter_map(Node::as_str) {
            // It may be written in place.
            self.yaml(text.as_bytes());
            self.found.is_open |= Vendored::find(self.vendored, text).is_some();
            let Some(path) = self.directory.join(text) else { continue };
            match follow(self.tree, &path)? {
                Some((file, EntryKind::File)) if !self.found.is_open => {
                    let source = self.tree.read(&file)?;
                    self.yaml(&source);
                }
                Some(_) => self.found.is_open = true,
                None => {}
            }
        }
        Ok(())
    }

    fn yaml(&mut self, source: &[u8]) {
        let documents = yaml::parse("", source).unwrap_or_default();
        documents.iter().for_each(|document| self.texts(document));
    }

    fn texts(&mut self, node: &Node) {
        match &node.value {
            Value::Scalar(scalar) => {
                self.path(&scalar.text);
                // Generators take `key=path`.
                if let Some((_, path)) = scalar.text.split_once('=') {
                    self.path(path);
                }
                // Plugins are given numbers as they are printed.
                if let Some(printed) = yaml::print_resource_scalar(scalar).filter(|printed| **printed != *scalar.text) {
                    self.path(&printed);
                }
            }
            Value::Sequence(elements) => elements.iter().for_each(|element| self.texts(element)),
            Value::Mapping(entries) => {
                for (key, value) in entries {
                    if let (Some(FUNCTION), Some(text)) = (key.as_str(), value.as_str()) {
                        // A program is run in the directory, and may read whatever lies there.
                        self.found.others.insert(self.directory.clone());
                        self.yaml(text.as_bytes());
                    }
                    self.texts(value);
                }
            }
        }
    }

    fn path(&mut self, text: &str) {
        if let Some(copy) = Vendored::find(self.vendored, text) {
            self.push(copy);
        }
        if let Some(path) = self.directory.join(text).filter(|_| !text.is_empty()) {
            self.push(path);
        }
    }

    fn push(&mut self, path: TreePath) {
        if self.found.directories.len() + self.found.others.len() >= MAX_PATHS {
            self.found.is_open = true;
            return;
        }
        match land(self.tree, &path) {
            Ok((reached, kind)) => self.add(path, reached, kind),
            // A broken link is an error wherever it is followed.
            Err(_) => {
                self.found.others.insert(path);
            }
        }
    }

    /// Takes a path and where it leads, which is something else when it goes through a link.
    fn add(&mut self, path: TreePath, reached: TreePath, kind: Option<EntryKind>) {
        let Mentions { directories, others, .. } = &mut self.found;
        if path != reached {
            others.insert(path);
        }
        let found = if kind == Some(EntryKind::Directory) { directories } else { others };
        found.insert(reached);
    }
}
