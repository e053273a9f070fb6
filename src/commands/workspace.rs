//! The repository at hand: the range to compare, and the configuration it is judged by.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::error::Error;
use super::policies;
use crate::config::{self, Config};
use crate::domain::tree::{EntryKind, TreeError, follow};
use crate::domain::{ConfigUsed, Environment, Range, Revision, Tree, TreePath};
use crate::git::{RangeRequest, Repository};
use crate::overlay;
use crate::render::Checkout;
use crate::yaml::Fault;

/// Which side's configuration judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigFrom {
    /// The base revision: a change cannot loosen the rules it is judged by.
    Base,
    /// The head revision.
    Head,
    /// The files on disk.
    Worktree,
}

/// Where to look and what to compare.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The directory of `-C`.
    pub directory: PathBuf,
    /// The path of `-c`, from that directory.
    pub config: Option<String>,
    /// `--config-from`.
    pub config_from: Option<ConfigFrom>,
    /// Whether this runs in CI.
    pub in_ci: bool,
    /// The environments of `-e`; all when empty.
    pub environments: Vec<String>,
    /// What to compare.
    pub range: RangeRequest,
    /// When this happens.
    pub now: Timestamp,
    /// Whether that is another time than now.
    pub is_time_assumed: bool,
    /// The revision the policies come from, where it is not the configuration's.
    pub policy_from: Option<String>,
}

/// An opened repository with its range and its configuration.
pub(super) struct Workspace {
    pub(super) range: Range,
    pub(super) base: Arc<dyn Tree>,
    pub(super) head: Arc<dyn Tree>,
    /// The tree that configuration and policies come from.
    pub(super) rules: Arc<dyn Tree>,
    pub(super) config: Config,
    pub(super) config_used: ConfigUsed,
    pub(super) notes: Vec<String>,
    /// Whether in a CI the change is judged by rules of its own, since there are none before it: then nothing of it is run.
    pub(super) judges_itself: bool,
    pub(super) repository: Repository,
    /// The root of the work tree.
    root: Option<PathBuf>,
    directory: PathBuf,
}

impl Workspace {
    pub(super) fn open(scope: &Scope) -> Result<Self, Error> {
        let repository = Repository::open(&scope.directory)?;
        let range = repository.range(&scope.range)?;
        let (base, head) = (repository.tree(&range.base)?, repository.tree(&range.head)?);
        let path = config_path(&repository, scope)?;
        let mut notes = Vec::new();
        let mut revision = config_revision(scope, &range, repository.root().is_none());
        let mut rules = match &revision {
            revision if *revision == range.head => head.clone(),
            revision if *revision == range.base => base.clone(),
            revision => repository.tree(revision)?,
        };
        let mut text = read_optional(rules.as_ref(), &path)?;
        // The default branch, whose rules count for what is pushed elsewhere, may have none where the other has.
        if text.is_none() && revision == range.target && scope.config_from.is_none() && range.base != revision {
            (revision, rules) = (range.base.clone(), base.clone());
            text = read_optional(rules.as_ref(), &path)?;
        }
        if text.is_none() && scope.in_ci && scope.config_from.is_none() && revision != range.head {
            (revision, rules) = (range.head.clone(), head.clone());
            text = read_optional(rules.as_ref(), &path)?;
            if text.is_some() {
                notes.push(format!("{path} is not at the base yet: this change brings it, and is judged by it"));
            }
        }
        let (config, used) = match text {
            Some(text) => (read_config(&path, &text, &revision)?, Some(path.to_string())),
            None if scope.config.is_some() => return Err(no_config(&path, &revision)),
            None => (Config { environments: environments_by_layout(head.as_ref())?, ..Config::default() }, None),
        };
        let config_used = ConfigUsed { path: used, revision };
        if scope.in_ci && scope.config_from.is_none() && range.target == Revision::Empty {
            notes.push("there is no base to take the rules from: the change is judged by its own".to_owned());
        }
        let root = repository.root().map(Path::to_owned);
        let directory = scope.directory.clone();
        let judges_itself = scope.in_ci
            && scope.config_from.is_none()
            && config_used.revision == range.head
            && range.target != range.head;
        let names_secrets = config.registries.values().any(|one| one.username.is_some() || one.password.is_some());
        if judges_itself && names_secrets {
            notes.push("the credentials that the new configuration names are looked up once it is merged".to_owned());
        }
        let mut workspace =
            Self { range, base, head, rules, config, config_used, notes, judges_itself, repository, root, directory };
        workspace.note_changed_rules(&path, scope)?;
        Ok(workspace)
    }

