//! Since when environments have referenced images, on the first-parent line of the base branch.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use super::evidence::gap;
use super::judge::Inputs;
use super::workspace::Workspace;
use crate::domain::{Cause, Difference, Digest, Environment, ImageRef, ImageStore, Revision, Settled, Tree};
use crate::forge::Forge;
use crate::git::FirstParents;
use crate::overlay::{self, Reach};
use crate::policy::{self, Gap, Needs, Ran, RanInNeed};
use crate::registry::Registries;

/// How many commits of the line are looked at.
const MOST_COMMITS: usize = 20_000;

/// For how many commits an environment is resolved: each may take as long as a check.
const MOST_RESOLVED: usize = 200;

/// How many references of the same repository are told where the image is not.
const MOST_NAMESAKES: usize = 3;

/// How much longer than is asked for the line is followed, for clocks that disagree.
const MARGIN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What tells a time, for people.
const BY_FORGE: &str = "the forge's time of the merge";
const BY_COMMITS: &str = "commit times in first-parent order, since no forge gives the time of the merge";

const CUT: &str = "nothing: the clone is shallow, so commit times prove nothing";

/// The images one environment references at one commit.
type References = Arc<Vec<ImageRef>>;

/// The digest evidence is about, where it was looked up or planned.
fn digest_of<'d>(settled: &'d Settled, found: Option<&'d Digest>) -> Option<&'d Digest> {
    found.or_else(|| policy::digest_of(settled))
}

/// The history of the base branch, read as far as rules ask.
pub(super) struct History<'a> {
    workspace: &'a Workspace,
    registries: &'a Registries,
    forge: Option<&'a dyn Forge>,
    now: Timestamp,
    /// The base branch, by its short name.
    branch: Option<&'a str>,
    line: Mutex<Option<Result<Arc<FirstParents>, Gap>>>,
    /// Which images an environment references at a commit of the line, by its index.
    references: Mutex<HashMap<(String, usize), References>>,
    merges: Mutex<HashMap<String, Option<Timestamp>>>,
}

impl<'a> History<'a> {
    pub(super) fn new(workspace: &'a Workspace, registries: &'a Registries, inputs: &'a Inputs<'_>) -> Self {
        let (forge, branch, now) = (inputs.forge.as_deref(), inputs.branch.as_deref(), inputs.scope.now);
        let (line, references, merges) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { workspace, registries, forge, now, branch, line, references, merges }
    }

    /// Adds since when the environments that are asked about reference an image.
    pub(super) async fn add(
        &self,
        settled: &Settled,
        needs: &Needs,
        digest: Option<&Digest>,
        ran_in: &mut BTreeMap<String, Result<Ran, Gap>>,
    ) {
        for need in &needs.ran_in {
            let ran = match self.ran(settled, need, digest) {
                Ok((ran, Some(tagged))) => {
                    match self.is_still(&tagged, &need.environment, digest_of(settled, digest)).await {
                        Ok(true) => Ok(self.timed(ran).await),
                        Ok(false) => Ok(Ran::Another { image: tagged.to_string() }),
                        Err(gap) => Err(gap),
                    }
                }
                Ok((ran, None)) => Ok(self.timed(ran).await),
                Err(gap) => Err(gap),
            };
            ran_in.insert(need.environment.clone(), ran);
        }
    }

    /// Takes the forge's time of the merge, where it gives one.
    async fn timed(&self, ran: Ran) -> Ran {
        let Ran::Since { commit, at, clock, or_longer } = ran else { return ran };
        match self.merged_at(&commit).await {
            Some(merged) => Ran::Since { commit, at: Some(merged), clock: BY_FORGE.to_owned(), or_longer },
            None => Ran::Since { commit, at, clock, or_longer },
        }
    }

    /// Tells whether a tag by which the other environment references an image is, in its registry, the image that is judged: a
    /// tag alone says nothing of which image ran.
    async fn is_still(&self, tagged: &ImageRef, environment: &str, digest: Option<&Digest>) -> Result<bool, Gap> {
        let Some(digest) = digest else { return Ok(true) };
        let all = &self.workspace.config.environments;
        let store = all.iter().find(|one| one.name == environment).and_then(|one| one.registry.as_ref());
        let place = store.and_then(|store| store.place(tagged)).unwrap_or_else(|| tagged.clone());
        match self.registries.resolve(&place).await {
            Ok(found) => Ok(found.as_ref() == Some(digest)),
            Err(error) => Err(gap(&error)),
        }
    }

