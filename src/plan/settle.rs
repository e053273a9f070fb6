//! Weighing the evidence: each candidate becomes a step pinned by digest, or is refused with the ways out.

use std::collections::BTreeMap;

use super::{platforms, refusals};
use crate::domain::{
    Candidate, Content, Digest, Evidence, Expected, Finding, ImageRef, Plan, Refusal, Seen, Settled, State, Step,
};

/// Makes a plan of candidates and the evidence about each, in promotion order; `external` images are kept for the rules.
///
/// The tag is resolved once, here, from what was seen at the source; from now on the digest is what counts.
#[must_use]
pub fn settle(candidates: Vec<(Candidate, Evidence)>, external: Vec<Candidate>) -> Plan {
    let mut settled: Vec<Settled> = Vec::new();
    let mut by_destination = BTreeMap::new();
    for (candidate, evidence) in candidates {
        let earlier = candidate.from.iter().flat_map(names).find_map(|name| by_destination.get(&name)).copied();
        let weighed = weigh(&candidate, &evidence, earlier.map(|index| (index, &settled[index])));
        for name in names(&candidate.to) {
            by_destination.entry(name).or_insert(settled.len());
        }
        settled.push(match weighed.and_then(|pinned| within_limits(&candidate, &evidence, pinned)) {
            Ok(pinned) => Settled::Step(Step {
                digest: pinned.digest,
                expected: pinned.expected,
                present: pinned.present,
                content: evidence.content.or(pinned.content),
                after: pinned.after,
                candidate,
            }),
            Err((state, digest, finding)) => Settled::Refused(Refusal { candidate, state, digest, finding: *finding }),
        });
    }
    refuse_rivals(&mut settled);
    refuse_dependants(&mut settled);
    settled.extend(external.into_iter().map(Settled::External));
    Plan { settled }
}

/// The names under which one step may bring about another's source: the whole reference, and its tag alone.
fn names(image: &ImageRef) -> Vec<String> {
    let tagged = image.at_tag().filter(|_| image.digest().is_some());
    [Some(image.to_string()), tagged.map(|tagged| tagged.to_string())].into_iter().flatten().collect()
}

struct Pinned {
    digest: Digest,
    expected: Expected,
    present: bool,
    content: Option<Content>,
    after: Option<usize>,
}

/// Refuses what its environment does not take, for its size or its platforms; what is there already is not asked.
fn within_limits(candidate: &Candidate, evidence: &Evidence, pinned: Pinned) -> Weighed {
    let content = evidence.content.as_ref().or(pinned.content.as_ref()).filter(|_| !pinned.present);
    if let Some(content) = content.filter(|content| platforms::fits_none(&candidate.copy.platforms, content)) {
        return refuse(State::Missing, Some(&pinned.digest), platforms::missing(candidate, content));
    }
    let Some(most) = candidate.copy.max_size_bytes.filter(|_| !pinned.present) else { return Ok(pinned) };
    match evidence.content.as_ref().or(pinned.content.as_ref()) {
        Some(content) if content.size_bytes <= most => Ok(pinned),
        content => {
            let finding = refusals::too_large(candidate, content.map(|content| content.size_bytes), most);
            refuse(State::Missing, Some(&pinned.digest), finding)
        }
    }
}

type Weighed = Result<Pinned, (State, Option<Digest>, Box<Finding>)>;

fn refuse(state: State, digest: Option<&Digest>, finding: Finding) -> Weighed {
    Err((state, digest.cloned(), Box::new(finding)))
}

fn present(digest: &Digest) -> Weighed {
    let expected = Expected::AbsentOr(digest.clone());
    Ok(Pinned { digest: digest.clone(), expected, present: true, content: None, after: None })
}

fn weigh(candidate: &Candidate, evidence: &Evidence, earlier: Option<(usize, &Settled)>) -> Weighed {
    if let Some((reason, hint)) = evidence.destination.failure() {
        return refuse(State::Unknown, None, refusals::unreadable_registry(candidate, reason, hint));
    }
    if let Some(digest) = proved_by_destination(candidate, evidence) {
        return present(digest);
    }
    let earlier = match earlier {
        Some((_, Settled::Refused(refusal))) => {
            return refuse(refusal.state, None, refusals::refused_source(candidate, &refusal.candidate));
        }
        Some((index, Settled::Step(step))) => Some((index, step)),
        Some((_, Settled::External(_))) | None => None,
    };
    // What is to be brought about first cannot be asked for yet; what is there already can.
    if let Some((reason, hint)) = evidence.source.failure().filter(|_| earlier.is_none_or(|(_, step)| step.present)) {
        return refuse(State::Unknown, None, refusals::unreadable_registry(candidate, reason, hint));
    }
    let narrowed = evidence.content.as_ref().and_then(|content| content.narrowed.as_ref());
    if let (Some(narrowed), Some(written)) = (narrowed, candidate.to.digest()) {
        return refuse(State::Conflict, Some(written), platforms::pinned(candidate, written, narrowed));
    }
    let at_source = match candidate.to.effective_tag() {
        Some(_) => evidence.source.tag.digest(),
        None => evidence.source.digest.digest(),
    };
    // Who has the whole has what is wanted of it.
    if let Some(whole) =
        at_source.filter(|whole| narrowed.is_some() && evidence.destination.tag.digest() == Some(whole))
    {
        return present(whole);
    }
    let at_source = narrowed.map(|narrowed| &narrowed.digest).or(at_source);
    let copied_first = earlier.filter(|_| at_source.is_none());
    if let Some((_, step)) = copied_first
        && !candidate.copy.platforms.is_empty()
        && candidate.copy.platforms != step.candidate.copy.platforms
    {
        return refuse(State::Unknown, None, platforms::not_there_yet(candidate, &step.candidate));
    }
    let found = at_source.or(copied_first.map(|(_, step)| &step.digest));
    let pinned = match candidate.to.digest() {
        Some(written) => pin_written(candidate, evidence, written, found)?,
        None => match pin_tagged(candidate, evidence, found)? {
            (digest, true) => return present(digest),
            (digest, false) => digest,
        },
    };
    Ok(Pinned {
        digest: pinned.clone(),
        expected: Expected::Absent,
        present: false,
        content: copied_first.and_then(|(_, step)| Some(Content { narrowed: None, ..step.content.clone()? })),
        after: copied_first.map(|(index, _)| index),
    })
}

