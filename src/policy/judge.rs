//! Asking every policy that is in force.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::approved::Verdict;
use super::complaint::{Complaint, Vulnerable};
use super::dossier::Dossier;
use super::exceptions::{BreakGlass, Exceptions};
use super::read::Policy;
use super::rule::Rule;
use super::subject::{Needs, Subject};
use super::waivers::Waiver;
use crate::domain::{Candidate, Cause, Digest, Exception, ExceptionKind, Finding, Glob, Plan, Settled, Severity, Step};
use crate::signature::Signer;

/// How many vulnerabilities a finding names.
const MOST_NAMED: usize = 5;

/// The policies an environment names, with the signers and the waivers beside them.
#[derive(Debug, Clone, Default)]
pub struct InForce {
    /// The policies; all that fit an image must pass.
    pub policies: Vec<Policy>,
    /// Whether a folder was named: then an image that no policy is for is denied.
    pub from_folder: bool,
    /// Whose signatures count.
    pub signers: Arc<Vec<Signer>>,
    /// Exceptions.
    pub waivers: Vec<Waiver>,
    /// The files all of this was read from, each with the digest of its text.
    pub files: Vec<(String, Digest)>,
}

/// What a plan is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The policies of each environment.
    pub in_force: &'a BTreeMap<String, InForce>,
    /// What was learnt of each of [`Plan::settled`], in its order.
    pub dossiers: &'a [Arc<Dossier>],
    /// When it is judged.
    pub now: Timestamp,
    /// Rules that somebody decided to skip.
    pub break_glass: Option<&'a BreakGlass>,
    /// From which severity on a finding is a no.
    pub deny_from: Severity,
    /// Whether nobody was asked anything: rules that need to know more than the repository says are left out.
    pub offline: bool,
}

/// What the policies say of a plan.
#[derive(Debug, Default)]
pub struct Judgement {
    /// What is said of each step.
    pub verdicts: Vec<Verdict>,
    /// What is to be said of waivers, by environment.
    pub remarks: Vec<(String, Finding)>,
    /// The rules that were left out, since nobody was asked.
    pub left_out: BTreeSet<String>,
}

/// Returns what the rules have to know of each of [`Plan::settled`], in its order.
#[must_use]
pub fn needs(plan: &Plan, in_force: &BTreeMap<String, InForce>) -> Vec<Needs> {
    let of = |settled: &Settled| {
        let mut needs = Needs::default();
        // What is refused is refused, whatever hangs on it.
        if !matches!(settled, Settled::Refused(_)) {
            for (policy, rule) in asked(in_force, settled.candidate()).flat_map(|(_, policy)| rules(policy)) {
                rule.needs(&policy.name, &mut needs);
            }
            // Nobody weighed what is not copied.
            let is_external = matches!(settled, Settled::External(_)) && settled.candidate().to.digest().is_some();
            let is_judged = || asked(in_force, settled.candidate()).next().is_some();
            needs.tag = is_external && settled.candidate().to.effective_tag().is_some() && is_judged();
        }
        needs
    };
    plan.settled.iter().map(of).collect()
}

fn asked<'a>(
    in_force: &'a BTreeMap<String, InForce>,
    candidate: &'a Candidate,
) -> impl Iterator<Item = (&'a InForce, &'a Policy)> {
    let set = in_force.get(&candidate.environment);
    let all = set.into_iter().flat_map(|set| set.policies.iter().map(move |policy| (set, policy)));
    all.filter(|(_, policy)| policy.applies(&candidate.environment, candidate.to.repository()))
}

fn rules(policy: &Policy) -> impl Iterator<Item = (&Policy, &Rule)> {
    policy.rules.iter().filter(|rule| !rule.is_off()).map(move |rule| (policy, rule))
}