    async fn merged_at(&self, commit: &str) -> Option<Timestamp> {
        if let Some(known) = locked(&self.merges).get(commit) {
            return *known;
        }
        let merged = match self.forge?.merged_at(commit, self.branch?).await {
            Ok(merged) => merged.and_then(|text| text.parse().ok()),
            Err(error) => {
                tracing::debug!(%commit, %error, "the forge gives no time of the merge");
                None
            }
        };
        locked(&self.merges).insert(commit.to_owned(), merged);
        merged
    }

    /// Finds since when an environment references an image; with the reference, where it is by a tag alone.
    fn ran(
        &self,
        settled: &Settled,
        need: &RanInNeed,
        digest: Option<&Digest>,
    ) -> Result<(Ran, Option<ImageRef>), Gap> {
        let name = need.environment.as_str();
        let all = &self.workspace.config.environments;
        let environment = all.iter().find(|environment| environment.name == name).ok_or_else(|| Gap {
            reason: format!("there is no environment {name}"),
            hint: "name an environment of promote-bot.yaml in `ran_in`".to_owned(),
            cause: Cause::Change,
        })?;
        let digest = digest_of(settled, digest);
        let wanted = Sought::new(settled, environment, all, digest);
        let line = self.line()?;
        let (mut since, mut tagged) = (None, None);
        let enough = self.now.checked_sub(need.at_least + MARGIN).map_or(i64::MIN, Timestamp::as_second);
        let (mut resolved, mut is_longer) = (0, false);
        for index in 0..line.commits.len() {
            let references = self.references(environment, &line, index, &mut resolved)?;
            let Some(found) = references.iter().find(|image| wanted.is(image)) else { break };
            match (index, found.digest()) {
                (0, None) => tagged = Some(found.clone()),
                // What a tag named before the digest was written nobody knows.
                (_, None) if tagged.is_none() => break,
                _ => {}
            }
            since = Some(index);
            // Long enough by far, or too much work: what is further back makes it only older.
            is_longer = line.commits[index].committed < enough || resolved > MOST_RESOLVED;
            if is_longer {
                break;
            }
        }
        let Some(since) = since else {
            let now = match line.commits.is_empty() {
                true => References::default(),
                false => self.references(environment, &line, 0, &mut resolved)?,
            };
            let namesakes: BTreeSet<String> =
                now.iter().filter(|image| wanted.is_namesake(image)).map(ToString::to_string).collect();
            return Ok((Ran::Never { instead: namesakes.into_iter().take(MOST_NAMESAKES).collect() }, None));
        };
        let commit = &line.commits[since];
        // What lies beyond a shallow clone could show that a time was forged.
        let at = if line.is_cut { None } else { Timestamp::from_second(commit.committed).ok() };
        let clock = if line.is_cut { CUT } else { BY_COMMITS };
        let ran = Ran::Since { commit: commit.id.clone(), at, clock: clock.to_owned(), or_longer: is_longer };
        Ok((ran, tagged))
    }

    /// Reads the line once.
    fn line(&self) -> Result<Arc<FirstParents>, Gap> {
        let mut line = locked(&self.line);
        let read = || match &self.workspace.range.target {
            Revision::Commit(tip) => match self.workspace.repository.first_parents(tip, MOST_COMMITS) {
                Ok(line) => Ok(Arc::new(line)),
                Err(error) => Err(Gap {
                    reason: error.to_string(),
                    hint: "fetch the history of the base branch".to_owned(),
                    cause: Cause::Circumstance,
                }),
            },
            _ => Err(Gap {
                reason: "there is no base branch to look at".to_owned(),
                hint: "compare with a commit of the base branch: --base REV".to_owned(),
                cause: Cause::Change,
            }),
        };
        line.get_or_insert_with(read).clone()
    }

