//! Which overlays a change can reach, told without resolving them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::tree::{EntryKind, TreeError, land};
use crate::domain::{Difference, Environment, Render, Tree, TreePath, Vendored};
use crate::kustomize::mentions;
use crate::{gitops, helm};

/// How many directories are looked through for one overlay; beyond, anything may be reached.
const MAX_DIRECTORIES: usize = 10_000;

/// Tells of overlays of one tree whether a difference can reach them: an overlay that reads nothing that differs is the same on
/// both sides. What a directory reads is kept, as bases are shared; too many overlays are reached rather than too few.
pub struct Reach<'t> {
    tree: &'t dyn Tree,
    difference: &'t Difference,
    vendored: &'t [Vendored],
    known: Mutex<HashMap<TreePath, Arc<Reads>>>,
}

/// What a directory reads by itself.
struct Reads {
    /// Whether something of it differs.
    differs: bool,
    /// The directories it leads to.
    directories: Vec<TreePath>,
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
        self.difference.is_everywhere() || self.is_reached(overlay, environment).unwrap_or(true)
    }

    fn is_reached(&self, overlay: &TreePath, environment: &Environment) -> Result<bool, TreeError> {
        let values = helm::reads(&environment.helm, overlay);
        if !values.is_empty() {
            return self.any_differs(&values);
        }
        if self.any_differs(&gitops::reads(self.tree, overlay)?)? || self.has_new_settings(overlay)? {
            return Ok(true);
        }
        match &environment.render {
            // What a program reads is not known.
            Some(Render::Command(_)) => return Ok(true),
            Some(render) => match render.directory(overlay) {
                Some(rendered) if self.differs_in_files(&rendered)? => return Ok(true),
                _ => {}
            },
            None => {}
        }
        self.leads_to_difference(overlay)
    }

    /// Goes through all directories that the overlay leads to.
    fn leads_to_difference(&self, overlay: &TreePath) -> Result<bool, TreeError> {
        let mut waiting = vec![overlay.clone()];
        let mut seen = HashSet::new();
        while let Some(path) = waiting.pop() {
            let (directory, _) = land(self.tree, &path)?;
            if !seen.insert(directory.clone()) {
                continue;
            }
            let reads = self.reads(&directory)?;
            if reads.differs || seen.len() > MAX_DIRECTORIES {
                return Ok(true);
            }
            waiting.extend(reads.directories.iter().cloned());
        }
        Ok(false)
    }

    fn reads(&self, directory: &TreePath) -> Result<Arc<Reads>, TreeError> {
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(directory) {
            return Ok(known.clone());
        }
        let reads = if !self.is_directory(directory)? {
            Reads { differs: self.difference.touches(directory), directories: Vec::new() }
        } else {
            let mentioned = mentions(self.tree, directory, self.vendored)?;
            let others_differ = || mentioned.others.iter().any(|path| self.difference.touches(path));
            match mentioned.has_kustomization {
                false => Reads { differs: self.differs_in_files(directory)?, directories: Vec::new() },
                true if mentioned.is_open || others_differ() => Reads { differs: true, directories: Vec::new() },
                // They count by what is read of them.
                true => Reads { differs: false, directories: mentioned.directories.into_iter().collect() },
            }
        };
        let reads = Arc::new(reads);
        lock().insert(directory.clone(), reads.clone());
        Ok(reads)
    }

    /// Tells whether a directory that is read whole differs, or what its links lead to.
    fn differs_in_files(&self, path: &TreePath) -> Result<bool, TreeError> {
        let (start, kind) = land(self.tree, path)?;
        if self.difference.touches(&start) || kind != Some(EntryKind::Directory) {
            return Ok(self.difference.touches(&start));
        }
        let (mut directories, mut count) = (vec![start], 0);
        while let Some(at) = directories.pop() {
            count += 1;
            for (name, kind) in self.tree.list(&at)? {
                let Some(path) = at.child(&name) else { continue };
                match kind {
                    EntryKind::Directory => directories.push(path),
                    EntryKind::Symlink if self.difference.touches(&land(self.tree, &path)?.0) => return Ok(true),
                    _ => {}
                }
            }
            if count > MAX_DIRECTORIES {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Argo CD's settings for a directory lie in it, and nothing in it names them.
    fn has_new_settings(&self, overlay: &TreePath) -> Result<bool, TreeError> {
        let (directory, _) = land(self.tree, overlay)?;
        let is_one = |path: &TreePath| gitops::is_overrides(path.name()) && path.parent().as_ref() == Some(&directory);
        Ok(self.difference.paths().any(is_one))
    }

    fn any_differs(&self, paths: &[TreePath]) -> Result<bool, TreeError> {
        for path in paths {
            if self.difference.touches(&land(self.tree, path)?.0) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_directory(&self, path: &TreePath) -> Result<bool, TreeError> {
        Ok(self.tree.kind(path)? == Some(EntryKind::Directory))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RemoteBase;
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

    /// Tells whether a new content of `changed` reaches `o` in these files.
    fn reaches(files: &[(&str, &str)], links: &[(&str, &str)], vendored: &[Vendored], changed: &str) -> bool {
        let with_links =
            |tree: MemoryTree| links.iter().fold(tree, |tree, (path, target)| tree.with_link(path, target));
        let base = with_links(MemoryTree::of(files.iter().copied()));
        let others = files.iter().copied().filter(|(path, _)| *path != changed);
        let head = with_links(MemoryTree::of(others.chain([(changed, "changed: 1")])));
        let difference = Difference::between(&base, &head).unwrap();
        Reach::new(&base, &difference, vendored).touches(&TreePath::parse("o").unwrap(), &environment())
    }

    #[test]
    fn every_way_to_name_a_file_is_seen() {
        let plugin =
            "transformers: ['{apiVersion: builtin, kind: PatchTransformer, metadata: {name: t}, path: p.yaml}']\n";
        for (kustomization, changed) in [
            (plugin, "o/p.yaml"),
            ("transformers: [t.yaml]\n", "o/0x10"),
            ("resources: [\"x\\n/../p.yaml\"]\n", "o/p.yaml"),
            ("helmCharts: [{name: a, valuesFile: v.yaml}]\n", "o/charts/a/values.yaml"),
            ("{\"configMapGenerator\": [{\"name\": \"a\", \"envs\": [\"a.env\"]}]}", "o/a.env"),
            ("a: &x ../p.yaml\nresources: [*x]\n", "p.yaml"),
            ("openapi: {path: .//s.json}\n", "o/s.json"),
        ] {
            let files = [("o/kustomization.yaml", kustomization), ("o/t.yaml", "path: 0x10\n"), (changed, "1")];
            assert!(reaches(&files, &[], &[], changed), "{kustomization}");
        }
    }

    #[test]
    fn a_program_may_read_whatever_lies_beside_it() {
        let generator = "apiVersion: x/v1\nkind: Gen\nmetadata:\n  name: g\n  annotations:\n    config.kubernetes.io/function: |\n      \
                         exec: {path: ../bin/gen.sh}\n";
        let files = [
            ("o/kustomization.yaml", "generators: [gen.yaml]\n"),
            ("o/gen.yaml", generator),
            ("bin/gen.sh", "1"),
            ("o/data", "1"),
        ];
        for (changed, is_reached) in [("bin/gen.sh", true), ("o/data", true), ("bin/other", false)] {
            assert_eq!(reaches(&files, &[], &[], changed), is_reached, "{changed}");
        }
    }

    #[test]
    fn links_and_copies_are_followed() {
        let vendored =
            [Vendored { base: RemoteBase::parse("github.com/o/r?ref=v1"), path: TreePath::parse("vendor/r").unwrap() }];
        let files = [
            ("o/kustomization.yaml", "resources: ['https://github.com/o/r?ref=v1']\n"),
            ("third/r/kustomization.yaml", "resources: [d.yaml]\n"),
            ("third/r/d.yaml", "1"),
            ("shared/x.yaml", "1"),
        ];
        let links = [("vendor", "third"), ("o/.argocd-source.yaml", "../shared/x.yaml")];
        assert!(reaches(&files, &links, &vendored, "third/r/d.yaml"));
        assert!(reaches(&files, &links, &vendored, "shared/x.yaml"));
        assert!(reaches(&files, &links, &vendored, "o/values.yaml"), "settings are laid over the directory's values");
        assert!(!reaches(&files, &links, &[], "third/r/d.yaml"));
    }

    #[test]
    fn kustomizations_that_all_lead_to_each_other_are_looked_through_once() {
        let all: String = (0..30).map(|at| format!("- ../d{at}\n")).collect();
        let kustomization = format!("resources:\n{all}");
        let paths: Vec<String> = (0..30).map(|at| format!("d{at}/kustomization.yaml")).collect();
        let mut files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), kustomization.as_str())).collect();
        files.push(("o/kustomization.yaml", kustomization.as_str()));
        assert!(!reaches(&files, &[], &[], "README.md"));
        assert!(reaches(&files, &[], &[], "d29/kustomization.yaml"));
    }
}