    /// Where directories beside the repository's files begin: its root; of a bare one, the directory of `-C`.
    pub(super) fn root(&self) -> &Path {
        self.root.as_deref().unwrap_or(&self.directory)
    }

    /// Reads what a person names as a revision: `base`, `head`, `worktree`, `index`, or a commit.
    pub(super) fn revision(&self, name: &str) -> Result<Revision, Error> {
        Ok(match name {
            "base" => self.range.target.clone(),
            "head" => self.range.head.clone(),
            "worktree" => Revision::Worktree,
            "index" => Revision::Index,
            commit => self.repository.commit(commit)?.into(),
        })
    }

    /// The files of one side for programs that render; those of the work tree lie on disk.
    pub(super) fn checkout<'t>(&self, tree: &'t dyn Tree, revision: &Revision) -> Checkout<'t> {
        Checkout::new(tree, self.root.as_deref().filter(|_| *revision == Revision::Worktree))
    }

    /// Says when the change touches the rules: which version judges it, and whether a new configuration can be read.
    fn note_changed_rules(&mut self, path: &TreePath, scope: &Scope) -> Result<(), Error> {
        let (before, after) = (read_optional(self.base.as_ref(), path)?, read_optional(self.head.as_ref(), path)?);
        let mut edited = policies::edited(self.base.as_ref(), self.head.as_ref(), &self.config.environments)?;
        if before != after {
            edited.insert(0, path.clone());
        }
        // What the base does not have yet is brought by this change, and said to be.
        if before.is_none() || edited.is_empty() {
            return Ok(());
        }
        let judged_by = self.config_used.revision.short().to_owned();
        let effect = match self.config_used.revision == self.range.target {
            _ if scope.policy_from.is_some() => "as CI judges it, the version at its base counts".to_owned(),
            true => format!("it is judged by the version at {judged_by}; the new one takes effect after the merge"),
            false => format!("it is judged by the version at {judged_by}; CI judges it by the version at its base"),
        };
        let names: Vec<String> = edited.iter().map(ToString::to_string).collect();
        self.notes.push(format!("this change edits {}: {effect}", names.join(", ")));
        if self.config_used.revision != self.range.head {
            self.notes.extend(self.what_follows(path, scope.now)?);
        }
        Ok(())
    }
}

impl Workspace {
    /// Says what would keep everything from being judged once the change is merged, and what nobody would judge any more.
    fn what_follows(&self, path: &TreePath, now: Timestamp) -> Result<Vec<String>, Error> {
        let head = self.head.as_ref();
        let Some(text) = read_optional(head, path)? else {
            return Ok(vec![format!("after the merge there is no {path}, and nothing is judged")]);
        };
        let told = |fault: Fault| format!("{}:{}:{}: {}", fault.file, fault.line, fault.column, fault.message);
        let read = read_config(path, &text, &self.range.head);
        let loaded = read.and_then(|config| {
            policies::load(head, &self.range.head, &config.environments, now).map(|_| config.environments)
        });
        let wrong = match loaded {
            Ok(environments) => return Ok(self.unjudged(&environments)),
            Err(Error::Faults { faults, .. }) => faults.into_iter().map(told).collect(),
            Err(Error::Usage { message, .. }) => vec![message],
            Err(error) => return Err(error),
        };
        let follows = |why: String| format!("after the merge every run would end with exit code 2: {why}");
        Ok(wrong.into_iter().map(follows).collect())
    }

    /// The environments that have policies now, and none in `after`.
    fn unjudged(&self, after: &[Environment]) -> Vec<String> {
        let is_judged = |one: &&Environment| !one.policies.is_empty();
        let stays = |name: &str| after.iter().filter(is_judged).any(|environment| environment.name == name);
        let gone = self.config.environments.iter().filter(is_judged).filter(|environment| !stays(&environment.name));
        gone.map(|environment| format!("after the merge no policy judges {}", environment.name)).collect()
    }
}

