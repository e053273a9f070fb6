//! What policies say together, waivers and the broken glass included.

use super::super::testing::{NOW, candidate};
use super::super::{BreakGlass, approve, read, read_waivers};
use super::*;
use crate::domain::{Digest, ExceptionKind, Expected};

fn plan(images: &[&str]) -> Plan {
    let step = |image: &&str| {
        Settled::Step(Step {
            candidate: candidate(image, None),
            digest: Digest::of(b"x"),
            expected: Expected::Absent,
            present: false,
            content: None,
            after: None,
        })
    };
    Plan { settled: images.iter().map(step).collect() }
}

fn facts(in_force: &BTreeMap<String, InForce>) -> Facts<'_> {
    Facts { in_force, dossiers: &[], now: NOW, break_glass: None, deny_from: Severity::Error, offline: false }
}

fn asked(plan: &Plan, in_force: &BTreeMap<String, InForce>) -> Vec<Verdict> {
    judge(plan, &facts(in_force)).verdicts
}

fn in_force(from_folder: bool) -> BTreeMap<String, InForce> {
    let text = "version: 1\npolicy: p\nimages: ['shop/**']\nrules: {tag: {forbid: [latest]}}\n";
    let policies = vec![read("p.yaml", text.as_bytes()).unwrap()];
    BTreeMap::from([("production".to_owned(), InForce { policies, from_folder, ..InForce::default() })])
}

#[test]
fn only_steps_that_no_rule_denies_are_approved() {
    let plan = plan(&["prod.example/shop/api:1", "prod.example/shop/worker:latest"]);
    let verdicts = asked(&plan, &in_force(false));
    assert_eq!(verdicts[0].finding.rule, "p/tag");
    let approved = approve(plan, &verdicts, Severity::Error);
    assert_eq!(approved.steps().map(|(index, _)| index).collect::<Vec<_>>(), [0]);
}

#[test]
fn a_folder_denies_what_no_policy_is_for() {
    let plan = plan(&["prod.example/other:1"]);
    let finding = asked(&plan, &in_force(false)).remove(0).finding;
    assert_eq!((finding.rule.as_str(), finding.severity), ("no-policy", Severity::Warning));
    let finding = asked(&plan, &in_force(true)).remove(0).finding;
    assert_eq!(
        (finding.rule.as_str(), finding.message.as_str()),
        ("no-policy", "no policy is for other in production: p is for shop/**")
    );
}

#[test]
fn a_step_goes_only_with_the_one_that_brings_its_source() {
    let mut plan = plan(&["prod.example/shop/a:latest", "prod.example/shop/b:1"]);
    if let Settled::Step(step) = &mut plan.settled[1] {
        step.after = Some(0);
    }
    let verdicts = asked(&plan, &in_force(false));
    assert_eq!(verdicts[1].finding.rule, "source-refused");
    assert_eq!(approve(plan, &verdicts, Severity::Error).steps().count(), 0);
}

#[test]
fn a_warning_denies_where_a_no_begins_there_and_stays_a_warning() {
    let text = "version: 1\npolicy: p\nrules: {tag: {forbid: [latest], level: warn}}\n";
    let policies = vec![read("p.yaml", text.as_bytes()).unwrap()];
    let in_force = BTreeMap::from([("production".to_owned(), InForce { policies, ..InForce::default() })]);
    let plan = plan(&["prod.example/shop/a:latest"]);
    let verdict = asked(&plan, &in_force).remove(0);
    assert_eq!(verdict.finding.severity, Severity::Warning);
    assert!(!verdict.denies(Severity::Error) && verdict.denies(Severity::Warning));
}

const LATEST: &str = "prod.example/shop/api:latest";

fn with_waiver(waiver: &str) -> BTreeMap<String, InForce> {
    let text = format!("waivers: [{{id: w1, images: 'shop/**', owner: ann, reason: a beta, {waiver}}}]\n");
    let mut sets = in_force(false);
    sets.get_mut("production").unwrap().waivers = read_waivers("policies/waivers.yaml", text.as_bytes(), NOW).unwrap();
    sets
}

fn remarks(judgement: &Judgement) -> Vec<String> {
    judgement.remarks.iter().map(|(_, finding)| format!("{}: {}", finding.severity.word(), finding.message)).collect()
}

#[test]
fn a_waiver_lets_pass_says_so_and_is_counted_apart() {
    let sets = with_waiver("rule: p/tag, expires: 2026-12-24");
    let judgement = judge(&plan(&[LATEST]), &facts(&sets));
    let finding = &judgement.verdicts[0].finding;
    assert_eq!(finding.severity, Severity::Note);
    assert_eq!(finding.exception.as_ref().unwrap().kind, ExceptionKind::Waiver);
    assert!(
        finding.message.ends_with("[let pass: waiver `w1` of ann: a beta, until 2026-12-25 00:00 UTC]"),
        "{}",
        finding.message
    );
    assert!(!judgement.verdicts[0].denies(Severity::Note));
    assert!(judgement.remarks.is_empty());
}

