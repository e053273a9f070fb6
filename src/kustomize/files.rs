//! Parsed files, shared between overlays, revisions and threads.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::domain::tree::{ContentId, TreeError};
use crate::domain::{Tree, TreePath};
use crate::manifest::{Failure, Place, Result, Shift};
use crate::yaml::{self, ScalarKind};

use super::model::Kustomization;
use super::outline::Outline;
use super::resource::{Resource, read_resources};

/// How many independent parts the store has, so that threads seldom wait for each other.
const SHARDS: usize = 32;
/// How many values are kept, about 100 bytes each; beyond, one part after the other begins anew.
const MAX_VALUES: usize = 600_000;

/// How many times its own values the expressions of a file may weigh and be kept.
const MAX_WEIGHT: usize = 20;

/// A file of a tree, parsed, with what else was made of it.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) file: Arc<str>,
    pub(super) source: Arc<[u8]>,
    /// How many values the documents hold.
    pub(super) size: usize,
    identity: Option<ContentId>,
    /// Dropped once something was made of them, for that is what is asked for again.
    documents: Mutex<Option<Arc<[yaml::Node]>>>,
    resources: OnceLock<Result<Vec<Resource>>>,
    kustomization: OnceLock<Result<Arc<Kustomization>>>,
}

impl Parsed {
    fn read(file: &TreePath, source: Arc<[u8]>, identity: Option<ContentId>) -> Result<Self> {
        let (documents, size, resources) = match Outline::read(file.as_str(), &source) {
            Some(outline) => (None, outline.size, OnceLock::from(outline.resources)),
            None => {
                let parsed = yaml::parse(file.as_str(), &source).map_err(|error| Failure::of_yaml(&error, &source))?;
                let size = parsed.iter().map(size).sum();
                (Some(parsed.into()), size, OnceLock::new())
            }
        };
        Ok(Self {
            file: file.as_str().into(),
            source,
            size,
            identity,
            documents: Mutex::new(documents),
            resources,
            kustomization: OnceLock::new(),
        })
    }

    /// A number for what the documents say; comments do not count.
    pub(super) fn fingerprint(&self) -> Result<u64> {
        Ok(fingerprint(&self.documents()?))
    }

    /// The file's documents.
    pub(super) fn documents(&self) -> Result<Arc<[yaml::Node]>> {
        let mut documents = self.lock();
        if let Some(known) = &*documents {
            return Ok(known.clone());
        }
        let parsed = yaml::parse(&self.file, &self.source).map_err(|error| Failure::of_yaml(&error, &self.source))?;
        Ok(documents.insert(parsed.into()).clone())
    }

    fn take_documents(&self) -> Result<Arc<[yaml::Node]>> {
        let documents = self.documents()?;
        *self.lock() = None;
        Ok(documents)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<[yaml::Node]>>> {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file's resources.
    pub(super) fn resources(&self) -> Result<&[Resource]> {
        let read = || {
            let documents = self.take_documents()?;
            documents.iter().try_for_each(check_keys)?;
            read_resources(&documents, &self.source, &self.file, &Shift::None)
        };
        self.resources.get_or_init(read).as_deref().map_err(Clone::clone)
    }

    /// The file as a kustomization.
    pub(super) fn kustomization(&self) -> Result<Arc<Kustomization>> {
        if let Some(known) = self.kustomization.get() {
            return known.clone();
        }
        let read = self
            .take_documents()
            .and_then(|documents| Kustomization::read(&documents, &self.file, &self.source).map(Arc::new));
        // What weighs more than it counts in the store is made anew each time.
        let is_light = |kustomization: &Arc<Kustomization>| kustomization.expressions <= self.size * MAX_WEIGHT;
        match read.as_ref().is_ok_and(|kustomization| !is_light(kustomization)) {
            true => read,
            false => self.kustomization.get_or_init(|| read).clone(),
        }
    }
}

/// Files by path and content. Reading through one store parses a file once, however many overlays, threads and revisions
/// ask for it.
#[derive(Debug, Default)]
pub struct Files {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    values: AtomicUsize,
    reading: Mutex<Reading>,
    ended: Condvar,
}

/// The files that threads are reading.
#[derive(Debug, Default)]
struct Reading {
    begun: HashSet<Begun>,
    /// How many threads wait for one of them.
    waiting: usize,
}

/// A file that some thread is reading.
type Begun = (TreePath, ContentId);

/// The right to read a file that no other thread is reading; it ends where this is dropped.
struct Turn<'f> {
    files: &'f Files,
    begun: Begun,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut reading = self.files.reading();
        reading.begun.remove(&self.begun);
        if reading.waiting > 0 {
            self.files.ended.notify_all();
        }
    }
}

