//! Weighing the evidence: each candidate becomes a step pinned by digest, or is refused with the ways out.

use std::collections::BTreeMap;

use super::refusals;
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
        settled.push(match weighed {
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
    if let (Some((reason, hint)), None) = (evidence.source.failure(), earlier) {
        return refuse(State::Unknown, None, refusals::unreadable_registry(candidate, reason, hint));
    }
    let at_source = match candidate.to.effective_tag() {
        Some(_) => evidence.source.tag.digest(),
        None => evidence.source.digest.digest(),
    };
    let copied_first = earlier.filter(|_| at_source.is_none());
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
        content: copied_first.and_then(|(_, step)| step.content.clone()),
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

#[cfg(test)]
mod tests {
    use super::super::candidates::candidates;
    use super::super::testing::{change, environment};
    use super::*;
    use crate::domain::{Content, Sighting};

    fn candidate(image: &str) -> Candidate {
        let dev = environment("dev", "dev.example", None);
        let production = environment("production", "prod.example", Some("dev"));
        candidates(&production.clone(), &[dev, production], &[change(image)]).candidates.remove(0)
    }

    fn sighting(tag: Option<&Digest>, digest: Option<&Digest>) -> Sighting {
        let seen = |found: Option<&Digest>| found.map_or(Seen::Absent, |digest| Seen::Holds(digest.clone()));
        Sighting { tag: seen(tag), digest: seen(digest) }
    }

    fn evidence(source: Sighting, destination: Sighting) -> Evidence {
        Evidence { source, destination, content: None }
    }

    fn settle_one(image: &str, evidence: Evidence) -> Settled {
        settle(vec![(candidate(image), evidence)], Vec::new()).settled.remove(0)
    }

    fn refusal(settled: Settled) -> (State, String) {
        match settled {
            Settled::Refused(refusal) => (refusal.state, refusal.finding.message),
            other => panic!("expected a refusal, found {other:?}"),
        }
    }

    fn step(settled: Settled) -> Step {
        match settled {
            Settled::Step(step) => step,
            other => panic!("expected a step, found {other:?}"),
        }
    }

    fn digests() -> (Digest, Digest) {
        (Digest::of(b"one"), Digest::of(b"other"))
    }

    #[test]
    fn a_tag_is_pinned_to_what_the_source_had() {
        let (one, _) = digests();
        let step = step(settle_one("prod.example/api:1", evidence(sighting(Some(&one), None), sighting(None, None))));
        assert_eq!((step.digest, step.expected, step.present), (one, Expected::Absent, false));
    }

    #[test]
    fn an_image_that_is_there_already_is_present() {
        let (one, _) = digests();
        let here = || sighting(Some(&one), None);
        assert!(step(settle_one("prod.example/api:1", evidence(here(), here()))).present);
        assert!(step(settle_one("prod.example/api:1", evidence(sighting(None, None), here()))).present);
    }

    #[test]
    fn another_digest_under_the_tag_is_a_conflict_that_names_both() {
        let (one, other) = digests();
        let (state, message) = refusal(settle_one(
            "prod.example/api:1",
            evidence(sighting(Some(&one), None), sighting(Some(&other), None)),
        ));
        assert_eq!(state, State::Conflict);
        assert!(message.contains(&one.to_string()) && message.contains(&other.to_string()), "{message}");
    }

    #[test]
    fn tag_and_digest_that_disagree_are_a_conflict() {
        let (one, other) = digests();
        let image = format!("prod.example/api:1@{one}");
        let (state, message) =
            refusal(settle_one(&image, evidence(sighting(Some(&other), Some(&one)), sighting(None, None))));
        assert_eq!(state, State::Conflict);
        assert!(message.contains("tag and digest disagree"), "{message}");
    }

    #[test]
    fn a_digest_alone_needs_no_tag() {
        let (one, _) = digests();
        let image = format!("prod.example/api@{one}");
        let unasked = |digest: Option<&Digest>| Sighting { tag: Seen::Unasked, ..sighting(None, digest) };
        let missing = step(settle_one(&image, evidence(unasked(Some(&one)), unasked(None))));
        assert_eq!((missing.digest, missing.present), (one.clone(), false));
        assert!(step(settle_one(&image, evidence(unasked(Some(&one)), unasked(Some(&one))))).present);
        assert_eq!(refusal(settle_one(&image, evidence(unasked(None), unasked(None)))).0, State::NoSource);
    }

    #[test]
    fn a_tag_that_left_the_source_cannot_vouch_for_its_digest() {
        let (one, _) = digests();
        let image = format!("prod.example/api:1@{one}");
        let found = refusal(settle_one(&image, evidence(sighting(None, Some(&one)), sighting(None, None))));
        assert_eq!(found.0, State::NoSource);
    }

    #[test]
    fn a_missing_source_is_a_verdict_that_names_both_places() {
        let (state, message) =
            refusal(settle_one("prod.example/api:1", evidence(sighting(None, None), sighting(None, None))));
        assert_eq!(state, State::NoSource);
        assert!(message.contains("prod.example/api:1") && message.contains("dev.example/api:1"), "{message}");
    }

    #[test]
    fn a_registry_that_cannot_be_asked_is_no_verdict() {
        let unknown = || Seen::Unknown { reason: "connection refused".into(), hint: "start it".into() };
        let blind = || Sighting { tag: unknown(), digest: Seen::Unasked };
        let (one, _) = digests();
        for evidence in [evidence(sighting(Some(&one), None), blind()), evidence(blind(), sighting(None, None))] {
            assert_eq!(refusal(settle_one("prod.example/api:1", evidence)).0, State::Unknown);
        }
    }

    #[test]
    fn an_offline_run_knows_nothing_and_says_so() {
        assert_eq!(refusal(settle_one("prod.example/api:1", Evidence::UNASKED)).0, State::Unknown);
    }

    #[test]
    fn a_step_may_take_its_source_from_an_earlier_environments_step() {
        let (one, _) = digests();
        let environments = [
            environment("dev", "dev.example", None),
            environment("staging", "staging.example", Some("dev")),
            environment("production", "prod.example", Some("staging")),
        ];
        let find =
            |i: usize, image: &str| candidates(&environments[i], &environments, &[change(image)]).candidates.remove(0);
        let content = Content { size_bytes: 7, platforms: vec!["linux/amd64".into()] };
        let first =
            Evidence { content: Some(content.clone()), ..evidence(sighting(Some(&one), None), sighting(None, None)) };
        let plan = settle(
            vec![
                (find(1, "staging.example/api:1"), first),
                (find(2, "prod.example/api:1"), evidence(sighting(None, None), sighting(None, None))),
            ],
            Vec::new(),
        );
        let last = step(plan.settled[1].clone());
        assert_eq!((last.after, last.digest, last.content), (Some(0), one, Some(content)));
    }

    #[test]
    fn a_source_that_is_refused_itself_feeds_nobody() {
        let (one, other) = digests();
        let environments = [
            environment("dev", "dev.example", None),
            environment("staging", "staging.example", Some("dev")),
            environment("production", "prod.example", Some("staging")),
        ];
        let find =
            |i: usize, image: &str| candidates(&environments[i], &environments, &[change(image)]).candidates.remove(0);
        let plan = settle(
            vec![
                (find(1, "staging.example/api:1"), evidence(sighting(Some(&one), None), sighting(Some(&other), None))),
                (find(2, "prod.example/api:1"), evidence(sighting(Some(&other), None), sighting(None, None))),
            ],
            Vec::new(),
        );
        let (state, message) = refusal(plan.settled[1].clone());
        assert_eq!(state, State::Conflict);
        assert!(message.contains("staging.example/api:1"), "{message}");
    }

    #[test]
    fn a_digest_that_the_source_has_waits_for_nobody() {
        let (one, _) = digests();
        let environments = [
            environment("dev", "dev.example", None),
            environment("staging", "staging.example", Some("dev")),
            environment("production", "prod.example", Some("staging")),
        ];
        let find = |i: usize, image: String| {
            candidates(&environments[i], &environments, &[change(&image)]).candidates.remove(0)
        };
        let unasked = |digest: Option<&Digest>| Sighting { tag: Seen::Unasked, ..sighting(None, digest) };
        let plan = settle(
            vec![
                (find(1, format!("staging.example/api@{one}")), evidence(unasked(Some(&one)), unasked(Some(&one)))),
                (find(2, format!("prod.example/api@{one}")), evidence(unasked(Some(&one)), unasked(None))),
            ],
            Vec::new(),
        );
        assert_eq!(step(plan.settled[1].clone()).after, None);
    }

    #[test]
    fn a_digest_is_held_against_the_tag_an_earlier_step_brings() {
        let (one, other) = digests();
        let environments = [
            environment("dev", "dev.example", None),
            environment("staging", "staging.example", Some("dev")),
            environment("production", "prod.example", Some("staging")),
        ];
        let find =
            |i: usize, image: &str| candidates(&environments[i], &environments, &[change(image)]).candidates.remove(0);
        let settled = |digest: &Digest| {
            let first = (find(1, "staging.example/api:1"), evidence(sighting(Some(&one), None), sighting(None, None)));
            let image = format!("prod.example/api:1@{digest}");
            let second = (find(2, &image), evidence(sighting(None, None), sighting(None, None)));
            settle(vec![first, second], Vec::new()).settled.remove(1)
        };
        assert_eq!(step(settled(&one)).after, Some(0));
        let (state, message) = refusal(settled(&other));
        assert_eq!(state, State::Conflict);
        assert!(message.contains("tag and digest disagree"), "{message}");
    }

    /// Every reference against everything that can be seen: nothing is called present that is not proved under every
    /// name the reference has, and nothing is copied whose tag anywhere says otherwise.
    #[test]
    fn what_is_present_is_proved_under_every_name_and_nothing_is_copied_against_a_tag() {
        let (written, other) = digests();
        let unknown = Seen::Unknown { reason: "r".into(), hint: "h".into() };
        let seen = [Seen::Absent, Seen::Holds(written.clone()), Seen::Holds(other), unknown];
        let images = [
            "prod.example/api:1".to_owned(),
            format!("prod.example/api:1@{written}"),
            format!("prod.example/api@{written}"),
        ];
        for image in &images {
            let candidate = candidate(image);
            let has = (candidate.to.effective_tag().is_some(), candidate.to.digest().is_some());
            let asked = |asked: bool, seen: &Seen| if asked { seen.clone() } else { Seen::Unasked };
            for (source, destination) in seen.iter().flat_map(|source| seen.iter().map(move |there| (source, there))) {
                for (digest_at_source, digest_there) in
                    seen[..2].iter().flat_map(|a| seen[..2].iter().map(move |b| (a, b)))
                {
                    let evidence = evidence(
                        Sighting { tag: asked(has.0, source), digest: asked(has.1, digest_at_source) },
                        Sighting { tag: asked(has.0, destination), digest: asked(has.1, digest_there) },
                    );
                    let settled = settle(vec![(candidate.clone(), evidence.clone())], Vec::new()).settled.remove(0);
                    let Settled::Step(step) = settled else { continue };
                    let holds = |seen: &Seen| seen.digest() == Some(&step.digest);
                    assert!(candidate.to.digest().is_none_or(|digest| *digest == step.digest), "{image} {evidence:?}");
                    if step.present {
                        assert!(!has.0 || holds(&evidence.destination.tag), "{image} {evidence:?}");
                        assert!(!has.1 || holds(&evidence.destination.digest), "{image} {evidence:?}");
                    } else {
                        assert!(!has.0 || holds(&evidence.source.tag), "{image} {evidence:?}");
                        assert!(has.0 || holds(&evidence.source.digest), "{image} {evidence:?}");
                        assert!(
                            evidence.destination.tag.digest().is_none_or(|d| *d == step.digest),
                            "{image} {evidence:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn two_digests_for_one_tag_are_both_refused() {
        let (one, other) = digests();
        let both = |digest: &Digest| sighting(Some(digest), Some(digest));
        let entry = |digest: &Digest| {
            (candidate(&format!("prod.example/api:1@{digest}")), evidence(both(digest), sighting(None, None)))
        };
        let plan = settle(vec![entry(&one), entry(&other)], Vec::new());
        assert!(plan.settled.into_iter().all(|settled| refusal(settled).0 == State::Conflict));
        // One agrees with its source, the other does not: they still want one tag.
        let at_source = |digest: &Digest| {
            let image = format!("prod.example/api:1@{digest}");
            (candidate(&image), evidence(sighting(Some(&one), Some(digest)), sighting(None, None)))
        };
        let plan = settle(vec![at_source(&one), at_source(&other)], Vec::new());
        assert!(plan.settled.into_iter().all(|settled| refusal(settled).0 == State::Conflict));
    }
}
