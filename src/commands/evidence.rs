//! Gathering what rules have to know of images: each image's once, and only what the rules that apply ask for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures_util::stream::{FuturesOrdered, StreamExt as _};
use jiff::Timestamp;

use super::history::History;
use super::programs::Programs;
use crate::attestation::{self, Scan};
use crate::domain::{Cause, Digest, ImageRef, Papers, Plan, Settled};
use crate::policy::{self, Dossier, Gap, InForce, Make, Needs};
use crate::registry::{self, PaperDesk, Registries};

/// How many images' evidence is read at a time.
const AT_A_TIME: usize = 8;

/// Where evidence is found.
pub(super) struct Sources<'a> {
    pub(super) registries: &'a Registries,
    pub(super) in_force: &'a BTreeMap<String, InForce>,
    pub(super) history: &'a History<'a>,
    pub(super) programs: &'a Programs<'a>,
    /// Reports that the command line was given.
    pub(super) reports: &'a [Scan],
    pub(super) now: Timestamp,
}

/// One image whose evidence is read once, whoever references it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    places: Vec<ImageRef>,
    digest: Option<Digest>,
    tag: bool,
    make: bool,
    documents: bool,
}

/// An image, and the environments whose rules ask for it.
struct Wanted {
    key: Key,
    environments: BTreeSet<String>,
}

impl Sources<'_> {
    /// Gathers a dossier for each of [`Plan::settled`], in its order; where nothing is needed it is empty.
    pub(super) async fn gather(&self, plan: &Plan, needs: &[Needs]) -> Vec<Arc<Dossier>> {
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut key_of: HashMap<usize, usize> = HashMap::new();
        let mut seen: HashMap<Key, usize> = HashMap::new();
        for (index, (settled, needs)) in plan.settled.iter().zip(needs).enumerate() {
            if !needs.asks_registry() && needs.programs.is_empty() && !needs.reports && !needs.tag {
                continue;
            }
            let key = Key {
                places: places(plan, settled),
                digest: origin(plan, settled).and_then(policy::digest_of).cloned(),
                tag: needs.tag,
                make: needs.make,
                documents: needs.documents,
            };
            let at = *seen.entry(key.clone()).or_insert_with(|| {
                wanted.push(Wanted { key, environments: BTreeSet::new() });
                wanted.len() - 1
            });
            wanted[at].environments.insert(settled.candidate().environment.clone());
            key_of.insert(index, at);
        }
        let desk = self.registries.papers();
        let read = self.read_all(&desk, &wanted).await;
        let mut dossiers = Vec::with_capacity(plan.settled.len());
        for (index, (settled, needs)) in plan.settled.iter().zip(needs).enumerate() {
            let environment = &settled.candidate().environment;
            let mut dossier = key_of.get(&index).and_then(|at| read[*at].get(environment)).cloned().unwrap_or_default();
            self.history.add(settled, needs, dossier.digest.as_ref(), &mut dossier.ran_in).await;
            if needs.reports {
                dossier.reports = self.reports_on(&dossier, settled);
            }
            dossiers.push(dossier);
        }
        self.programs.add(plan, needs, &mut dossiers).await;
        dossiers.into_iter().map(Arc::new).collect()
    }

    /// Reads the evidence of all, some at a time, in their order.
    async fn read_all(&self, desk: &PaperDesk<'_>, wanted: &[Wanted]) -> Vec<BTreeMap<String, Dossier>> {
        let mut read = Vec::with_capacity(wanted.len());
        let mut begun = FuturesOrdered::new();
        let mut rest = wanted.iter();
        loop {
            while begun.len() < AT_A_TIME
                && let Some(wanted) = rest.next()
            {
                begun.push_back(self.read(desk, wanted));
            }
            match begun.next().await {
                Some(dossiers) => read.push(dossiers),
                None => return read,
            }
        }
    }

    /// Reads one image's evidence, and examines it with the signers of each environment.
    async fn read(&self, desk: &PaperDesk<'_>, Wanted { key, environments }: &Wanted) -> BTreeMap<String, Dossier> {
        let (dossier, papers) = self.fetch(desk, key).await;
        let with_exhibits = |environment: &String| {
            let mut dossier = dossier.clone();
            if let Some(papers) = papers.as_ref().filter(|_| key.documents) {
                let signers = self.in_force.get(environment).map(|set| set.signers.as_slice()).unwrap_or_default();
                dossier.exhibits = Some(Ok(policy::examine(papers, signers, self.now)));
            }
            (environment.clone(), dossier)
        };
        environments.iter().map(with_exhibits).collect()
    }

    /// Reads all but what signers decide.
    async fn fetch(&self, desk: &PaperDesk<'_>, key: &Key) -> (Dossier, Option<Papers>) {
        let mut dossier = Dossier::default();
        if let Some(tagged) = key.places.first().filter(|_| key.tag).and_then(ImageRef::at_tag) {
            dossier.tagged = Some(self.registries.resolve(&tagged).await.map_err(|error| gap(&error)));
        }
        let (place, digest) = match self.locate(key).await {
            Ok(found) => found,
            Err(gap) => {
                dossier.make = Some(Err(gap.clone()));
                dossier.exhibits = key.documents.then_some(Err(gap));
                return (dossier, None);
            }
        };
        dossier.digest = Some(digest.clone());
        dossier.place = Some(place.clone());
        if !key.make && !key.documents {
            return (dossier, None);
        }
        let mut read = desk.read(place, &digest, key.documents).await;
        // What is there already, and what hangs on it, may be read there as well.
        for other in key.places.iter().filter(|other| *other != place) {
            if read.is_err()
                && let Ok(papers) = desk.read(other, &digest, key.documents).await
            {
                dossier.place = Some(other.clone());
                read = Ok(papers);
            }
        }
        match read {
            Ok(papers) => {
                dossier.make = Some(Ok(Make::of(&papers)));
                dossier.passed_over.clone_from(&papers.passed_over);
                (dossier, Some(papers))
            }
            Err(error) => {
                let gap = gap(&error);
                dossier.make = Some(Err(gap.clone()));
                dossier.exhibits = key.documents.then_some(Err(gap));
                (dossier, None)
            }
        }
    }

    /// Finds the digest of an image nobody resolved yet.
    async fn locate<'k>(&self, key: &'k Key) -> Result<(&'k ImageRef, Digest), Gap> {
        let nowhere = || Gap { reason: "it has no place".to_owned(), hint: String::new(), cause: Cause::Change };
        let place = key.places.first().ok_or_else(nowhere)?;
        if let Some(digest) = &key.digest {
            return Ok((place, digest.clone()));
        }
        match self.registries.resolve(place).await {
            Ok(Some(digest)) => Ok((place, digest)),
            Ok(None) => Err(Gap {
                reason: format!("{place} does not exist"),
                hint: "correct the reference".to_owned(),
                cause: Cause::Change,
            }),
            Err(error) => Err(gap(&error)),
        }
    }

    /// The reports of files that are about an image, by the digests they name.
    fn reports_on(&self, dossier: &Dossier, settled: &Settled) -> Vec<Scan> {
        let own = dossier.digest.as_ref().or_else(|| policy::digest_of(settled));
        let parts = dossier.make.as_ref().and_then(|make| make.as_ref().ok()).map(Make::images).unwrap_or_default();
        let known: Vec<String> =
            own.into_iter().chain(parts.iter().map(|image| &image.digest)).map(ToString::to_string).collect();
        self.reports.iter().filter(|report| report.images.iter().any(|named| known.contains(named))).cloned().collect()
    }
}