#[test]
fn an_expired_waiver_excuses_nothing_and_is_named_in_the_denial() {
    let sets = with_waiver("rule: p/tag, expires: 2026-11-20");
    let judgement = judge(&plan(&[LATEST]), &facts(&sets));
    let finding = &judgement.verdicts[0].finding;
    assert_eq!(finding.severity, Severity::Error);
    assert!(
        finding.message.ends_with("; the waiver `w1` of ann expired at 2026-11-21 00:00 UTC"),
        "{}",
        finding.message
    );
}

#[test]
fn a_waiver_is_for_one_rule_one_digest_and_these_images() {
    let other = Digest::of(b"other");
    for waiver in [
        "rule: p/digest, expires: 2026-12-24".to_owned(),
        format!("rule: p/tag, digest: '{other}', expires: 2026-12-24"),
        "rule: p/tag, vulnerability: CVE-1, expires: 2026-12-24".to_owned(),
    ] {
        let judgement = judge(&plan(&[LATEST]), &facts(&with_waiver(&waiver)));
        assert_eq!(judgement.verdicts[0].finding.severity, Severity::Error, "{waiver}");
    }
}

#[test]
fn in_a_registry_of_others_a_waiver_holds_for_a_digest_alone() {
    let digest = Digest::of(b"theirs");
    let theirs = format!("other.example/shop/api:latest@{digest}");
    let mut plan = plan(&[&theirs]);
    plan.settled = plan.settled.into_iter().map(|settled| Settled::External(settled.candidate().clone())).collect();
    for (waiver, denied) in [("", true), (&*format!(", digest: '{digest}'"), false)] {
        let sets = with_waiver(&format!("rule: p/tag, expires: 2026-12-24{waiver}"));
        let denies = |verdict: &Verdict| verdict.finding.rule == "p/tag" && verdict.denies(Severity::Error);
        assert_eq!(judge(&plan, &facts(&sets)).verdicts.iter().any(denies), denied, "{waiver}");
    }
}

#[test]
fn what_is_not_needed_or_ends_soon_is_told() {
    let unneeded = judge(&plan(&["prod.example/shop/api:1"]), &facts(&with_waiver("rule: p/tag, expires: 2026-12-24")));
    assert_eq!(remarks(&unneeded), ["warning: the waiver `w1` of ann is not needed: p/tag has nothing to waive"]);
    let soon = judge(&plan(&[LATEST]), &facts(&with_waiver("rule: p/tag, expires: 2026-11-30")));
    assert_eq!(remarks(&soon), ["warning: the waiver `w1` of ann ends soon, at 2026-12-01 00:00 UTC"]);
    let elsewhere = judge(&plan(&["prod.example/else:1"]), &facts(&with_waiver("rule: p/tag, expires: 2026-12-24")));
    assert_eq!(remarks(&elsewhere), ["note: nothing of this change needed: waivers w1"]);
    // Without a report nobody knows what there is to waive.
    let mut sets = with_waiver("rule: p/vulnerabilities, vulnerability: CVE-1, expires: 2026-12-24");
    let text = "version: 1\npolicy: p\nrules: {vulnerabilities: {deny: [{severity: high}]}}\n";
    sets.get_mut("production").unwrap().policies = vec![read("p.yaml", text.as_bytes()).unwrap()];
    let blind = judge(&plan(&[LATEST]), &facts(&sets));
    assert_eq!((blind.verdicts.len(), remarks(&blind)), (1, Vec::new()));
}

fn breakable(may_skip: &str) -> BTreeMap<String, InForce> {
    let text =
        format!("version: 1\npolicy: p\nrules: {{tag: {{forbid: [latest]}}, digest: {{pinned: true}}}}\n{may_skip}");
    let policies = vec![read("p.yaml", text.as_bytes()).unwrap()];
    BTreeMap::from([("production".to_owned(), InForce { policies, ..InForce::default() })])
}

fn glass(rules: &[&str]) -> BreakGlass {
    let rules = rules.iter().map(|rule| (*rule).to_owned()).collect();
    BreakGlass { rules, reason: "the shop is down".to_owned(), who: "ann".to_owned() }
}

