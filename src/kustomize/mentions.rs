//! What a kustomization may read, told without building it: every text in it that could be a path.

use crate::domain::tree::{EntryKind, TreeError, follow, land};
use crate::domain::{Tree, TreePath, Vendored};
use crate::yaml::{self, Node, Value};

use super::load::NAMES;

/// Fields whose entries are resources that may name files themselves.
const PLUGINS: [&str; 3] = ["generators", "transformers", "validators"];
/// Where charts are kept when nothing else is said.
const CHART_HOME: &str = "charts";

/// The paths that the kustomization in `directory` may read, its own names included: too many rather than too few, and not
/// those that other kustomizations it leads to may read. `None` when that cannot be told.
///
/// # Errors
/// When the tree cannot be read.
pub fn mentions(
    tree: &dyn Tree,
    directory: &TreePath,
    vendored: &[Vendored],
) -> Result<Option<Vec<TreePath>>, TreeError> {
    let mut found = Found { tree, directory, vendored, paths: Vec::new(), is_open: false };
    for name in NAMES {
        let Some(path) = directory.child(name) else { continue };
        if let Some((file, EntryKind::File)) = follow(tree, &path)? {
            found.kustomization(&file)?;
            found.paths.push(file);
        }
        found.paths.push(path);
    }
    Ok((!found.is_open).then_some(found.paths))
}

struct Found<'t> {
    tree: &'t dyn Tree,
    directory: &'t TreePath,
    vendored: &'t [Vendored],
    paths: Vec<TreePath>,
    is_open: bool,
}

impl Found<'_> {
    fn kustomization(&mut self, file: &TreePath) -> Result<(), TreeError> {
        let source = self.tree.read(file)?;
        // A file that cannot be read as YAML is an error in whatever tree it stands.
        let Ok(documents) = yaml::parse(file.as_str(), &source) else { return Ok(()) };
        let entries = documents.iter().filter_map(Node::as_mapping).flatten();
        for (key, value) in entries {
            let key = key.as_str().unwrap_or_default();
            if PLUGINS.iter().any(|plugin| plugin.eq_ignore_ascii_case(key)) {
                self.plugins(value)?;
            }
            if key.to_ascii_lowercase().starts_with("helmchart") {
                self.path(CHART_HOME)?;
            }
            self.texts(value)?;
        }
        Ok(())
    }

    /// Looks into the configuration of plugins, whose paths start where the kustomization is.
    fn plugins(&mut self, entries: &Node) -> Result<(), TreeError> {
        for text in entries.as_sequence().unwrap_or_default().iter().filter_map(Node::as_str) {
            if text.contains('\n') {
                self.yaml(text.as_bytes())?;
                continue;
            }
            let Some(path) = self.directory.join(text) else { continue };
            match follow(self.tree, &path)? {
                Some((file, EntryKind::File)) => {
                    let source = self.tree.read(&file)?;
                    self.yaml(&source)?;
                }
                Some(_) => self.is_open = true,
                None => {}
            }
        }
        Ok(())
    }

    fn yaml(&mut self, source: &[u8]) -> Result<(), TreeError> {
        let documents = yaml::parse("", source).unwrap_or_default();
        documents.iter().try_for_each(|document| self.texts(document))
    }

    fn texts(&mut self, node: &Node) -> Result<(), TreeError> {
        match &node.value {
            Value::Scalar(scalar) => {
                self.path(&scalar.text)?;
                // Generators take `key=path`.
                scalar.text.split_once('=').map_or(Ok(()), |(_, path)| self.path(path))
            }
            Value::Sequence(elements) => elements.iter().try_for_each(|element| self.texts(element)),
            Value::Mapping(entries) => entries.iter().try_for_each(|(_, value)| self.texts(value)),
        }
    }

    fn path(&mut self, text: &str) -> Result<(), TreeError> {
        if text.is_empty() || text.contains('\n') {
            return Ok(());
        }
        self.paths.extend(Vendored::find(self.vendored, text));
        let Some(path) = self.directory.join(text) else { return Ok(()) };
        // A broken link is an error wherever it is followed.
        if let Ok((reached, _)) = land(self.tree, &path)
            && reached != path
        {
            self.paths.push(reached);
        }
        self.paths.push(path);
        Ok(())
    }
}
