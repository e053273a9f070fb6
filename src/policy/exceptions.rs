//! Exceptions: waivers from the base revision, and the broken glass.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::complaint::Complaint;
use super::judge::InForce;
use super::pinned;
use super::read::Policy;
use super::rule::Rule;
use super::span::at;
use super::subject::Subject;
use super::waivers::Waiver;
use crate::domain::{Cause, Exception, ExceptionKind, Finding, Location, Severity};

/// A decision, made by somebody with a name, to let images pass that rules deny.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakGlass {
    /// The rules that are skipped: `<rule>`, or `<policy>/<rule>`.
    pub rules: Vec<String>,
    /// Why.
    pub reason: String,
    /// Who runs this, as far as the surroundings say.
    pub who: String,
}

impl BreakGlass {
    fn names(&self, policy: &Policy, rule: &Rule) -> bool {
        let is_meant = |name: &String| {
            rule.is_called(name)
                || name
                    .strip_prefix(&policy.name)
                    .and_then(|rest| rest.strip_prefix('/'))
                    .is_some_and(|rest| rule.is_called(rest))
        };
        self.rules.iter().any(is_meant)
    }

    /// Says why this cannot be done under the policies in force; each rule must be one that a policy lets skip.
    ///
    /// # Errors
    /// What is wrong, and the way out.
    pub fn check(&self, policies: &[&Policy]) -> Result<(), (String, String)> {
        if !self.reason.chars().any(char::is_alphanumeric) {
            return Err(("--break-glass needs a reason".to_owned(), "say why with --reason TEXT".to_owned()));
        }
        for name in &self.rules {
            if name.rsplit('/').next() == Some(pinned::NAME) {
                let hint = "what is copied is what was reviewed, whatever happens".to_owned();
                return Err(("the rule `digest` can never be skipped".to_owned(), hint));
            }
            let alone = Self { rules: vec![name.clone()], ..self.clone() };
            let mut all =
                policies.iter().copied().flat_map(|policy| policy.rules.iter().map(move |rule| (policy, rule)));
            if !all.any(|(policy, rule)| alone.names(policy, rule) && policy.lets_skip(rule)) {
                let may: BTreeSet<String> = policies
                    .iter()
                    .flat_map(|p| p.may_skip.iter().map(move |rule| format!("{}/{rule}", p.name)))
                    .collect();
                let hint = match may.is_empty() {
                    true => "no policy has `break_glass: {may_skip: […]}` at the base".to_owned(),
                    false => format!("may be skipped: {}", may.into_iter().collect::<Vec<_>>().join(", ")),
                };
                return Err((format!("no policy at the base lets --break-glass skip `{name}`"), hint));
            }
        }
        Ok(())
    }
}

/// What is applied to complaints, and what became of it.
pub(super) struct Exceptions<'a> {
    pub(super) break_glass: Option<&'a BreakGlass>,
    pub(super) now: Timestamp,
    /// Waivers that let something pass, by environment and id.
    used: RefCell<BTreeSet<(String, String)>>,
    /// Waivers whose rule was asked about an image they fit.
    fitted: RefCell<BTreeSet<(String, String)>>,
    /// Waivers whose rule could not tell whether they are needed.
    untold: RefCell<BTreeSet<(String, String)>>,
}

impl<'a> Exceptions<'a> {
    pub(super) fn new(break_glass: Option<&'a BreakGlass>, now: Timestamp) -> Self {
        Self { break_glass, now, used: RefCell::default(), fitted: RefCell::default(), untold: RefCell::default() }
    }

    /// Notes which waivers are for an image that a rule was asked about, and could tell what it has against it.
    pub(super) fn note_fitting(&self, set: &InForce, id: &str, subject: &Subject<'_>, complaints: &[Complaint]) {
        // Without a report that counts, which vulnerabilities there are is not known.
        let is_blind = complaints.iter().any(|one| one.most >= Severity::Warning && one.vulnerability.is_none());
        for waiver in set.waivers.iter().filter(|waiver| waiver.rule == id && fits(waiver, subject)) {
            let kept = if is_blind && waiver.vulnerability.is_some() { &self.untold } else { &self.fitted };
            kept.borrow_mut().insert((subject.candidate.environment.clone(), waiver.id.clone()));
        }
    }

