//! Which overlays a change can reach, told without resolving them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::tree::{EntryKind, TreeError, land};
use crate::domain::{Difference, Environment, Tree, TreePath, Vendored};
use crate::kustomize::{has_kustomization, mentions};
use crate::{gitops, helm};

/// How deeply kustomizations are followed; beyond, anything may be reached.
const MAX_DEPTH: usize = 64;

/// Tells of overlays of one tree whether a difference can reach them: an overlay that reads nothing that differs is the same on
/// both sides. Answers are kept, as bases are shared; too many overlays are reached rather than too few.
pub struct Reach<'t> {
    tree: &'t dyn Tree,
    difference: &'t Difference,
    vendored: &'t [Vendored],
    known: Mutex<HashMap<TreePath, bool>>,
}

/// What is known of a directory.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Reached,
    Untouched,
    /// Untouched as far as it was followed: something on the way led back to where the question came from.
    Open,
}

impl<'t> Reach<'t> {
    /// Starts with nothing known of the overlays of `tree`.
    #[must_use]
    pub fn new(tree: &'t dyn Tree, difference: &'t Difference, vendored: &'t [Vendored]) -> Self {
        Self { tree, difference, vendored, known: Mutex::default() }
    }

    /// Tells whether the difference can reach `overlay`, a directory or the last values file of one of the environment's sets; so
    /// it is said of one that cannot be read.
    pub fn touches(&self, overlay: &TreePath, environment: &Environment) -> bool {
        let rendered = environment.render.as_ref().and_then(|render| render.directory(overlay));
        if self.difference.has_links() || rendered.is_some_and(|rendered| self.difference.touches(&rendered)) {
            return true;
        }
        let values = helm::reads(&environment.helm, overlay);
        if !values.is_empty() {
            let differs = |path| land(self.tree, path).map_or(true, |(reached, _)| self.difference.touches(&reached));
            return values.iter().any(differs);
        }
        self.has_overrides_that_differ(overlay)
            || self.visit(overlay, &mut Vec::new()).map_or(true, |answer| answer == Answer::Reached)
    }

    /// Argo CD's settings for a directory lie in it, and nothing in it names them.
    fn has_overrides_that_differ(&self, overlay: &TreePath) -> bool {
        let is_one = |path: &TreePath, directory: &TreePath| {
            gitops::is_overrides(path.name()) && path.parent().as_ref() == Some(directory)
        };
        land(self.tree, overlay)
            .map_or(true, |(directory, _)| self.difference.paths().any(|path| is_one(path, &directory)))
    }

    fn visit(&self, path: &TreePath, stack: &mut Vec<TreePath>) -> Result<Answer, TreeError> {
        let (directory, kind) = land(self.tree, path)?;
        if kind != Some(EntryKind::Directory) {
            return Ok(self.differs(&directory));
        }
        if let Some(is_reached) = self.lock().get(&directory) {
            return Ok(if *is_reached { Answer::Reached } else { Answer::Untouched });
        }
        if stack.contains(&directory) {
            return Ok(Answer::Open);
        }
        if stack.len() >= MAX_DEPTH {
            return Ok(Answer::Reached);
        }
        stack.push(directory.clone());
        let answer = match has_kustomization(self.tree, &directory)? {
            true => self.visit_kustomization(&directory, stack)?,
            false => self.visit_files(&directory)?,
        };
        stack.pop();
        if answer != Answer::Open || stack.is_empty() {
            self.lock().insert(directory, answer == Answer::Reached);
        }
        Ok(answer)
    }

    fn visit_kustomization(&self, directory: &TreePath, stack: &mut Vec<TreePath>) -> Result<Answer, TreeError> {
        let Some(paths) = mentions(self.tree, directory, self.vendored)? else {
            return Ok(Answer::Reached);
        };
        if paths.iter().any(|path| self.is_file_that_differs(path)) {
            return Ok(Answer::Reached);
        }
        let mut answer = Answer::Untouched;
        for path in paths.iter().filter(|path| self.is_directory(path)) {
            match self.visit(path, stack)? {
                Answer::Reached => return Ok(Answer::Reached),
                Answer::Open => answer = Answer::Open,
                Answer::Untouched => {}
            }
        }
        Ok(answer)
    }

