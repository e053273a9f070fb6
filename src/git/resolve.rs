//! From what a person typed to a commit that is really here.

use gix::ObjectId;
use gix::revision::spec::parse::{ObjectKindHint, Options};

use super::error::Error;

/// How many tags may point to tags before a commit comes.
const MAX_TAGS: usize = 16;

/// A commit and its tree, both present.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resolved {
    pub(super) commit: ObjectId,
    pub(super) tree: ObjectId,
}

/// Finds the one commit `rev` names, tags peeled.
pub(super) fn resolve(repository: &gix::Repository, rev: &str) -> Result<Resolved, Error> {
    verify(repository, rev, parse(repository, rev)?)
}

/// Tells whether the clone lacks history; one whose shallow file cannot be read counts as complete.
pub(super) fn is_shallow(repository: &gix::Repository) -> bool {
    repository.is_shallow().unwrap_or(false)
}

/// Tells whether `rev` is a hash written in full.
pub(super) fn is_full_hash(rev: &str) -> bool {
    rev.len() == 40 && is_hex(rev)
}

fn is_hex(rev: &str) -> bool {
    rev.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Where a short name may stand; Git takes the first with no more than a warning, and whoever may push tags decides then.
const PLACES: [&str; 3] = ["refs/tags/", "refs/heads/", "refs/remotes/"];

/// Refuses a short name that is two commits.
fn check_name(repository: &gix::Repository, rev: &str) -> Result<(), Error> {
    let name = rev.split(['~', '^', '@', ':']).next().unwrap_or_default();
    if name.is_empty() || name == "HEAD" || name.starts_with("refs/") || is_full_hash(name) {
        return Ok(());
    }
    let target = |place: &str| {
        let full = format!("{place}{name}");
        let mut reference = repository.try_find_reference(full.as_str()).ok().flatten()?;
        Some((full, reference.peel_to_id().ok()?.detach()))
    };
    let found: Vec<(String, ObjectId)> = PLACES.iter().filter_map(|place| target(place)).collect();
    match found.iter().any(|(_, id)| *id != found[0].1) {
        true => {
            let names = found.into_iter().map(|(name, _)| name).collect();
            Err(Error::Ambiguous { rev: rev.to_owned(), names })
        }
        false => Ok(()),
    }
}

fn parse(repository: &gix::Repository, rev: &str) -> Result<ObjectId, Error> {
    check_name(repository, rev)?;
    let options = Options { object_kind_hint: Some(ObjectKindHint::Committish), ..Options::default() };
    let spec = gix::revision::Spec::from_bstr(rev, repository, options);
    let spec = spec.map_err(|source| unresolved(repository, rev, source))?;
    spec.single()
        .map(gix::Id::detach)
        .ok_or_else(|| Error::NotACommit { rev: rev.to_owned(), found: "a range".to_owned() })
}

/// Follows tags from `id` to a commit. The parser alone does not do: `HEAD^1` parses where the clone ends, because the
/// commit names its parent though the parent is absent.
pub(super) fn verify(repository: &gix::Repository, rev: &str, mut id: ObjectId) -> Result<Resolved, Error> {
    let storage = || Error::storage(format!("the revision {rev}"));
    for _ in 0..MAX_TAGS {
        let object = repository.try_find_object(id).map_err(storage())?;
        let object = object.ok_or_else(|| missing(repository, rev, id))?;
        match object.kind {
            gix::objs::Kind::Tag => id = object.into_tag().target_id().map_err(storage())?.detach(),
            gix::objs::Kind::Commit => {
                let tree = object.into_commit().tree_id().map_err(storage())?.detach();
                return match repository.has_object(tree) {
                    true => Ok(Resolved { commit: id, tree }),
                    false => Err(missing(repository, rev, tree)),
                };
            }
            kind => return Err(not_a_commit(rev, &format!("a {kind}"))),
        }
    }
    Err(not_a_commit(rev, "a tag of a tag without end"))
}

fn not_a_commit(rev: &str, found: &str) -> Error {
    Error::NotACommit { rev: rev.to_owned(), found: found.to_owned() }
}

/// Says that `rev` stands for the object `id`, which is absent.
fn missing(repository: &gix::Repository, rev: &str, id: ObjectId) -> Error {
    match is_shallow(repository) {
        true => Error::MissingInShallowClone {
            what: format!("the revision {rev}"),
            command: format!("git fetch --depth=1 origin {id}"),
        },
        false => Error::MissingObject { rev: rev.to_owned(), id: id.to_string() },
    }
}

/// Tells an unknown name from a part of the history that a shallow clone lacks.
fn unresolved(repository: &gix::Repository, rev: &str, source: gix::Error) -> Error {
    let shallow = is_shallow(repository);
    if shallow && (is_abbreviated_hash(rev) || walks_past_the_end(repository, rev)) {
        let command = match is_full_hash(rev) {
            true => format!("git fetch --depth=1 origin {rev}"),
            false => "git fetch --unshallow".to_owned(),
        };
        let what = format!("the revision {rev}");
        return Error::MissingInShallowClone { what, command };
    }
    Error::UnknownRevision { rev: rev.to_owned(), shallow, source: source.into() }
}

fn is_abbreviated_hash(rev: &str) -> bool {
    (7..=40).contains(&rev.len()) && is_hex(rev)
}

/// Tells whether the name before `~` or `^` is known, so that only the way back from it is not.
fn walks_past_the_end(repository: &gix::Repository, rev: &str) -> bool {
    let stem = rev.split_once(['~', '^']).map(|(stem, _)| stem);
    stem.is_some_and(|stem| !stem.is_empty() && repository.rev_parse_single(stem).is_ok())
}