/// Where an image, and what hangs on it, is found: where it is copied from, of a chain of copies the first; and where it is already.
pub(super) fn places(plan: &Plan, settled: &Settled) -> Vec<ImageRef> {
    let mut places = Vec::new();
    if let Some(Settled::Step(step)) = origin(plan, settled) {
        places.extend(step.candidate.from.clone());
        if step.present {
            places.push(step.candidate.to.clone());
        }
    }
    if places.is_empty() {
        places.push(settled.candidate().to.clone());
    }
    places
}

/// The first of a chain of copies that this one waits for, itself if there is none.
fn origin<'p>(plan: &'p Plan, settled: &'p Settled) -> Option<&'p Settled> {
    let mut at = settled;
    // A chain is as long as there are environments; each step waits for an earlier one.
    for _ in 0..=plan.settled.len() {
        match at {
            Settled::Step(step) => {
                match step.after.filter(|_| !step.present).and_then(|earlier| plan.settled.get(earlier)) {
                    Some(earlier) => at = earlier,
                    None => return Some(at),
                }
            }
            Settled::Refused(_) | Settled::External(_) => return Some(at),
        }
    }
    None
}

pub(super) fn gap(error: &registry::Error) -> Gap {
    let cause = if error.is_final() { Cause::Change } else { Cause::Circumstance };
    Gap { reason: error.reason(), hint: error.hint().unwrap_or_default(), cause }
}

/// Reads the reports that the command line was given.
pub(super) fn read_reports(paths: &[std::path::PathBuf], now: Timestamp) -> Result<Vec<Scan>, super::Error> {
    let read = |path: &std::path::PathBuf| {
        let shown = path.display();
        let length = std::fs::metadata(path).map_err(super::Error::io(format!("read the report {shown}")))?.len();
        let refuse = |why: String| {
            super::Error::usage(
                format!("the report {shown} cannot be used: {why}"),
                "give Trivy's or Grype's JSON of an image in a registry",
            )
        };
        if length > LONGEST_REPORT {
            return Err(refuse(format!("it is longer than {LONGEST_REPORT} bytes")));
        }
        let text = std::fs::read(path).map_err(super::Error::io(format!("read the report {shown}")))?;
        let scan = attestation::scan_report(&text, now).map_err(|why| refuse(why.to_string()))?;
        match scan.images.is_empty() {
            true => Err(refuse("it does not name the digest of the image it is about".to_owned())),
            false => Ok(scan),
        }
    };
    paths.iter().map(read).collect()
}

/// How long a report in a file may be, in bytes.
const LONGEST_REPORT: u64 = 64 << 20;
