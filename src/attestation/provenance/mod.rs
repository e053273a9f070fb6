//! Where an image was built from: SLSA provenance v1 and v0.2.
//!
//! # Which repositories count
//!
//! A predicate tells of the build's source in several places, and they need not agree. All that count are reported
//! ([`Provenance::sources`]), so that a rule can ask the same of each:
//!
//! 1. What the builder was told to build ([`Standing::Named`]): v1 `externalParameters.workflow` (GitHub),
//!    `.source` (GitLab, slsa-github-generator), `.configSource` (BuildKit), `.buildConfigSource` and
//!    `.sourceToBuild` (Google Cloud Build, Tekton); v0.2 `invocation.configSource`.
//! 2. For Tekton Chains, which writes the source nowhere else: v1 the dependencies named `inputs/result`; v0.2,
//!    without a `configSource`, every Git repository among the materials. These are results of the build's own tasks,
//!    and as good as those who may write tasks.
//! 3. The dependencies or materials that are the same repository as one of those: they may name another reference or
//!    commit.
//! 4. When none is, the predicate contradicts itself: then every Git repository among the dependencies counts, so
//!    that no rule finds them agreeing.
//!
//! Other dependencies (actions, base images, what a Dockerfile fetches) do not count. When the builder names no
//! source at all, nothing does: a build from a local directory can fetch any repository it likes. For the same reason
//! a dependency never lends its reference to a source that states none. Not read, since whoever starts a build sets
//! them: CI variables, BuildKit's `vcs` hints, environments.

use std::collections::HashSet;

use serde_json::Value;

use super::fields::{Object, wrong};
use super::repository::{canonical_repository, split_locator};
use super::unreadable::Unreadable;

/// Where and by whom an image was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// `builder.id`, as given.
    pub builder: Option<String>,
    /// `buildType`, as given.
    pub build_type: String,
    /// What it was built from, as each place of the predicate says; empty when none does.
    pub sources: Vec<Source>,
}

/// What one place of a predicate says of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The place, as in `externalParameters.workflow`.
    pub place: &'static str,
    /// Who says so.
    pub standing: Standing,
    /// The repository, in the form of [`canonical_repository`].
    pub repository: String,
    /// The reference, exactly as given: `refs/heads/main`, `main`, or anything else. A commit's id is not a reference.
    pub reference: Option<String>,
    /// The commit's id.
    pub commit: Option<String>,
}

/// On what standing a source is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The builder says that it built this.
    Named,
    /// It is among what the build used, and has to agree with what the builder says.
    Used,
}

impl Provenance {
    /// The repositories, each once. A rule allows all of them or denies; none is no claim.
    #[must_use]
    pub fn repositories(&self) -> Vec<&str> {
        distinct(self.sources.iter().map(|source| source.repository.as_str()))
    }

    /// The references, each once. A rule allows all of them or denies; none is no claim.
    ///
    /// None either when a source on the standing [`Standing::Named`] states no reference: what another states says
    /// nothing of it.
    #[must_use]
    pub fn references(&self) -> Vec<&str> {
        let unstated = |source: &Source| source.standing == Standing::Named && source.reference.is_none();
        if self.sources.iter().any(unstated) {
            return Vec::new();
        }
        distinct(self.sources.iter().filter_map(|source| source.reference.as_deref()))
    }

    /// The commits' ids, each once.
    #[must_use]
    pub fn commits(&self) -> Vec<&str> {
        distinct(self.sources.iter().filter_map(|source| source.commit.as_deref()))
    }
}

fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    texts.filter(|text| seen.insert(*text)).collect()
}

/// Reads a predicate of `https://slsa.dev/provenance/v1`.
pub(super) fn read_v1(predicate: &Value) -> Result<Provenance, Unreadable> {
    let predicate = Object::of(predicate, "")?;
    let missing = |key: &str| Unreadable::Missing(key.to_owned());
    let definition =
        predicate.object("buildDefinition", "buildDefinition")?.ok_or_else(|| missing("buildDefinition"))?;
    let run = predicate.object("runDetails", "runDetails")?;
    let builder = run.map(|run| run.object("builder", "runDetails.builder")).transpose()?.flatten();
    let build_type = definition.required("buildType")?;
    let mut named = match definition.object("externalParameters", "externalParameters")? {
        Some(parameters) => external_sources(&parameters)?,
        None => Vec::new(),
    };
    let used = dependencies(&definition, "resolvedDependencies")?;
    if is_tekton(build_type) {
        for dependency in used.iter().filter(|dependency| dependency.name == Some("inputs/result")) {
            named.push(dependency.source(Standing::Named)?);
        }
    }
    Ok(Provenance { builder: id_of(builder)?, build_type: build_type.to_owned(), sources: with_used(named, &used)? })
}

/// Reads a predicate of `https://slsa.dev/provenance/v0.2`.
pub(super) fn read_v02(predicate: &Value) -> Result<Provenance, Unreadable> {
    let predicate = Object::of(predicate, "")?;
    let build_type = predicate.required("buildType")?;
    let invocation = predicate.object("invocation", "invocation")?;
    let place = "invocation.configSource";
    let config = invocation.map(|invocation| invocation.object("configSource", place)).transpose()?.flatten();
    let mut named: Vec<Source> =
        config.map(|config| located(&config, place)).transpose()?.flatten().into_iter().collect();
    let used = dependencies(&predicate, "materials")?;
    if named.is_empty() && is_tekton(build_type) {
        for dependency in &used {
            named.push(dependency.source(Standing::Named)?);
        }
    }
    Ok(Provenance {
        builder: id_of(predicate.object("builder", "builder")?)?,
        build_type: build_type.to_owned(),
        sources: with_used(named, &used)?,
    })
}