/// Judges every candidate of `plan`, external and refused ones too, by the policies of its environment. What is denied
/// cannot be another step's source.
#[must_use]
pub fn judge(plan: &Plan, facts: &Facts<'_>) -> Judgement {
    let exceptions = Exceptions::new(facts.break_glass, facts.now);
    let (mut verdicts, mut left_out) = (Vec::new(), BTreeSet::new());
    for (step, settled) in plan.settled.iter().enumerate() {
        for opinion in opinions(facts, step, settled, &exceptions) {
            left_out.extend((opinion.asked == Asked::Offline).then_some(opinion.rule));
            verdicts.extend(opinion.findings.into_iter().map(|finding| Verdict { step, finding }));
        }
        if let Some(source) = denied_source(plan, settled, &verdicts, facts.deny_from) {
            verdicts.push(Verdict { step, finding: source_denied(settled.candidate(), source) });
        }
    }
    Judgement { verdicts, remarks: exceptions.remarks(facts.in_force), left_out }
}

/// What one rule says of one image.
#[derive(Debug)]
pub struct Opinion {
    /// The rule's id.
    pub rule: String,
    /// What it has against the image.
    pub findings: Vec<Finding>,
    /// On what grounds it passes, where it has nothing.
    pub grounds: Option<String>,
    /// Whether it was asked.
    pub asked: Asked,
}

/// Whether a rule was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It was.
    Yes,
    /// It has to know more than the repository says, and nobody may be asked.
    Offline,
    /// The image is refused before any evidence is looked at.
    Refused,
}

/// Says what each rule says of one image, with the grounds of those that let it pass.
#[must_use]
pub fn explain_step(plan: &Plan, step: usize, facts: &Facts<'_>) -> Vec<Opinion> {
    let exceptions = Exceptions::new(facts.break_glass, facts.now);
    let Some(settled) = plan.settled.get(step) else { return Vec::new() };
    let mut opinions = opinions(facts, step, settled, &exceptions);
    for (policy, rule) in asked(facts.in_force, settled.candidate()).flat_map(|(_, policy)| rules(policy)) {
        let id = format!("{}/{}", policy.name, rule.name());
        let dossier = dossier(facts, step);
        let subject = subject(policy, settled, dossier, facts.now);
        let own =
            opinions.iter_mut().filter(|one| one.rule == id && one.findings.is_empty() && one.asked == Asked::Yes);
        own.for_each(|one| one.grounds = Some(rule.grounds(&subject)));
    }
    opinions
}

/// Says what the rules on signatures have against a step, by another dossier than the plan's: what was found where it went.
#[must_use]
pub fn signature_findings(step: &Step, dossier: &Dossier, facts: &Facts<'_>) -> Vec<Finding> {
    let settled = Settled::Step(step.clone());
    let exceptions = Exceptions::new(facts.break_glass, facts.now);
    let mut findings = Vec::new();
    for (set, policy) in asked(facts.in_force, &step.candidate) {
        let subject = subject(policy, &settled, dossier, facts.now);
        for (policy, rule) in rules(policy).filter(|(_, rule)| rule.is_signature()) {
            let id = format!("{}/{}", policy.name, rule.name());
            findings.extend(ask(set, (policy, rule, &id), &subject, &exceptions));
        }
    }
    findings
}

fn dossier<'a>(facts: &Facts<'a>, step: usize) -> &'a Dossier {
    static NOTHING: std::sync::LazyLock<Dossier> = std::sync::LazyLock::new(Dossier::default);
    facts.dossiers.get(step).map_or_else(|| &*NOTHING, |dossier| dossier.as_ref())
}

fn subject<'a>(policy: &'a Policy, settled: &'a Settled, dossier: &'a Dossier, now: Timestamp) -> Subject<'a> {
    let size_bytes = match settled {
        Settled::Step(step) => step.content.as_ref().map(|content| content.size_bytes),
        _ => None,
    };
    let digest = dossier.digest.as_ref().or_else(|| digest_of(settled));
    let is_external = matches!(settled, Settled::External(_));
    Subject { policy: &policy.name, candidate: settled.candidate(), is_external, digest, size_bytes, dossier, now }
}