#[test]
fn broken_glass_lets_pass_what_the_policy_lists_and_nothing_else() {
    let sets = breakable("break_glass: {may_skip: [tag]}\n");
    for name in ["tag", "p/tag"] {
        let glass = glass(&[name]);
        assert_eq!(glass.check(&sets.values().flat_map(|set| &set.policies).collect::<Vec<_>>()), Ok(()));
        let verdicts = judge(&plan(&[LATEST]), &Facts { break_glass: Some(&glass), ..facts(&sets) }).verdicts;
        let said: Vec<_> = verdicts.iter().map(|one| (one.finding.rule.as_str(), one.finding.severity)).collect();
        assert_eq!(said, [("p/tag", Severity::Note), ("p/digest", Severity::Error)]);
        assert!(verdicts[0].is_through_broken_glass() && !verdicts[1].is_through_broken_glass());
        assert!(verdicts[0].finding.message.contains("[let pass: glass broken by ann: the shop is down]"));
    }
}

#[test]
fn glass_that_the_policy_does_not_let_break_is_refused() {
    let (open, closed) = (breakable("break_glass: {may_skip: [tag]}\n"), breakable(""));
    let told = |sets: &BTreeMap<String, InForce>, glass: BreakGlass| {
        glass.check(&sets.values().flat_map(|set| &set.policies).collect::<Vec<_>>()).unwrap_err().0
    };
    assert_eq!(told(&closed, glass(&["tag"])), "no policy at the base lets --break-glass skip `tag`");
    assert_eq!(told(&open, glass(&["tag", "q/tag"])), "no policy at the base lets --break-glass skip `q/tag`");
    assert_eq!(told(&open, glass(&["digest"])), "the rule `digest` can never be skipped");
    assert_eq!(told(&open, glass(&["p/digest"])), "the rule `digest` can never be skipped");
    let silent = BreakGlass { reason: " ".to_owned(), ..glass(&["tag"]) };
    assert_eq!(told(&open, silent), "--break-glass needs a reason");
    // Even were it not checked, nothing passes that is not listed.
    let glass = glass(&["tag", "digest"]);
    let verdicts = judge(&plan(&[LATEST]), &Facts { break_glass: Some(&glass), ..facts(&closed) }).verdicts;
    assert!(verdicts.iter().all(|verdict| verdict.denies(Severity::Error)) && verdicts.len() == 2);
}

#[test]
fn offline_rules_that_need_to_know_more_are_left_out_and_told() {
    let text = "version: 1\npolicy: p\nrules: {tag: {forbid: [latest]}, signature: {}}\n";
    let policies = vec![read("p.yaml", text.as_bytes()).unwrap()];
    let sets = BTreeMap::from([("production".to_owned(), InForce { policies, ..InForce::default() })]);
    let judgement = judge(&plan(&[LATEST]), &Facts { offline: true, ..facts(&sets) });
    assert_eq!(judgement.verdicts.len(), 1);
    assert_eq!(judgement.left_out.into_iter().collect::<Vec<_>>(), ["p/signature"]);
    // Asked and not answered is a no.
    assert_eq!(judge(&plan(&["prod.example/shop/api:1"]), &facts(&sets)).verdicts[0].finding.rule, "p/signature");
}

#[test]
fn an_external_image_whose_tag_is_not_its_digest_is_denied() {
    let digest = Digest::of(b"x");
    let image = format!("elsewhere.example/shop/api:1@{digest}");
    let plan = Plan { settled: vec![Settled::External(candidate(&image, None))] };
    let sets = in_force(false);
    assert!(needs(&plan, &sets)[0].tag);
    let told = |tagged: Result<Option<Digest>, super::super::Gap>| {
        let dossiers = [Arc::new(Dossier { tagged: Some(tagged), ..Dossier::default() })];
        let verdicts = judge(&plan, &Facts { dossiers: &dossiers, ..facts(&sets) }).verdicts;
        verdicts.into_iter().map(|verdict| (verdict.finding.rule, verdict.finding.severity)).collect::<Vec<_>>()
    };
    assert!(told(Ok(Some(digest))).is_empty());
    let no = [("tag-digest-mismatch".to_owned(), Severity::Error)];
    assert_eq!(told(Ok(Some(Digest::of(b"y")))), no);
    assert_eq!(told(Ok(None)), no);
}

#[test]
fn two_policies_of_one_name_are_a_fault() {
    let text = "version: 1\npolicy: p\nrules: {tag: {forbid: [latest]}}\n";
    let policies = vec![read("a.yaml", text.as_bytes()).unwrap(), read("b.yaml", text.as_bytes()).unwrap()];
    let set = InForce { policies, ..InForce::default() };
    let faults = set.faults(std::iter::empty());
    assert_eq!(
        (faults[0].file.as_str(), faults[0].message.as_str()),
        ("b.yaml", "the policy `p` is there twice: a.yaml has that name too")
    );
}