#[derive(Debug, Default)]
struct Shard {
    files: HashMap<TreePath, Vec<Arc<Parsed>>>,
    values: usize,
}

impl Files {
    /// Parses the file `path` of `tree`; `place` is what refers to it.
    pub(super) fn parse(&self, tree: &dyn Tree, path: &TreePath, place: &Place) -> Result<Arc<Parsed>> {
        let failed = |error: TreeError| Failure::of_tree(&error, Some(place));
        let identity = tree.identity(path).map_err(failed)?;
        let known = |parsed: &Arc<Parsed>| identity.is_some() && parsed.identity == identity;
        if let Some(parsed) = self.find(path, known) {
            return Ok(parsed);
        }
        let _turn = identity.map(|content| self.wait_for_turn((path.clone(), content)));
        if let Some(parsed) = self.find(path, known) {
            return Ok(parsed);
        }
        let source = tree.read(path).map_err(failed)?;
        if let Some(parsed) = self.find(path, |parsed| parsed.source == source) {
            return Ok(parsed);
        }
        let parsed = Arc::new(Parsed::read(path, source, identity)?);
        let at = self.shard_of(path);
        self.make_room(parsed.size, at);
        let mut shard = self.lock(at);
        shard.values += parsed.size;
        shard.files.entry(path.clone()).or_default().push(parsed.clone());
        Ok(parsed)
    }

    /// Tells whether another thread is reading the file just now.
    pub(super) fn is_being_read(&self, tree: &dyn Tree, path: &TreePath) -> bool {
        let identity = tree.identity(path).ok().flatten();
        identity.is_some_and(|content| self.reading().begun.contains(&(path.clone(), content)))
    }

    fn wait_for_turn(&self, begun: Begun) -> Turn<'_> {
        let mut reading = self.reading();
        while !reading.begun.insert(begun.clone()) {
            reading.waiting += 1;
            reading = self.ended.wait(reading).unwrap_or_else(PoisonError::into_inner);
            reading.waiting -= 1;
        }
        Turn { files: self, begun }
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets parts, the one after `at` first, until `values` more may be kept.
    fn make_room(&self, values: usize, at: usize) {
        self.values.fetch_add(values, Ordering::Relaxed);
        for next in (1..=SHARDS).map(|step| (at + step) % SHARDS) {
            if self.values.load(Ordering::Relaxed) <= MAX_VALUES {
                return;
            }
            let forgotten = std::mem::take(&mut *self.lock(next));
            self.values.fetch_sub(forgotten.values, Ordering::Relaxed);
        }
    }

    fn find(&self, path: &TreePath, is_it: impl Fn(&Arc<Parsed>) -> bool) -> Option<Arc<Parsed>> {
        self.lock(self.shard_of(path)).files.get(path)?.iter().find(|parsed| is_it(parsed)).cloned()
    }

    fn shard_of(&self, path: &TreePath) -> usize {
        usize::try_from(self.hasher.hash_one(path)).unwrap_or(usize::MAX) % SHARDS
    }