    /// Finds what lets a complaint pass.
    pub(super) fn of(
        &self,
        set: &InForce,
        (policy, rule, id): (&Policy, &Rule, &str),
        subject: &Subject<'_>,
        complaint: &mut Complaint,
    ) -> Option<Exception> {
        if complaint.most < Severity::Warning {
            return None;
        }
        let is_about = |waiver: &&Waiver| {
            let same = |wanted: &String| complaint.vulnerability.as_ref().is_some_and(|one| one.is_called(wanted));
            waiver.rule == id && fits(waiver, subject) && waiver.vulnerability.as_ref().is_none_or(same)
        };
        let (expired, holding): (Vec<&Waiver>, Vec<&Waiver>) =
            set.waivers.iter().filter(is_about).partition(|waiver| waiver.is_expired(self.now));
        if let Some(waiver) = holding.first() {
            self.used.borrow_mut().insert((subject.candidate.environment.clone(), waiver.id.clone()));
            let ticket = waiver.ticket.as_ref().map(|ticket| format!(", {ticket}")).unwrap_or_default();
            return Some(Exception {
                kind: ExceptionKind::Waiver,
                id: waiver.id.clone(),
                by: waiver.owner.clone(),
                reason: format!("{}{ticket}, until {}", waiver.reason, at(waiver.expires)),
            });
        }
        if let Some(waiver) = expired.first() {
            let ended = format!("; the waiver `{}` of {} expired at {}", waiver.id, waiver.owner, at(waiver.expires));
            complaint.message.push_str(&ended);
            complaint.vulnerability.iter_mut().for_each(|one| one.told.push_str(&ended));
        }
        let glass = self.break_glass.filter(|glass| policy.lets_skip(rule) && glass.names(policy, rule))?;
        Some(Exception {
            kind: ExceptionKind::BreakGlass,
            id: id.to_owned(),
            by: glass.who.clone(),
            reason: glass.reason.clone(),
        })
    }

    /// Says which waivers are no longer needed, or end soon.
    pub(super) fn remarks(&self, in_force: &BTreeMap<String, InForce>) -> Vec<(String, Finding)> {
        let mut remarks = Vec::new();
        for (environment, set) in in_force {
            let is = |set: &RefCell<BTreeSet<_>>, waiver: &Waiver| {
                set.borrow().contains(&(environment.clone(), waiver.id.clone()))
            };
            let mut idle = Vec::new();
            let is_own = |waiver: &&Waiver| {
                let policy = waiver.rule.split('/').next();
                set.policies.iter().any(|own| Some(own.name.as_str()) == policy)
            };
            for waiver in set.waivers.iter().filter(is_own) {
                let (used, fitted) = (is(&self.used, waiver), is(&self.fitted, waiver));
                let said = match (used, fitted) {
                    (true, _) if waiver.ends_soon(self.now) => Some(ends_soon(waiver)),
                    (false, true) if !waiver.is_expired(self.now) && !is(&self.untold, waiver) => Some(unused(waiver)),
                    (false, false) if !is(&self.untold, waiver) => {
                        idle.push(waiver);
                        None
                    }
                    _ => None,
                };
                remarks.extend(said.map(|finding| (environment.clone(), finding)));
            }
            remarks.extend(idle_waivers(&idle).map(|finding| (environment.clone(), finding)));
        }
        remarks
    }
}

/// Tells whether a waiver is about an image. Names say nothing of who pushed an image into a registry of others: there only a
/// waiver for one digest holds.
fn fits(waiver: &Waiver, subject: &Subject<'_>) -> bool {
    waiver.fits(subject.candidate.to.repository(), subject.digest) && (!subject.is_external || waiver.digest.is_some())
}

fn ends_soon(waiver: &Waiver) -> Finding {
    let message = format!("the waiver `{}` of {} ends soon, at {}", waiver.id, waiver.owner, at(waiver.expires));
    remark("waiver-ends-soon", Severity::Warning, message, "put right what it excuses, or have it decided anew", waiver)
}

fn unused(waiver: &Waiver) -> Finding {
    let message =
        format!("the waiver `{}` of {} is not needed: {} has nothing to waive", waiver.id, waiver.owner, waiver.rule);
    remark("waiver-unused", Severity::Warning, message, "take it out of the waivers file", waiver)
}

/// Waivers of images that are no part of the change: one remark for all.
fn idle_waivers(idle: &[&Waiver]) -> Option<Finding> {
    let first = idle.first()?;
    let ids: Vec<&str> = idle.iter().map(|waiver| waiver.id.as_str()).collect();
    let message = format!("nothing of this change needed: waivers {}", ids.join(", "));
    Some(remark(
        "waiver-unused",
        Severity::Note,
        message,
        "promote-bot policy lint tells of waivers that fit nothing",
        first,
    ))
}

fn remark(rule: &str, severity: Severity, message: String, help: &str, waiver: &Waiver) -> Finding {
    Finding {
        rule: rule.to_owned(),
        severity,
        cause: Cause::Change,
        message,
        help: help.to_owned(),
        image: None,
        location: Some(Location::new(waiver.file.clone(), waiver.line, 1)),
        width: 0,
        excerpt: None,
        exception: None,
    }
}