    /// A directory without a kustomization is read whole, and so is what its links lead to.
    fn visit_files(&self, directory: &TreePath) -> Result<Answer, TreeError> {
        let mut directories = vec![directory.clone()];
        while let Some(at) = directories.pop() {
            for (name, kind) in self.tree.list(&at)? {
                let Some(path) = at.child(&name) else { continue };
                match kind {
                    EntryKind::Directory if path.components().count() < MAX_DEPTH => directories.push(path),
                    EntryKind::Symlink if self.difference.touches(&land(self.tree, &path)?.0) => {
                        return Ok(Answer::Reached);
                    }
                    _ => {}
                }
            }
        }
        Ok(self.differs(directory))
    }

    fn differs(&self, path: &TreePath) -> Answer {
        if self.difference.touches(path) { Answer::Reached } else { Answer::Untouched }
    }

    /// What is a directory now counts by what is read of it; what is none, or nothing, by its name and what comes to be below.
    fn is_file_that_differs(&self, path: &TreePath) -> bool {
        self.difference.touches(path) && !self.is_directory(path)
    }

    fn is_directory(&self, path: &TreePath) -> bool {
        matches!(self.tree.kind(path), Ok(Some(EntryKind::Directory)))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TreePath, bool>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tree::MemoryTree;

    const BASE: [(&str, &str); 8] = [
        ("base/kustomization.yaml", "resources: [d.yaml]\ncomponents: [../component]\n"),
        ("base/d.yaml", "a: 1"),
        ("component/kustomization.yaml", "patches: [{path: p.yaml}]\nconfigMapGenerator: [{files: [key=../c.txt]}]\n"),
        ("component/p.yaml", "a: 1"),
        ("o/dev/kustomization.yaml", "resources: [../../base, later]\n"),
        ("o/live/kustomization.yaml", "resources: [x.yaml]\nnamespace: a\n"),
        ("o/loose/patch-image.yaml", "a: 1"),
        ("o/back/kustomization.yaml", "resources: [../forth]\n"),
    ];

    fn environment() -> Environment {
        Environment::of_overlays("production".to_owned(), vec!["o/*".to_owned()])
    }

    /// The overlays that a file of this content reaches.
    fn reached(path: &str) -> Vec<&'static str> {
        let base = MemoryTree::of(BASE).with_link("o/loose/link.yaml", "../../shared.yaml");
        let head = MemoryTree::of(BASE.into_iter().filter(|(old, _)| *old != path).chain([(path, "changed: 1")]))
            .with_link("o/loose/link.yaml", "../../shared.yaml");
        let difference = Difference::between(&base, &head).unwrap();
        let reach = Reach::new(&base, &difference, &[]);
        let is_reached = |overlay: &&str| reach.touches(&TreePath::parse(overlay).unwrap(), &environment());
        ["o/dev", "o/live", "o/loose", "o/back"].into_iter().filter(is_reached).collect()
    }

    #[test]
    fn a_change_reaches_what_reads_it_through_any_number_of_bases() {
        assert_eq!(reached("base/d.yaml"), ["o/dev"]);
        assert_eq!(reached("component/p.yaml"), ["o/dev"]);
        assert_eq!(reached("c.txt"), ["o/dev"]);
        assert_eq!(reached("o/live/x.yaml"), ["o/live"]);
        assert_eq!(reached("o/loose/patch-image.yaml"), ["o/loose"]);
        assert_eq!(reached("o/loose/new.yaml"), ["o/loose"]);
        assert_eq!(reached("o/live/.argocd-source-app.yaml"), ["o/live"]);
        assert_eq!(reached("README.md"), [""; 0]);
    }

    #[test]
    fn what_was_looked_for_and_not_found_counts_when_it_comes() {
        assert_eq!(reached("o/dev/later/kustomization.yaml"), ["o/dev"]);
        assert_eq!(reached("base/kustomization.yml"), ["o/dev"]);
        assert_eq!(reached("o/forth/kustomization.yaml"), ["o/back"]);
        assert_eq!(reached("shared.yaml"), ["o/loose"], "through a link that led nowhere");
    }

    #[test]
    fn circles_end() {
        let files = [
            ("a/kustomization.yaml", "resources: [../b]\n"),
            ("b/kustomization.yaml", "resources: [../a, d.yaml]\n"),
            ("b/d.yaml", "1"),
        ];
        let head =
            MemoryTree::of(files.into_iter().map(|(path, text)| (path, if path == "b/d.yaml" { "2" } else { text })));
        let base = MemoryTree::of(files);
        let difference = Difference::between(&base, &head).unwrap();
        let reach = Reach::new(&base, &difference, &[]);
        assert!(
            reach.touches(&TreePath::parse("a").unwrap(), &environment())
                && reach.touches(&TreePath::parse("b").unwrap(), &environment())
        );
    }
}