fn id_of(builder: Option<Object<'_>>) -> Result<Option<String>, Unreadable> {
    Ok(builder.map(|builder| builder.filled("id")).transpose()?.flatten().map(str::to_owned))
}

fn is_tekton(build_type: &str) -> bool {
    let prefixes = ["tekton.dev/", "https://tekton.dev/", "https://chains.tekton.dev/"];
    prefixes.iter().any(|prefix| build_type.starts_with(prefix))
}

fn external_sources(parameters: &Object<'_>) -> Result<Vec<Source>, Unreadable> {
    let mut sources = Vec::new();
    for (key, place) in [
        ("workflow", "externalParameters.workflow"),
        ("buildConfigSource", "externalParameters.buildConfigSource"),
        ("sourceToBuild", "externalParameters.sourceToBuild"),
    ] {
        if let Some(parameter) = parameters.object(key, place)? {
            sources.extend(parted(&parameter, place)?);
        }
    }
    if let Some(parameter) = parameters.object("configSource", "externalParameters.configSource")? {
        sources.extend(located(&parameter, "externalParameters.configSource")?);
    }
    let place = "externalParameters.source";
    match parameters.value("source") {
        None => {}
        Some(Value::String(uri)) => sources.push(source(place, Standing::Named, uri, None)?),
        Some(value @ Value::Object(_)) => sources.extend(located(&Object::of(value, place)?, place)?),
        Some(other) => return Err(wrong(place.to_owned(), "a text or an object", other)),
    }
    Ok(sources)
}

/// A source as `repository` and `ref`.
fn parted(parameter: &Object<'_>, place: &'static str) -> Result<Option<Source>, Unreadable> {
    let (repository, reference) = (parameter.filled("repository")?, parameter.filled("ref")?);
    if repository.is_none() && reference.is_none() {
        return Ok(None);
    }
    let repository = canonical_repository(parameter.required("repository")?)?;
    Ok(Some(with_reference(place, Standing::Named, repository, reference, None)))
}

/// A source as `uri` and `digest`; none without a `uri`, as BuildKit has it for a local directory.
fn located(parameter: &Object<'_>, place: &'static str) -> Result<Option<Source>, Unreadable> {
    let commit = commit_of(parameter)?;
    parameter.filled("uri")?.map(|uri| source(place, Standing::Named, uri, commit)).transpose()
}

fn source(place: &'static str, standing: Standing, uri: &str, commit: Option<&str>) -> Result<Source, Unreadable> {
    let (repository, reference) = split_locator(uri)?;
    Ok(with_reference(place, standing, repository, reference, commit))
}

/// Builders write a commit where a reference could stand: `1f2e…`, or Tekton's `sha1:1f2e…`.
fn with_reference(
    place: &'static str,
    standing: Standing,
    repository: String,
    reference: Option<&str>,
    commit: Option<&str>,
) -> Source {
    let is_commit = |text: &&str| matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
    let written = reference.map(|text| text.strip_prefix("sha1:").unwrap_or(text)).filter(is_commit);
    Source {
        place,
        standing,
        repository,
        reference: reference.filter(|_| written.is_none()).map(str::to_owned),
        commit: commit.or(written).map(str::to_owned),
    }
}

/// The commit's id in a descriptor's `digest`: `gitCommit`, or `sha1` as v0.2 has it.
fn commit_of<'a>(descriptor: &Object<'a>) -> Result<Option<&'a str>, Unreadable> {
    let Some(digest) = descriptor.object("digest", "digest")? else {
        return Ok(None);
    };
    Ok(digest.filled("gitCommit")?.or(digest.filled("sha1")?))
}

/// A Git repository among what the build used.
struct Dependency<'a> {
    place: &'static str,
    name: Option<&'a str>,
    uri: &'a str,
    commit: Option<&'a str>,
}

impl Dependency<'_> {
    fn source(&self, standing: Standing) -> Result<Source, Unreadable> {
        source(self.place, standing, self.uri, self.commit)
    }
}

fn dependencies<'a>(parent: &Object<'a>, key: &'static str) -> Result<Vec<Dependency<'a>>, Unreadable> {
    let mut found = Vec::new();
    for descriptor in parent.objects(key, key)? {
        let descriptor = descriptor?;
        let (name, uri, commit) = (descriptor.text("name")?, descriptor.filled("uri")?, commit_of(&descriptor)?);
        // Files and packages have a `sha1` too, but those fetched over http are told apart no other way.
        let is_git = |uri: &&str| {
            uri.starts_with("git+") || uri.starts_with("git:") || (commit.is_some() && uri.contains("://"))
        };
        if let Some(uri) = uri.filter(is_git) {
            found.push(Dependency { place: key, name, uri, commit });
        }
    }
    Ok(found)
}

/// Adds what the build used of the same repositories; when that is nothing, all it used, which then contradicts.
fn with_used(named: Vec<Source>, used: &[Dependency<'_>]) -> Result<Vec<Source>, Unreadable> {
    if named.is_empty() {
        return Ok(named);
    }
    let repositories: HashSet<&str> = named.iter().map(|source| source.repository.as_str()).collect();
    let mut related: Vec<Source> = used
        .iter()
        .filter_map(|dependency| dependency.source(Standing::Used).ok())
        .filter(|source| repositories.contains(source.repository.as_str()))
        .collect();
    if related.is_empty() {
        related = used.iter().map(|dependency| dependency.source(Standing::Used)).collect::<Result<_, _>>()?;
    }
    Ok(named.into_iter().chain(related).collect())
}

#[cfg(test)]
mod tests;
