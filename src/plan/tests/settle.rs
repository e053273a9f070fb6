//! The weighing of evidence, case by case and over all combinations.

use super::super::candidates::candidates;
use super::super::settle::settle;
use super::super::testing::{change, environment};
use crate::domain::{
    Candidate, Content, Digest, Evidence, Expected, Narrowed, Seen, Settled, Severity, Sighting, State, Step,
};

fn candidate(image: &str) -> Candidate {
    let dev = environment("dev", "dev.example", None);
    let production = environment("production", "prod.example", Some("dev"));
    candidates(&production.clone(), &[dev, production], &[change(image)]).candidates.remove(0)
}

/// A candidate of the `i`th environment of dev, staging and production, each promoted from the one before.
fn in_chain(i: usize, image: &str) -> Candidate {
    let environments = [
        environment("dev", "dev.example", None),
        environment("staging", "staging.example", Some("dev")),
        environment("production", "prod.example", Some("staging")),
    ];
    candidates(&environments[i], &environments, &[change(image)]).candidates.remove(0)
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
    let (state, message) =
        refusal(settle_one("prod.example/api:1", evidence(sighting(Some(&one), None), sighting(Some(&other), None))));
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
    let content = Content { size_bytes: 7, platforms: vec!["linux/amd64".into()], ..Content::default() };
    let first =
        Evidence { content: Some(content.clone()), ..evidence(sighting(Some(&one), None), sighting(None, None)) };
    let plan = settle(
        vec![
            (in_chain(1, "staging.example/api:1"), first),
            (in_chain(2, "prod.example/api:1"), evidence(sighting(None, None), sighting(None, None))),
        ],
        Vec::new(),
    );
    let last = step(plan.settled[1].clone());
    assert_eq!((last.after, last.digest, last.content), (Some(0), one, Some(content)));
}