/// The digest that the destination alone proves: a written one that is there, under the written tag where there is one.
fn proved_by_destination<'a>(candidate: &'a Candidate, evidence: &Evidence) -> Option<&'a Digest> {
    let written = candidate.to.digest()?;
    let at_tag = candidate.to.effective_tag().is_none() || evidence.destination.tag.digest() == Some(written);
    let at_digest = evidence.destination.digest.digest() == Some(written);
    (at_tag && at_digest).then_some(written)
}

type Refused = (State, Option<Digest>, Box<Finding>);

/// Pins a reference by tag alone to what the source has, `found`; tells whether the destination has it already.
fn pin_tagged<'a>(
    candidate: &Candidate,
    evidence: &'a Evidence,
    found: Option<&'a Digest>,
) -> Result<(&'a Digest, bool), Refused> {
    match (found, evidence.destination.tag.digest()) {
        (Some(wanted), Some(there)) if wanted != there => {
            let finding = refusals::destination_conflict(candidate, wanted, there);
            Err((State::Conflict, Some(wanted.clone()), Box::new(finding)))
        }
        (_, Some(there)) => Ok((there, true)),
        (Some(wanted), None) => Ok((wanted, false)),
        (None, None) => Err(nowhere(candidate, evidence)),
    }
}

/// Pins a reference that writes its digest, which the destination does not prove: every tag seen must agree with it.
fn pin_written<'a>(
    candidate: &Candidate,
    evidence: &Evidence,
    written: &'a Digest,
    found: Option<&Digest>,
) -> Result<&'a Digest, Refused> {
    let conflict = |finding| Err((State::Conflict, Some(written.clone()), Box::new(finding)));
    if let Some(there) = evidence.destination.tag.digest().filter(|there| *there != written) {
        return conflict(refusals::tag_digest_mismatch(candidate, &candidate.to, written, there));
    }
    match (found, &candidate.from) {
        (Some(found), Some(from)) if found != written => {
            conflict(refusals::tag_digest_mismatch(candidate, from, written, found))
        }
        (Some(_), _) => Ok(written),
        (None, Some(from)) if evidence.source.digest.digest() == Some(written) => {
            let finding = refusals::tag_gone(candidate, from, written);
            Err((State::NoSource, Some(written.clone()), Box::new(finding)))
        }
        (None, _) => Err(nowhere(candidate, evidence)),
    }
}

/// Neither at the destination, nor where it would come from; an offline run only knows that it did not ask.
fn nowhere(candidate: &Candidate, evidence: &Evidence) -> Refused {
    let asked =
        [&evidence.destination.tag, &evidence.destination.digest].into_iter().any(|seen| *seen != Seen::Unasked);
    match asked {
        true => {
            (State::NoSource, None, Box::new(refusals::missing_source(candidate, evidence.destination.digest.digest())))
        }
        false => (State::Unknown, None, Box::new(refusals::offline(candidate))),
    }
}

/// A step whose source another step was to bring about cannot go when that one was refused after all.
fn refuse_dependants(settled: &mut [Settled]) {
    for index in 0..settled.len() {
        let Settled::Step(Step { candidate, after: Some(earlier), .. }) = &settled[index] else {
            continue;
        };
        if let Settled::Refused(refusal) = &settled[*earlier] {
            let (candidate, state) = (candidate.clone(), refusal.state);
            let finding = refusals::refused_source(&candidate, &refusal.candidate);
            settled[index] = Settled::Refused(Refusal { candidate, state, digest: None, finding });
        }
    }
}

/// Two references of one change that want different digests under one tag: neither may go, whichever came first would decide. What
/// a refused one writes counts too; what the destination proves already does not change any more.
fn refuse_rivals(settled: &mut [Settled]) {
    let mut wanted: BTreeMap<String, Vec<(usize, Digest)>> = BTreeMap::new();
    for (index, entry) in settled.iter().enumerate() {
        let candidate = entry.candidate();
        let digest = match entry {
            Settled::Step(step) => Some(&step.digest),
            _ => candidate.to.digest(),
        };
        if let (Some(tagged), Some(digest)) = (candidate.to.at_tag(), digest) {
            wanted.entry(tagged.to_string()).or_default().push((index, digest.clone()));
        }
    }
    for rivals in wanted.values() {
        for (index, digest) in rivals {
            let Some((_, other)) = rivals.iter().find(|(_, other)| other != digest) else { continue };
            if let Settled::Step(Step { candidate, present: false, .. }) = &settled[*index] {
                let candidate = candidate.clone();
                let finding = refusals::two_digests(&candidate, digest, other);
                let digest = Some(digest.clone());
                settled[*index] = Settled::Refused(Refusal { candidate, state: State::Conflict, digest, finding });
            }
        }
    }
}