    fn lock(&self, at: usize) -> MutexGuard<'_, Shard> {
        // Every value behind the lock is whole at all times.
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks that the keys of a resource are strings: kustomize cannot print others.
pub(super) fn check_keys(node: &yaml::Node) -> Result<()> {
    match &node.value {
        yaml::Value::Scalar(_) => Ok(()),
        yaml::Value::Sequence(elements) => elements.iter().try_for_each(check_keys),
        yaml::Value::Mapping(entries) => entries.iter().try_for_each(|(key, value)| match key.as_scalar() {
            Some(name) if yaml::resolve_resource_scalar(name) != ScalarKind::Str => {
                let message = format!("the key {} is no string, and kustomize cannot print it", name.text);
                Err(Failure::at(&Place::of(key), message, "write it in quotes"))
            }
            _ => check_keys(value),
        }),
    }
}

/// Makes a number of what documents say.
fn fingerprint(documents: &[yaml::Node]) -> u64 {
    fn hash(node: &yaml::Node, hasher: &mut DefaultHasher) {
        match &node.value {
            yaml::Value::Scalar(scalar) => (0_u8, &*scalar.text, scalar.style).hash(hasher),
            yaml::Value::Sequence(elements) => {
                (1_u8, elements.len()).hash(hasher);
                elements.iter().for_each(|element| hash(element, hasher));
            }
            yaml::Value::Mapping(entries) => {
                (2_u8, entries.len()).hash(hasher);
                for (key, value) in entries {
                    hash(key, hasher);
                    hash(value, hasher);
                }
            }
        }
    }
    let mut hasher = DefaultHasher::new();
    documents.iter().for_each(|document| hash(document, &mut hasher));
    hasher.finish()
}

/// Counts the values of a node, itself included.
pub(super) fn size(node: &yaml::Node) -> usize {
    1 + match &node.value {
        yaml::Value::Scalar(_) => 0,
        yaml::Value::Sequence(elements) => elements.iter().map(size).sum(),
        yaml::Value::Mapping(entries) => entries.iter().map(|(_, value)| 1 + size(value)).sum::<usize>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tree::{EntryKind, MemoryTree};
    use crate::kustomize::{Options, resolve};
    use std::sync::Barrier;
    use std::thread;

    /// A tree whose first file can only be read once another thread reads the second.
    struct Meeting {
        tree: MemoryTree,
        barrier: Barrier,
        reads: AtomicUsize,
    }

    impl Tree for Meeting {
        fn kind(&self, path: &TreePath) -> std::result::Result<Option<EntryKind>, TreeError> {
            self.tree.kind(path)
        }

        fn read(&self, path: &TreePath) -> std::result::Result<Arc<[u8]>, TreeError> {
            if path.name() != "kustomization.yaml" {
                self.reads.fetch_add(1, Ordering::Relaxed);
                self.barrier.wait();
            }
            self.tree.read(path)
        }

        fn list(&self, path: &TreePath) -> std::result::Result<Vec<(String, EntryKind)>, TreeError> {
            self.tree.list(path)
        }

        fn identity(&self, path: &TreePath) -> std::result::Result<Option<ContentId>, TreeError> {
            let is_known = self.tree.kind(path)? == Some(EntryKind::File);
            Ok(is_known.then_some(ContentId([u8::try_from(path.as_str().len()).unwrap(); 20])))
        }
    }

    #[test]
    fn while_a_file_is_being_read_others_are_read_ahead_and_each_once() {
        let tree = MemoryTree::of([
            ("kustomization.yaml", "resources: [a.yaml, none, bb.yaml]\n"),
            ("a.yaml", "kind: A\nmetadata: {name: a}\n"),
            ("bb.yaml", "kind: B\nmetadata: {name: b}\n"),
        ]);
        let meeting = Meeting { tree, barrier: Barrier::new(2), reads: AtomicUsize::new(0) };
        let files = Files::default();
        let build = || resolve(&meeting, &TreePath::root(), &Options::new(&files)).unwrap().documents().count();
        let built = thread::scope(|scope| {
            let other = scope.spawn(build);
            [build(), other.join().unwrap()]
        });
        assert_eq!(built, [2, 2]);
        assert_eq!(meeting.reads.load(Ordering::Relaxed), 2);
    }
}