    /// Returns the images an environment references at a commit of the line. Where nothing it reads differs from the commit after,
    /// they are the same.
    fn references(
        &self,
        environment: &Environment,
        line: &FirstParents,
        index: usize,
        resolved: &mut usize,
    ) -> Result<References, Gap> {
        let key = (environment.name.clone(), index);
        if let Some(known) = locked(&self.references).get(&key) {
            return Ok(known.clone());
        }
        let newer = index
            .checked_sub(1)
            .and_then(|newer| locked(&self.references).get(&(environment.name.clone(), newer)).cloned());
        let tree = self.tree(&line.commits[index].id)?;
        let images = match newer {
            Some(newer) if !self.differs(environment, tree.as_ref(), &line.commits[index - 1].id)? => newer,
            _ => {
                *resolved += 1;
                Arc::new(references(tree.as_ref(), environment)?)
            }
        };
        locked(&self.references).insert(key, images.clone());
        Ok(images)
    }

    fn differs(&self, environment: &Environment, older: &dyn Tree, newer: &str) -> Result<bool, Gap> {
        let newer = self.tree(newer)?;
        let difference = Difference::between(older, newer.as_ref()).map_err(unreadable)?;
        let (before, after) = (
            overlay::find_all(older, environment).map_err(unreadable)?,
            overlay::find_all(newer.as_ref(), environment).map_err(unreadable)?,
        );
        let reach = Reach::new(older, &difference, &environment.vendored);
        Ok(before != after || before.iter().any(|overlay| reach.touches(overlay, environment)))
    }

    fn tree(&self, commit: &str) -> Result<Arc<dyn Tree>, Gap> {
        self.workspace.repository.tree(&Revision::Commit(commit.to_owned())).map_err(unreadable)
    }
}

fn unreadable(error: impl std::fmt::Display) -> Gap {
    Gap {
        reason: error.to_string(),
        hint: "fetch the whole history of the base branch".to_owned(),
        cause: Cause::Circumstance,
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The images an environment references. Programs that render are not run for what is past.
fn references(tree: &dyn Tree, environment: &Environment) -> Result<Vec<ImageRef>, Gap> {
    let uses = overlay::uses(tree, environment, None).map_err(unreadable)?;
    Ok(uses.sites.iter().filter_map(|site| site.image_use.image.parse().ok()).collect())
}

/// An image as another environment would reference it.
struct Sought {
    /// Its names there; the same image may be written in more than one way.
    names: Vec<ImageRef>,
    digest: Option<Digest>,
}

impl Sought {
    fn new(settled: &Settled, there: &Environment, all: &[Environment], digest: Option<&Digest>) -> Self {
        let candidate = settled.candidate();
        let here = all.iter().find(|environment| environment.name == candidate.environment);
        let mut names = vec![candidate.to.clone()];
        // Along the chain of sources, where names differ by rules of their own.
        let (mut at, mut image) = (here, Some(candidate.to.clone()));
        for _ in 0..all.len() {
            let (Some(environment), Some(name)) = (at, image) else { break };
            let source = environment.from.as_ref().and_then(|from| all.iter().find(|other| other.name == *from));
            let rewritten = environment.rewrites.iter().find_map(|rewrite| rewrite.source_of(&name));
            let own = environment.registry.as_ref();
            image = rewritten.or_else(|| own?.source(&name, source.and_then(|source| source.registry.as_ref())));
            at = source;
            if let (Some(source), Some(image)) = (at, &image)
                && source.name == there.name
            {
                names.push(image.clone());
            }
        }
        let prefixed = here
            .and_then(|here| here.registry.as_ref())
            .and_then(|own: &ImageStore| own.source(&candidate.to, there.registry.as_ref()));
        names.extend(prefixed);
        Self { names, digest: digest.cloned() }
    }

    /// Tells whether a reference is of the same repository.
    fn is_namesake(&self, image: &ImageRef) -> bool {
        self.names.iter().any(|name| name.locator() == image.locator())
    }

    /// Tells whether a reference is it: its repository, and the same digest where one is written, else the same tag.
    fn is(&self, image: &ImageRef) -> bool {
        self.names.iter().any(|name| {
            name.locator() == image.locator()
                && match (image.digest(), &self.digest) {
                    (Some(written), Some(digest)) => written == digest,
                    (Some(_), None) => false,
                    (None, _) => name.effective_tag().is_some() && image.effective_tag() == name.effective_tag(),
                }
        })
    }
}