/// The digest that evidence is about: of a narrowed index, that of the whole.
#[must_use]
pub fn digest_of(settled: &Settled) -> Option<&Digest> {
    match settled {
        Settled::Step(step) => {
            let whole =
                step.content.as_ref().and_then(|content| content.narrowed.as_ref()).map(|narrowed| &narrowed.from);
            Some(whole.unwrap_or(&step.digest))
        }
        Settled::Refused(refusal) => refusal.digest.as_ref(),
        Settled::External(candidate) => candidate.to.digest(),
    }
}

fn opinions(facts: &Facts<'_>, step: usize, settled: &Settled, exceptions: &Exceptions<'_>) -> Vec<Opinion> {
    let candidate = settled.candidate();
    let fitting: Vec<(&InForce, &Policy)> = asked(facts.in_force, candidate).collect();
    if let Some(set) = facts.in_force.get(&candidate.environment).filter(|_| fitting.is_empty()) {
        let finding = unjudged(candidate, set);
        return vec![Opinion { rule: finding.rule.clone(), findings: vec![finding], grounds: None, asked: Asked::Yes }];
    }
    let is_refused = matches!(settled, Settled::Refused(_));
    let mut opinions: Vec<Opinion> = disagreement(candidate, dossier(facts, step))
        .map(|finding| Opinion {
            rule: finding.rule.clone(),
            findings: vec![finding],
            grounds: None,
            asked: Asked::Yes,
        })
        .into_iter()
        .collect();
    for (set, policy) in fitting {
        let subject = subject(policy, settled, dossier(facts, step), facts.now);
        for (policy, rule) in rules(policy) {
            let id = format!("{}/{}", policy.name, rule.name());
            let mut needs = Needs::default();
            rule.needs(&policy.name, &mut needs);
            let asked = match () {
                () if needs.is_empty() => Asked::Yes,
                () if facts.offline => Asked::Offline,
                () if is_refused => Asked::Refused,
                () => Asked::Yes,
            };
            let findings = match asked {
                Asked::Offline | Asked::Refused => Vec::new(),
                Asked::Yes => ask(set, (policy, rule, &id), &subject, exceptions),
            };
            opinions.push(Opinion { rule: id, findings, grounds: None, asked });
        }
    }
    opinions
}

/// Says that an external image's tag is not what its digest is: what is written is not what runs.
fn disagreement(candidate: &Candidate, dossier: &Dossier) -> Option<Finding> {
    let (digest, to) = (candidate.to.digest()?, &candidate.to);
    let complaint = match dossier.tagged.as_ref()? {
        Ok(Some(found)) if found == digest => return None,
        Ok(Some(found)) => Complaint::new(
            candidate,
            format!("{to} names a tag and a digest that are two images: the tag is {found}"),
            "write the digest that the tag has, or the tag that belongs to the digest",
        ),
        Ok(None) => Complaint::new(candidate, format!("{to} names a tag that does not exist"), "correct the reference"),
        Err(gap) => {
            let message = format!("what the tag of {to} names could not be read: {}", gap.reason);
            Complaint { cause: gap.cause, ..Complaint::new(candidate, message, gap.hint.clone()) }
        }
    };
    Some(complaint.into_finding("tag-digest-mismatch", candidate))
}

/// Asks one rule, and sees what excuses its complaints.
fn ask(
    set: &InForce,
    (policy, rule, id): (&Policy, &Rule, &str),
    subject: &Subject<'_>,
    exceptions: &Exceptions<'_>,
) -> Vec<Finding> {
    let mut groups: Vec<(Option<Exception>, Vec<Complaint>)> = Vec::new();
    let complaints = rule.complaints(subject);
    exceptions.note_fitting(set, id, subject, &complaints);
    for mut complaint in complaints {
        let exception = exceptions.of(set, (policy, rule, id), subject, &mut complaint);
        let is_one_of_many = complaint.vulnerability.is_some();
        let same = |(other, all): &&mut (Option<Exception>, Vec<Complaint>)| {
            *other == exception && all[0].vulnerability.is_some() && all[0].most == complaint.most
        };
        match groups.iter_mut().find(same).filter(|_| is_one_of_many) {
            Some((_, all)) => all.push(complaint),
            None => groups.push((exception, vec![complaint])),
        }
    }
    groups.into_iter().filter_map(|(exception, all)| finding(id, subject.candidate, exception, all)).collect()
}