/// One revision alone, with the environments of the configuration that stands in it, else those its layout shows.
pub(super) struct Snapshot {
    pub(super) repository: Repository,
    pub(super) tree: Arc<dyn Tree>,
    pub(super) environments: Vec<Environment>,
    pub(super) revision: Revision,
    /// Whether the environments are those of a configuration.
    pub(super) has_config: bool,
    is_work_tree: bool,
}

impl Snapshot {
    /// The files for programs that render.
    pub(super) fn checkout(&self) -> Checkout<'_> {
        Checkout::new(self.tree.as_ref(), self.repository.root().filter(|_| self.is_work_tree))
    }

    /// Names from the root what a person names from the directory of -C.
    pub(super) fn path_from_root(&self, path: &str) -> String {
        match path.starts_with("builtin:") {
            true => path.to_owned(),
            false => self.repository.prefix().join(path).map_or_else(|| path.to_owned(), |path| path.to_string()),
        }
    }

    /// Opens `revision`; the work tree, or HEAD in a bare repository, when none is given.
    pub(super) fn open(scope: &Scope, revision: Option<&str>) -> Result<Self, Error> {
        let repository = Repository::open(&scope.directory)?;
        let revision = match revision {
            None if repository.root().is_some() => Revision::Worktree,
            None => repository.commit("HEAD")?.into(),
            Some("worktree") => Revision::Worktree,
            Some("index") => Revision::Index,
            Some(text) => repository.commit(text)?.into(),
        };
        let tree = repository.tree(&revision)?;
        let path = config_path(&repository, scope)?;
        let text = read_optional(tree.as_ref(), &path)?;
        let has_config = text.is_some();
        let environments = match text {
            Some(text) => read_config(&path, &text, &revision)?.environments,
            None if scope.config.is_some() => return Err(no_config(&path, &revision)),
            None => environments_by_layout(tree.as_ref())?,
        };
        let is_work_tree = revision == Revision::Worktree;
        Ok(Self { repository, tree, environments, revision, has_config, is_work_tree })
    }
}

/// The configuration's path from the root; an absolute one is taken when it lies in the work tree.
fn config_path(repository: &Repository, scope: &Scope) -> Result<TreePath, Error> {
    let Some(given) = &scope.config else {
        return Ok(TreePath::root().join(config::DEFAULT_PATH).unwrap_or_default());
    };
    let below_root = repository.root().and_then(|root| Path::new(given).strip_prefix(root).ok());
    let path = match below_root {
        Some(below) => TreePath::parse(&below.to_string_lossy()),
        None => repository.prefix().join(given),
    };
    let hint = "name the configuration relative to the directory of -C";
    path.ok_or_else(|| Error::usage(format!("{given} is not inside the repository"), hint))
}

fn config_revision(scope: &Scope, range: &Range, is_bare: bool) -> Revision {
    match scope.config_from {
        Some(ConfigFrom::Base) => range.target.clone(),
        Some(ConfigFrom::Head) => range.head.clone(),
        Some(ConfigFrom::Worktree) => Revision::Worktree,
        None if scope.in_ci && range.target != Revision::Empty => range.target.clone(),
        None if scope.in_ci || is_bare => range.head.clone(),
        None => Revision::Worktree,
    }
}

fn read_config(path: &TreePath, text: &[u8], revision: &Revision) -> Result<Config, Error> {
    let faulty = |faults| Error::Faults { what: path.to_string(), faults, revision: revision.clone() };
    config::read(path.as_str(), text).map_err(faulty)
}

/// Says that the configuration that was asked for is not there.
fn no_config(path: &TreePath, revision: &Revision) -> Error {
    let message = format!("there is no {path} at {}", revision.short());
    Error::usage(message, "check the path of --config, or write the file with: promote-bot init")
}

/// Reads a file that may be absent.
pub(super) fn read_optional(tree: &dyn Tree, path: &TreePath) -> Result<Option<Arc<[u8]>>, TreeError> {
    match follow(tree, path)? {
        Some((path, EntryKind::File)) => tree.read(&path).map(Some),
        _ => Ok(None),
    }
}

/// Takes `…/overlays/<environment>` directories as environments, which serves for reading.
fn environments_by_layout(tree: &dyn Tree) -> Result<Vec<Environment>, TreeError> {
    let environment = |(name, paths): (String, Vec<TreePath>)| {
        Environment::of_overlays(name, paths.iter().map(ToString::to_string).collect())
    };
    Ok(overlay::layout(tree)?.into_iter().map(environment).collect())
}