#[test]
fn a_source_that_is_refused_itself_feeds_nobody() {
    let (one, other) = digests();
    let plan = settle(
        vec![
            (in_chain(1, "staging.example/api:1"), evidence(sighting(Some(&one), None), sighting(Some(&other), None))),
            (in_chain(2, "prod.example/api:1"), evidence(sighting(Some(&other), None), sighting(None, None))),
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
    let unasked = |digest: Option<&Digest>| Sighting { tag: Seen::Unasked, ..sighting(None, digest) };
    let plan = settle(
        vec![
            (in_chain(1, &format!("staging.example/api@{one}")), evidence(unasked(Some(&one)), unasked(Some(&one)))),
            (in_chain(2, &format!("prod.example/api@{one}")), evidence(unasked(Some(&one)), unasked(None))),
        ],
        Vec::new(),
    );
    assert_eq!(step(plan.settled[1].clone()).after, None);
}

#[test]
fn a_digest_is_held_against_the_tag_an_earlier_step_brings() {
    let (one, other) = digests();
    let settled = |digest: &Digest| {
        let first = (in_chain(1, "staging.example/api:1"), evidence(sighting(Some(&one), None), sighting(None, None)));
        let image = format!("prod.example/api:1@{digest}");
        let second = (in_chain(2, &image), evidence(sighting(None, None), sighting(None, None)));
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
            for (digest_at_source, digest_there) in seen[..2].iter().flat_map(|a| seen[..2].iter().map(move |b| (a, b)))
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

#[test]
fn what_is_larger_than_its_environment_takes_is_refused() {
    let (one, _) = digests();
    let settled = |size_bytes: Option<u64>, seen: Sighting| {
        let mut limited = candidate("prod.example/api:1");
        limited.copy.max_size_bytes = Some(100);
        let content = size_bytes.map(|size_bytes| Content { size_bytes, ..Content::default() });
        let evidence = Evidence { content, ..evidence(sighting(Some(&one), None), seen) };
        settle(vec![(limited, evidence)], Vec::new()).settled.remove(0)
    };
    step(settled(Some(100), sighting(None, None)));
    let (state, message) = refusal(settled(Some(101), sighting(None, None)));
    assert_eq!(state, State::Missing);
    assert!(message.contains("has 101 bytes, and production takes 100 at most"), "{message}");
    assert!(refusal(settled(None, sighting(None, None))).1.contains("cannot tell"));
    // What is there already is not asked.
    step(settled(None, sighting(Some(&one), None)));
}

fn narrowed_to(from: &Digest, digest: &Digest) -> Option<Content> {
    let narrowed = Narrowed { from: from.clone(), digest: digest.clone(), left_out: vec!["linux/arm64".to_owned()] };
    Some(Content { platforms: vec!["linux/amd64".to_owned()], narrowed: Some(narrowed), ..Content::default() })
}

fn wanting(image: &str, platforms: &[&str]) -> Candidate {
    let mut one = candidate(image);
    one.copy.platforms = platforms.iter().map(|platform| platform.parse().unwrap()).collect();
    one
}

#[test]
fn an_index_without_some_platforms_is_pinned_to_what_is_left() {
    let (whole, rest) = digests();
    let settled = |image: &str, there: Option<&Digest>| {
        let seen = Evidence {
            content: narrowed_to(&whole, &rest),
            ..evidence(sighting(Some(&whole), Some(&whole)), sighting(there, None))
        };
        settle(vec![(wanting(image, &["linux/amd64"]), seen)], Vec::new()).settled.remove(0)
    };
    let missing = step(settled("prod.example/api:1", None));
    assert_eq!((&missing.digest, missing.present), (&rest, false));
    let told = super::super::before(&missing);
    assert_eq!((told[0].rule.as_str(), told[0].severity), ("platforms-left-out", Severity::Note));
    for there in [&rest, &whole] {
        let present = step(settled("prod.example/api:1", Some(there)));
        assert_eq!((&present.digest, present.present), (there, true));
    }
    let third = Digest::of(b"third");
    assert_eq!(refusal(settled("prod.example/api:1", Some(&third))).0, State::Conflict);
    let (state, message) = refusal(settled(&format!("prod.example/api:1@{whole}"), None));
    assert_eq!(state, State::Conflict);
    assert!(message.contains(&format!("would have the digest {rest} without linux/arm64")), "{message}");
}

#[test]
fn an_image_for_none_of_the_wanted_platforms_is_refused() {
    let (one, _) = digests();
    let settled = |platforms: &[&str], own: &[&str]| {
        let content = Content { platforms: own.iter().map(|own| (*own).to_owned()).collect(), ..Content::default() };
        let seen = Evidence { content: Some(content), ..evidence(sighting(Some(&one), None), sighting(None, None)) };
        settle(vec![(wanting("prod.example/api:1", platforms), seen)], Vec::new()).settled.remove(0)
    };
    let message = refusal(settled(&["linux/amd64", "linux/arm64"], &["windows/amd64"])).1;
    assert!(message.contains("is made for windows/amd64, and production wants linux/amd64, linux/arm64"), "{message}");
    step(settled(&["linux/amd64"], &["linux/amd64"]));
    step(settled(&["linux/amd64"], &[]));
    step(settled(&[], &["windows/amd64"]));
}

#[test]
fn other_platforms_than_the_earlier_environment_s_wait_for_it() {
    let (one, rest) = digests();
    let settled = |platforms: &[&str]| {
        let first = Evidence {
            content: narrowed_to(&one, &rest),
            ..evidence(sighting(Some(&one), None), sighting(None, None))
        };
        let with = |mut one: Candidate, platforms: &[&str]| {
            one.copy.platforms = platforms.iter().map(|platform| platform.parse().unwrap()).collect();
            one
        };
        let nothing = evidence(sighting(None, None), sighting(None, None));
        let both = vec![
            (with(in_chain(1, "staging.example/api:1"), &["linux/amd64"]), first),
            (with(in_chain(2, "prod.example/api:1"), platforms), nothing),
        ];
        settle(both, Vec::new()).settled.remove(1)
    };
    for platforms in [&["linux/amd64"][..], &[]] {
        let last = step(settled(platforms));
        assert_eq!((last.after, &last.digest), (Some(0), &rest));
        assert_eq!(last.content.unwrap().narrowed, None, "it is copied whole from there");
    }
    assert_eq!(refusal(settled(&["linux/arm64"])).0, State::Unknown);
}