fn finding(id: &str, candidate: &Candidate, exception: Option<Exception>, all: Vec<Complaint>) -> Option<Finding> {
    let message = match all.as_slice() {
        [_, _, ..] => together(candidate, &all),
        _ => None,
    };
    let first = all.into_iter().next()?;
    let finding = first.into_finding(id, candidate);
    let message = message.unwrap_or(finding.message);
    Some(match exception {
        Some(exception) => {
            let message = format!("{message} [let pass: {}]", told(&exception));
            Finding { severity: Severity::Note, message, exception: Some(exception), ..finding }
        }
        None => Finding { message, ..finding },
    })
}

/// Says what lets something pass.
fn told(exception: &Exception) -> String {
    match exception.kind {
        ExceptionKind::Waiver => format!("waiver `{}` of {}: {}", exception.id, exception.by, exception.reason),
        ExceptionKind::BreakGlass => format!("glass broken by {}: {}", exception.by, exception.reason),
    }
}

/// Says several vulnerabilities in one sentence.
fn together(candidate: &Candidate, all: &[Complaint]) -> Option<String> {
    let told: Vec<&str> =
        all.iter().filter_map(|one| one.vulnerability.as_ref()).map(|one: &Vulnerable| one.told.as_str()).collect();
    let more = match told.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let named = told.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join("; ");
    Some(format!(
        "{} has {} vulnerabilities that are not allowed: {named}{more}",
        candidate.to.repository(),
        told.len()
    ))
}

/// The candidate that was to bring about the source of `settled`, when it is denied itself.
fn denied_source<'a>(plan: &'a Plan, settled: &Settled, verdicts: &[Verdict], from: Severity) -> Option<&'a Candidate> {
    let Settled::Step(Step { after: Some(earlier), .. }) = settled else {
        return None;
    };
    let is_denied = verdicts.iter().any(|verdict| verdict.step == *earlier && verdict.denies(from));
    is_denied.then(|| plan.settled[*earlier].candidate())
}

fn source_denied(candidate: &Candidate, source: &Candidate) -> Finding {
    Finding {
        rule: "source-refused".to_owned(),
        severity: Severity::Error,
        cause: Cause::Change,
        message: format!(
            "{} would be copied from {}, which is denied in {}",
            candidate.to, source.to, source.environment
        ),
        help: format!("put right what is said of {} in {}", source.to.repository(), source.environment),
        image: Some(candidate.to.repository().to_owned()),
        location: Some(candidate.image_use().location.clone()),
        width: 0,
        excerpt: None,
        exception: None,
    }
}

fn unjudged(candidate: &Candidate, set: &InForce) -> Finding {
    let globs = |policy: &Policy| policy.images.iter().flatten().map(Glob::as_str).collect::<Vec<_>>().join(", ");
    let others = set.policies.iter().take(MOST_NAMED).map(|policy| format!("{} is for {}", policy.name, globs(policy)));
    let others = others.collect::<Vec<_>>().join("; ");
    let others = if others.is_empty() { "the folder has none".to_owned() } else { others };
    let (repository, environment) = (candidate.to.repository(), &candidate.environment);
    Finding {
        rule: "no-policy".to_owned(),
        // Who names files, and no folder, says which images there are rules for.
        severity: if set.from_folder { Severity::Error } else { Severity::Warning },
        cause: Cause::Change,
        message: format!("no policy is for {repository} in {environment}: {others}"),
        help: "add it to the `images` of a policy in the environment's policy folder".to_owned(),
        image: Some(candidate.to.repository().to_owned()),
        location: Some(candidate.image_use().location.clone()),
        width: 0,
        excerpt: None,
        exception: None,
    }
}

#[cfg(test)]
mod tests;
